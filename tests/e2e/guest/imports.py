"""Disks that were made elsewhere, imported, started and reached; what can't be imported, and what is left of it."""

import json
import os
import subprocess
import time

from guest import until

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "vmie.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
# Another program than ours writes them: QEMU's converter, as VMware and Hyper-V take them.
FORMS = {
    "VMDK": ("machine.vmdk", ["-O", "vmdk", "-o", "subformat=streamOptimized"]),
    "VHD": ("machine.vhd", ["-O", "vpc", "-o", "force_size=on"]),
}


def run(world):
    world.client("iam").create_role(RoleName="vmimport", AssumeRolePolicyDocument=json.dumps(TRUST))
    disks = f"{world.work}/disks"
    (source,) = [f"{world.state}/images/{name}" for name in os.listdir(f"{world.state}/images") if name.endswith(".qcow2")]
    for form, (name, options) in FORMS.items():
        subprocess.run(["qemu-img", "convert", *options, source, f"{disks}/{name}"], check=True)
        imported(world, form, name)
    killed(world)
    refused(world, disks)


def killed(world):
    """The cloud is killed at several moments of an import, and goes on with it."""
    place = {"S3Bucket": "disks", "S3Key": "machine.vmdk"}
    whole = []
    for pause_s in (0, 0.2, 0.5, 1, 2):
        task = world.ec2.import_snapshot(DiskContainer={"Format": "VMDK", "UserBucket": place})["ImportTaskId"]
        time.sleep(pause_s)
        world.cloud.kill()
        world.cloud.up()
        ended(world, task)
        done = described(world, task)
        whole.append(done["Status"])
        world.ec2.delete_snapshot(SnapshotId=done["SnapshotId"])
    world.report.equal("an import is gone on with after the cloud was killed", whole, ["completed"] * 5)
    took = until(lambda: not [name for name in os.listdir(f"{world.state}/volumes") if name.startswith(".")])
    world.report.check("and nothing half done is left", took is not None)


def imported(world, form, name):
    report, ec2 = world.report, world.ec2
    place = {"S3Bucket": "disks", "S3Key": name}
    task = ec2.import_image(Platform="Linux", DiskContainers=[{"Format": form, "UserBucket": place}])["ImportTaskId"]
    ended(world, task)
    done = described(world, task)
    report.equal(f"a {form} is imported", (done["Status"], "has no cloud-init" in done.get("StatusMessage", "")), ("completed", True))
    guest = world.launch("moved", ImageId=done["ImageId"], SecurityGroupIds=[world.ssh])
    guest.wait("running"), guest.look(), guest.connect()
    line = guest.sh("cat /proc/cmdline")
    report.check(f"a guest of the {form} is reached, started by the loader on its disk", "BOOT_IMAGE=" in line)
    guest.disconnect()
    ec2.terminate_instances(InstanceIds=[guest.id])
    guest.wait("terminated")
    ec2.deregister_image(ImageId=done["ImageId"])
    for disk in done["SnapshotDetails"]:
        ec2.delete_snapshot(SnapshotId=disk["SnapshotId"])


def refused(world, disks):
    report, ec2 = world.report, world.ec2
    os.symlink("/etc/shadow", f"{disks}/link.raw")
    with open(f"{disks}/nothing.vmdk", "wb") as file:
        file.write(b"# Disk DescriptorFile\nRW 2048 FLAT \"/etc/shadow\" 0\n")
    for name, form, why in (("link.raw", "RAW", "does not exist"), ("nothing.vmdk", "VMDK", "in another file"), ("gone.vhd", "VHD", "does not exist")):
        container = {"Format": form, "UserBucket": {"S3Bucket": "disks", "S3Key": name}}
        task = ec2.import_snapshot(DiskContainer=container)["ImportTaskId"]
        ended(world, task)
        done = described(world, task)
        words = done["StatusMessage"]
        report.equal(f"{name} isn't imported", (done["Status"], words.startswith("ClientError: "), why in words), ("deleted", True, True))
    # One that is canceled while the host is at it.
    container = {"Format": "VHD", "UserBucket": {"S3Bucket": "disks", "S3Key": "machine.vhd"}}
    task = ec2.import_snapshot(DiskContainer=container)["ImportTaskId"]
    until(lambda: described(world, task)["StatusMessage"] == "converting", timeout_s=10)
    ec2.cancel_import_task(ImportTaskId=task)
    took = until(lambda: described(world, task)["Status"] == "deleted")
    left = [name for name in os.listdir(f"{world.state}/volumes") if name.startswith(".")]
    report.equal("one that is canceled leaves nothing", (took is not None, left), (True, []))


def described(world, task):
    if task.startswith("import-ami-"):
        return world.ec2.describe_import_image_tasks(ImportTaskIds=[task])["ImportImageTasks"][0]
    return world.ec2.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"][0]["SnapshotTaskDetail"]


def ended(world, task):
    until(lambda: described(world, task)["Status"] in ("completed", "deleted"))
