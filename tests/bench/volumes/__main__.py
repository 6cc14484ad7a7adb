"""What a volume costs a guest, next to a raw file that the same machine has as a disk; what making one takes; and what a
snapshot does after a small change, next to a full one. Figures are medians of interleaved rounds; ratios are of medians."""

import array
import json
import os
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "e2e", "guest"))

from guest import image_of, make_key, until
from volumes import attach, reach
from world import Report, World

ROUNDS = int(os.environ.get("ROUNDS", 7))
MS = int(os.environ.get("MS", 1500))
GIB = int(os.environ.get("GIB", 4))
FAST = {"VolumeType": "gp3", "Iops": 16000, "Throughput": 1000}
KINDS = {"read": "4 KiB random reads", "write": "4 KiB random writes", "scan": "1 MiB sequential reads", "fill": "1 MiB sequential writes"}


class Monitor:
    """The monitor of a guest's machine that is for acts: its agent opens it for each."""

    def __init__(self, guest):
        (path,) = [f"{root}/act.sock" for root, _, files in os.walk("/run/landfall") if root.endswith(guest.id) and "act.sock" in files]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, what, arguments=None, fd=None):
        text = json.dumps({"execute": what, "arguments": arguments or {}}).encode() + b"\n"
        rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.socket.sendmsg([text], rights)
        while "return" not in (answer := json.loads(self.lines.readline())):
            if "error" in answer:
                raise RuntimeError(f"{what}: {answer['error']['desc']}")
        return answer["return"]

    def close(self):
        self.socket.close()


def give_file(guest, path, gib):
    """A raw file as one more disk of a guest; what it is called there."""
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, gib << 30)
    monitor = Monitor(guest)
    fd = os.open(path, os.O_RDWR)
    monitor.ask("add-fd", {"fdset-id": 4000, "opaque": "rdwr"}, fd)
    os.close(fd)
    monitor.ask("blockdev-add", {"driver": "raw", "node-name": "bare", "file": {"driver": "file", "filename": "/dev/fdset/4000"}})
    for slot in reversed(range(64)):
        try:
            monitor.ask("device_add", {"driver": "virtio-blk-pci", "id": "bare", "drive": "bare", "bus": f"rp{slot}", "serial": "bare"})
            break
        except RuntimeError as error:
            refused = error
    else:
        raise refused
    monitor.close()
    find = "grep -l -x bare /sys/block/*/serial 2>/dev/null | cut -d/ -f4"
    until(lambda: guest.sh(find) != "")
    return guest.sh(find)


def line(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def speeds(world, guest, disks):
    """Operations a second of each disk, the raw file's first."""
    rates = {kind: {name: [] for name in disks} for kind in KINDS}
    for number in range(ROUNDS + 1):
        for kind in KINDS:
            for name, disk in disks.items():
                found = float(guest.sh(f"/var/tmp/io /dev/{disk} {kind} {MS}"))
                # The first round allocates.
                if number:
                    rates[kind][name].append(found)
    line("operations a second", *disks, *[f"{name}: ratio" for name in disks if name != "raw file"])
    line(*["---"] * (2 * len(disks)))
    for kind, what in KINDS.items():
        median = {name: statistics.median(found) for name, found in rates[kind].items()}
        ratios = [f"{median[name] / median['raw file']:.2f}" for name in disks if name != "raw file"]
        line(what, *[f"{median[name]:.0f} ({min(rates[kind][name]):.0f} to {max(rates[kind][name]):.0f})" for name in disks], *ratios)


def made_s(world, zone, **options):
    """How long it takes until a volume can be used; it is deleted then."""
    started = time.monotonic()
    volume = world.ec2.create_volume(AvailabilityZone=zone, VolumeType="gp3", **options)["VolumeId"]
    while world.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] != "available":
        time.sleep(0.002)
    took = time.monotonic() - started
    world.ec2.delete_volume(VolumeId=volume)
    return took


