"""Images of a guest: of one that runs on and of one that is shut down for it, and guests of both."""

from guest import until

BOOT = "cat /proc/sys/kernel/random/boot_id"


def run(world):
    report, ec2, a = world.report, world.ec2, world.a
    boot = a.sh(f"echo golden >/etc/mark; sync; {BOOT}")
    image = made(world, "runs", NoReboot=True)
    report.equal("the guest ran on", a.sh(BOOT), boot)
    copy = started(world, image)
    report.equal("a guest of it has what was there", copy.sh("cat /etc/mark"), "golden")
    report.check("and is another", copy.sh("cat /sys/class/dmi/id/product_uuid") != a.sh("cat /sys/class/dmi/id/product_uuid"))
    end(world, copy, image)
    # What nobody has synced is on the disks once the guest has shut down, and not before.
    a.sh("echo silver >/etc/mark")
    image = made(world, "is shut down", NoReboot=False)
    a.disconnect(), a.wait("running"), a.connect()
    report.check("the guest was started again before its image was told", a.sh(BOOT) != boot)
    copy = started(world, image)
    report.equal("a guest of it has what wasn't synced", copy.sh("cat /etc/mark"), "silver")
    end(world, copy, image)


def described(world, image):
    return world.ec2.describe_images(ImageIds=[image])["Images"][0]


def made(world, how, **options):
    image = world.ec2.create_image(InstanceId=world.a.id, Name=f"of one that {how}", **options)["ImageId"]
    took = until(lambda: described(world, image)["State"] != "pending")
    world.report.equal(f"an image of a guest that {how}", (took is not None, described(world, image)["State"]), (True, "available"))
    return image


def started(world, image):
    copy = world.launch("copy", ImageId=image, SecurityGroupIds=[world.ssh])
    copy.wait("running"), copy.look(), copy.connect()
    return copy


def end(world, copy, image):
    copy.disconnect()
    world.ec2.terminate_instances(InstanceIds=[copy.id])
    copy.wait("terminated")
    snapshots = [disk["Ebs"]["SnapshotId"] for disk in described(world, image)["BlockDeviceMappings"] if "Ebs" in disk]
    world.ec2.deregister_image(ImageId=image)
    for snapshot in snapshots:
        world.ec2.delete_snapshot(SnapshotId=snapshot)
