"""Volumes by themselves: given to guests that run, grown, held to their speed, taken away, carried to another."""

import glob
import os
import time

from guest import seconds, until

MIB = 1 << 20


def disk(guest, volume):
    """The name of a volume's disk in a guest: vdc, for instance."""
    serial = volume.replace("-", "")
    return guest.sh(f"grep -l -x {serial} /sys/block/*/serial 2>/dev/null | cut -d/ -f4")


def shown(world, volume):
    return world.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]


def reach(world, volume, state):
    """How long a volume takes to a state, as one is told."""
    return until(lambda: shown(world, volume)["State"] == state)


def attach(world, guest, volume, device):
    world.ec2.attach_volume(VolumeId=volume, InstanceId=guest.id, Device=device)
    took = until(lambda: disk(guest, volume) != "")
    told = until(lambda: [a["State"] for a in shown(world, volume)["Attachments"]] == ["attached"])
    world.report.check(f"{guest.name} gets the volume while it runs", took is not None and told is not None, seconds(took))
    return disk(guest, volume)


def read_s(guest, name, count):
    """How long it takes to read so many pages from all over a disk, past the guest's cache."""
    guest.sh("echo 3 >/proc/sys/vm/drop_caches; echo 0 >/sys/block/%s/queue/read_ahead_kb" % name)
    started = time.monotonic()
    guest.sh(f"i=0; while [ $i -lt {count} ]; do echo $((i * 61)); i=$((i + 1)); done | "
             f"while read n; do dd if=/dev/{name} of=/dev/null bs=4096 skip=$n count=1 2>/dev/null; done")
    return time.monotonic() - started


def restored(world, zone, volume):
    """A snapshot of a volume that nobody uses, the volume deleted as soon as that is asked for, and another made of it."""
    ec2, report = world.ec2, world.report
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="what was written")["SnapshotId"]
    ec2.delete_volume(VolumeId=volume)
    row = lambda: ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    took = until(lambda: row()["State"] != "pending")
    report.equal("a snapshot is made, though its volume is deleted", (row()["State"], row()["Progress"]), ("completed", "100%"))
    report.check("and when", took is not None, seconds(took))
    copy = ec2.create_volume(AvailabilityZone=zone, SnapshotId=snapshot)["VolumeId"]
    report.check("a volume is made of it", reach(world, copy, "available") is not None)
    ec2.delete_snapshot(SnapshotId=snapshot)
    return copy


def run(world):
    report, ec2, a, b = world.report, world.ec2, world.a, world.b
    ec2.start_instances(InstanceIds=[b.id])
    b.launched = time.monotonic()
    b.wait("running"), b.look(), b.connect()
    zone = a.look()["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    report.check("a volume is made", reach(world, volume, "available") is not None)

    name = attach(world, a, volume, "/dev/sdk")
    sum_of = f"dd if=/dev/{{}} bs=1048576 count=16 2>/dev/null | md5sum"
    a.sh(f"dd if=/dev/urandom of=/dev/{name} bs=1048576 count=16 2>/dev/null; sync")
    wrote = a.sh(sum_of.format(name))
    report.equal("it is as large as ordered", a.sh(f"cat /sys/block/{name}/size"), str(1 << 21))
    ec2.modify_volume(VolumeId=volume, Size=3)
    took = until(lambda: a.sh(f"cat /sys/block/{name}/size") == str(3 << 21))
    report.check("and grows while it is used", took is not None, seconds(took))
    done = until(lambda: ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0]["ModificationState"] == "completed")
    report.check("of which one is told", done is not None)

    fast = read_s(a, name, 400)
    ec2.modify_volume(VolumeId=volume, VolumeType="standard")
    until(lambda: ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0]["ModificationState"] == "completed")
    # 200 operations a second; the first 200 may come at once.
    slow = read_s(a, name, 1000)
    report.check("a slow kind is slow", slow > 3.5, f"1000 reads in {slow:.1f} s; before, 400 in {fast:.1f} s")

    ec2.detach_volume(VolumeId=volume)
    took = reach(world, volume, "available")
    report.check("it is taken from the guest", took is not None and disk(a, volume) == "", seconds(took))
    other = attach(world, b, volume, "/dev/sdf")
    report.equal("another guest reads what the first wrote", b.sh(sum_of.format(other)), wrote)

    # Pulled from a guest that is writing behind the part that is compared.
    b.sh(f"(while dd if=/dev/zero of=/dev/{other} bs=1048576 seek=20 count=4 conv=fsync 2>/dev/null; do :; done) >/dev/null 2>&1 </dev/null &")
    ec2.detach_volume(VolumeId=volume, Force=True)
    took = reach(world, volume, "available")
    report.check("a forced detachment waits for nobody", took is not None, seconds(took))
    report.check("the guest that lost it runs on", b.sh("echo alive") == "alive")
    again = attach(world, a, volume, "/dev/sdl")
    report.equal("nothing that was written is lost", a.sh(sum_of.format(again)), wrote)
    world.cloud.kill()
    world.cloud.up()
    # It tells the other account's keys by now.
    os.environ.update(world.keys)
    report.equal("nor while the cloud is killed and started again", a.sh(sum_of.format(again)), wrote)
    ec2.detach_volume(VolumeId=volume)
    reach(world, volume, "available")
    copy = restored(world, zone, volume)
    gone = until(lambda: not glob.glob(f"{world.state}/**/{volume}*", recursive=True))
    report.check("what is deleted is gone from the disk", gone is not None, seconds(gone))
    other = attach(world, a, copy, "/dev/sdl")
    report.equal("a volume from a snapshot is as large", a.sh(f"cat /sys/block/{other}/size"), str(3 << 21))
    report.equal("and has what the snapshot has", a.sh(sum_of.format(other)), wrote)
    ec2.detach_volume(VolumeId=copy)
    reach(world, copy, "available")
    ec2.delete_volume(VolumeId=copy)
    ec2.stop_instances(InstanceIds=[b.id], Force=True)
    b.disconnect(), b.wait("stopped")