def making(world, zone, snapshots):
    print(f"\nfrom CreateVolume until it is available, ms ({ROUNDS} rounds)")
    line("of", "8 GiB", "800 GiB", "ratio")
    line(*["---"] * 4)
    for name, snapshot in snapshots.items():
        options = {"SnapshotId": snapshot} if snapshot else {}
        took = {8: [], 800: []}
        for _ in range(ROUNDS):
            for size in took:
                took[size].append(1000 * made_s(world, zone, Size=size, **options))
        small, large = statistics.median(took[8]), statistics.median(took[800])
        line(name, f"{small:.0f}", f"{large:.0f}", f"{large / small:.2f}")


def stored(world):
    return int(subprocess.run(["du", "-sB1", f"{world.state}/chunks"], capture_output=True, text=True, check=True).stdout.split()[0])


def snapshot(world, volume):
    """A snapshot of a volume that is used: what it is called, how long it took and how much is stored for it."""
    before, started = stored(world), time.monotonic()
    name = world.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    while (row := world.ec2.describe_snapshots(SnapshotIds=[name])["Snapshots"][0])["State"] == "pending":
        time.sleep(0.01)
    took = time.monotonic() - started
    if row["State"] != "completed":
        raise RuntimeError(f"{name}: {row}")
    return name, took, stored(world) - before


def snapshots(world, guest, zone):
    """Full snapshots and such after a change of a hundredth, of volumes whose guest runs; the last of them."""
    full, part = [], []
    for number in range(max(2, ROUNDS // 3)):
        volume = world.ec2.create_volume(AvailabilityZone=zone, Size=GIB, **FAST)["VolumeId"]
        reach(world, volume, "available")
        disk = attach(world, guest, volume, f"/dev/sd{'ghijklmnop'[number]}")
        guest.sh(f"/var/tmp/io /dev/{disk} noise 0 {GIB << 10}", timeout_s=3600)
        full.append(snapshot(world, volume)[1:])
        for change in range(3):
            guest.sh(f"/var/tmp/io /dev/{disk} noise {(change + 1) * 100} {(GIB << 10) // 100}", timeout_s=3600)
            last, *found = snapshot(world, volume)
            part.append(found)
        world.ec2.detach_volume(VolumeId=volume)
        reach(world, volume, "available")
        world.ec2.delete_volume(VolumeId=volume)
    median = lambda found, at: statistics.median(one[at] for one in found)
    print(f"\nsnapshots of {GIB} GiB that don't compress, of a guest that runs")
    line("snapshot", "s", "MiB stored", "of the full one's time", "of its bytes")
    line(*["---"] * 5)
    line("full", f"{median(full, 0):.2f}", f"{median(full, 1) / (1 << 20):.0f}", "", "")
    share = [f"{100 * median(part, at) / median(full, at):.1f} %" for at in (0, 1)]
    line("after a hundredth changed", f"{median(part, 0):.2f}", f"{median(part, 1) / (1 << 20):.0f}", *share)
    return last


def run(world):
    world.cloud.up()
    world.ec2 = world.client()
    world.image = image_of(world.ec2)["ImageId"]
    make_key(world.ec2, world.work)
    group = world.group("bench", {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
    guest = world.launch("bench", SecurityGroupIds=[group])
    guest.wait("running"), guest.look(), guest.connect()
    with open(f"{world.work}/io", "rb") as file:
        guest.sh("cat >/var/tmp/io && chmod +x /var/tmp/io", data=file.read())
    zone = guest.look()["Placement"]["AvailabilityZone"]
    disks = {"raw file": give_file(guest, f"{world.state}/bare", 2)}
    for name, device, options in (("volume", "/dev/sde", {}), ("encrypted volume", "/dev/sdf", {"Encrypted": True})):
        volume = world.ec2.create_volume(AvailabilityZone=zone, Size=2, **FAST, **options)["VolumeId"]
        reach(world, volume, "available")
        disks[name] = attach(world, guest, volume, device)
    print(f"{ROUNDS} rounds of {MS} ms each")
    speeds(world, guest, disks)
    last = snapshots(world, guest, zone)
    root = world.ec2.describe_images(ImageIds=[world.image])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    making(world, zone, {"nothing": None, "an image": root, f"a snapshot of {GIB} GiB": last})


def main(work):
    report = Report()
    world = World(work, report, on_disk=True)
    try:
        run(world)
    except Exception:
        subprocess.run(["tail", "-n", "40", f"{world.state}/landfall-4566.log"])
        raise
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
