"""Stop and start: what survives, what changes, what is not done again."""

import subprocess
import time

import stage
from guest import seconds, until


def run(world):
    report, ec2, a, b = world.report, world.ec2, world.a, world.b
    volumes = {m["DeviceName"]: m["Ebs"]["VolumeId"] for m in a.look()["BlockDeviceMappings"]}
    former = b.public
    started = time.monotonic()
    a.sh("echo again >>/data/file; sync")
    ec2.stop_instances(InstanceIds=[a.id])
    # The other one is cut off meanwhile; its init is told to ignore the power button first.
    b.sh("killall acpid; true")
    ec2.stop_instances(InstanceIds=[b.id], Force=True)
    a.disconnect(), b.disconnect()
    # Less than the minute that a stop which isn't forced may take.
    b.wait("stopped", 55)
    report.check("a forced stop waits for nobody", True, f"{time.monotonic() - started:.1f} s")
    a.wait("stopped")
    down = until(lambda: "reboot: Power down" in a.console(), 30)
    report.check("the guest goes down by its power button", down is not None, f"{time.monotonic() - started:.1f} s")
    report.check("no process is left of them", not {a.id, b.id} & set(stage.qemus()))
    ec2.modify_instance_attribute(InstanceId=a.id, InstanceType={"Value": "t3.micro"})
    started = time.monotonic()
    ec2.start_instances(InstanceIds=[a.id, b.id])
    a.launched = b.launched = time.monotonic()
    a.wait("running"), b.wait("running")
    for guest in (a, b):
        guest.look()
        guest.connect()
    report.say(f"both let us in again {time.monotonic() - started:.1f} s after the start")
    report.equal("the elastic address stayed", a.public, world.elastic["PublicIp"])
    report.check("the other's public address is another", b.public != former, f"{former}, {b.public}")
    memory = int(a.sh("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"))
    report.check("it has a t3.micro's memory", 880 << 10 < memory <= 1 << 20, f"{memory >> 10} MiB")
    report.equal("and its metadata says so", a.http(("GET", "/latest/meta-data/instance-type", a.token()))[0][1], b"t3.micro")
    report.equal("the volumes are the same", {m["DeviceName"]: m["Ebs"]["VolumeId"] for m in a.look()["BlockDeviceMappings"]}, volumes)
    report.equal("what was written is there", a.sh("mkdir -p /data; mount /dev/sdf /data; cat /data/file"), "kept\nagain")
    report.equal("user data did not run again", a.sh("cat /var/lib/user-data-runs"), "run")

    boot = a.sh("cat /proc/sys/kernel/random/boot_id")
    process = stage.qemus()[a.id]
    ec2.reboot_instances(InstanceIds=[a.id])
    a.launched = time.monotonic()
    a.disconnect()

    def rebooted():
        try:
            a.connect(30)
            return a.sh("cat /proc/sys/kernel/random/boot_id") != boot
        except (RuntimeError, OSError, subprocess.SubprocessError):
            return False

    took = until(rebooted, every_s=0.3)
    report.check("it reboots", took is not None, a.autopsy() if took is None else seconds(took))
    report.equal("in the same process", stage.qemus().get(a.id), process)
    report.equal("user data did not run again", a.sh("cat /var/lib/user-data-runs"), "run")

    b.sh("(sleep 0.3; poweroff) >/dev/null 2>&1 </dev/null &")
    b.disconnect()
    took = until(lambda: b.state() == "stopped")
    report.check("a guest that powers itself off is stopped", took is not None, seconds(took))
    report.equal("and it is said that it was the guest", b.look()["StateReason"]["Code"], "Client.InstanceInitiatedShutdown")
