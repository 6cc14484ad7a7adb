"""Packets: how they are forged, and how every device of a network namespace is watched."""

import ctypes
import os
import select
import socket
import struct
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_own = os.open("/proc/self/ns/net", os.O_RDONLY)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def within(namespace, make):
    """What `make` returns, made in a namespace of that name; `None` is our own. Sockets stay where they were made."""
    if namespace is None:
        return make()
    result = []

    def run():
        descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            _enter(descriptor)
            result.append(make())
        finally:
            os.close(descriptor)
            _enter(_own)

    # A namespace is a thread's: this one is thrown away.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result[0]


class Watch:
    """Sees every packet on every device of the namespaces. What comes in is seen before any filter, so that a forged
    packet shows at its sender's own port; a filter's work shows on the other devices."""

    def __init__(self, *namespaces):
        kind = socket.htons(3)  # ETH_P_ALL
        self._sockets = {}
        for namespace in namespaces:
            watching = within(namespace, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, kind))
            watching.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            self._sockets[watching] = namespace
        self._frames = []
        self._ends = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ends:
            ready, _, _ = select.select(list(self._sockets), [], [], 0.1)
            for watching in ready:
                frame, address = watching.recvfrom(65536)
                self._frames.append((self._sockets[watching], address[0], address[2], frame))

    def seen(self, text=None):
        """(namespace, device, whether it left there, frame) of each packet, or of those with that text in them."""
        frames = [(ns, device, kind == 4, frame) for ns, device, kind, frame in list(self._frames)]
        return [one for one in frames if text is None or text.encode() in one[3]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ends = True
        self._thread.join()
        for watching in self._sockets:
            watching.close()


def addresses(frame):
    """Source, target and protocol of an IPv4 packet; nothing of another."""
    if frame[12:14] != b"\x08\0":
        return None, None, None
    return socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), frame[23]


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source, target, kind, body):
    return (mac(target) + mac(source) + struct.pack("!H", kind) + body).ljust(60, b"\0")


def ip(source, target, protocol, body, fragment=0, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0x4C46, fragment, ttl, protocol, 0)
    both = socket.inet_aton(source) + socket.inet_aton(target)
    return head[:10] + struct.pack("!H", checksum(head + both)) + both + body


def udp(source, target, source_port, target_port, text, **options):
    payload = text.encode()
    # A sum of zero is none, which IPv4 allows.
    head = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0)
    return ip(source, target, 17, head + payload, **options)


def syn(source, target, port, text, source_port=31999):
    payload = text.encode()
    head = struct.pack("!HHIIBBHHH", source_port, port, 7, 0, 0x50, 2, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, len(head) + len(payload))
    total = checksum(pseudo + head + payload)
    return ip(source, target, 6, head[:16] + struct.pack("!H", total) + head[18:] + payload)


def arp(operation, sender_mac, sender, target_mac, target, text):
    """What comes after the twenty-eight bytes is padding, in which the text travels."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return head + mac(sender_mac) + socket.inet_aton(sender) + mac(target_mac) + socket.inet_aton(target) + text.encode()


def ip6(source, target, next_header, body):
    head = struct.pack("!IHBB", 6 << 28, len(body), next_header, 255)
    both = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    return head + both + body


def icmp6(source, target, kind, body):
    message = struct.pack("!BBH", kind, 0, 0) + body
    both = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    total = checksum(both + struct.pack("!II", len(message), 58) + message)
    return ip6(source, target, 58, message[:2] + struct.pack("!H", total) + message[4:])


def router_advertisement(source, text):
    """One that offers a prefix and itself as the router; the text lies in an option that nobody reads."""
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")
    option = text.encode().ljust(14, b"\0")
    body = struct.pack("!BBHII", 64, 0, 1800, 0, 0) + prefix + struct.pack("!BB", 200, 2) + option
    return icmp6(source, "ff02::1", 134, body)
