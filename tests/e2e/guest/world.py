"""What every part of a play has at hand: the report, the cloud, its guests."""

import os
import time

import boto3
from botocore.config import Config

import stage
from guest import Guest


class Report:
    """What held and what didn't; a check that fails doesn't end the rest."""

    def __init__(self):
        self.started, self.passed, self.failed = time.monotonic(), 0, []

    def say(self, text):
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def check(self, what, held, detail=""):
        held = bool(held)
        self.passed += held
        if not held:
            self.failed.append(what)
        self.say(f"{'ok    ' if held else 'FAILED'}  {what}" + (f"  [{detail}]" if detail != "" else ""))
        return held

    def equal(self, what, found, wanted):
        return self.check(what, found == wanted, "" if found == wanted else f"{found!r} is not {wanted!r}")

    def end(self):
        """Says how it went; what the process is to end with."""
        print(f"{self.passed} checks held, {len(self.failed)} didn't, {time.monotonic() - self.started:.0f} s")
        for what in self.failed:
            print(f"  {what}")
        return 1 if self.failed else 0


class World:
    """What every part needs."""

    def __init__(self, work, report, on_disk=False, bucket=False):
        self.work, self.report = work, report
        self.state = stage.build(work, on_disk)
        stage.configure(work, bucket)
        self.cloud = stage.Cloud(work, self.state, os.environ["LANDFALL_MINI_IMAGE"])
        self.trap = stage.Trap(22, 8774)
        self.guests = {}
        self.frames = open(f"{work}/frames", "rb").read()

    def client(self, service="ec2"):
        """A client with the keys that the environment has now."""
        # One of a server that was killed a moment ago tries again.
        return boto3.Session().client(service, config=Config(retries={"max_attempts": 3, "mode": "standard"}))

    def networks(self):
        """The namespaces of the virtual networks."""
        return [name for name in sorted(os.listdir("/run/netns")) if name != stage.INTERNET]

    def launch(self, name, ec2=None, **options):
        ec2 = ec2 or self.ec2
        options = {"ImageId": self.image, "InstanceType": "t3.nano", "KeyName": "e2e", **options}
        described = ec2.run_instances(MinCount=1, MaxCount=1, **options)["Instances"][0]
        return self.know(Guest(ec2, self.work, name, described))

    def know(self, guest):
        self.guests[guest.name] = guest
        # Whoever cuts this short still finds what the kernel keeps of it.
        with open(f"{self.work}/guests", "a") as file:
            print(guest.id, file=file)
        return guest

    def consoles(self):
        for name, guest in self.guests.items():
            try:
                print(f"console of {name}:\n{guest.console()[-1500:]}")
            except Exception as error:
                print(f"console of {name}: {error}")

    def group(self, name, *permissions, ec2=None):
        ec2 = ec2 or self.ec2
        group = ec2.create_security_group(GroupName=name, Description=name)["GroupId"]
        if permissions:
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions))
        return group
