"""A server that is killed and started again, and somebody who remembers all that it has acknowledged."""

import json
import os
import signal
import subprocess
import time

import machine
from client import Client, Gone, Refused, get

# Waited out only when something is wrong: a machine may be slow.
PATIENCE = 300


class Wrong(Exception):
    """Something that must never happen has happened."""


def wait_for(what, check, patience=PATIENCE, pause=0.05):
    """Waits until `check` is true, or says what wasn't."""
    until = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > until:
            raise Wrong(f"after {patience} s: {what() if callable(what) else what}")
        time.sleep(pause)


class Cloud:
    """The server, and what it owes."""

    def __init__(self, binary, state, log):
        self.binary, self.state, self.log = binary, state, log
        self.server, self.client, self.image = None, None, None
        self.crash_log = os.path.join(os.path.dirname(state), "crash.log")
        self.crashes = 0
        self.forget()

    def forget(self):
        """Begins a new scenario, whose model is empty."""
        # Instances by op: id and wish. Groups by name, addresses by op.
        self.instances, self.groups, self.addresses = {}, {}, {}
        self.ever = set()
        self.busy = False
        self.survivors = {}
        self.slowest = 0.0
        self.passes, self.deaths, self.second = {}, [], None

    # The process

    def start(self, crash=None):
        """Starts the server, perhaps to be killed at a point; whether it came to answer."""
        self.take_passed()
        environment = {**os.environ, "LANDFALL_CRASH_LOG": self.crash_log, "LANDFALL_THROTTLING": "0"}
        environment.pop("LANDFALL_CRASH", None)
        if crash:
            environment["LANDFALL_CRASH"] = crash
        command = [self.binary, "serve", "--state", self.state, "--listen", "127.0.0.1:4566"]
        self.server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment)

        def answers():
            if self.server.poll() is not None:
                return "dead"
            try:
                return "up" if get("/_landfall/health") == 200 else None
            except Gone:
                return None

        if wait_for("the server doesn't answer", answers, pause=0.01) == "dead":
            return False
        with open(f"{self.state}/credentials.json") as file:
            keys = json.load(file)
        self.client = Client(keys["access_key"], keys["secret_key"], "us-east-1")
        return True

    def kill(self, how=signal.SIGKILL):
        if self.server and self.server.poll() is None:
            self.server.send_signal(how)
        if self.server:
            self.server.wait()

    def passed(self):
        """The points that were passed since the last start, in order; those that killed begin with `!`."""
        try:
            with open(self.crash_log) as file:
                return file.read().split("\n")[:-1]
        except FileNotFoundError:
            return []

    def take_passed(self):
        """Moves what was passed to the count of this life."""
        for name in self.passed():
            if name.startswith("!"):
                self.deaths.append(name[1:])
            else:
                self.passes[name] = self.passes.get(name, 0) + 1
        if os.path.exists(self.crash_log):
            os.unlink(self.crash_log)

    def recover(self):
        """Starts again after a death, and looks whether what was acknowledged is there at once."""
        self.kill()
        self.crashes += 1
        if not self.busy:
            self.survivors = self.running_guests()
        second, self.second = self.second, None
        if not self.start(second):
            if second:
                return self.recover()
            raise Wrong(f"the server ends with {self.server.returncode} when it is started again")
        self.check_acknowledged()

    def running_guests(self):
        """Processes whose guests' start is recorded, by instance."""
        found = {}
        for pid, (instance, started) in machine.guests().items():
            try:
                with open(f"{machine.RUNTIME}/guests/{instance}/guest.json") as file:
                    record = json.load(file)
            except (OSError, ValueError):
                continue
            if record["phase"] == "Started":
                found[instance] = (pid, started)
        return found

    # Requests

    def call(self, action, may=(), **parameters):
        """Calls until it is acknowledged. `may` are the codes that mean, after a death, that it was done before."""
        died, until = False, time.monotonic() + PATIENCE
        while True:
            try:
                return self.client.call(action, **parameters)
            except Gone:
                if self.server.poll() is None and time.monotonic() < until:
                    time.sleep(0.02)
                    if self.server.poll() is None:
                        continue
                died = True
                self.recover()
            except Refused as refused:
                if refused.status >= 500 and time.monotonic() < until:
                    time.sleep(0.05)
                elif died and refused.code in may:
                    return None
                else:
                    raise

    def ids(self, action, path, **parameters):
        return [element.text for element in self.call(action, **parameters).iterfind(path)]

    def settled(self):
        """Waits until nothing is in transition."""
        began = time.monotonic()

        def calm():
            self.survive()
            try:
                return get("/_landfall/settled") == 200
            except Gone:
                return False

        wait_for(lambda: f"still in transition: {self.states()}", calm)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def survive(self):
        """Starts the server again if it, or the metadata process, was killed at its point."""
        if self.server.poll() is not None:
            self.recover()
        elif any(line.startswith("!") and not line.startswith("!launch:child:") for line in self.passed()):
            # It was the metadata process: what follows it would be killed at the same point.
            self.recover()

    # What was acknowledged

    def states(self):
        found = {}
        for item in self.call("DescribeInstances").iterfind(".//instancesSet/item"):
            tags = {tag.findtext("key"): tag.findtext("value") for tag in item.iterfind("tagSet/item")}
            found[item.findtext("instanceId")] = (item.findtext("instanceState/name"), tags.get("op"))
        return found

    def check_acknowledged(self):
        """What is there is what was acknowledged, or what was asked and not yet answered: nothing less."""
        states = self.states()
        for op, wish in self.instances.items():
            for instance in wish["ids"]:
                if instance not in states:
                    raise Wrong(f"{instance} was acknowledged and is lost")
                state, tag = states[instance]
                if tag != op:
                    raise Wrong(f"{instance} has lost its tag: {tag}")
                if wish["state"] == "terminated" and state not in ("shutting-down", "terminated"):
                    raise Wrong(f"{instance} was terminated and is {state} again")
        groups = set(self.ids("DescribeSecurityGroups", ".//securityGroupInfo/item/groupId"))
        for name, group in self.groups.items():
            if group["id"] and not group.get("going") and group["id"] not in groups:
                raise Wrong(f"group {name} was acknowledged and is lost")
        addresses = {item.findtext("allocationId"): item for item in self.call("DescribeAddresses").iterfind(".//addressesSet/item")}
        for op, address in self.addresses.items():
            if address["id"] and not address.get("going") and address["id"] not in addresses:
                raise Wrong(f"address {op} was acknowledged and is lost")
            if address.get("to") and addresses[address["id"]].findtext("instanceId") != address["to"]:
                raise Wrong(f"address {op} was associated and isn't any more")

    def check_wishes(self):
        """At rest: everything is as it was asked for, and nothing is there that wasn't."""
        self.settled()
        states = self.states()
        known = {instance for wish in self.instances.values() for instance in wish["ids"]}
        for instance, (state, op) in states.items():
            if state != "terminated" and instance not in known:
                raise Wrong(f"{instance} ({op}) runs and was never asked for, or twice")
        for op, wish in self.instances.items():
            for instance in wish["ids"]:
                if states[instance][0] != wish["state"]:
                    raise Wrong(f"{instance} is {states[instance][0]} and was to be {wish['state']}")
        running = {i for wish in self.instances.values() if wish["state"] == "running" for i in wish["ids"]}
        living = {}

        def as_asked():
            self.survive()
            living.clear()
            for pid, (instance, started) in machine.guests().items():
                living.setdefault(instance, []).append((pid, started))
            return set(living) == running

        # A guest that powered itself off is stopped; what is left of its process goes a moment later.
        wait_for(lambda: f"processes of {sorted(living)}, but {sorted(running)} are to run", as_asked)
        for instance, process in self.survivors.items():
            if instance in running and process not in living[instance]:
                raise Wrong(f"{instance} ran in {process} when the server was killed, and now in {living[instance]}")
        self.survivors = {}
