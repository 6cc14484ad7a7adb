"""A guest that lies: forged packets, other people's data, the machine's own addresses, a console without end."""

import glob
import ipaddress
import os
import subprocess
import time

import packets
import stage
from guest import until
from packets import Watch, arp, ethernet, icmp6, ip6, router_advertisement, syn, udp

EVERYBODY = "ff:ff:ff:ff:ff:ff"
STRANGER = "02:de:ad:be:ef:01"


def run(world):
    a, b, c = world.a, world.b, world.c
    # It prints while everything else goes on.
    c.sh("(while :; do echo 0123456789012345678901234567890123456789 \x1b]0;title\x07; done >/dev/console) >/dev/null 2>&1 </dev/null & echo $! >/tmp/printer")
    printing = time.monotonic()
    forged(world, a, b)
    machine(world, b)
    tokens(world, a, b)
    flood(world, a, b)
    endless(world, c, printing)


def forgeries(world, a, b):
    """Name and frame of each, with the name in the frame."""
    network = ipaddress.ip_network(world.ec2.describe_subnets(SubnetIds=[b.look()["SubnetId"]])["Subnets"][0]["CidrBlock"])
    gateway, free, directed = str(network[1]), str(network[-2]), str(network[-1])
    b.sh(f"ping -c 1 -W 2 {gateway} >/dev/null 2>&1; true")
    router = b.sh(f"ip neigh show {gateway}").split("lladdr ")[1].split()[0]

    def from_b(target, kind, body, source=b.mac):
        return ethernet(source, target, kind, body)

    def data(text, source=b.private, target=a.private, **options):
        return udp(source, target, 31999, 31998, text, **options)

    def tagged(text):
        return b"\0\7\x08\0" + data(text)

    four, resolution, six = 0x0800, 0x0806, 0x86DD
    link_local = "fe80::" + packets.mac(b.mac).hex()[:4] + ":1"
    yield "forged MAC", lambda t: from_b(router, four, data(t), STRANGER)
    yield "the neighbour's MAC", lambda t: from_b(router, four, data(t), a.mac)
    yield "the gateway's MAC", lambda t: from_b(router, four, data(t), router)
    yield "straight to the neighbour's MAC, forged source", lambda t: from_b(a.mac, four, data(t, source=free))
    yield "the neighbour as source", lambda t: from_b(router, four, data(t, source=a.private))
    yield "the neighbour as source, to the internet", lambda t: from_b(router, four, data(t, source=a.private, target=stage.WEB))
    yield "its own public address as source", lambda t: from_b(router, four, data(t, source=b.public))
    yield "a free address as source", lambda t: from_b(router, four, data(t, source=free))
    yield "the gateway as source", lambda t: from_b(router, four, data(t, source=gateway))
    yield "the internet as source", lambda t: from_b(router, four, data(t, source=stage.WEB))
    yield "the metadata service as source", lambda t: from_b(router, four, data(t, source="169.254.169.254"))
    yield "loopback as source", lambda t: from_b(router, four, data(t, source="127.0.0.1"))
    yield "nobody as source", lambda t: from_b(router, four, data(t, source="0.0.0.0"))
    yield "a fragment with a forged source", lambda t: from_b(router, four, data(t, source=free, fragment=0x2000))
    yield "within a VLAN", lambda t: from_b(router, 0x8100, tagged(t))
    yield "broadcast to all", lambda t: from_b(EVERYBODY, four, data(t, target="255.255.255.255"))
    yield "broadcast to the subnet", lambda t: from_b(EVERYBODY, four, data(t, target=directed))
    yield "multicast", lambda t: from_b("01:00:5e:00:00:01", four, data(t, target="224.0.0.1"))
    yield "to loopback", lambda t: from_b(router, four, data(t, target="127.0.0.1"))
    yield "to a free address", lambda t: from_b(router, four, data(t, target=free))
    yield "metadata in the neighbour's name", lambda t: from_b(router, four, syn(a.private, "169.254.169.254", 80, t))
    yield "ARP: I am the neighbour", lambda t: from_b(EVERYBODY, resolution, arp(2, b.mac, a.private, EVERYBODY, a.private, t))
    yield "ARP: the neighbour is me, to the gateway", lambda t: from_b(router, resolution, arp(2, b.mac, a.private, router, gateway, t))
    yield "ARP: I am the gateway", lambda t: from_b(EVERYBODY, resolution, arp(2, b.mac, gateway, EVERYBODY, gateway, t))
    yield "ARP: I am the gateway, to the neighbour", lambda t: from_b(a.mac, resolution, arp(2, b.mac, gateway, a.mac, a.private, t))
    yield "ARP: a stranger at my address", lambda t: from_b(EVERYBODY, resolution, arp(1, STRANGER, b.private, "00:00:00:00:00:00", a.private, t))
    yield "ARP: who has the neighbour, asked in its name", lambda t: from_b(EVERYBODY, resolution, arp(1, b.mac, a.private, "00:00:00:00:00:00", gateway, t))
    yield "DHCP offer to all", lambda t: from_b(EVERYBODY, four, udp(b.private, "255.255.255.255", 67, 68, t))
    yield "DHCP offer to the neighbour", lambda t: from_b(router, four, udp(b.private, a.private, 67, 68, t))
    yield "DHCP offer in the gateway's name", lambda t: from_b(EVERYBODY, four, udp(gateway, "255.255.255.255", 67, 68, t))
    yield "router advertisement", lambda t: from_b("33:33:00:00:00:01", six, router_advertisement(link_local, t))
    yield "neighbour advertisement", lambda t: from_b("33:33:00:00:00:01", six, icmp6(link_local, "ff02::1", 136, t.encode().rjust(40, b"\0")))
    yield "IPv6 to the neighbour", lambda t: from_b(a.mac, six, ip6("2001:db8::b", "2001:db8::a", 59, t.encode()))
    yield "IPv6 to the gateway", lambda t: from_b(router, six, ip6(link_local, "fe80::1", 59, t.encode()))
    yield "a protocol of its own", lambda t: from_b(EVERYBODY, 0x88B5, t.encode())
    yield "spanning tree", lambda t: from_b("01:80:c2:00:00:00", 0x0027, t.encode())


