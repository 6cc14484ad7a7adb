"""A volume in a guest, with what must be on it."""

import contextlib
import subprocess
import time

import stage
from guest import PATIENCE_S, until

BLOCK = 4096
GIB = 1 << 30
# Blocks that a batch writes, all of which are on the disk before the next begins.
BATCH = 24


class Wrong(Exception):
    """Something is not as it must be."""


def wait_for(what, condition):
    if until(condition) is None:
        raise Wrong(f"after {PATIENCE_S} s it isn't so: {what}")


def settle(world, guest):
    """Waits until a guest runs, starts it if it doesn't, and gives it what it is to run."""
    wait_for("a guest's state is known", lambda: guest.state() == "stopped" or guest.id in stage.qemus())
    if guest.state() == "stopped":
        world.ec2.start_instances(InstanceIds=[guest.id])
    guest.wait("running")
    guest.look()
    guest.connect()
    guest.sh("cat >/tmp/pattern && chmod 755 /tmp/pattern", data=world.pattern)


def detach(world, disk, force=False):
    world.ec2.detach_volume(VolumeId=disk.id, Force=force)
    wait_for("it is detached", lambda: disk.shown()["State"] == "available")


class Run:
    """Batches one after another: sure to be there, or nobody knows how many of them are."""

    def __init__(self, tag, first, last, size, sure):
        self.tag, self.first, self.last, self.size, self.sure = tag, first, last, size, sure

    def line(self):
        return f"{self.tag} {self.first} {self.last} {BATCH} {self.size} {'sure' if self.sure else 'maybe'}\n"


class Load:
    """A guest that writes until it is told to stop. What it says comes when it was flushed, not before."""

    def __init__(self, disk):
        self.disk, self.first = disk, disk.next
        self.log = f"{disk.world.work}/load"
        disk.guest.sh("rm -f /tmp/stop")
        words = f"/tmp/pattern write /dev/{disk.name} {disk.tag} {self.first} {BATCH} {disk.blocks} /tmp/stop"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*disk.guest._ssh(), words], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.DEVNULL)
        wait_for("batches are written", lambda: self.flushed() >= self.first + 1)

    def flushed(self):
        """The last batch that it says is on the disk for good."""
        with open(self.log) as log:
            lines = log.read().split("\n")[:-1]
        return int(lines[-1].split()[1]) if lines else self.first - 1

    def end(self):
        self.disk.guest.sh("touch /tmp/stop")
        status = self.process.wait(PATIENCE_S)
        if status != 0:
            raise Wrong(f"the guest's writer ended with {status}")

    def cut(self):
        """It was cut off: its volume is gone, or its guest."""
        self.process.kill()
        self.process.wait()


