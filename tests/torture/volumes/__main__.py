"""Volumes through what happens to them: real guests write blocks that say what they are, while volumes are attached, grown,
copied by snapshots, detached and restored, while the cloud's server is killed, and while all processes of the host are.
What was flushed must be there, and of a snapshot what was flushed before it was asked for; see pattern.rs."""

import os
import random
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "e2e", "guest"))

from disk import Disk, Wrong, detach, settle, wait_for
from guest import image_of, make_key
from host import kill_all, kill_server
from seen import SSH
from stage import run as command
from world import Report, World

STEPS = 4


def main(work):
    report = Report()
    # On a disk: what guests write to memory would be counted as theirs, and they would be ended for it.
    world = World(work, report, on_disk=True)
    with open(f"{work}/pattern", "rb") as program:
        world.pattern = program.read()
    seed, sequences = int(os.environ["SEED"]), int(os.environ["SEQUENCES"])
    report.say(f"{sequences} sequences, seed {seed}")
    world.blocks = 0
    try:
        begin(world)
        for number in range(sequences):
            dice = random.Random(seed * 1_000_003 + number)
            steps = [dice.choice(WAYS) for _ in range(STEPS)]
            words = ", ".join(way.__name__ for way in steps)
            try:
                sequence(world, dice, steps)
                report.check(f"sequence {number}: {words}", True)
            except (Wrong, RuntimeError, OSError, subprocess.SubprocessError) as error:
                report.check(f"sequence {number} of seed {seed}: {words}", False, error)
                traceback.print_exc()
                world.consoles()
                break
    except Exception:
        report.check("to the end", False)
        traceback.print_exc()
        world.consoles()
    if report.failed:
        print(command("tail", "-n", "60", f"{world.state}/landfall-4566.log"))
    command(world.cloud.binary, "down", "--listen", "127.0.0.1:4566", "--guests", "stop", check=False)
    report.say(f"{world.blocks} blocks were read and compared")
    return report.end()


def begin(world):
    world.cloud.up()
    world.ec2 = world.client()
    world.image = image_of(world.ec2)["ImageId"]
    make_key(world.ec2, world.work)
    ssh = world.group("ssh", SSH)
    for name in ("a", "b"):
        setattr(world, name, world.launch(name, SecurityGroupIds=[ssh]))
    for guest in (world.a, world.b):
        guest.wait("running")
        settle(world, guest)
    world.zone = world.a.look()["Placement"]["AvailabilityZone"]


def sequence(world, dice, steps):
    """One volume's life. Every step leaves it attached to a guest, and its history is what must be there."""
    disk = Disk.new(world, dice)
    disk.attach(dice.choice([world.a, world.b]))
    disk.write(3)
    for step in steps:
        disk = step(world, dice, disk)
        disk.check()
    detach(world, disk)
    disk.delete()


def grown(_, dice, disk):
    """It grows while it is written to, and is written to where it grew."""
    with disk.load(dice):
        disk.grow()
    disk.write(2)
    return disk


def moved(world, dice, disk):
    """Another guest has it."""
    detach(world, disk)
    disk.attach(world.b if disk.guest is world.a else world.a)
    disk.write(1)
    return disk


def torn_off(world, _, disk):
    """It is taken from a guest that is writing to it, and given back."""
    guest = disk.guest
    with disk.load(None, cut=True):
        detach(world, disk, force=True)
    disk.attach(guest)
    return disk


def copied(world, dice, disk):
    """A snapshot while it is written to; what is made of that takes its place."""
    with disk.load(dice) as load:
        snapshot = disk.snapshot(load)
    guest = disk.guest
    copy = snapshot.restore(world, dice)
    if dice.random() < 0.5:
        copy.attach(world.b if guest is world.a else world.a)
        copy.check()
        detach(world, copy)
        copy.delete()
    else:
        detach(world, disk)
        disk.delete()
        copy.attach(guest)
        copy.check()
        copy.write(1)
        disk = copy
    snapshot.delete(world)
    return disk


def copied_often(world, dice, disk):
    """Snapshots one after another, each of what changed; the last of them must have all, whichever were deleted."""
    made = []
    for _ in range(3):
        with disk.load(dice) as load:
            made.append(disk.snapshot(load))
    dice.choice(made[:2]).delete(world)
    copy = made[2].restore(world, dice)
    copy.attach(world.a)
    copy.check()
    detach(world, copy)
    copy.delete()
    for snapshot in made:
        snapshot.delete(world)
    return disk


def orphaned(world, dice, disk):
    """The server is killed while it is written to, and comes back."""
    with disk.load(dice):
        kill_server(world)
    return disk


def orphaned_while_copied(world, dice, disk):
    """The same between the wish for a snapshot and the snapshot."""
    with disk.load(dice) as load:
        snapshot = disk.ask_snapshot(load)
        kill_server(world)
        snapshot.wait(world)
    copy = snapshot.restore(world, dice)
    copy.attach(world.b)
    copy.check()
    detach(world, copy)
    copy.delete()
    snapshot.delete(world)
    return disk


def rebooted(world, _, disk):
    """All processes of the host are killed while it is written to, and the cloud and its guests are started again."""
    with disk.load(None, cut=True):
        kill_all(world)
    for guest in (world.a, world.b):
        settle(world, guest)
    disk.find()
    return disk


WAYS = [grown, moved, torn_off, copied, copied, copied_often, orphaned, orphaned_while_copied, rebooted]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
