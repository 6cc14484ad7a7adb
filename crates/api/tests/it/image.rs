//! Images: the provider's under their names, and accounts' own: made of instances and of snapshots, launched from, shared,
//! deregistered.

use landfall_model::InstanceState;

use crate::harness::{
    ACCOUNT, Case, Client, IMAGE, IMAGE_ALIAS, OTHER_ACCOUNT, World, at, column, find, list, nothing, params,
};
use crate::network::launch;

const NONE: &str = "ami-00000000000000000";
const LATER: (&str, &str) = ("DeprecateAt", "2027-06-01T12:00:31Z");
const NO_SNAPSHOT: &str = "snap-0123456789abcdef9";
const ROOT: (&str, &str) = ("RootDeviceName", "/dev/xvda");
const HVM: (&str, &str) = ("VirtualizationType", "hvm");
const X86: (&str, &str) = ("Architecture", "x86_64");
const DEVICE: (&str, &str) = ("BlockDeviceMapping.1.DeviceName", "/dev/xvda");
const SNAPSHOT: &str = "BlockDeviceMapping.1.Ebs.SnapshotId";

/// The cases of images.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeImages",
        nothing,
        &[
            (&[("ImageId.1", "ami-1")], "InvalidAMIID.Malformed"),
            (&[("ImageId.1", NONE)], "InvalidAMIID.NotFound"),
            (&[("Owner.1", "nobody")], "InvalidUserID.Malformed"),
            (&[("ExecutableBy.1", "nobody")], "InvalidUserID.Malformed"),
            (&[("Filter.1.Name", "image-allowed"), ("Filter.1.Value.1", "true")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "CreateImage",
        |client| {
            let instance = running(client);
            params([
                ("InstanceId", instance.as_str()),
                ("Name", "golden"),
                ("Description", "as it is"),
                ("TagSpecification.1.ResourceType", "image"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "golden"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("InstanceId", "i-1"), ("Name", "golden")], "InvalidInstanceID.Malformed"),
            (&[("InstanceId", "i-0123456789abcdef0"), ("Name", "golden")], "InvalidInstanceID.NotFound"),
            (&[("InstanceId", "i-0123456789abcdef0")], "MissingParameter"),
            (
                &[("InstanceId", "i-0123456789abcdef0"), ("Name", "golden"), ("SnapshotLocation", "local")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "RegisterImage",
        |client| {
            let id = snapshot(client, "3");
            params([
                ("Name", "registered"),
                ROOT,
                HVM,
                X86,
                DEVICE,
                (SNAPSHOT, id.as_str()),
                ("BootMode", "legacy-bios"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("Name", "registered"), HVM, X86], "MissingParameter"),
            (&[("Name", "registered"), X86], "UnsupportedOperation"),
            (&[("Name", "registered"), HVM], "UnsupportedOperation"),
            (&[("Name", "registered"), ("KernelId", "aki-1")], "UnsupportedOperation"),
            (&[("Name", "registered"), ("BootMode", "bios")], "InvalidParameterValue"),
            (&[("Name", "registered"), ("ImageLocation", "bucket/image")], "UnsupportedOperation"),
            (&[("Name", "registered"), HVM, X86, ROOT, DEVICE, (SNAPSHOT, NO_SNAPSHOT)], "InvalidSnapshot.NotFound"),
            (
                &[("Name", "a"), HVM, X86, ROOT, DEVICE, ("BlockDeviceMapping.1.Ebs.VolumeSize", "1")],
                "InvalidAMIName.Malformed",
            ),
            (
                &[("Name", "registered"), HVM, X86, ROOT, DEVICE, ("BlockDeviceMapping.1.Ebs.VolumeSize", "1")],
                "InvalidBlockDeviceMapping",
            ),
        ],
    ),
    Case::ec2(
        "DeregisterImage",
        |client| {
            params([("ImageId", registered(client, "registered")), ("DeleteAssociatedSnapshots", "true".to_owned())])
        },
        BAD,
    ),
    Case::ec2(
        "CopyImage",
        |client| {
            let id = registered(client, "registered");
            params([("SourceImageId", id.as_str()), ("SourceRegion", "us-east-1"), ("Name", "copied")])
        },
        &[
            (&[("SourceImageId", NONE), ("SourceRegion", "us-east-1")], "MissingParameter"),
            (&[("SourceImageId", NONE), ("SourceRegion", "us-east-1"), ("Name", "copied")], "InvalidAMIID.NotFound"),
            (&[("SourceImageId", NONE), ("SourceRegion", "nowhere"), ("Name", "copied")], "InvalidParameterValue"),
            (&[("SourceImageId", IMAGE), ("SourceRegion", "us-east-1"), ("Name", "copied")], "UnsupportedOperation"),
            (
                &[("SourceImageId", NONE), ("SourceRegion", "us-east-1"), ("Name", "copied"), ("Encrypted", "true")],
                "InvalidAMIID.NotFound",
            ),
        ],
    ),
    Case::ec2(
        "DescribeImageAttribute",
        |client| {
            let id = registered(client, "registered");
            client.ok("ModifyImageAttribute", &[("ImageId", &id), ("LaunchPermission.Add.1.UserId", OTHER_ACCOUNT)]);
            params([("ImageId", id.as_str()), ("Attribute", "launchPermission")])
        },
        &[
            (&[("ImageId", NONE)], "MissingParameter"),
            (&[("ImageId", NONE), ("Attribute", "bootMode")], "InvalidAMIID.NotFound"),
            (&[("ImageId", IMAGE), ("Attribute", "nonsense")], "InvalidParameterValue"),
            (&[("ImageId", IMAGE), ("Attribute", "launchPermission")], "AuthFailure"),
            (&[("ImageId", IMAGE), ("Attribute", "lastLaunchedTime")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "ModifyImageAttribute",
        |client| {
            let id = registered(client, "registered");
            params([
                ("ImageId", id.as_str()),
                ("Attribute", "launchPermission"),
                ("OperationType", "add"),
                ("UserId.1", OTHER_ACCOUNT),
            ])
        },
        &[
            (&[("ImageId", NONE)], "MissingParameter"),
            (&[("ImageId", NONE), ("Description.Value", "new")], "InvalidAMIID.NotFound"),
            (&[("ImageId", IMAGE), ("Description.Value", "new")], "AuthFailure"),
            (
                &[("ImageId", IMAGE), ("Description.Value", "new"), ("ImdsSupport.Value", "v2.0")],
                "InvalidParameterCombination",
            ),
            (&[("ImageId", IMAGE), ("ImdsSupport.Value", "v1.0")], "InvalidParameterValue"),
            (&[("ImageId", IMAGE), ("LaunchPermission.Add.1.Group", "some")], "InvalidAMIAttributeItemValue"),
            (&[("ImageId", IMAGE), ("LaunchPermission.Add.1.UserId", "me")], "InvalidAMIAttributeItemValue"),
            (
                &[("ImageId", IMAGE), ("LaunchPermission.Add.1.OrganizationArn", "arn:aws:organizations::1:o")],
                "UnsupportedOperation",
            ),
            (&[("ImageId", IMAGE), ("Attribute", "productCodes")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "ResetImageAttribute",
        |client| params([("ImageId", registered(client, "registered")), ("Attribute", "launchPermission".to_owned())]),
        &[
            (&[("ImageId", NONE)], "MissingParameter"),
            (&[("ImageId", NONE), ("Attribute", "launchPermission")], "InvalidAMIID.NotFound"),
            (&[("ImageId", IMAGE), ("Attribute", "launchPermission")], "AuthFailure"),
            (&[("ImageId", IMAGE), ("Attribute", "description")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "CancelImageLaunchPermission",
        |client| params([("ImageId", shared_with(client))]),
        &[
            (&[], "MissingParameter"),
            (&[("ImageId", "ami-1")], "InvalidAMIID.Malformed"),
            (&[("ImageId", NONE)], "InvalidAMIID.NotFound"),
            (&[("ImageId", IMAGE)], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "EnableImageDeprecation",
        |client| params([("ImageId", registered(client, "registered").as_str()), LATER]),
        &[
            (&[("ImageId", NONE)], "MissingParameter"),
            (&[("ImageId", NONE), LATER], "InvalidAMIID.NotFound"),
            (&[("ImageId", IMAGE), LATER], "AuthFailure"),
            (&[("ImageId", IMAGE), ("DeprecateAt", "soon")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2("DisableImageDeprecation", |client| params([("ImageId", registered(client, "registered"))]), BAD),
    Case::ec2("EnableImage", |client| params([("ImageId", registered(client, "registered"))]), BAD),
    Case::ec2("DisableImage", |client| params([("ImageId", registered(client, "registered"))]), BAD),
    Case::ec2(
        "EnableImageDeregistrationProtection",
        |client| params([("ImageId", registered(client, "registered"))]),
        BAD,
    ),
    Case::ec2(
        "DisableImageDeregistrationProtection",
        |client| params([("ImageId", registered(client, "registered"))]),
        BAD,
    ),
    Case::ec2("GetImageBlockPublicAccessState", nothing, NO_STATE),
    Case::ec2("DisableImageBlockPublicAccess", nothing, NO_STATE),
    Case::ec2(
        "EnableImageBlockPublicAccess",
        |_| params([("ImageBlockPublicAccessState", "block-new-sharing")]),
        &[(&[], "MissingParameter"), (&[("ImageBlockPublicAccessState", "unblocked")], "InvalidParameterValue")],
    ),
];

const NO_STATE: &[(&[(&str, &str)], &str)] = &[(&[("ImageBlockPublicAccessState", "x")], "UnknownParameter")];

const BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("ImageId", "ami-1")], "InvalidAMIID.Malformed"),
    (&[("ImageId", NONE)], "InvalidAMIID.NotFound"),
    (&[("ImageId", IMAGE)], "AuthFailure"),
];

fn running(client: &Client<'_>) -> String {
    let id = launch(client, &[("Placement.AvailabilityZone", "us-east-1a")]);
    client.world().settle();
    id
}

/// An image of another account's that is shared with the caller.
fn shared_with(client: &Client<'_>) -> String {
    let (other, caller) = (client.world().other(), client.send("sts", "GetCallerIdentity", &[]).tree());
    let id = registered(&other, "theirs");
    let to = at(&caller, "GetCallerIdentityResult.Account");
    other.ok("ModifyImageAttribute", &[("ImageId", &id), ("LaunchPermission.Add.1.UserId", to)]);
    id
}

/// A snapshot of a volume that nobody had.
fn snapshot(client: &Client<'_>, size: &str) -> String {
    let volume = client.ok("CreateVolume", &[("AvailabilityZone", "us-east-1a"), ("Size", size)]);
    at(&client.ok("CreateSnapshot", &[("VolumeId", at(&volume, "volumeId"))]), "snapshotId").to_owned()
}

fn register(client: &Client<'_>, name: &str, more: &[(&str, &str)]) -> String {
    let mut call = vec![("Name", name), ROOT, HVM, X86, DEVICE];
    call.extend(more);
    at(&client.ok("RegisterImage", &call), "imageId").to_owned()
}

fn registered(client: &Client<'_>, name: &str) -> String {
    let id = snapshot(client, "3");
    register(client, name, &[(SNAPSHOT, &id)])
}

fn create(client: &Client<'_>, instance: &str, name: &str, more: &[(&str, &str)]) -> String {
    let mut call = vec![("InstanceId", instance), ("Name", name)];
    call.extend(more);
    at(&client.ok("CreateImage", &call), "imageId").to_owned()
}

fn shown(client: &Client<'_>, id: &str, path: &str) -> String {
    at(&client.ok("DescribeImages", &[("ImageId.1", id)]), &format!("imagesSet.0.{path}")).to_owned()
}

#[test]
fn an_image_of_a_running_instance_is_as_far_as_its_snapshots() {
    let world = World::new();
    let client = world.root();
    let instance = running(&client);
    let volume = client.ok("CreateVolume", &[("AvailabilityZone", "us-east-1a"), ("Size", "10")]);
    let data = at(&volume, "volumeId").to_owned();
    client.ok("AttachVolume", &[("VolumeId", &data), ("InstanceId", &instance), ("Device", "/dev/sdf")]);
    world.settle();
    world.settle();
    let row = |world: &World| world.engine().read().instances.by_id(&instance.parse().unwrap()).next().unwrap().clone();
    let before = row(&world);
    let of_snapshots = [
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "golden"),
    ];
    let id = create(&client, &instance, "golden", &of_snapshots);
    // It is shut down and started again, and is said to run all the time.
    let during = row(&world);
    assert_eq!((during.spec.boot, during.status.state), (before.spec.boot + 1, InstanceState::Running));
    let tasks: Vec<_> = world.engine().read().snapshots.iter().map(|row| row.task().unwrap().before_boot).collect();
    assert_eq!(tasks, [Some(during.spec.boot); 2]);
    assert_eq!(shown(&client, &id, "imageState"), "pending");
    let run = [("ImageId", id.as_str()), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    assert_eq!(client.refused("RunInstances", &run), "InvalidAMIID.Unavailable");
    world.settle();
    let tree = client.ok("DescribeImages", &[("ImageId.1", &id)]);
    let image = find(&tree, "imagesSet.0").unwrap().clone();
    assert_eq!(at(&image, "imageState"), "available");
    assert_eq!((at(&image, "sourceInstanceId"), at(&image, "sourceImageId")), (instance.as_str(), IMAGE));
    assert_eq!(at(&image, "bootMode"), "legacy-bios");
    assert_eq!(column(&image, "blockDeviceMapping", "deviceName"), ["/dev/xvda", "/dev/sdf"]);
    assert_eq!(at(&image, "blockDeviceMapping.1.ebs.volumeSize"), "10");
    assert_eq!(at(&image, "blockDeviceMapping.1.ebs.deleteOnTermination"), "false");
    let root = at(&image, "blockDeviceMapping.0.ebs.snapshotId").to_owned();
    let tree = client.ok("DescribeSnapshots", &[("SnapshotId.1", &root)]);
    assert_eq!(at(&tree, "snapshotSet.0.tagSet.0.value"), "golden");
    assert_eq!(at(&tree, "snapshotSet.0.description"), format!("Created by CreateImage({instance}) for {id}"));
    assert_eq!(client.refused("DeleteSnapshot", &[("SnapshotId", &root)]), "InvalidSnapshot.InUse");
    // One that is made of it has its disks, and says what its image said when that is gone.
    let second = at(&client.ok("RunInstances", &run), "instancesSet.0.instanceId").to_owned();
    let tree =
        client.ok("DescribeVolumes", &[("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", &second)]);
    let mut made_of = column(&tree, "volumeSet", "snapshotId");
    made_of.sort_unstable();
    let mut snapshots = column(&image, "blockDeviceMapping", "ebs.snapshotId");
    snapshots.sort_unstable();
    assert_eq!(made_of, snapshots);
    client.ok("DeregisterImage", &[("ImageId", &id)]);
    let tree = client.ok("DescribeInstances", &[("InstanceId.1", &second)]);
    let seen = "reservationSet.0.instancesSet.0";
    assert_eq!(at(&tree, &format!("{seen}.imageId")), id);
    assert_eq!(at(&tree, &format!("{seen}.bootMode")), "legacy-bios");
    client.ok("DeleteSnapshot", &[("SnapshotId", &root)]);
    assert_eq!(client.refused("DescribeImages", &[("ImageId.1", &id)]), "InvalidAMIID.NotFound");
}

#[test]
fn without_a_reboot_the_guest_runs_on() {
    let world = World::new();
    let client = world.root();
    let instance = running(&client);
    let boot = |world: &World| world.engine().read().instances.iter().next().unwrap().spec.boot;
    let before = boot(&world);
    let changes = [
        ("NoReboot", "true"),
        DEVICE,
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdg"),
        ("BlockDeviceMapping.2.Ebs.VolumeSize", "5"),
    ];
    let id = create(&client, &instance, "golden", &changes);
    assert_eq!(boot(&world), before);
    assert_eq!(shown(&client, &id, "blockDeviceMapping.0.ebs.deleteOnTermination"), "false");
    assert_eq!(shown(&client, &id, "blockDeviceMapping.1.ebs.volumeSize"), "5");
    let call = |more: &[(&'static str, &'static str)]| {
        let mut call = vec![("InstanceId", instance.as_str()), ("Name", "other")];
        call.extend(more);
        client.refused("CreateImage", &call)
    };
    assert_eq!(
        client.refused("CreateImage", &[("InstanceId", &instance), ("Name", "golden")]),
        "InvalidAMIName.Duplicate"
    );
    assert_eq!(call(&[DEVICE, ("BlockDeviceMapping.1.NoDevice", "")]), "InvalidBlockDeviceMapping");
    assert_eq!(call(&[DEVICE, ("BlockDeviceMapping.1.Ebs.VolumeSize", "20")]), "InvalidBlockDeviceMapping");
    assert_eq!(call(&[("BlockDeviceMapping.1.DeviceName", "/dev/sdh")]), "MissingParameter");
    let twice = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdh"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "5"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdh"),
        ("BlockDeviceMapping.2.Ebs.VolumeSize", "6"),
    ];
    assert_eq!(call(&twice), "InvalidBlockDeviceMapping");
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    assert_eq!(call(&[]), "IncorrectInstanceState");
}

#[test]
fn who_may_not_use_a_snapshot_puts_it_in_no_image() {
    let world = World::new();
    let client = world.root();
    let (instance, closed, open) = (running(&client), snapshot(&client, "3"), snapshot(&client, "3"));
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}},
        {{"Effect":"Deny","Action":"ec2:CreateImage","Resource":"arn:aws:ec2:us-east-1::snapshot/{closed}"}}]}}"#
    );
    let user = world.user("imager", &document);
    let create = |name: &str, snapshot: &str| {
        let call = [
            ("InstanceId", instance.as_str()),
            ("Name", name),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sdg"),
            ("BlockDeviceMapping.1.Ebs.SnapshotId", snapshot),
        ];
        user.call("CreateImage", &call)
    };
    assert_eq!(create("with closed", &closed).code(), "UnauthorizedOperation");
    assert_eq!(create("with open", &open).status, 200);
}

#[test]
fn a_volume_that_is_left_out_needs_no_permission() {
    let world = World::new();
    let client = world.root();
    let instance = running(&client);
    let volume = client.ok("CreateVolume", &[("AvailabilityZone", "us-east-1a"), ("Size", "10")]);
    let data = at(&volume, "volumeId").to_owned();
    client.ok("AttachVolume", &[("VolumeId", &data), ("InstanceId", &instance), ("Device", "/dev/sdf")]);
    world.settle();
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}},
        {{"Effect":"Deny","Action":"ec2:CreateImage","Resource":"arn:aws:ec2:*::snapshot/*",
        "Condition":{{"ArnEquals":{{"ec2:ParentVolume":"arn:aws:ec2:us-east-1:{ACCOUNT}:volume/{data}"}}}}}}]}}"#
    );
    let user = world.user("imager", &document);
    assert_eq!(user.refused("CreateImage", &[("InstanceId", &instance), ("Name", "whole")]), "UnauthorizedOperation");
    let without = [("BlockDeviceMapping.1.DeviceName", "/dev/sdf"), ("BlockDeviceMapping.1.NoDevice", "")];
    create(&user, &instance, "without", &without);
}

#[test]
fn a_registered_image_is_launched_with_changes() {
    let world = World::new();
    let client = world.root();
    let (root, data) = (snapshot(&client, "3"), snapshot(&client, "2"));
    let mapping = [
        (SNAPSHOT, root.as_str()),
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.2.Ebs.SnapshotId", data.as_str()),
        ("BlockDeviceMapping.3.DeviceName", "/dev/sdg"),
        ("BlockDeviceMapping.3.Ebs.VolumeSize", "1"),
        ("BootMode", "legacy-bios"),
        ("ImdsSupport", "v2.0"),
    ];
    let id = register(&client, "registered", &mapping);
    assert_eq!(shown(&client, &id, "imageState"), "available");
    assert_eq!(shown(&client, &id, "imdsSupport"), "v2.0");
    assert_eq!(shown(&client, &id, "imageLocation"), format!("{ACCOUNT}/registered"));
    let changes = [
        ("ImageId", id.as_str()),
        DEVICE,
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "9"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdg"),
        ("BlockDeviceMapping.2.NoDevice", ""),
    ];
    let mut call = vec![("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    call.extend(changes);
    let tree = client.ok("RunInstances", &call);
    assert_eq!(at(&tree, "instancesSet.0.bootMode"), "legacy-bios");
    assert_eq!(at(&tree, "instancesSet.0.currentInstanceBootMode"), "legacy-bios");
    assert_eq!(at(&tree, "instancesSet.0.metadataOptions.httpTokens"), "required");
    let instance = at(&tree, "instancesSet.0.instanceId").to_owned();
    world.settle();
    let of = [("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", instance.as_str())];
    let tree = client.ok("DescribeVolumes", &of);
    let mut sizes = column(&tree, "volumeSet", "size");
    sizes.sort_unstable();
    assert_eq!(sizes, ["2", "9"]);
    // Another snapshot than the image's can't be the root.
    let mut other = vec![("ImageId", id.as_str()), DEVICE, (SNAPSHOT, data.as_str())];
    other.extend([("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")]);
    assert_eq!(client.refused("RunInstances", &other), "InvalidBlockDeviceMapping");
    let small =
        [("Name", "small"), ROOT, HVM, X86, DEVICE, (SNAPSHOT, &root), ("BlockDeviceMapping.1.Ebs.VolumeSize", "1")];
    assert_eq!(client.refused("RegisterImage", &small), "InvalidParameterValue");
    // A snapshot that two images have stays with the other one.
    let second = register(&client, "second", &[(SNAPSHOT, &root)]);
    let tree = client.ok("DeregisterImage", &[("ImageId", &second), ("DeleteAssociatedSnapshots", "true")]);
    assert_eq!(column(&tree, "deleteSnapshotResultSet", "returnCode"), ["skipped"]);
    let tree = client.ok("DeregisterImage", &[("ImageId", &id), ("DeleteAssociatedSnapshots", "true")]);
    assert_eq!(column(&tree, "deleteSnapshotResultSet", "returnCode"), ["success"; 2]);
    assert_eq!(list(&client.ok("DescribeSnapshots", &[("Owner.1", "self")]), "snapshotSet").len(), 0);
}

#[test]
fn an_image_whose_snapshot_fails_has_failed() {
    let world = World::new();
    let client = world.root();
    let instance = running(&client);
    let id = create(&client, &instance, "golden", &[]);
    world.transact(|tx| {
        let mut row = tx.snapshots.iter().next().unwrap().clone();
        row.state = landfall_model::SnapshotState::Failed("The store is full.".into());
        tx.put::<landfall_cloud::value::Snapshots>(row);
    });
    assert_eq!(shown(&client, &id, "imageState"), "failed");
    assert_eq!(shown(&client, &id, "stateReason.message"), "The store is full.");
    let failed = [("Filter.1.Name", "state"), ("Filter.1.Value.1", "failed")];
    assert_eq!(column(&client.ok("DescribeImages", &failed), "imagesSet", "imageId"), [id]);
}

#[test]
fn a_private_image_is_its_owners_alone() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = registered(&client, "registered");
    assert_eq!(other.refused("DescribeImages", &[("ImageId.1", &id)]), "InvalidAMIID.NotFound");
    assert_eq!(other.refused("DeregisterImage", &[("ImageId", &id)]), "InvalidAMIID.NotFound");
    let run = [("ImageId", id.as_str()), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    assert_eq!(other.refused("RunInstances", &run), "InvalidAMIID.NotFound");
    assert_eq!(column(&client.ok("DescribeImages", &[("Owner.1", "self")]), "imagesSet", "imageId"), [id.as_str()]);
    let theirs = [("Owner.1", OTHER_ACCOUNT)];
    assert_eq!(list(&client.ok("DescribeImages", &theirs), "imagesSet").len(), 0);
    // The same name is free in another account.
    registered(&other, "registered");
}

#[test]
fn who_an_image_is_shared_with_launches_from_it_and_gets_no_more() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = registered(&client, "registered");
    let snapshot = shown(&client, &id, "blockDeviceMapping.0.ebs.snapshotId");
    let change = |change: &[(&str, &str)]| {
        let mut call = vec![("ImageId", id.as_str())];
        call.extend(change);
        client.call("ModifyImageAttribute", &call)
    };
    assert_eq!(change(&[("LaunchPermission.Add.1.UserId", OTHER_ACCOUNT)]).status, 200);
    let listed = |client: &Client<'_>, who: &str| {
        let tree = client.ok("DescribeImages", &[("ExecutableBy.1", who)]);
        column(&tree, "imagesSet", "imageId").contains(&id.as_str())
    };
    assert!(listed(&other, "self") && listed(&client, OTHER_ACCOUNT) && !listed(&client, "self"));
    let run = [("ImageId", id.as_str()), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    other.ok("RunInstances", &run);
    let volumes = other.ok("DescribeVolumes", &[]);
    assert_eq!(at(&volumes, "volumeSet.0.snapshotId"), snapshot);
    let place = [("AvailabilityZone", "us-east-1a"), ("SnapshotId", snapshot.as_str())];
    assert_eq!(other.refused("CreateVolume", &place), "InvalidSnapshot.NotFound");
    let copy = [("SourceImageId", id.as_str()), ("SourceRegion", "us-east-1"), ("Name", "copied")];
    assert_eq!(other.refused("CopyImage", &copy), "InvalidRequest");
    let mine = [("ImageId", id.as_str()), ("Description.Value", "mine")];
    assert_eq!(other.refused("ModifyImageAttribute", &mine), "AuthFailure");
    // With its snapshot it may be copied, and the copy goes on without it.
    let to = [("SnapshotId", snapshot.as_str()), ("CreateVolumePermission.Add.1.UserId", OTHER_ACCOUNT)];
    client.ok("ModifySnapshotAttribute", &to);
    let copied = at(&other.ok("CopyImage", &copy), "imageId").to_owned();
    assert_eq!(
        (shown(&other, &copied, "sourceImageId"), shown(&other, &copied, "imageState")),
        (id.clone(), "available".into())
    );
    client.ok("ResetImageAttribute", &[("ImageId", &id), ("Attribute", "launchPermission")]);
    assert_eq!(other.refused("RunInstances", &run), "InvalidAMIID.NotFound");
    client.ok("DeregisterImage", &[("ImageId", &id), ("DeleteAssociatedSnapshots", "true")]);
    launch_from(&other, &copied);
    // What it was made of, and why that failed, is told by no filter either.
    let instance = running(&client);
    let made = create(&client, &instance, "made", &[]);
    world.settle();
    client.ok("ModifyImageAttribute", &[("ImageId", &made), ("LaunchPermission.Add.1.UserId", OTHER_ACCOUNT)]);
    let part = shown(&client, &made, "blockDeviceMapping.0.ebs.snapshotId").parse().unwrap();
    world.transact(|tx| {
        let mut row = tx.snapshots.by_id(&part).next().unwrap().clone();
        row.state = landfall_model::SnapshotState::Failed("The store is full.".into());
        tx.put::<landfall_cloud::value::Snapshots>(row);
    });
    let found = |client: &Client<'_>, name: &str, value: &str| {
        let filter = [("Filter.1.Name", name), ("Filter.1.Value.1", value)];
        list(&client.ok("DescribeImages", &filter), "imagesSet").len()
    };
    assert_eq!(shown(&other, &made, "imageState"), "failed");
    for (name, value) in [
        ("source-instance-id", instance.as_str()),
        ("state-reason-code", "Client.SnapshotError"),
        ("state-reason-message", "The store is full."),
    ] {
        assert_eq!((found(&client, name, value), found(&other, name, value)), (1, 0), "{name}");
    }
    let tree = other.ok("DescribeImages", &[("ImageId.1", &made)]);
    let hidden = ["sourceInstanceId", "stateReason"].map(|member| find(&tree, &format!("imagesSet.0.{member}")));
    assert!(hidden.iter().all(Option::is_none), "{hidden:?}");
}

#[test]
fn an_image_is_made_public_where_that_is_not_blocked() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let ids: Vec<_> = (0..6).map(|n| registered(&client, &format!("image {n}"))).collect();
    let publish =
        |id: &str| client.call("ModifyImageAttribute", &[("ImageId", id), ("LaunchPermission.Add.1.Group", "all")]);
    assert_eq!(publish(&ids[0]).code(), "OperationNotPermitted");
    client.ok("DisableImageBlockPublicAccess", &[]);
    for id in &ids[..5] {
        assert_eq!(publish(id).status, 200);
    }
    assert_eq!(publish(&ids[5]).code(), "ResourceLimitExceeded");
    assert_eq!(shown(&other, &ids[0], "isPublic"), "true");
    launch_from(&other, &ids[0]);
    client.ok("EnableImageBlockPublicAccess", &[("ImageBlockPublicAccessState", "block-new-sharing")]);
    assert_eq!(shown(&other, &ids[0], "isPublic"), "true", "what is public stays so");
    client.ok("ModifyImageAttribute", &[("ImageId", &ids[0]), ("LaunchPermission.Remove.1.Group", "all")]);
    assert_eq!(other.refused("DescribeImages", &[("ImageId.1", &ids[0])]), "InvalidAMIID.NotFound");
}

#[test]
fn images_are_deprecated_disabled_and_protected() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = registered(&client, "registered");
    let this = ("ImageId", id.as_str());
    client.ok("ModifyImageAttribute", &[this, ("LaunchPermission.Add.1.UserId", OTHER_ACCOUNT)]);
    client.ok("ModifyImageAttribute", &[this, ("Attribute", "description"), ("Value", "new words")]);
    assert_eq!(shown(&client, &id, "description"), "new words");
    assert_eq!(
        client.refused("EnableImageDeprecation", &[this, ("DeprecateAt", "2020-01-01T00:00:00Z")]),
        "InvalidParameterValue"
    );
    assert_eq!(
        client.refused("EnableImageDeprecation", &[this, ("DeprecateAt", "2040-01-01T00:00:00Z")]),
        "InvalidParameterValue"
    );
    client.ok("EnableImageDeprecation", &[this, LATER]);
    assert_eq!(shown(&client, &id, "deprecationTime"), "2027-06-01T12:01:00.000Z", "to the minute");
    let listed = |client: &Client<'_>, more: &[(&str, &str)]| {
        column(&client.ok("DescribeImages", more), "imagesSet", "imageId").contains(&id.as_str())
    };
    assert!(listed(&other, &[]));
    world.transact(|tx| {
        let mut row = tx.own_images.iter().next().unwrap().clone();
        row.deprecate_at = Some(row.created_at);
        tx.put::<landfall_cloud::value::OwnImages>(row);
    });
    assert!(listed(&client, &[]) && !listed(&other, &[]) && listed(&other, &[("IncludeDeprecated", "true")]));
    assert!(listed(&other, &[("ImageId.1", &id)]));
    client.ok("DisableImageDeprecation", &[this]);
    // Disabled, it is its owner's alone.
    client.ok("DisableImage", &[this]);
    assert!(!listed(&client, &[]) && listed(&client, &[("IncludeDisabled", "true")]));
    let run = [this, ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    assert_eq!(client.refused("RunInstances", &run), "InvalidAMIID.Unavailable");
    let share = [this, ("LaunchPermission.Add.1.UserId", OTHER_ACCOUNT)];
    assert_eq!(client.refused("ModifyImageAttribute", &share), "InvalidAMIID.Unavailable");
    client.ok("EnableImage", &[this]);
    assert_eq!(other.refused("DescribeImages", &[("ImageId.1", &id)]), "InvalidAMIID.NotFound");
    // Protected, it stays, with a cool-down for a day more.
    client.ok("EnableImageDeregistrationProtection", &[this]);
    assert_eq!(client.refused("DeregisterImage", &[this]), "OperationNotPermitted");
    let attribute = [this, ("Attribute", "deregistrationProtection")];
    let protection = at(&client.ok("DescribeImageAttribute", &attribute), "deregistrationProtection.value").to_owned();
    assert_eq!(protection, "enabled-without-cooldown");
    client.ok("EnableImageDeregistrationProtection", &[this, ("WithCooldown", "true")]);
    client.ok("DisableImageDeregistrationProtection", &[this]);
    assert_eq!(client.refused("DeregisterImage", &[this]), "OperationNotPermitted");
    client.ok("EnableImageDeregistrationProtection", &[this]);
    client.ok("DisableImageDeregistrationProtection", &[this]);
    assert_eq!(client.refused("DeregisterImage", &[this]), "OperationNotPermitted");
    world.transact(|tx| {
        let mut row = tx.own_images.iter().next().unwrap().clone();
        row.protection = landfall_model::DeregistrationProtection::Cooling(row.created_at);
        tx.put::<landfall_cloud::value::OwnImages>(row);
    });
    client.ok("DeregisterImage", &[this]);
}

#[test]
fn a_shared_image_is_given_back_and_goes_with_its_tags() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = shared_with(&client);
    let owners = [("ImageId", id.as_str())];
    assert_eq!(other.refused("CancelImageLaunchPermission", &owners), "InvalidParameterValue", "it isn't shared with");
    let label = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "mine"), ("Tag.1.Value", "yes")];
    client.ok("CreateTags", &label);
    other.ok("CreateTags", &label);
    client.ok("CancelImageLaunchPermission", &owners);
    assert_eq!(client.refused("DescribeImages", &[("ImageId.1", &id)]), "InvalidAMIID.NotFound");
    assert_eq!(client.refused("CancelImageLaunchPermission", &owners), "InvalidAMIID.NotFound");
    other.ok("DeregisterImage", &owners);
    assert!(world.engine().read().tags.iter().all(|row| row.resource != id));
}

