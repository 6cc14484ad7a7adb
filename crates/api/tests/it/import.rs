//! Imports of disks: what may be asked, how far a task is, and what is left of one that ends early.

use landfall_model::agent::{Report, VolumePhase, VolumeSeen};
use landfall_model::plan::VolumeSource;
use landfall_model::{Volume, VolumeState};

use crate::harness::{ACCOUNT, Case, Client, Params, World, at, find, list, params};

const TRUST: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"vmie.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const BUCKET: [(&str, &str); 3] = [
    ("DiskContainer.Format", "vmdk"),
    ("DiskContainer.UserBucket.S3Bucket", "trails"),
    ("DiskContainer.UserBucket.S3Key", "disks/one.vmdk"),
];
const IMAGE: [(&str, &str); 3] = [
    ("DiskContainer.1.Format", "VHD"),
    ("DiskContainer.1.UserBucket.S3Bucket", "trails"),
    ("DiskContainer.1.UserBucket.S3Key", "disks/one.vhd"),
];

const ADDRESS: [(&str, &str); 2] =
    [("DiskContainer.Format", "VMDK"), ("DiskContainer.Url", "https://example.com/one.vmdk?X-Amz-Signature=secret")];
const OF_ADDRESS: [(&str, &str); 2] =
    [("DiskContainer.1.Format", "OVA"), ("DiskContainer.1.Url", "https://example.com/one.ova")];