class Snapshot:
    def __init__(self, id, history):
        self.id, self.history = id, history

    def wait(self, world):
        row = lambda: world.ec2.describe_snapshots(SnapshotIds=[self.id])["Snapshots"][0]
        wait_for("a snapshot is completed", lambda: row()["State"] != "pending")
        if row()["State"] != "completed":
            raise Wrong(f"a snapshot is {row()['State']}: {row().get('StateMessage')}")

    def restore(self, world, dice):
        made = world.ec2.create_volume(AvailabilityZone=world.zone, SnapshotId=self.id)
        disk = Disk(world, made["VolumeId"], dice.getrandbits(48), made["Size"] * GIB // BLOCK)
        disk.history = [Run(*vars(run).values()) for run in self.history]
        wait_for("a volume is restored", lambda: disk.shown()["State"] == "available")
        return disk

    def delete(self, world):
        with contextlib.suppress(world.ec2.exceptions.ClientError):
            world.ec2.delete_snapshot(SnapshotId=self.id)


class Disk:
    def __init__(self, world, id, tag, blocks):
        self.world, self.id, self.tag, self.blocks = world, id, tag, blocks
        self.history, self.next, self.guest, self.name = [], 1, None, None
        # As large as it is by now; a load goes on within what there was when it began.
        self.grown = blocks

    @classmethod
    def new(cls, world, dice):
        made = world.ec2.create_volume(AvailabilityZone=world.zone, Size=1, VolumeType="gp3")
        disk = cls(world, made["VolumeId"], dice.getrandbits(48), GIB // BLOCK)
        wait_for("a volume is made", lambda: disk.shown()["State"] == "available")
        return disk

    def shown(self):
        return self.world.ec2.describe_volumes(VolumeIds=[self.id])["Volumes"][0]

    def attach(self, guest):
        self.guest = guest
        used = {mapping["DeviceName"] for mapping in guest.look()["BlockDeviceMappings"]}
        device = next(name for name in (f"/dev/sd{letter}" for letter in "fghijk") if name not in used)
        self.world.ec2.attach_volume(VolumeId=self.id, InstanceId=guest.id, Device=device)
        wait_for("it is attached", lambda: [one["State"] for one in self.shown()["Attachments"]] == ["attached"])
        self.find()

    def find(self):
        """Its name in its guest."""
        ask = f"grep -l -x {self.id.replace('-', '')} /sys/block/*/serial 2>/dev/null | cut -d/ -f4"
        wait_for("the guest sees it", lambda: self.guest.sh(ask, check=False)[1].strip() != "")
        self.name = self.guest.sh(ask)

    def remember(self, first, last, sure):
        if first <= last:
            self.history.append(Run(self.tag, first, last, self.blocks, sure))
        self.next = max(self.next, last + 1)

    def write(self, batches):
        load = Load(self)
        wait_for("batches are written", lambda: load.flushed() >= load.first + batches - 1)
        load.end()
        self.remember(load.first, load.flushed(), True)

    @contextlib.contextmanager
    def load(self, dice, cut=False):
        """While it is written to. `cut` says that the writer is cut off before the end."""
        load = Load(self)
        yield load
        if cut:
            load.cut()
            self.remember(load.first, load.flushed(), True)
            # What it said last was lost perhaps; so many more it can't have written meanwhile.
            self.remember(load.flushed() + 1, load.flushed() + 5000, False)
            return
        time.sleep(dice.random())
        load.end()
        self.remember(load.first, load.flushed(), True)
        self.blocks = self.grown

    def ask_snapshot(self, load):
        """Asks for a snapshot. What was flushed before the answer must be in it, and of the rest whatever had come by then."""
        id = self.world.ec2.create_snapshot(VolumeId=self.id)["SnapshotId"]
        flushed = load.flushed()
        history = [Run(*vars(run).values()) for run in self.history]
        history.append(Run(self.tag, load.first, flushed, self.blocks, True))
        history.append(Run(self.tag, flushed + 1, flushed + 5000, self.blocks, False))
        return Snapshot(id, history)

    def snapshot(self, load):
        snapshot = self.ask_snapshot(load)
        snapshot.wait(self.world)
        return snapshot

    def grow(self):
        size = self.shown()["Size"] + 1
        self.world.ec2.modify_volume(VolumeId=self.id, Size=size)
        sectors = str(size * GIB // 512)
        wait_for("it grows", lambda: self.guest.sh(f"cat /sys/block/{self.name}/size") == sectors)
        modified = lambda: self.world.ec2.describe_volumes_modifications(VolumeIds=[self.id])["VolumesModifications"][0]["ModificationState"]
        wait_for("it has grown", lambda: modified() == "completed")
        self.grown = size * GIB // BLOCK

    def check(self):
        """Reads all that was written, past the guest's cache, and keeps what was found of what nobody knew."""
        told = "".join(run.line() for run in self.history).encode()
        said = self.guest.sh(f"echo 3 >/proc/sys/vm/drop_caches; /tmp/pattern check /dev/{self.name} 2>&1", data=told)
        lines = said.splitlines()
        if " mismatches" not in lines[-1] or not lines[-1].endswith(" 0 mismatches"):
            raise Wrong(f"{self.id}: {said[-2000:]}\n{told.decode()}")
        self.world.blocks += int(lines[-1].split()[1])
        cuts = {}
        for line in lines:
            if line.startswith("cut "):
                _, tag, batch = line.split()
                cuts[int(tag), self.run_of(int(tag), int(batch))] = int(batch)
        known = []
        for run in self.history:
            cut = cuts.get((run.tag, run.first))
            if run.sure:
                known.append(run)
            elif cut is not None:
                # All before the last that left anything was flushed; of that one nobody knows all.
                if cut > run.first:
                    known.append(Run(run.tag, run.first, cut - 1, run.size, True))
                known.append(Run(run.tag, cut, cut, run.size, False))
        self.history = known

    def run_of(self, tag, batch):
        return next(run.first for run in self.history if not run.sure and run.tag == tag and run.first <= batch <= run.last)

    def delete(self):
        self.world.ec2.delete_volume(VolumeId=self.id)
