"""Images of a guest: of one that runs on and of one that is shut down for it, and a guest of such an image."""

from guest import until


def run(world):
    report, ec2, a = world.report, world.ec2, world.a
    boot = a.sh("echo golden >/etc/mark; sync; cat /proc/sys/kernel/random/boot_id")
    image = made(world, "running", NoReboot=True)
    report.equal("the guest ran on", a.sh("cat /proc/sys/kernel/random/boot_id"), boot)
    copy = world.launch("copy", ImageId=image, SecurityGroupIds=[world.ssh])
    copy.wait("running"), copy.look(), copy.connect()
    report.equal("a guest of it has what was there", copy.sh("cat /etc/mark"), "golden")
    report.check("and is another", copy.sh("cat /sys/class/dmi/id/product_uuid") != a.sh("cat /sys/class/dmi/id/product_uuid"))
    copy.disconnect()
    ec2.terminate_instances(InstanceIds=[copy.id])
    copy.wait("terminated")
    a.disconnect()
    other = made(world, "shut down", NoReboot=False)
    a.wait("running"), a.connect()
    report.check("the guest was started again", a.sh("cat /proc/sys/kernel/random/boot_id") != boot)
    for each in (image, other):
        snapshots = [disk["Ebs"]["SnapshotId"] for disk in described(world, each)["BlockDeviceMappings"] if "Ebs" in disk]
        ec2.deregister_image(ImageId=each)
        for snapshot in snapshots:
            ec2.delete_snapshot(SnapshotId=snapshot)


def described(world, image):
    return world.ec2.describe_images(ImageIds=[image])["Images"][0]


def made(world, how, **options):
    image = world.ec2.create_image(InstanceId=world.a.id, Name=f"of one {how}", **options)["ImageId"]
    took = until(lambda: described(world, image)["State"] != "pending")
    world.report.equal(f"an image of a guest that is {how}", (took is not None, described(world, image)["State"]), (True, "available"))
    return image
