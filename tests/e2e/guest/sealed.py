"""Encrypted volumes and snapshots of a guest that runs: what is on the machine's disk, what comes back, what a key stops."""

import hashlib
import time

from guest import until
from volumes import attach, disk, reach

WORD = "what-nobody-may-read-on-the-machine"
BLOCK = 512 << 10


def run(world):
    report, ec2, a = world.report, world.ec2, world.a
    zone = a.look()["Placement"]["AvailabilityZone"]
    key = world.client("kms").create_key(Description="of disks")["KeyMetadata"]["Arn"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3", Encrypted=True, KmsKeyId=key)["VolumeId"]
    report.check("an encrypted volume is made", reach(world, volume, "available") is not None)
    name = attach(world, a, volume, "/dev/sdm")
    a.sh(f"yes {WORD} | head -c 8388608 >/dev/{name}; sync")
    report.check("nothing of it is to be read on the machine's disk", not holds(f"{world.state}/volumes/{volume}.qcow2", WORD))
    copies = snapshots(world, zone, volume, name)
    row = ec2.describe_volumes(VolumeIds=[copies[0]])["Volumes"][0]
    report.equal("what is made of it is encrypted under the same key", (row["Encrypted"], row["KmsKeyId"]), (True, key))
    blocks(world, zone)
    switched_off(world, key, volume)
    ec2.detach_volume(VolumeId=volume)
    reach(world, volume, "available")
    for each in (volume, *copies):
        ec2.delete_volume(VolumeId=each)
    for row in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        ec2.delete_snapshot(SnapshotId=row["SnapshotId"])


def holds(path, word):
    with open(path, "rb") as file:
        rest = b""
        while piece := file.read(1 << 20):
            if word.encode() in rest + piece:
                return True
            rest = piece[-len(word):]
    return False


def sum_of(guest, name, count=16):
    return guest.sh(f"echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/{name} bs=1048576 count={count} 2>/dev/null | md5sum")


def taken(world, volume):
    """A snapshot of a volume whose guest writes on."""
    snapshot = world.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    row = lambda: world.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    # Once it is held, what the guest writes is of later.
    until(lambda: row()["State"] != "pending")
    return snapshot, row()


def snapshots(world, zone, volume, name):
    """Two in a row, the second of which has little that is new, and a volume of each in the guest beside the first."""
    report, ec2, a = world.report, world.ec2, world.a
    copies = []
    for number, change in enumerate(("true", f"head -c 1048576 /dev/urandom | dd of=/dev/{name} bs=65536 seek=160 2>/dev/null")):
        a.sh(f"{change}; sync")
        before = sum_of(a, name)
        snapshot, row = taken(world, volume)
        report.equal(f"snapshot {number + 1} of the running guest's volume", (row["State"], row["Encrypted"]), ("completed", True))
        copy = ec2.create_volume(AvailabilityZone=zone, SnapshotId=snapshot)["VolumeId"]
        report.check("a volume is made of it", reach(world, copy, "available") is not None)
        report.equal("which has what was there", sum_of(a, attach(world, a, copy, f"/dev/sd{'no'[number]}")), before)
        ec2.detach_volume(VolumeId=copy)
        report.check("and is taken away again", until(lambda: disk(a, copy) == "") is not None)
        copies.append(copy)
    return copies


def blocks(world, zone):
    """What a tool that backs up reads: the blocks of a snapshot, and what changed to the next."""
    report, ec2, a = world.report, world.ec2, world.a
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    reach(world, volume, "available")
    name = attach(world, a, volume, "/dev/sdp")
    fill = lambda block: a.sh(f"head -c {BLOCK} /dev/urandom | dd of=/dev/{name} bs={BLOCK} seek={block} iflag=fullblock 2>/dev/null; sync")
    for block in (0, 9):
        fill(block)
    first, _ = taken(world, volume)
    fill(9)
    sums = {block: a.sh(f"dd if=/dev/{name} bs={BLOCK} skip={block} count=1 2>/dev/null | sha256sum").split()[0] for block in (0, 9)}
    second, _ = taken(world, volume)
    ebs = world.client("ebs")
    listed = ebs.list_snapshot_blocks(SnapshotId=second)
    found = {}
    for entry in listed["Blocks"]:
        got = ebs.get_snapshot_block(SnapshotId=second, BlockIndex=entry["BlockIndex"], BlockToken=entry["BlockToken"])
        found[entry["BlockIndex"]] = hashlib.sha256(got["BlockData"].read()).hexdigest()
    report.equal("a snapshot's blocks are read", (listed["BlockSize"], found), (BLOCK, sums))
    changed = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)["ChangedBlocks"]
    report.equal("and which of them changed", [entry["BlockIndex"] for entry in changed], [9])
    ec2.detach_volume(VolumeId=volume)
    reach(world, volume, "available")
    ec2.delete_volume(VolumeId=volume)


def switched_off(world, key, volume):
    report, ec2, a = world.report, world.ec2, world.a
    kms = world.client("kms")
    a.disconnect()
    ec2.stop_instances(InstanceIds=[a.id])
    a.wait("stopped")
    kms.disable_key(KeyId=key)
    ec2.start_instances(InstanceIds=[a.id])
    reason = lambda: a.look().get("StateReason", {}).get("Code")
    held = until(lambda: a.state() == "stopped" and reason() == "Client.InternalError", 120)
    report.check("without its key it isn't started", held is not None, a.look().get("StateReason"))
    kms.enable_key(KeyId=key)
    ec2.start_instances(InstanceIds=[a.id])
    a.launched = time.monotonic()
    a.wait("running"), a.look(), a.connect()
    name = disk(a, volume)
    report.equal("with it it is, and reads what it wrote", a.sh(f"head -c {len(WORD)} /dev/{name}"), WORD)
