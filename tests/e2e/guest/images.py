"""An image of a guest that runs on, and a guest of it."""

from guest import until


def run(world):
    report, ec2, a = world.report, world.ec2, world.a
    boot = a.sh("echo golden >/etc/mark; sync; cat /proc/sys/kernel/random/boot_id")
    image = made(world)
    report.equal("the guest ran on", a.sh("cat /proc/sys/kernel/random/boot_id"), boot)
    copy = world.launch("copy", ImageId=image, SecurityGroupIds=[world.ssh])
    copy.wait("running"), copy.look(), copy.connect()
    report.equal("a guest of it has what was there", copy.sh("cat /etc/mark"), "golden")
    report.check("and is another", copy.sh("cat /sys/class/dmi/id/product_uuid") != a.sh("cat /sys/class/dmi/id/product_uuid"))
    copy.disconnect()
    ec2.terminate_instances(InstanceIds=[copy.id])
    copy.wait("terminated")
    snapshots = [disk["Ebs"]["SnapshotId"] for disk in described(world, image)["BlockDeviceMappings"] if "Ebs" in disk]
    ec2.deregister_image(ImageId=image)
    for snapshot in snapshots:
        ec2.delete_snapshot(SnapshotId=snapshot)


def described(world, image):
    return world.ec2.describe_images(ImageIds=[image])["Images"][0]


def made(world):
    image = world.ec2.create_image(InstanceId=world.a.id, Name="of one that runs", NoReboot=True)["ImageId"]
    took = until(lambda: described(world, image)["State"] != "pending")
    world.report.equal("an image of a guest that runs", (took is not None, described(world, image)["State"]), (True, "available"))
    return image