#[test]
fn what_a_closed_account_shared_is_gone_for_others() {
    let world = World::new();
    let client = world.root();
    let id = shared_with(&client);
    let other = world.other();
    let snapshot = shown(&other, &id, "blockDeviceMapping.0.ebs.snapshotId");
    let to = [("SnapshotId", snapshot.as_str()), ("CreateVolumePermission.Add.1.UserId", ACCOUNT)];
    other.ok("ModifySnapshotAttribute", &to);
    launch_from(&client, &id);
    let label = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "mine"), ("Tag.1.Value", "yes")];
    client.ok("CreateTags", &label);
    world.transact(|tx| landfall_cloud::account::close(tx, OTHER_ACCOUNT.parse().unwrap(), 1).unwrap());
    let run = [("ImageId", id.as_str()), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    assert_eq!(client.refused("RunInstances", &run), "InvalidAMIID.NotFound");
    assert_eq!(list(&client.ok("DescribeImages", &[("ExecutableBy.1", "self")]), "imagesSet").len(), 0);
    let place = [("AvailabilityZone", "us-east-1a"), ("SnapshotId", snapshot.as_str())];
    assert_eq!(client.refused("CreateVolume", &place), "InvalidSnapshot.NotFound");
    // It is there again with its account, and nobody's tags are left once that is over.
    world.transact(|tx| landfall_cloud::account::resume(tx, OTHER_ACCOUNT.parse().unwrap()).unwrap());
    launch_from(&client, &id);
    world.transact(|tx| landfall_cloud::account::close(tx, OTHER_ACCOUNT.parse().unwrap(), 1).unwrap());
    world.pass(86_400);
    for _ in 0..4 {
        world.expire();
        world.pass(61);
    }
    assert!(world.engine().read().tags.iter().all(|row| row.resource != id));
}

