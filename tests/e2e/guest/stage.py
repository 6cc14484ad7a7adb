"""The stage: a machine with a link to an internet of its own, and the cloud on it."""

import contextlib
import http.server
import importlib.util
import json
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

import boto3
import botocore.exceptions

from packets import within

# The machine's network, with the internet behind its other end.
MACHINE = "192.0.2.2"
ROUTER = "192.0.2.1"
WEB = "203.0.113.80"
RESOLVER = "203.0.113.53"
WEB_NAME = "www.example.test"
INTERNET = "internet"
API = "127.0.0.1:4566"
STORE = "127.0.0.1:4568"


def run(*command, check=True, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Answer(http.server.BaseHTTPRequestHandler):
    """Says who asked."""

    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def server_bind(self):
        # Without asking for its own name, which would ask the resolver.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def resolve(listener):
    """A resolver that knows one name."""
    while True:
        query, asker = listener.recvfrom(512)
        end, labels = 12, []
        while query[end]:
            labels.append(query[end + 1 : end + 1 + query[end]].decode().lower())
            end += query[end] + 1
        question = query[12 : end + 5]
        known = ".".join(labels) == WEB_NAME and question[-4:-2] == b"\0\1"
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, int(known), 0, 0)
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(WEB) if known else b""
        listener.sendto(head + question + answer, asker)


class Trap:
    """Stands for what the machine itself offers at all of its addresses: nobody in a guest may ever get there."""

    def __init__(self, *ports):
        self.callers = []
        for port in ports:
            listener = socket.create_server(("0.0.0.0", port))
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind(("0.0.0.0", port))
            threading.Thread(target=self._receive, args=(datagrams,), daemon=True).start()

    def _accept(self, listener):
        while True:
            connection, caller = listener.accept()
            self.callers.append((caller[0], listener.getsockname()[1]))
            connection.close()

    def _receive(self, datagrams):
        while True:
            _, caller = datagrams.recvfrom(2048)
            self.callers.append((caller[0], datagrams.getsockname()[1]))


def build(work, on_disk=False):
    """Links, addresses and what answers in the internet; private folders for what a cloud keeps, in memory unless its speed
    on a disk is to be seen."""
    for folder in ("/run/landfall", "/run/netns"):
        os.makedirs(folder, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    state = f"{work}/state"
    os.makedirs(state)
    if on_disk:
        os.chmod(state, 0o711)
    else:
        run("mount", "-t", "tmpfs", "-o", "mode=711,size=24G", "tmpfs", state)
    with open(f"{work}/resolv.conf", "w") as file:
        file.write(f"nameserver {RESOLVER}\n")
    run("mount", "--bind", f"{work}/resolv.conf", "/etc/resolv.conf")

    run("ip", "link", "set", "lo", "up")
    run("ip", "netns", "add", INTERNET)
    run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "machine", "netns", INTERNET)
    run("ip", "address", "add", f"{MACHINE}/24", "dev", "wan0")
    run("ip", "link", "set", "wan0", "up")
    run("ip", "route", "add", "default", "via", ROUTER)
    inside = ("ip", "-n", INTERNET)
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{ROUTER}/24", "dev", "machine")
    run(*inside, "link", "set", "machine", "up")
    for address in (WEB, RESOLVER):
        run(*inside, "address", "add", f"{address}/32", "dev", "lo")

    web = within(INTERNET, lambda: Server((WEB, 80), Answer))
    # The router too has something to offer, on a network that is the machine's own.
    router = within(INTERNET, lambda: Server((ROUTER, 80), Answer))
    for server in (web, router):
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def listen():
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((RESOLVER, 53))
        return listener

    threading.Thread(target=resolve, args=(within(INTERNET, listen),), daemon=True).start()
    return state


def configure(work, bucket):
    """The cloud's configuration. Its snapshots lie in a bucket of a local S3, if one is asked for and moto is installed;
    otherwise in a folder."""
    os.makedirs(f"{work}/disks")
    disks = f'disks = {{ folder = "{work}/disks", accounts = ["000000000000"] }}'
    lines = ["[network]", 'blocked = ["100.64.0.0/10"]', "[buckets]", disks]
    if bucket and importlib.util.find_spec("moto"):
        with open(f"{work}/s3-key", "w") as file:
            file.write("[default]\naws_access_key_id = store\naws_secret_access_key = nobody-checks-it\n")
        serve = "import sys; from moto.server import main; main(sys.argv[1:])"
        host, port = STORE.split(":")
        subprocess.Popen([sys.executable, "-c", serve, "-H", host, "-p", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        store = boto3.client("s3", endpoint_url=f"http://{STORE}", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        # It takes seconds to come up, and the client gives up sooner.
        for _ in range(60):
            try:
                store.create_bucket(Bucket="snapshots")
                break
            except botocore.exceptions.EndpointConnectionError:
                time.sleep(0.5)
        place = f'bucket = "snapshots", region = "us-east-1", endpoint = "http://{STORE}", credentials = "{work}/s3-key"'
        lines.insert(0, f"snapshots = {{ {place}, prefix = \"of/a-cloud\" }}")
    with open(f"{work}/landfall.toml", "w") as file:
        file.write("\n".join([*lines, ""]))


class Cloud:
    """The cloud's server, started and killed at will."""

    def __init__(self, work, state, image):
        self.binary = os.environ["LANDFALL_BIN"]
        self.environment = {}
        self.state = state
        self.config = f"{work}/landfall.toml"
        images = f"{state}/images"
        os.makedirs(images, mode=0o700)
        folder, name = os.path.split(image)
        for file in os.listdir(folder):
            if file.startswith(name + "."):
                run("cp", f"{folder}/{file}", images)

    def up(self, **environment):
        """Starts it, with what it was started with before and what is given now."""
        self.environment.update(environment)
        started = time.monotonic()
        shown = run(
            self.binary, "up", "--json", "--config", self.config, "--state", self.state, "--listen", API,
            env={**os.environ, **self.environment},
        )
        self.took_s = time.monotonic() - started
        os.environ.update(json.loads(run(self.binary, "env", "--json", "--listen", API)))
        return shown

    def kill(self):
        """Kills it. Its last threads take connections for a moment yet, and it would be taken for alive."""
        os.kill(self.pid(), signal.SIGKILL)
        host, port = API.split(":")
        with contextlib.suppress(OSError):
            while True:
                socket.create_connection((host, int(port)), 1).close()
                time.sleep(0.05)

    def pid(self):
        return pids(lambda line: b"serve" in line and API.encode() in line)[0]

    def metadata_pids(self):
        return pids(lambda line: line[1:3] == [b"internal", b"metadata"])


def pids(wanted):
    """The processes whose command line is wanted, zombies left out."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if line != [b""] and wanted(line):
            found.append(int(entry))
    return sorted(found)


def qemus():
    """The guests' processes, by instance."""
    found = {}
    for pid in pids(lambda line: b"qemu-system-x86_64" in line[0]):
        line = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
        name = next(part for part in line if part.startswith(b"guest=")).decode()
        found[name.split("=")[1].split(",")[0]] = pid
    return found