def forged(world, a, b):
    report, network = world.report, world.network
    neighbours = stage.run("ip", "-n", network, "neigh", "show")
    routes = stage.run("ip", "-n", network, "-6", "route", "show")
    known = a.sh("ip neigh show | sort")
    frames = [(name, f"LF-{number:02}.", make) for number, (name, make) in enumerate(forgeries(world, a, b))]
    with Watch(None, network, stage.INTERNET) as watch:
        gateway = b.sh("ip route show default").split()[2]
        router = b.sh(f"ip neigh show {gateway}").split("lladdr ")[1].split()[0]
        # An honest one, to show that what arrives is seen.
        honest = ethernet(b.mac, router, 0x0800, udp(b.private, a.private, 31999, 31998, "LF-honest"))
        b.forge([honest] + [make(text) for _, text, make in frames])
        until(lambda: watch.seen(frames[-1][1]))

        # What leaves at the sender's own port is the neighbour's word that nobody listens there.
        def arrived():
            return [device for _, device, leaves, frame in watch.seen("LF-honest") if leaves and packets.addresses(frame)[2] == 17]

        until(arrived)
        time.sleep(0.3)
        report.equal("an honest packet arrives", arrived(), [a.port])
        held = 0
        for name, text, _ in frames:
            found = watch.seen(text)
            sent = any(device == b.port and not leaves for _, device, leaves, _ in found)
            elsewhere = sorted({f"{ns or 'machine'}/{device}" for ns, device, leaves, _ in found if device != b.port or leaves})
            if not sent or elsewhere:
                report.check(f"nobody sees: {name}", False, f"{'seen at ' + ', '.join(elsewhere) if elsewhere else 'it was never sent'}")
            held += sent and not elsewhere
        report.equal("forged packets that nobody sees", held, len(frames))
        port = (31999).to_bytes(2, "big")
        answered = [device for _, device, leaves, frame in watch.seen() if leaves and packets.addresses(frame)[2] == 6 and frame[36:38] == port]
        report.equal("nobody answers in another's name", answered, [])
    report.equal("the network's neighbours are what they were", stage.run("ip", "-n", network, "neigh", "show"), neighbours)
    report.equal("and its IPv6 routes", stage.run("ip", "-n", network, "-6", "route", "show"), routes)
    before, after = ({line.split()[0]: line.split("lladdr ")[1].split()[0] for line in text.splitlines() if "lladdr" in line} for text in (known, a.sh("ip neigh show | sort")))
    report.check("and what the neighbour believes", all(after.get(key, value) == value for key, value in before.items()), after)
    report.equal("its connections go on", a.fetch(f"http://{stage.WEB}/"), stage.MACHINE)


