//! Volumes that are made by themselves: what they take, where they are attached, how they change.

use crate::harness::{Case, Client, World, at, column, list, params};
use crate::network::launch;

const NONE: &str = "vol-0123456789abcdef0";
const INSTANCE: &str = "i-0123456789abcdef0";
const ONE_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("VolumeId", "vol-1")], "InvalidVolumeID.Malformed"),
    (&[("VolumeId", NONE)], "InvalidVolume.NotFound"),
];

/// The cases of volumes.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateVolume",
        |_| {
            params([
                ("AvailabilityZone", "us-east-1a"),
                ("Size", "20"),
                ("VolumeType", "gp3"),
                ("Iops", "4000"),
                ("Throughput", "200"),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "volume"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "data"),
            ])
        },
        &[
            (&[("Size", "1")], "MissingParameter"),
            (&[("AvailabilityZone", "us-east-1a")], "MissingParameter"),
            (&[("AvailabilityZone", "us-east-1z"), ("Size", "1")], "InvalidZone.NotFound"),
            (&[("AvailabilityZone", "us-east-1a"), ("Size", "0")], "InvalidParameterValue"),
            (&[("AvailabilityZone", "us-east-1a"), ("Size", "20000")], "InvalidParameterValue"),
            (&[("AvailabilityZone", "us-east-1a"), ("Size", "1"), ("VolumeType", "gp9")], "InvalidParameterValue"),
            (&[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("VolumeType", "io1")], "MissingParameter"),
            (&[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("Iops", "100")], "InvalidParameterValue"),
            (
                &[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("VolumeType", "gp3"), ("Throughput", "1000")],
                "InvalidParameterValue",
            ),
            (
                &[("AvailabilityZone", "us-east-1a"), ("SnapshotId", "snap-0123456789abcdef9")],
                "InvalidSnapshot.NotFound",
            ),
            (
                &[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("KmsKeyId", "alias/none")],
                "InvalidParameterDependency",
            ),
            (
                &[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("Encrypted", "true"), ("KmsKeyId", "alias/none")],
                "InvalidKmsKeyId.NotFound",
            ),
            (
                &[("AvailabilityZone", "us-east-1a"), ("Size", "4"), ("MultiAttachEnabled", "true")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2("DeleteVolume", |client| params([("VolumeId", create(client, &[]))]), ONE_BAD),
    Case::ec2(
        "AttachVolume",
        |client| {
            let (volume, instance) = pair(client);
            params([("VolumeId", volume.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdf")])
        },
        &[
            (&[("VolumeId", NONE), ("InstanceId", INSTANCE)], "MissingParameter"),
            (&[("VolumeId", NONE), ("InstanceId", INSTANCE), ("Device", "/dev/sdf")], "InvalidVolume.NotFound"),
            (&[("VolumeId", NONE), ("InstanceId", "i-1"), ("Device", "/dev/sdf")], "InvalidInstanceID.Malformed"),
            (&[("VolumeId", NONE), ("InstanceId", INSTANCE), ("Device", "/dev/hda")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DetachVolume",
        |client| {
            let (volume, instance) = attached(client);
            params([("VolumeId", volume.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdf")])
        },
        ONE_BAD,
    ),
    Case::ec2(
        "ModifyVolume",
        |client| {
            let id = create(client, &[]);
            params([("VolumeId", id.as_str()), ("Size", "30"), ("VolumeType", "gp3"), ("Iops", "5000")])
        },
        ONE_BAD,
    ),
    Case::ec2(
        "DescribeVolumesModifications",
        |client| {
            let id = create(client, &[]);
            client.ok("ModifyVolume", &[("VolumeId", &id), ("Size", "11")]);
            params([("VolumeId.1", id)])
        },
        &[
            (&[("VolumeId.1", "vol-1")], "InvalidVolumeID.Malformed"),
            (&[("VolumeId.1", NONE)], "InvalidVolume.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "DescribeVolumeStatus",
        |client| params([("VolumeId.1", attached(client).0)]),
        &[
            (&[("VolumeId.1", "vol-1")], "InvalidVolumeID.Malformed"),
            (&[("VolumeId.1", NONE)], "InvalidVolume.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "DescribeVolumeAttribute",
        |client| {
            let id = create(client, &[]);
            params([("VolumeId", id.as_str()), ("Attribute", "autoEnableIO")])
        },
        &[
            (&[("VolumeId", NONE)], "MissingParameter"),
            (&[("VolumeId", NONE), ("Attribute", "autoEnableIO")], "InvalidVolume.NotFound"),
        ],
    ),
    Case::ec2(
        "ModifyVolumeAttribute",
        |client| {
            let id = create(client, &[]);
            params([("VolumeId", id.as_str()), ("AutoEnableIO.Value", "true")])
        },
        &[
            (&[("AutoEnableIO.Value", "true")], "MissingParameter"),
            (&[("VolumeId", NONE), ("AutoEnableIO.Value", "true")], "InvalidVolume.NotFound"),
            (&[("VolumeId", NONE)], "MissingParameter"),
        ],
    ),
    Case::ec2("EnableVolumeIO", |client| params([("VolumeId", create(client, &[]))]), ONE_BAD),
];

/// Makes a volume of 10 GiB where instances are; its id.
fn create(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let mut all = vec![("AvailabilityZone", "us-east-1a")];
    if more.iter().all(|(name, _)| *name != "Size" && *name != "SnapshotId") {
        all.push(("Size", "10"));
    }
    all.extend(more);
    at(&client.ok("CreateVolume", &all), "volumeId").to_owned()
}

/// A volume and a running instance in the same zone.
fn pair(client: &Client<'_>) -> (String, String) {
    let volume = create(client, &[]);
    let instance = launch(client, &[("Placement.AvailabilityZone", "us-east-1a")]);
    client.world().settle();
    (volume, instance)
}

/// The same, attached.
fn attached(client: &Client<'_>) -> (String, String) {
    let (volume, instance) = pair(client);
    attach(client, &volume, &instance);
    client.world().settle();
    (volume, instance)
}

fn attach(client: &Client<'_>, volume: &str, instance: &str) {
    client.ok("AttachVolume", &[("VolumeId", volume), ("InstanceId", instance), ("Device", "/dev/sdf")]);
}

fn shown(client: &Client<'_>, id: &str, path: &str) -> String {
    at(&client.ok("DescribeVolumes", &[("VolumeId.1", id)]), &format!("volumeSet.0.{path}")).to_owned()
}

#[test]
fn a_volume_is_made_attached_detached_and_deleted() {
    let world = World::new();
    let client = world.root();
    let (volume, instance) = pair(&client);
    assert_eq!(shown(&client, &volume, "status"), "available");
    world.pass(1);
    attach(&client, &volume, &instance);
    assert_eq!(shown(&client, &volume, "status"), "in-use");
    assert_eq!(shown(&client, &volume, "attachmentSet.0.status"), "attaching");
    world.settle();
    world.settle();
    assert_eq!(shown(&client, &volume, "attachmentSet.0.status"), "attached");
    assert_eq!(shown(&client, &volume, "attachmentSet.0.deleteOnTermination"), "false");
    let instances = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let devices = column(&instances, "reservationSet.0.instancesSet.0.blockDeviceMapping", "deviceName");
    assert!(devices.contains(&"/dev/sdf"), "{devices:?}");

    let delete = [("VolumeId", volume.as_str())];
    assert_eq!(client.refused("DeleteVolume", &delete), "VolumeInUse");
    let again = [("VolumeId", volume.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdg")];
    assert_eq!(client.refused("AttachVolume", &again), "VolumeInUse");
    let elsewhere = [("VolumeId", volume.as_str()), ("Device", "/dev/sdz")];
    assert_eq!(client.refused("DetachVolume", &elsewhere), "InvalidAttachment.NotFound");
    let answer = client.ok("DetachVolume", &delete);
    assert_eq!(at(&answer, "status"), "detaching");
    assert_eq!(shown(&client, &volume, "attachmentSet.0.status"), "detaching");
    world.settle();
    assert_eq!(shown(&client, &volume, "status"), "available");
    assert_eq!(client.refused("DetachVolume", &delete), "IncorrectState");
    client.ok("DeleteVolume", &delete);
    assert_eq!(shown(&client, &volume, "status"), "deleting");
    world.settle();
    assert_eq!(client.refused("DescribeVolumes", &[("VolumeId.1", &volume)]), "InvalidVolume.NotFound");
}

#[test]
fn what_was_never_used_goes_at_once() {
    let world = World::new();
    let client = world.root();
    let volume = create(&client, &[]);
    client.ok("DeleteVolume", &[("VolumeId", &volume)]);
    assert_eq!(client.refused("DescribeVolumes", &[("VolumeId.1", &volume)]), "InvalidVolume.NotFound");
}

#[test]
fn an_attachment_has_one_place_in_the_same_zone() {
    let world = World::new();
    let client = world.root();
    let (volume, instance) = attached(&client);
    let other = create(&client, &[]);
    let taken = [("VolumeId", other.as_str()), ("InstanceId", &instance), ("Device", "sdf")];
    assert_eq!(client.refused("AttachVolume", &taken), "InvalidParameterValue");
    let far = create(&client, &[("AvailabilityZone", "us-east-1b")][..0]);
    let far_away =
        at(&client.ok("CreateVolume", &[("AvailabilityZone", "us-east-1b"), ("Size", "1")]), "volumeId").to_owned();
    let there = [("VolumeId", far_away.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdg")];
    assert_eq!(client.refused("AttachVolume", &there), "InvalidVolume.ZoneMismatch");
    // The root volume of what runs stays where it is.
    let instances = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let devices = list(&instances, "reservationSet.0.instancesSet.0.blockDeviceMapping");
    let root = devices.iter().map(|device| at(device, "ebs.volumeId")).find(|id| *id != volume).unwrap().to_owned();
    assert_eq!(client.refused("DetachVolume", &[("VolumeId", &root)]), "OperationNotPermitted");
    client.ok("StopInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    client.ok("DetachVolume", &[("VolumeId", &root)]);
    assert_eq!(shown(&client, &root, "status"), "available");
    assert_eq!(client.refused("StartInstances", &[("InstanceId.1", &instance)]), "IncorrectInstanceState");
    // What is attached to a stopped instance is attached at once.
    client.ok("AttachVolume", &[("VolumeId", &root), ("InstanceId", &instance), ("Device", "/dev/xvda")]);
    assert_eq!(shown(&client, &root, "attachmentSet.0.status"), "attached");
    client.ok("StartInstances", &[("InstanceId.1", &instance)]);
    client.ok("DeleteVolume", &[("VolumeId", &far)]);
}

#[test]
fn a_change_shows_once_it_is_done() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = attached(&client);
    world.settle();
    let change = [("VolumeId", volume.as_str()), ("Size", "15"), ("VolumeType", "gp3"), ("Iops", "6000")];
    let answer = client.ok("ModifyVolume", &change);
    assert_eq!(at(&answer, "volumeModification.modificationState"), "modifying");
    assert_eq!(at(&answer, "volumeModification.originalSize"), "10");
    assert_eq!(at(&answer, "volumeModification.targetSize"), "15");
    assert_eq!((shown(&client, &volume, "size"), shown(&client, &volume, "volumeType")), ("10".into(), "gp2".into()));
    assert_eq!(client.refused("ModifyVolume", &change), "IncorrectModificationState");
    world.settle();
    let tree = client.ok("DescribeVolumesModifications", &[("VolumeId.1", &volume)]);
    assert_eq!(at(&tree, "volumeModificationSet.0.modificationState"), "completed");
    assert_eq!(at(&tree, "volumeModificationSet.0.progress"), "100");
    assert_eq!((shown(&client, &volume, "size"), shown(&client, &volume, "iops")), ("15".into(), "6000".into()));
    assert_eq!(client.refused("ModifyVolume", &[("VolumeId", &volume), ("Size", "9")]), "InvalidParameterValue");
    // Back to what follows from the size.
    client.ok("ModifyVolume", &[("VolumeId", &volume), ("VolumeType", "gp2")]);
    world.settle();
    assert_eq!(shown(&client, &volume, "iops"), "100");
    // One that nothing has is changed at once.
    let free = create(&client, &[]);
    client.ok("ModifyVolume", &[("VolumeId", &free), ("Size", "12")]);
    assert_eq!(shown(&client, &free, "size"), "12");
    let none = client.refused("DescribeVolumesModifications", &[("VolumeId.1", &create(&client, &[]))]);
    assert_eq!(none, "InvalidVolumeModification.NotFound");
    assert_eq!(list(&client.ok("DescribeVolumesModifications", &[]), "volumeModificationSet").len(), 2);
}

#[test]
fn an_images_snapshot_is_what_a_volume_can_be_made_of() {
    let world = World::new();
    let client = world.root();
    let images = client.ok("DescribeImages", &[]);
    let snapshot = at(&images, "imagesSet.0.blockDeviceMapping.0.ebs.snapshotId").to_owned();
    let size = at(&images, "imagesSet.0.blockDeviceMapping.0.ebs.volumeSize").to_owned();
    let volume = create(&client, &[("SnapshotId", &snapshot)]);
    assert_eq!((shown(&client, &volume, "snapshotId"), shown(&client, &volume, "size")), (snapshot.clone(), size));
    let small = [("AvailabilityZone", "us-east-1a"), ("SnapshotId", &snapshot), ("Size", "1")];
    assert_eq!(client.refused("CreateVolume", &small), "InvalidParameterValue");
}
