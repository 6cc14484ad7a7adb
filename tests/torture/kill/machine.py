"""What this machine has of a cloud: guests' processes now, and everything that could be left over."""

import glob
import json
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections import Counter

RUNTIME = "/run/landfall"
# What a cloud without guests has, and keeps.
KEPT = re.compile(
    r"^/run/landfall/(guests|network(/(namespaces|forwarding))?|servers(/4566\.json)?"
    r"|metadata(/(control|lock|token\.key|served(/heard\.json)?))?)$"
)


def words(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def guests():
    """Living processes of guests: pid to instance id and time of start."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                line = file.read()
            at = line.find(b"guest=i-")
            if not line.startswith(b"/") or b"qemu-system" not in line.split(b"\0")[0] or at < 0:
                continue
            with open(f"/proc/{name}/stat") as file:
                stat = file.read().rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if stat[0] not in "ZX":
            found[int(name)] = (line[at + 6 : at + 25].decode(), int(stat[19]))
    return found


def metadata_processes():
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"\0internal\0metadata\0" in file.read():
                    found.append(int(name))
        except OSError:
            continue
    return found


def links():
    return {link["ifname"] for link in json.loads(words("ip", "-j", "link"))}


def groups_of(instance):
    """A guest's control groups: a folder for each controller, or one for all."""
    return glob.glob(f"/sys/fs/cgroup/landfall/{instance}") + glob.glob(f"/sys/fs/cgroup/*/landfall/{instance}")


def mounts_below(folder):
    with open("/proc/self/mountinfo") as file:
        return [place for place in (line.split()[4] for line in file) if place == folder or place.startswith(folder + "/")]


class Watch(threading.Thread):
    """Looks all the time for two living processes of one instance."""

    def __init__(self):
        super().__init__(daemon=True)
        self.doubled, self.seen, self.going = [], {}, True

    def run(self):
        while self.going:
            living = {}
            for pid, (instance, started) in guests().items():
                living.setdefault(instance, []).append(pid)
                self.seen.setdefault(instance, set()).add((pid, started))
            for instance, pids in living.items():
                if len(pids) > 1:
                    self.doubled.append(f"{instance} runs in the processes {sorted(pids)} at once")
            time.sleep(0.01)


def tree(top):
    return {os.path.join(at, name) for at, folders, files in os.walk(top) for name in folders + files}


class Residue:
    """What there is besides what there was before the first instance."""

    def __init__(self, state):
        self.state, self.mounts = state, None
        self.rules, self.links, self.settings = self.kernel()
        self.files = None
        self.rows = None

    def kernel(self):
        routes = words("ip", "route", "show", "table", "all") + words("ip", "rule", "show")
        with open("/proc/sys/net/ipv4/conf/up0/forwarding") as file:
            return set(routes.splitlines()), links(), file.read().strip()

    def own_files(self):
        # The name of a plan's changes says which plan; what they are is looked at.
        skipped = (f"{self.state}/log", f"{self.state}/images", f"{self.state}/agent/plan-changes-")
        return {path for path in tree(self.state) if not path.startswith(skipped)}

    def first_files(self):
        """What a cloud makes at its first start."""
        kept = ("volumes/", "consoles/", "agent/.")
        return {path for path in self.own_files() if not path.removeprefix(f"{self.state}/").startswith(kept)}

    def live_rows(self):
        connection = sqlite3.connect(f"file:{self.state}/log/log.sqlite?mode=ro", uri=True, timeout=120)
        try:
            rows = connection.execute(
                "SELECT kind, id, body FROM rows AS r WHERE body IS NOT NULL AND NOT EXISTS"
                " (SELECT 1 FROM rows AS n WHERE n.kind = r.kind AND n.id = r.id AND n.revision > r.revision)"
            ).fetchall()
        finally:
            connection.close()
        return {(kind, name): body for kind, name, body in rows}

    def settle(self):
        """Takes what is there now as what a cloud without guests has."""
        self.files, self.rows = self.own_files(), set(self.live_rows())
        self.mounts = self.mounted()

    def mounted(self):
        with open("/proc/self/mountinfo") as file:
            return sorted(" ".join(line.split()[3:5]) for line in file)

    def find(self, instances):
        """All that is left over, in words."""
        left = [f"process {pid} of {instance}" for pid, (instance, _) in guests().items()]
        routes, found, forwarding = self.kernel()
        left += [f"route or rule: {text}" for text in routes - self.rules]
        left += [f"link {name}" for name in found - self.links]
        if forwarding != self.settings:
            left.append(f"forwarding on the uplink is {forwarding}")
        left += [f"rules: {line}" for line in words("nft", "list", "tables").splitlines()]
        left += [f"namespace {name}" for name in os.listdir("/run/netns")]
        left += [f"file {path}" for path in sorted(tree(RUNTIME)) if not KEPT.match(path)]
        left += [f"file {path}" for path in sorted(self.own_files() - (self.files or self.first_files()))]
        try:
            with open(f"{RUNTIME}/metadata/served/heard.json") as file:
                left += [f"{name} counts as heard" for name in json.load(file)]
        except FileNotFoundError:
            pass
        left += [f"control group {path}" for instance in instances for path in groups_of(instance)]
        if self.mounts is not None and self.mounted() != self.mounts:
            now, before = Counter(self.mounted()), Counter(self.mounts)
            # Somebody else's may go at any time, with the folder that they were on.
            gone = [mount for mount in before - now if mount.split()[1].startswith((RUNTIME, "/run/netns", self.state))]
            if now - before or gone:
                left.append(f"mounts: {list(now - before)} are new, {gone} are gone")
        left += [f"the plan's {piece}" for piece in self.saved_plan()]
        if self.rows is not None:
            left += self.left_rows()
        return left

    def saved_plan(self):
        """What the agent's saved plan has: the one that was written as a whole, and what changed since."""
        with open(f"{self.state}/agent/plan.json") as file:
            plan = json.load(file)
        pieces = {json.dumps(key): piece for key, piece in plan["pieces"]}
        changes = f"{self.state}/agent/plan-changes-{plan['incarnation']}-{plan['revision']}"
        if os.path.exists(changes):
            with open(changes) as file:
                for line in file:
                    pieces |= {json.dumps(key): piece for key, piece in json.loads(line)["Delta"]["pieces"]}
        return sorted(key for key, piece in pieces.items() if piece)

    def left_rows(self):
        left = []
        for (kind, name), body in self.live_rows().items():
            if (kind, name) in self.rows:
                continue
            text = json.loads(body)
            state = json.dumps(text.get("status", text.get("state", "")))
            if kind == "instance" and "terminated" in state.lower():
                continue
            if kind in KEPT_KINDS or (kind == "tags" and "/i-" in name):
                continue
            left.append(f"row {kind} {name}: {body[:120]}")
        return left


# Answers that are given again to the same client token, as long as AWS gives them.
KEPT_KINDS = {"client-token"}