/// The cases of imports.
pub const CASES: &[Case] = &[
    Case::ec2(
        "ImportSnapshot",
        |client| {
            role(client);
            all(
                &BUCKET,
                &[
                    ("Description", "a disk"),
                    ("DiskContainer.Description", "the first"),
                    ("ClientToken", "once"),
                    ("TagSpecification.1.ResourceType", "import-snapshot-task"),
                    ("TagSpecification.1.Tag.1.Key", "Name"),
                    ("TagSpecification.1.Tag.1.Value", "in"),
                ],
            )
        },
        &[
            (&[], "MissingParameter"),
            (&[BUCKET[1], BUCKET[2]], "MissingParameter"),
            (&[BUCKET[0]], "MissingParameter"),
            (&[("DiskContainer.Format", "qcow2"), BUCKET[1], BUCKET[2]], "InvalidParameterValue"),
            (&[BUCKET[0], ("DiskContainer.Url", "http://example.com/a.vmdk")], "InvalidParameterValue"),
            (&[BUCKET[0], ("DiskContainer.Url", "file://etc/passwd")], "InvalidParameterValue"),
            (&[BUCKET[0], ("DiskContainer.Url", "file:relative")], "InvalidParameterValue"),
            (&[BUCKET[0], ("DiskContainer.Url", "s3://trails")], "InvalidParameterValue"),
            (&[BUCKET[0], BUCKET[1], BUCKET[2], ("DiskContainer.Url", "https://x/")], "InvalidParameterCombination"),
            (&[BUCKET[0], BUCKET[1], BUCKET[2], ("KmsKeyId", "alias/none")], "InvalidParameterDependency"),
            (&[BUCKET[0], ("DiskContainer.Url", "s3://nowhere/a")], "InvalidParameter"),
            // The account has no such role.
            (&BUCKET, "InvalidParameter"),
        ],
    ),
    Case::ec2(
        "ImportImage",
        |client| {
            role(client);
            all(
                &IMAGE,
                &[
                    ("Description", "a machine"),
                    ("Platform", "Linux"),
                    ("LicenseType", "BYOL"),
                    ("BootMode", "uefi"),
                    ("Architecture", "x86_64"),
                    ("ClientToken", "once"),
                    ("TagSpecification.1.ResourceType", "import-image-task"),
                    ("TagSpecification.1.Tag.1.Key", "Name"),
                    ("TagSpecification.1.Tag.1.Value", "in"),
                ],
            )
        },
        &[
            (&[], "MissingParameter"),
            (&[IMAGE[0], IMAGE[1], IMAGE[2], ("Architecture", "arm64")], "InvalidParameterValue"),
            (&[IMAGE[0], IMAGE[1], IMAGE[2], ("Platform", "Plan9")], "InvalidParameterValue"),
            (&[IMAGE[0], IMAGE[1], IMAGE[2], ("BootMode", "uefi-preferred")], "InvalidParameterValue"),
            (&[IMAGE[0], IMAGE[1], IMAGE[2], ("UsageOperation", "RunInstances:0002")], "UnsupportedOperation"),
            (&[("DiskContainer.1.SnapshotId", "snap-0123456789abcdef0")], "InvalidSnapshot.NotFound"),
            (&[("DiskContainer.1.SnapshotId", "snap-0123456789abcdef0"), IMAGE[1]], "InvalidParameterCombination"),
            (&IMAGE, "InvalidParameter"),
        ],
    ),
    Case::ec2(
        "DescribeImportSnapshotTasks",
        |client| params([("ImportTaskId.1", begun(client, "ImportSnapshot", &ADDRESS))]),
        &[
            (&[("ImportTaskId.1", "import-snap-1")], "InvalidConversionTaskId.Malformed"),
            (&[("ImportTaskId.1", "import-snap-0123456789abcdef0")], "InvalidConversionTaskId"),
            (&[("Filters.1.Name", "nonsense"), ("Filters.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeImportImageTasks",
        |client| params([("ImportTaskId.1", begun(client, "ImportImage", &OF_ADDRESS))]),
        &[
            (&[("ImportTaskId.1", "import-snap-0123456789abcdef0")], "InvalidConversionTaskId.Malformed"),
            (&[("ImportTaskId.1", "import-ami-0123456789abcdef0")], "InvalidConversionTaskId"),
            (&[("Filters.1.Name", "nonsense"), ("Filters.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "CancelImportTask",
        |client| {
            let id = begun(client, "ImportSnapshot", &ADDRESS);
            params([("ImportTaskId", id.as_str()), ("CancelReason", "enough")])
        },
        &[
            (&[], "MissingParameter"),
            (&[("ImportTaskId", "import-1")], "InvalidConversionTaskId.Malformed"),
            (&[("ImportTaskId", "import-ami-0123456789abcdef0")], "InvalidConversionTaskId"),
        ],
    ),
];

fn all(one: &[(&str, &str)], more: &[(&str, &str)]) -> Params {
    params(one.iter().chain(more).copied())
}

/// Has the account let the service take its role.
fn role(client: &Client<'_>) {
    client.ok_of("iam", "CreateRole", &[("RoleName", "vmimport"), ("AssumeRolePolicyDocument", TRUST)]);
}

/// An import that has just begun, by its id.
fn begun(client: &Client<'_>, action: &str, what: &[(&str, &str)]) -> String {
    at(&client.ok(action, what), "importTaskId").to_owned()
}

fn volumes(world: &World) -> Vec<Volume> {
    world.engine().read().volumes.iter().filter(|row| row.import.is_some()).cloned().collect()
}

/// Lets the host of the only volume of an import say that of it.
fn report(world: &World, phase: VolumePhase, size_bytes: u64, noticed: Option<&str>) {
    let row = volumes(world).remove(0);
    let seen = VolumeSeen { id: row.id, phase, size_bytes, noticed: noticed.map(str::to_owned) };
    let report = Report { volumes: vec![seen], ..Report::default() };
    world.transact(|tx| landfall_cloud::report::take(tx, row.host.unwrap(), &report));
}

fn detail(client: &Client<'_>, id: &str, member: &str) -> String {
    let tree = client.ok("DescribeImportSnapshotTasks", &[("ImportTaskId.1", id)]);
    let found = find(&tree, &format!("importSnapshotTaskSet.0.snapshotTaskDetail.{member}"));
    found.and_then(landfall_wire::Tree::as_text).unwrap_or_default().to_owned()
}

#[test]
fn an_import_becomes_a_snapshot_of_no_volume_that_its_owner_has() {
    let world = World::new();
    let client = world.root();
    role(&client);
    let id = begun(&client, "ImportSnapshot", &BUCKET);
    let row = volumes(&world).remove(0);
    assert_eq!((row.scope.account.to_string().as_str(), row.state), (ACCOUNT, VolumeState::Creating));
    let plan = landfall_cloud::plan::from_scratch(&world.engine().read(), row.host.unwrap(), 1);
    assert!(matches!(plan.volume(row.id).unwrap().source, VolumeSource::Import(_)));
    assert_eq!(
        (detail(&client, &id, "status"), detail(&client, &id, "statusMessage")),
        ("active".into(), "pending".into())
    );
    report(&world, VolumePhase::Importing(40), 0, None);
    assert_eq!(
        (detail(&client, &id, "progress"), detail(&client, &id, "statusMessage")),
        ("20".into(), "converting".into())
    );
    assert_eq!(detail(&client, &id, "snapshotId"), "");
    report(&world, VolumePhase::Ready, 5 << 30, Some("No boot loader was found."));
    assert_eq!(detail(&client, &id, "statusMessage"), "preparing snapshot");
    let pending = world.engine().read().snapshots.iter().next().unwrap().id.to_string();
    assert_eq!(client.refused("DeleteSnapshot", &[("SnapshotId", &pending)]), "InvalidSnapshot.InUse");
    world.settle();
    assert_eq!((detail(&client, &id, "status"), detail(&client, &id, "progress")), ("completed".into(), String::new()));
    assert_eq!(detail(&client, &id, "statusMessage"), "No boot loader was found.");
    assert_eq!(detail(&client, &id, "diskImageSize").parse::<f64>().unwrap(), f64::from(5 << 20) * 1024.0);
    let snapshot = detail(&client, &id, "snapshotId");
    let shown = client.ok("DescribeSnapshots", &[("SnapshotId.1", &snapshot)]);
    assert_eq!((at(&shown, "snapshotSet.0.volumeSize"), at(&shown, "snapshotSet.0.status")), ("5", "completed"));
    assert_eq!(at(&shown, "snapshotSet.0.volumeId"), "vol-ffffffff");
    world.settle();
    assert!(volumes(&world).is_empty(), "what it was made of is gone");
    assert_eq!(client.refused("CancelImportTask", &[("ImportTaskId", &id)]), "IncorrectState");
    client.ok("DeleteSnapshot", &[("SnapshotId", &snapshot)]);
    world.pass(8 * 24 * 3600);
    world.expire();
    assert_eq!(client.refused("DescribeImportSnapshotTasks", &[("ImportTaskId.1", &id)]), "InvalidConversionTaskId");
}

#[test]
fn an_import_of_an_image_makes_it_of_all_its_disks() {
    let world = World::new();
    let client = world.root();
    role(&client);
    let more = [
        ("DiskContainer.2.Format", "raw"),
        ("DiskContainer.2.Url", "https://example.com/data.raw?X-Amz-Signature=secret"),
        ("DiskContainer.2.DeviceName", "/dev/sdk"),
        ("Encrypted", "true"),
    ];
    let begun = client.ok("ImportImage", &[&IMAGE[..], &more].concat());
    let id = at(&begun, "importTaskId").to_owned();
    assert!(id.starts_with("import-ami-") && at(&begun, "encrypted") == "true");
    assert_eq!(at(&begun, "snapshotDetailSet.1.url"), "https://example.com/data.raw", "without the signature");
    assert!(volumes(&world).iter().all(|row| row.data_key.is_some()));
    world.settle();
    world.settle();
    let shown = client.ok("DescribeImportImageTasks", &[("ImportTaskId.1", &id)]);
    assert_eq!(at(&shown, "importImageTaskSet.0.status"), "completed");
    let image = at(&shown, "importImageTaskSet.0.imageId").to_owned();
    let shown = client.ok("DescribeImages", &[("ImageId.1", &image)]);
    assert_eq!((at(&shown, "imagesSet.0.name"), at(&shown, "imagesSet.0.imageState")), (id.as_str(), "available"));
    let disks = list(&shown, "imagesSet.0.blockDeviceMapping");
    assert_eq!(disks.iter().map(|disk| at(disk, "deviceName")).collect::<Vec<_>>(), ["/dev/sda1", "/dev/sdk"]);
    assert!(disks.iter().all(|disk| at(disk, "ebs.encrypted") == "true"));
    world.settle();
    assert!(volumes(&world).is_empty());
    let rows: Vec<_> = world.engine().read().import_images.iter().cloned().collect();
    assert!(!format!("{rows:?}").contains("secret"), "what signs an address goes with the import");
    // And one of those snapshots again, which takes no host.
    let root = at(&disks[0], "ebs.snapshotId").to_owned();
    let again = client.ok("ImportImage", &[("DiskContainer.1.SnapshotId", &root), ("Platform", "Linux")]);
    assert_eq!(at(&again, "status"), "completed");
    client
        .ok("RunInstances", &[("ImageId", &image), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")]);
}

#[test]
fn what_ends_early_leaves_nothing_but_the_word_of_it() {
    let world = World::new();
    let client = world.root();
    role(&client);
    for (stages, cancels) in [(0, true), (1, true), (2, true), (1, false), (2, false)] {
        let id = begun(&client, "ImportSnapshot", &BUCKET);
        if stages > 0 {
            report(&world, VolumePhase::Importing(40), 0, None);
        }
        if stages > 1 {
            report(&world, VolumePhase::Ready, 1 << 30, None);
        }
        match (cancels, stages) {
            (true, _) => drop(client.ok("CancelImportTask", &[("ImportTaskId", &id)])),
            (false, 1) => {
                report(&world, VolumePhase::Failed("Disk validation failed: it is no VMDK file".into()), 0, None)
            }
            // The provider takes the volume away.
            (false, _) => {
                let volume = volumes(&world).remove(0).id.to_string();
                client.ok("DeleteVolume", &[("VolumeId", &volume)]);
                report(&world, VolumePhase::Gone, 0, None);
            }
        }
        let status = detail(&client, &id, "status");
        assert!(
            status == "deleting" || (stages == 2 && !cancels && status == "deleted"),
            "{stages} {cancels}: {status}"
        );
        world.settle();
        assert_eq!(detail(&client, &id, "status"), "deleted");
        let words = detail(&client, &id, "statusMessage");
        assert!(cancels == (words == "Canceled by user"), "{words}");
        assert!(cancels || words.starts_with("ClientError: Disk validation failed: ") == (stages == 1), "{words}");
        assert!(volumes(&world).is_empty() && world.engine().read().snapshots.iter().next().is_none());
    }
}

#[test]
fn an_import_takes_the_callers_own_right_to_the_object_and_a_file_of_a_host_the_providers() {
    let world = World::new();
    let root = world.root();
    role(&root);
    let allow =
        |actions: &str| format!(r#"{{"Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#);
    let (without, with) = (allow(r#""ec2:*""#), allow(r#""ec2:*","s3:GetObject""#));
    assert_eq!(world.user("without", &without).refused("ImportSnapshot", &BUCKET), "UnauthorizedOperation");
    world.user("with", &with).ok("ImportSnapshot", &BUCKET);
    let file = [("DiskContainer.Format", "raw"), ("DiskContainer.Url", "file:///srv/disk.raw")];
    assert_eq!(world.user("more", &with).refused("ImportSnapshot", &file), "UnauthorizedOperation");
    root.ok("ImportSnapshot", &file);
    assert_eq!(world.other().refused("ImportSnapshot", &file), "InvalidParameterValue");
    // A bucket that several accounts deliver to is read by its owner alone, and another's isn't there.
    role(&world.other());
    assert_eq!(world.other().refused("ImportSnapshot", &BUCKET), "UnauthorizedOperation");
    let theirs = [BUCKET[0], ("DiskContainer.Url", "s3://theirs/disk.vmdk")];
    assert!(["InvalidParameter", "UnauthorizedOperation"].contains(&root.refused("ImportSnapshot", &theirs).as_str()));
    world.other().ok("ImportSnapshot", &theirs);
    for _ in 0..18 {
        root.ok("ImportSnapshot", &file);
    }
    assert_eq!(root.refused("ImportSnapshot", &file), "ResourceLimitExceeded");
}
