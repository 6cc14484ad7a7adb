"""A guest, as its owner sees it: over the API, and over ssh."""

import base64
import glob
import json
import os
import shlex
import socket
import struct
import subprocess
import time

from packets import checksum
from stage import qemus, run

KEY = "e2e"

# What is to come is waited for as long as the slowest machine takes: it costs nothing where it comes. What isn't to come
# is waited for briefly, and by name; a machine that is slower still passes such a check too easily, never wrongly fails.
PATIENCE_S = 300


def image_of(ec2):
    images = ec2.describe_images(Filters=[{"Name": "name", "Values": ["landfall-mini-*"]}])["Images"]
    return max(images, key=lambda image: image["CreationDate"])


class Guest:
    def __init__(self, ec2, work, name, described):
        self.ec2, self.work, self.name = ec2, work, name
        self.launched = time.monotonic()
        self.id = described["InstanceId"]
        # The guest by way of which it is reached, if not at an address of its own.
        self.jump = None

    def look(self):
        """Reads what the API says of it."""
        found = self.ec2.describe_instances(InstanceIds=[self.id])["Reservations"][0]["Instances"][0]
        self.private = found.get("PrivateIpAddress")
        self.public = found.get("PublicIpAddress")
        if found["NetworkInterfaces"]:
            interface = found["NetworkInterfaces"][0]
            self.mac, self.eni = interface["MacAddress"], interface["NetworkInterfaceId"]
            # A link's name has room for fifteen characters.
            self.port = "lf" + self.eni.removeprefix("eni-")[-12:]
        return found

    def state(self):
        return self.look()["State"]["Name"]

    def wait(self, state, timeout_s=PATIENCE_S):
        until = time.monotonic() + timeout_s
        while (now := self.state()) != state:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} is {now} and not {state} after {timeout_s} s")
            time.sleep(0.1)

    def console(self):
        output = self.ec2.get_console_output(InstanceId=self.id, Latest=True).get("Output", "")
        return output if isinstance(output, str) else base64.b64decode(output).decode(errors="replace")

    def autopsy(self):
        """What its machine is doing, for a guest that doesn't answer: state, processors, links, threads, in a few lines."""
        pid, found = qemus().get(self.id), [f"api: {self.state()}"]
        if pid is None:
            return f"{found[0]}, no process"
        for task in sorted(os.listdir(f"/proc/{pid}/task")):
            at = f"/proc/{pid}/task/{task}"
            name, state, waits = (open(f"{at}/{what}").read() for what in ("comm", "stat", "wchan"))
            found.append(f"{name.strip()}: {state.rsplit(')', 1)[1].split()[0]} in {waits}")
        (monitor,) = glob.glob(f"/run/landfall/*/{self.id}/act.sock") or [None]
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(10)
                stream.connect(monitor)
                lines = stream.makefile("rw")
                lines.readline()
                asked = [{"execute": "qmp_capabilities"}, {"execute": "query-status"}]
                asked += [{"execute": "human-monitor-command", "arguments": {"command-line": what}} for what in ("info registers -a", "info network")]
                for what in asked:
                    print(json.dumps(what), file=lines, flush=True)
                    while "return" not in (answer := json.loads(lines.readline())) and "error" not in answer:
                        pass
                    text = str(answer.get("return") or answer.get("error"))
                    found.append("; ".join(line for line in text.splitlines() if not line.startswith(("XMM", "FPR", "DR", "FCW"))))
        except (OSError, TypeError, ValueError) as error:
            found.append(f"monitor: {error!r}")
        return "\n".join([*found, self.console()[-300:]])

    def _ssh(self, *options):
        at = self.public if self.jump is None else self.private
        if self.jump is not None:
            options = ["-o", "ProxyCommand=" + shlex.join(self.jump._ssh("-W", f"{at}:22")), *options]
        return [
            "ssh", "-F", "none", "-i", f"{self.work}/key", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60",
            "-o", f"UserKnownHostsFile={self.work}/known", "-o", "StrictHostKeyChecking=accept-new",
            "-o", "LogLevel=ERROR", "-o", f"ControlPath={self.work}/{self.name}.ssh", *options, f"root@{at}",
        ]

    def _answers(self):
        if self.jump is not None:
            return self.jump.reaches(self.private, 22)
        try:
            with socket.create_connection((self.public, 22), 5) as stream:
                stream.settimeout(30)
                return stream.recv(4) == b"SSH-"
        except OSError:
            return False

    def connect(self, timeout_s=PATIENCE_S):
        """Waits until its sshd says its name, and logs in. Later commands share the connection."""
        until = time.monotonic() + timeout_s
        while not self._answers():
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} at {self.public or self.private} has no sshd after {timeout_s} s:\n{self.console()[-2000:]}")
            time.sleep(0.1)
        self.answered_s = time.monotonic() - self.launched
        self.disconnect()
        # The master goes to the background and must not keep our pipes.
        master = self._ssh("-o", "ControlMaster=yes", "-o", "ServerAliveInterval=60", "-N", "-f")
        subprocess.run(master, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)

    def disconnect(self):
        if os.path.exists(f"{self.work}/{self.name}.ssh"):
            subprocess.run(self._ssh("-O", "exit"), capture_output=True)

    def sh(self, script, check=True, data=None, timeout_s=PATIENCE_S):
        """Runs a script in it; its output, or output and status where it may fail."""
        done = subprocess.run([*self._ssh(), script], input=data, capture_output=True, timeout=timeout_s)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {script}: status {done.returncode}: {done.stderr.decode()}{done.stdout.decode()}")
        return done.stdout.decode(errors="replace").strip() if check else (done.returncode, done.stdout.decode(errors="replace"))

    def http(self, *requests):
        """Asks the metadata service from inside: (method, path, header lines) each, (status, body) each."""
        lines = [". /etc/landfall/imds.sh"]
        for method, path, *headers in requests:
            header = "\r\n".join(headers) or "X-Nothing: 1"
            lines.append(f"imds_exchange {method} {shlex.quote(path)} {shlex.quote(header)} /tmp/answer; base64 -w0 /tmp/answer; echo .")
        answers = []
        for line in self.sh("\n".join(lines)).splitlines():
            head, _, body = base64.b64decode(line.strip().rstrip(".")).partition(b"\r\n\r\n")
            words = head.split(b" ")
            answers.append((int(words[1]) if len(words) > 1 else 0, body))
        return answers

    def token(self, ttl_s=600):
        (status, token), = self.http(("PUT", "/latest/api/token", f"X-aws-ec2-metadata-token-ttl-seconds: {ttl_s}"))
        assert status == 200, f"no token: {status}"
        return f"X-aws-ec2-metadata-token: {token.decode()}"

    def fetch(self, url, timeout_s=60):
        """What is behind an address, as the guest sees it; `None` if nothing answers."""
        status, out = self.sh(f"timeout {timeout_s} wget -q -O - {shlex.quote(url)} 2>/dev/null", check=False)
        return out if status == 0 else None

    def reaches(self, address, port, timeout_s=60):
        status, _ = self.sh(f"nc -w {timeout_s} {address} {port} </dev/null", check=False)
        return status == 0

    def forge(self, frames):
        """Sends raw frames out of its interface."""
        return self.sh("/tmp/frames eth0", data="\n".join(frame.hex() for frame in frames).encode())


def tcp(address, port, timeout_s=60):
    """Whether the machine itself gets a connection."""
    try:
        socket.create_connection((address, port), timeout_s).close()
        return True
    except OSError:
        return False


def until(condition, timeout_s=PATIENCE_S, every_s=0.05):
    """How long it takes until that holds; `None` if it doesn't."""
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        if condition():
            return time.monotonic() - started
        time.sleep(every_s)
    return None


def seconds(took):
    return "never" if took is None else f"{took:.2f} s"


def pings(address, timeout_s):
    """Whether it answers an echo of the machine's."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as echo:
        echo.settimeout(timeout_s)
        message = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, 1)
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        echo.sendto(message, (address, 0))
        try:
            while True:
                packet, sender = echo.recvfrom(2048)
                if sender[0] == address and packet[20] == 0:
                    return True
        except TimeoutError:
            return False


def make_key(ec2, work):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{work}/key")
    with open(f"{work}/key.pub", "rb") as file:
        ec2.import_key_pair(KeyName=KEY, PublicKeyMaterial=file.read())