def machine(world, b):
    """The machine's own addresses, its network's, and whatever else stands near it."""
    report = world.report
    gateway = b.sh("ip route show default").split()[2]
    own = [stage.MACHINE, "198.18.0.1", "169.254.0.1", "169.254.0.2", gateway, "169.254.169.254", "169.254.169.253"]
    port = int(stage.API.rsplit(":", 1)[1])
    targets = [(address, number) for address in own for number in (22, 8774, port)]
    targets += [(stage.ROUTER, 80), ("192.0.2.255", 80), ("100.64.0.1", 80)]
    world.trap.callers.clear()
    script = "\n".join(
        f"(nc -w 1 {address} {number} </dev/null >/dev/null 2>&1 && echo {address}:{number}; echo x | nc -u -w 1 {address} {number} >/dev/null 2>&1) &"
        for address, number in targets
    )
    with Watch(None, world.network) as watch:
        reached = b.sh(f"{script}\nwait").split()
        pinged = b.sh("\n".join(f"ping -c 1 -W 1 {address} >/dev/null 2>&1 && echo {address} &" for address in own[:2]) + "\nwait").split()
        seen = [(device, *packets.addresses(frame)) for namespace, device, leaves, frame in watch.seen() if namespace is None and leaves]
    # The ssh connection through which all of this is asked for is the machine's own.
    back = {(source, protocol) for device, source, target, protocol in seen if device == world.network and target == b.public and protocol != 6}
    left = {(source, target) for device, source, target, _ in seen if device == "wan0" and target not in (None, stage.RESOLVER)}
    report.equal(f"{len(targets)} ports of the machine, its networks and the services: none answers", reached, [])
    report.equal("no echo from the machine", pinged, [])
    report.equal("nothing got to the machine's own programs", world.trap.callers, [])
    report.equal("nothing came back from the machine", back, set())
    report.equal("nothing went out to its neighbours", left, set())


def tokens(world, a, b):
    report = world.report
    stolen = a.token()
    (status, body), = b.http(("GET", "/latest/meta-data/instance-id", stolen))
    report.equal("another's token is worth nothing", status, 401)
    # It takes the neighbour's address for its own, so that its own programs use it.
    b.sh(f"ip addr add {a.private}/32 dev eth0 && ip route add 169.254.169.254/32 dev eth0 src {a.private}")
    got = b.http(("GET", "/latest/meta-data/instance-id"))
    b.sh(f"ip route del 169.254.169.254/32 && ip addr del {a.private}/32 dev eth0")
    report.check("the neighbour's address gets it no answer", got[0][0] == 0, got)
    report.equal("with its own it gets its own", b.http(("GET", "/latest/meta-data/instance-id"))[0][1].decode(), b.id)


def flood(world, a, b):
    """A guest that asks the services without end hinders only itself."""
    report = world.report
    asker = "while :; do nc -w 1 169.254.169.254 80 </dev/null; nslookup flood.example.test; done >/dev/null 2>&1"
    b.sh(f"for n in 1 2 3 4 5 6 7 8; do ({asker}) </dev/null >/dev/null 2>&1 & echo $!; done >/tmp/flood")
    time.sleep(1)
    started = time.monotonic()

    def served():
        try:
            session = a.token()
        except AssertionError:
            return False
        answers = a.http(*[("GET", "/latest/meta-data/instance-id", session)] * 3)
        name = a.sh(f"nslookup {stage.WEB_NAME} 2>&1", check=False)[1]
        return answers == [(200, a.id.encode())] * 3 and stage.WEB in name

    # A guest's own programs give up after a few seconds: on a slow machine they may have to ask twice.
    held = until(served) is not None
    took = time.monotonic() - started
    b.sh("kill $(cat /tmp/flood)")
    report.check("its neighbour is served while it floods the services", held, f"{took:.1f} s")


def endless(world, c, printing):
    """What a guest prints is bounded on disk and in the API, and tells terminals nothing where a person reads it."""
    report = world.report
    time.sleep(max(0, 8 - (time.monotonic() - printing)))
    until(lambda: len(c.console()) > 60_000)
    text = c.console()
    on_disk = sum(os.path.getsize(file) for file in glob.glob(f"{world.state}/consoles/{c.id}/*"))
    report.check("a console without end is bounded on disk", 0 < on_disk <= 2 << 20, f"{on_disk} bytes after {time.monotonic() - printing:.0f} s")
    report.check("and in the API", 60_000 < len(text) <= 65536, f"{len(text)} bytes")
    shown = subprocess.run([world.cloud.binary, "console", c.id, "--listen", stage.API], capture_output=True)
    report.check("the terminal gets no control sequences of it", b"\x1b" not in shown.stdout and b"0123456789" in shown.stdout, f"{len(shown.stdout)} bytes")
    c.sh("kill $(cat /tmp/printer)")