#[test]
fn what_an_image_boots_by_is_carried_on_where_the_type_has_it() {
    let world = World::new();
    let client = world.root();
    let of = snapshot(&client, "3");
    let image = |name: &str, mode: &str| {
        let mapping = [(SNAPSHOT, of.as_str()), ("BootMode", mode)];
        register(&client, name, &mapping)
    };
    let (uefi, preferred) = (image("firmware", "uefi"), image("either", "uefi-preferred"));
    assert_eq!(shown(&client, &uefi, "bootMode"), "uefi");
    let run = |image: &str, kind: &str| {
        client.call("RunInstances", &[("ImageId", image), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", kind)])
    };
    for (image, kind, mode, current) in [
        (&uefi, "t3.micro", "uefi", "uefi"),
        (&preferred, "t3.micro", "uefi-preferred", "uefi"),
        (&preferred, "t2.micro", "uefi-preferred", "legacy-bios"),
    ] {
        let answer = run(image, kind);
        assert_eq!(answer.status, 200, "{kind}");
        let tree = answer.tree();
        let id = at(&tree, "instancesSet.0.instanceId").to_owned();
        let filter = [("Filter.1.Name", "current-instance-boot-mode"), ("Filter.1.Value.1", current)];
        let tree = client.ok("DescribeInstances", &[&[("InstanceId.1", id.as_str())][..], &filter].concat());
        let seen = "reservationSet.0.instancesSet.0";
        assert_eq!(at(&tree, &format!("{seen}.bootMode")), mode);
        assert_eq!(at(&tree, &format!("{seen}.currentInstanceBootMode")), current);
    }
    assert_eq!(run(&uefi, "t2.micro").code(), "InvalidParameterValue");
    let plans = world.engine().read();
    let host = plans.hosts.iter().next().unwrap().id;
    let plan = landfall_cloud::plan::from_scratch(&plans, host, 1);
    let uefis: Vec<_> = plan.instances().map(|it| it.uefi).collect();
    assert_eq!(uefis.iter().filter(|is| **is).count(), 2, "{uefis:?}");
    // A machine of it makes such an image again, and so does a copy.
    world.settle();
    let instances = client.ok("DescribeInstances", &[("Filter.1.Name", "boot-mode"), ("Filter.1.Value.1", "uefi")]);
    let instance = at(&instances, "reservationSet.0.instancesSet.0.instanceId").to_owned();
    let made = create(&client, &instance, "made", &[]);
    world.settle();
    assert_eq!(shown(&client, &made, "bootMode"), "uefi");
    let copy = [("SourceImageId", made.as_str()), ("SourceRegion", "us-east-1"), ("Name", "copied")];
    let copied = at(&client.ok("CopyImage", &copy), "imageId").to_owned();
    assert_eq!(shown(&client, &copied, "bootMode"), "uefi");
    assert_eq!(client.refused("GetInstanceUefiData", &[("InstanceId", &instance)]), "UnsupportedOperation");
    // Without the firmware nothing is placed, nor started again, and no other type is taken.
    client.ok("StopInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    let other = [("InstanceId", instance.as_str()), ("InstanceType.Value", "t2.micro")];
    assert_eq!(client.refused("ModifyInstanceAttribute", &other), "InvalidParameterValue");
    world.transact(|tx| {
        let id = tx.hosts.iter().next().unwrap().id;
        tx.update::<landfall_cloud::value::Hosts, _>(&id, |host| host.facts.uefi = false);
    });
    assert_eq!(run(&uefi, "t3.micro").code(), "InsufficientInstanceCapacity");
    assert_eq!(run(&preferred, "t2.micro").status, 200);
    assert_eq!(client.refused("StartInstances", &[("InstanceId.1", &instance)]), "InsufficientInstanceCapacity");
}

#[test]
fn an_image_of_a_pending_instance_is_refused() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[("Placement.AvailabilityZone", "us-east-1a")]);
    world.transact(|tx| {
        let mut row = tx.instances.iter().next().unwrap().clone();
        row.status.state = InstanceState::Pending;
        tx.put::<landfall_cloud::value::Instances>(row);
    });
    let call = [("InstanceId", instance.as_str()), ("Name", "early")];
    assert_eq!(client.refused("CreateImage", &call), "IncorrectInstanceState");
}

fn launch_from(client: &Client<'_>, image: &str) {
    let run = [("ImageId", image), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    client.ok("RunInstances", &run);
}

fn images(parameters: &[(&str, &str)]) -> Vec<String> {
    let world = World::new();
    let shown = world.root().ok("DescribeImages", parameters);
    column(&shown, "imagesSet", "imageId").into_iter().map(str::to_owned).collect()
}

#[test]
fn owners_and_names_find_images() {
    let both = [IMAGE, IMAGE_ALIAS];
    assert_eq!(images(&[]), both);
    assert_eq!(images(&[("Owner.1", "amazon")]), both);
    assert_eq!(images(&[("Owner.1", "136693071363")]), [IMAGE]);
    assert_eq!(images(&[("Owner.1", "self")]), [""; 0]);
    assert_eq!(images(&[("Owner.1", ACCOUNT), ("Owner.2", "137112412989")]), [IMAGE_ALIAS]);
    assert_eq!(images(&[("Owner.1", "aws-marketplace")]), [""; 0]);
    assert_eq!(images(&[("ImageId.1", IMAGE_ALIAS)]), [IMAGE_ALIAS]);
    assert_eq!(images(&[("ExecutableBy.1", "all")]), both);
    assert_eq!(images(&[("ExecutableBy.1", "self")]), [""; 0]);
    assert_eq!(images(&[("IncludeDeprecated", "true"), ("IncludeDisabled", "true")]), both);
}

#[test]
fn filters_select_images() {
    for (name, value, expected) in [
        ("name", "debian-12-amd64-*", &[IMAGE][..]),
        ("name", "al2023-ami-2023.*-x86_64", &[IMAGE_ALIAS]),
        ("architecture", "x86_64", &[IMAGE, IMAGE_ALIAS]),
        ("architecture", "arm64", &[]),
        ("owner-alias", "amazon", &[IMAGE, IMAGE_ALIAS]),
        ("owner-id", "137112412989", &[IMAGE_ALIAS]),
        ("virtualization-type", "hvm", &[IMAGE, IMAGE_ALIAS]),
        ("root-device-type", "ebs", &[IMAGE, IMAGE_ALIAS]),
        ("root-device-name", "/dev/xvda", &[IMAGE, IMAGE_ALIAS]),
        ("state", "available", &[IMAGE, IMAGE_ALIAS]),
        ("is-public", "true", &[IMAGE, IMAGE_ALIAS]),
        ("is-public", "false", &[]),
        ("image-type", "machine", &[IMAGE, IMAGE_ALIAS]),
        ("image-id", IMAGE, &[IMAGE]),
        ("ena-support", "true", &[IMAGE, IMAGE_ALIAS]),
        ("creation-date", "2026-11-*", &[IMAGE, IMAGE_ALIAS]),
        ("block-device-mapping.volume-type", "gp3", &[IMAGE, IMAGE_ALIAS]),
        ("block-device-mapping.volume-size", "8", &[IMAGE, IMAGE_ALIAS]),
        ("platform", "windows", &[]),
        ("kernel-id", "*", &[]),
        ("description", "Debian*", &[IMAGE, IMAGE_ALIAS]),
    ] {
        let found = images(&[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(found, expected, "{name}={value}");
    }
}

#[test]
fn an_image_says_what_a_launch_needs() {
    let world = World::new();
    let shown = world.root().ok("DescribeImages", &[("ImageId.1", IMAGE)]);
    assert_eq!(at(&shown, "imagesSet.0.blockDeviceMapping.0.deviceName"), at(&shown, "imagesSet.0.rootDeviceName"));
    assert_eq!(at(&shown, "imagesSet.0.creationDate"), "2026-11-21T10:00:00.000Z");
    assert!(find(&shown, "imagesSet.0.imdsSupport").is_none());
}

#[test]
fn new_disks_of_images_are_encrypted_where_that_is_asked_and_others_stay_as_they_are() {
    let world = World::new();
    let root = world.root();
    let ask = |name: &str, more: &[(&str, &str)]| {
        let disk = [
            ("Name", name),
            ROOT,
            HVM,
            X86,
            DEVICE,
            ("BlockDeviceMapping.2.DeviceName", "/dev/sdf"),
            ("BlockDeviceMapping.2.Ebs.VolumeSize", "4"),
        ];
        let snapshot = snapshot(&root, "1");
        let of_snapshot = [(SNAPSHOT, snapshot.as_str())];
        root.call("RegisterImage", &[&disk[..], &of_snapshot, more].concat())
    };
    let made = ask("encrypted", &[("BlockDeviceMapping.2.Ebs.Encrypted", "true")]);
    assert_eq!(made.status, 200, "{}", made.body);
    let id = at(&made.tree(), "imageId").to_owned();
    let shown = root.ok("DescribeImages", &[("ImageId.1", &id)]);
    assert_eq!(column(&shown, "imagesSet.0.blockDeviceMapping", "ebs.encrypted"), ["false", "true"]);
    // A launch makes the disk under the service's own key, which is made with it.
    let order = [("ImageId", id.as_str()), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    root.ok("RunInstances", &order);
    let volumes = root.ok("DescribeVolumes", &[("Filter.1.Name", "encrypted"), ("Filter.1.Value.1", "true")]);
    assert_eq!(column(&volumes, "volumeSet", "size"), ["4"]);
    for value in ["true", "false"] {
        let answer = ask("refused", &[("BlockDeviceMapping.1.Ebs.Encrypted", value)]);
        assert_eq!(answer.code(), "InvalidBlockDeviceMapping", "{}", answer.body);
    }
    let answer = ask("refused", &[("BlockDeviceMapping.2.Ebs.KmsKeyId", "alias/aws/ebs")]);
    assert_eq!(answer.code(), "UnsupportedOperation", "{}", answer.body);
}

#[test]
fn the_own_key_of_volumes_is_made_when_its_arn_is_named() {
    let world = World::new();
    let root = world.root();
    let arn = "arn:aws:kms:us-east-1:111122223333:alias/aws/ebs";
    let order = [("AvailabilityZone", "us-east-1a"), ("Size", "1"), ("Encrypted", "true"), ("KmsKeyId", arn)];
    let made = root.ok("CreateVolume", &order);
    assert!(at(&made, "kmsKeyId").contains(":key/"), "{made:?}");
    let theirs = arn.replace("111122223333", "444455556666");
    let refused = root.call(
        "CreateVolume",
        &[("AvailabilityZone", "us-east-1a"), ("Size", "1"), ("Encrypted", "true"), ("KmsKeyId", &theirs)],
    );
    assert_ne!(refused.status, 200, "another account's is none of ours");
}
