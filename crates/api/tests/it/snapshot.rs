//! Snapshots: made of what is used, never used or gone, of several volumes at one moment, shared, copied, deleted in any
//! order; volumes made of them; and what must stay in the chunk store meanwhile.

use landfall_cloud::value::Images;
use landfall_cloud::{chunk_store, report};
use landfall_model::agent::{Report, SnapshotMade, SnapshotPhase, SnapshotSeen};
use landfall_model::{HostId, SnapshotId};

use crate::harness::{ACCOUNT, Case, Client, OTHER_ACCOUNT, World, at, column, find, list, params};
use crate::network::launch;

const NONE: &str = "snap-0123456789abcdef9";
const ONE_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("SnapshotId", "snap-1")], "InvalidSnapshotID.Malformed"),
    (&[("SnapshotId", NONE)], "InvalidSnapshot.NotFound"),
];

/// The cases of snapshots.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateSnapshot",
        |client| {
            let (volume, _) = used(client);
            params([
                ("VolumeId", volume.as_str()),
                ("Description", "before the change"),
                ("TagSpecification.1.ResourceType", "snapshot"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "data"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("VolumeId", "vol-1")], "InvalidVolumeID.Malformed"),
            (&[("VolumeId", "vol-0123456789abcdef0")], "InvalidVolume.NotFound"),
            (&[("VolumeId", "vol-0123456789abcdef0"), ("Location", "local")], "UnsupportedOperation"),
            (&[("VolumeId", "vol-0123456789abcdef0"), ("Location", "here")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "CreateSnapshots",
        |client| {
            let (_, instance) = used(client);
            params([("InstanceSpecification.InstanceId", instance.as_str()), ("Description", "all at once")])
        },
        &[
            (&[], "MissingParameter"),
            (&[("InstanceSpecification.InstanceId", "i-1")], "InvalidInstanceID.Malformed"),
            (&[("InstanceSpecification.InstanceId", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
            (
                &[("InstanceSpecification.InstanceId", "i-0123456789abcdef0"), ("CopyTagsFromSource", "instance")],
                "InvalidParameterValue",
            ),
        ],
    ),
    Case::ec2(
        "CopySnapshot",
        |client| {
            let id = whole(client);
            params([
                ("SourceSnapshotId", id.as_str()),
                ("SourceRegion", "us-east-1"),
                ("Description", "a copy"),
                ("TagSpecification.1.ResourceType", "snapshot"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "copy"),
            ])
        },
        &[
            (&[("SourceRegion", "us-east-1")], "MissingParameter"),
            (&[("SourceSnapshotId", NONE)], "MissingParameter"),
            (&[("SourceSnapshotId", NONE), ("SourceRegion", "us-east-1")], "InvalidSnapshot.NotFound"),
            (&[("SourceSnapshotId", NONE), ("SourceRegion", "nowhere")], "InvalidParameterValue"),
            (
                &[("SourceSnapshotId", NONE), ("SourceRegion", "us-east-1"), ("DestinationRegion", "eu-west-1")],
                "InvalidParameterValue",
            ),
            (
                &[("SourceSnapshotId", NONE), ("SourceRegion", "us-east-1"), ("Encrypted", "true")],
                "InvalidSnapshot.NotFound",
            ),
        ],
    ),
    Case::ec2("DeleteSnapshot", |client| params([("SnapshotId", whole(client))]), ONE_BAD),
    Case::ec2(
        "DescribeSnapshots",
        |client| params([("SnapshotId.1", whole(client))]),
        &[
            (&[("SnapshotId.1", "snap-1")], "InvalidSnapshotID.Malformed"),
            (&[("SnapshotId.1", NONE)], "InvalidSnapshot.NotFound"),
            (&[("Owner.1", "me")], "InvalidUserID.Malformed"),
            (&[("RestorableBy.1", "me")], "InvalidUserID.Malformed"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "DescribeSnapshotAttribute",
        |client| {
            let id = whole(client);
            share(client, &id, &[("CreateVolumePermission.Add.1.UserId", OTHER_ACCOUNT)]);
            params([("SnapshotId", id.as_str()), ("Attribute", "createVolumePermission")])
        },
        &[
            (&[("SnapshotId", NONE)], "MissingParameter"),
            (&[("SnapshotId", NONE), ("Attribute", "createVolumePermission")], "InvalidSnapshot.NotFound"),
        ],
    ),
    Case::ec2(
        "ModifySnapshotAttribute",
        |client| {
            let id = whole(client);
            params([
                ("SnapshotId", id.as_str()),
                ("Attribute", "createVolumePermission"),
                ("OperationType", "add"),
                ("UserId.1", OTHER_ACCOUNT),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("SnapshotId", NONE)], "MissingParameter"),
            (&[("SnapshotId", NONE), ("UserId.1", OTHER_ACCOUNT)], "MissingParameter"),
            (&[("SnapshotId", NONE), ("CreateVolumePermission.Add.1.UserId", "me")], "InvalidUserID.Malformed"),
            (&[("SnapshotId", NONE), ("CreateVolumePermission.Add.1.Group", "some")], "InvalidParameterValue"),
            (&[("SnapshotId", NONE), ("CreateVolumePermission.Add.1.Group", "all")], "InvalidSnapshot.NotFound"),
            (&[("SnapshotId", NONE), ("Attribute", "productCodes")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "ResetSnapshotAttribute",
        |client| params([("SnapshotId", whole(client)), ("Attribute", "createVolumePermission".to_owned())]),
        &[
            (&[("SnapshotId", NONE)], "MissingParameter"),
            (&[("SnapshotId", NONE), ("Attribute", "productCodes")], "InvalidParameterValue"),
            (&[("SnapshotId", NONE), ("Attribute", "createVolumePermission")], "InvalidSnapshot.NotFound"),
        ],
    ),
];

const PLACE: (&str, &str) = ("AvailabilityZone", "us-east-1a");

fn volume(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let mut all = vec![PLACE];
    all.extend(more);
    at(&client.ok("CreateVolume", &all), "volumeId").to_owned()
}

/// A volume that a running instance has, and the instance.
pub fn used(client: &Client<'_>) -> (String, String) {
    let id = volume(client, &[("Size", "10")]);
    let instance = launch(client, &[("Placement.AvailabilityZone", "us-east-1a")]);
    client.world().settle();
    client.ok("AttachVolume", &[("VolumeId", &id), ("InstanceId", &instance), ("Device", "/dev/sdf")]);
    client.world().settle();
    client.world().settle();
    (id, instance)
}

pub fn snapshot(client: &Client<'_>, volume: &str) -> String {
    at(&client.ok("CreateSnapshot", &[("VolumeId", volume)]), "snapshotId").to_owned()
}

/// A snapshot of a used volume that is whole.
fn whole(client: &Client<'_>) -> String {
    let id = snapshot(client, &used(client).0);
    client.world().settle();
    id
}

pub fn share(client: &Client<'_>, id: &str, change: &[(&str, &str)]) {
    let mut call = vec![("SnapshotId", id)];
    call.extend(change);
    client.ok("ModifySnapshotAttribute", &call);
}

fn shown(client: &Client<'_>, id: &str, path: &str) -> String {
    at(&client.ok("DescribeSnapshots", &[("SnapshotId.1", id)]), &format!("snapshotSet.0.{path}")).to_owned()
}

fn ids(client: &Client<'_>, call: &[(&str, &str)]) -> Vec<String> {
    let tree = client.ok("DescribeSnapshots", call);
    column(&tree, "snapshotSet", "snapshotId").into_iter().map(str::to_owned).collect()
}

/// What a host says of a snapshot.
pub fn tell(world: &World, id: &str, session: Option<u64>, phase: SnapshotPhase) {
    let id: SnapshotId = id.parse().unwrap();
    world.transact(|tx| {
        let row = tx.snapshots.by_id(&id).next().unwrap().clone();
        let host: HostId = tx.volumes.by_id(&row.volume.unwrap()).next().unwrap().host.unwrap();
        let session = session.unwrap_or_else(|| row.task().unwrap().session);
        let seen = SnapshotSeen { id, session, phase, taken: false };
        report::take(tx, host, &Report { snapshots: vec![seen], ..Report::default() });
    });
}

fn made(root: &str) -> SnapshotPhase {
    SnapshotPhase::Made(SnapshotMade { root: root.into(), full_bytes: 4096 })
}

fn moment(world: &World) -> chunk_store::Moment {
    chunk_store::moment(&world.engine().read(), ACCOUNT.parse().unwrap())
}

#[test]
fn a_snapshot_goes_from_pending_to_completed_by_its_host() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    let id = snapshot(&client, &volume);
    assert_eq!((shown(&client, &id, "status"), shown(&client, &id, "progress")), ("pending".into(), "0%".into()));
    let small = [PLACE, ("SnapshotId", id.as_str())];
    assert_eq!(client.refused("CreateVolume", &small), "IncorrectState");
    tell(&world, &id, None, SnapshotPhase::Working(40));
    assert_eq!(shown(&client, &id, "progress"), "40%");
    // What an earlier session says isn't about this one.
    tell(&world, &id, Some(1), made("forged"));
    assert_eq!(shown(&client, &id, "status"), "pending");
    tell(&world, &id, None, made("one"));
    assert_eq!((shown(&client, &id, "status"), shown(&client, &id, "progress")), ("completed".into(), "100%".into()));
    assert_eq!(shown(&client, &id, "fullSnapshotSizeInBytes"), "4096");
    assert_eq!((shown(&client, &id, "volumeId"), shown(&client, &id, "ownerId")), (volume, ACCOUNT.into()));
}

#[test]
fn what_fails_says_why() {
    let world = World::new();
    let client = world.root();
    let id = snapshot(&client, &used(&client).0);
    tell(&world, &id, None, SnapshotPhase::Failed("The disk is full.".into()));
    assert_eq!(shown(&client, &id, "status"), "error");
    assert_eq!(shown(&client, &id, "statusMessage"), "The disk is full.");
    assert_eq!(client.refused("CreateVolume", &[PLACE, ("SnapshotId", &id)]), "IncorrectState");
    assert!(moment(&world).open.is_empty(), "its session is over");
    client.ok("DeleteSnapshot", &[("SnapshotId", &id)]);
}

#[test]
fn what_was_never_used_needs_no_host() {
    let world = World::new();
    let client = world.root();
    let empty = volume(&client, &[("Size", "3")]);
    let id = snapshot(&client, &empty);
    assert_eq!(shown(&client, &id, "status"), "completed");
    assert_eq!(shown(&client, &id, "fullSnapshotSizeInBytes"), "0");
    client.ok("DeleteVolume", &[("VolumeId", &empty)]);
    let again = volume(&client, &[("SnapshotId", &id), ("Size", "5")]);
    let tree = client.ok("DescribeVolumes", &[("VolumeId.1", &again)]);
    assert_eq!((at(&tree, "volumeSet.0.snapshotId"), at(&tree, "volumeSet.0.size")), (id.as_str(), "5"));
    assert_eq!(client.refused("CreateVolume", &[PLACE, ("SnapshotId", &id), ("Size", "2")]), "InvalidParameterValue");
    // One of an image's clone is a clone of the image.
    let images = client.ok("DescribeImages", &[]);
    let of_image = at(&images, "imagesSet.0.blockDeviceMapping.0.ebs.snapshotId").to_owned();
    let clone = volume(&client, &[("SnapshotId", &of_image)]);
    let third = volume(&client, &[("SnapshotId", &snapshot(&client, &clone))]);
    let read = world.engine().read();
    let row = read.volumes.by_id(&third.parse().unwrap()).next().unwrap();
    assert!(row.image.is_some() && row.chunks.is_none(), "{row:?}");
}

#[test]
fn snapshots_of_an_instance_are_of_one_moment() {
    let world = World::new();
    let client = world.root();
    let (volume, instance) = used(&client);
    client.ok("CreateTags", &[("ResourceId.1", &volume), ("Tag.1.Key", "role"), ("Tag.1.Value", "db")]);
    let of = ("InstanceSpecification.InstanceId", instance.as_str());
    let tree = client.ok("CreateSnapshots", &[of, ("CopyTagsFromSource", "volume")]);
    assert_eq!(list(&tree, "snapshotSet").len(), 2);
    assert_eq!(at(&tree, "snapshotSet.1.volumeId"), volume, "the root volume comes first");
    assert_eq!(at(&tree, "snapshotSet.1.tagSet.0.value"), "db");
    let moments: std::collections::BTreeSet<_> =
        world.engine().read().snapshots.iter().map(|row| row.task().unwrap().moment).collect();
    assert_eq!(moments.len(), 1);
    assert_eq!(moments.first().unwrap().to_string(), at(&tree, "snapshotSet.0.snapshotId"));
    world.settle();
    let data = client.ok("CreateSnapshots", &[of, ("InstanceSpecification.ExcludeBootVolume", "true")]);
    assert_eq!(column(&data, "snapshotSet", "volumeId"), [volume.as_str()]);
    let without = [of, ("InstanceSpecification.ExcludeDataVolumeId.1", volume.as_str())];
    assert_eq!(list(&client.ok("CreateSnapshots", &without), "snapshotSet").len(), 1);
    let none = [without[0], without[1], ("InstanceSpecification.ExcludeBootVolume", "true")];
    assert_eq!(client.refused("CreateSnapshots", &none), "InvalidParameterValue");
    let foreign = [of, ("InstanceSpecification.ExcludeDataVolumeId.1", "vol-0123456789abcdef0")];
    assert_eq!(client.refused("CreateSnapshots", &foreign), "InvalidParameterValue");
}

#[test]
fn a_volume_has_few_snapshots_under_way() {
    let world = World::new();
    let client = world.root();
    let (volume, instance) = used(&client);
    for _ in 0..5 {
        snapshot(&client, &volume);
    }
    let call = [("VolumeId", volume.as_str())];
    assert_eq!(client.refused("CreateSnapshot", &call), "ConcurrentSnapshotLimitExceeded");
    let all = [("InstanceSpecification.InstanceId", instance.as_str())];
    assert_eq!(client.refused("CreateSnapshots", &all), "ConcurrentSnapshotLimitExceeded");
    assert_eq!(world.engine().read().snapshots.len(), 5, "all or none");
    world.settle();
    snapshot(&client, &volume);
}

#[test]
fn a_snapshot_outlives_its_volume_and_its_neighbours() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    let first = snapshot(&client, &volume);
    tell(&world, &first, None, made("one"));
    let second = snapshot(&client, &volume);
    let roots = |world: &World| moment(world).roots.into_iter().collect::<Vec<_>>();
    assert_eq!((roots(&world), moment(&world).open.len()), (vec!["one".to_owned()], 1));
    // What is being made still builds on the first one.
    client.ok("DeleteSnapshot", &[("SnapshotId", &first)]);
    assert_eq!(roots(&world), ["one"]);
    tell(&world, &second, None, made("two"));
    assert_eq!((roots(&world), moment(&world).open.len()), (vec!["two".to_owned()], 0));
    // What is deleted while it is made is over, and so is its session; its number is never given again.
    let third = snapshot(&client, &volume);
    let next = moment(&world).next;
    client.ok("DeleteSnapshot", &[("SnapshotId", &third)]);
    assert_eq!((moment(&world).open.len(), moment(&world).next), (0, next));
    // A volume of the second one keeps what it is made of.
    let copy = self::volume(&client, &[("SnapshotId", &second)]);
    client.ok("DeleteSnapshot", &[("SnapshotId", &second)]);
    assert_eq!(roots(&world), ["two"]);
    client.ok("DeleteVolume", &[("VolumeId", &copy)]);
    assert!(roots(&world).is_empty());
}

#[test]
fn a_volume_that_is_destroyed_ends_what_is_made_of_it() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    client.ok("DetachVolume", &[("VolumeId", &volume)]);
    world.settle();
    let kept = snapshot(&client, &volume);
    client.ok("DeleteVolume", &[("VolumeId", &volume)]);
    assert_eq!(client.refused("CreateSnapshot", &[("VolumeId", &volume)]), "IncorrectState");
    // A host makes the snapshot first; one that lost the volume can't.
    world.transact(|tx| {
        let row = tx.volumes.by_id(&volume.parse().unwrap()).next().unwrap().clone();
        let seen = landfall_model::agent::VolumeSeen {
            id: row.id,
            phase: landfall_model::agent::VolumePhase::Gone,
            size_bytes: 0,
            noticed: None,
        };
        report::take(tx, row.host.unwrap(), &Report { volumes: vec![seen], ..Report::default() });
    });
    assert_eq!(shown(&client, &kept, "status"), "error");
}

#[test]
fn who_may_use_a_snapshot_sees_it() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = whole(&client);
    client.ok("CreateTags", &[("ResourceId.1", &id), ("Tag.1.Key", "secret"), ("Tag.1.Value", "plan")]);
    let call = [PLACE, ("SnapshotId", id.as_str())];
    assert_eq!(other.refused("CreateVolume", &call), "InvalidSnapshot.NotFound");
    assert!(ids(&other, &[]).is_empty());
    share(&client, &id, &[("CreateVolumePermission.Add.1.UserId", OTHER_ACCOUNT)]);
    assert_eq!(ids(&other, &[]), [id.as_str()]);
    assert_eq!(ids(&other, &[("Owner.1", ACCOUNT)]), [id.as_str()]);
    assert!(ids(&other, &[("Owner.1", "self")]).is_empty());
    assert_eq!(ids(&other, &[("RestorableBy.1", "self")]), [id.as_str()]);
    assert_eq!(ids(&client, &[("RestorableBy.1", OTHER_ACCOUNT)]), [id.as_str()]);
    assert!(ids(&client, &[("RestorableBy.1", "all")]).is_empty());
    let seen = other.ok("DescribeSnapshots", &[("SnapshotId.1", &id)]);
    assert!(find(&seen, "snapshotSet.0.tagSet").is_none(), "another account's tags are its own");
    assert!(ids(&other, &[("Filter.1.Name", "tag:secret"), ("Filter.1.Value.1", "plan")]).is_empty());
    // It can be used and copied, not changed.
    let volume = at(&other.ok("CreateVolume", &call), "volumeId").to_owned();
    let from = [("SourceSnapshotId", id.as_str()), ("SourceRegion", "us-east-1")];
    let copy = at(&other.ok("CopySnapshot", &from), "snapshotId").to_owned();
    assert_eq!(other.refused("DeleteSnapshot", &[("SnapshotId", &id)]), "InvalidSnapshot.NotFound");
    let reset = [("SnapshotId", id.as_str()), ("Attribute", "createVolumePermission")];
    assert_eq!(other.refused("ResetSnapshotAttribute", &reset), "InvalidSnapshot.NotFound");
    assert_eq!(other.refused("DescribeSnapshotAttribute", &reset), "InvalidSnapshot.NotFound");
    client.ok("ResetSnapshotAttribute", &reset);
    assert_eq!(other.refused("CreateVolume", &call), "InvalidSnapshot.NotFound");
    // The copy and the volume have the chunks still, though their owner has deleted the snapshot.
    client.ok("DeleteSnapshot", &[("SnapshotId", &id)]);
    assert_eq!(moment(&world).roots.len(), 1);
    assert_eq!(shown(&other, &copy, "volumeId"), "vol-ffffffff");
    assert_eq!(
        (shown(&other, &copy, "status"), shown(&other, &copy, "ownerId")),
        ("completed".into(), OTHER_ACCOUNT.into())
    );
    other.ok("DeleteVolume", &[("VolumeId", &volume)]);
    other.ok("DeleteSnapshot", &[("SnapshotId", &copy)]);
    assert!(moment(&world).roots.is_empty());
}

#[test]
fn what_is_public_is_everybodys_in_its_region() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = whole(&client);
    share(&client, &id, &[("CreateVolumePermission.Add.1.Group", "all")]);
    assert_eq!(ids(&other, &[("RestorableBy.1", "all")]), [id.as_str()]);
    let elsewhere = world.other().at("eu-west-1");
    assert!(ids(&elsewhere, &[]).is_empty());
    let from = [("SourceSnapshotId", id.as_str()), ("SourceRegion", "us-east-1")];
    let copy = at(&elsewhere.ok("CopySnapshot", &from), "snapshotId").to_owned();
    assert_eq!(ids(&elsewhere, &[]), [copy.as_str()]);
    share(&client, &id, &[("OperationType", "remove"), ("UserGroup.1", "all")]);
    assert!(ids(&other, &[]).is_empty());
}

#[test]
fn own_and_shared_snapshots_are_pages_of_one_list() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let (mine, theirs) = (volume(&client, &[("Size", "1")]), volume(&other, &[("Size", "1")]));
    let mut all = Vec::new();
    for n in 0..9 {
        let id = if n % 2 == 0 { snapshot(&client, &mine) } else { snapshot(&other, &theirs) };
        if n % 2 == 1 {
            share(&other, &id, &[("CreateVolumePermission.Add.1.UserId", ACCOUNT)]);
        }
        all.push(id);
    }
    all.sort();
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut call = vec![("MaxResults", "5")];
        call.extend(token.as_deref().map(|token| ("NextToken", token)));
        let tree = client.ok("DescribeSnapshots", &call);
        seen.extend(column(&tree, "snapshotSet", "snapshotId").into_iter().map(str::to_owned));
        let Some(next) = find(&tree, "nextToken") else { break };
        token = next.as_text().map(str::to_owned);
    }
    assert_eq!(seen, all);
    let filter = [("Filter.1.Name", "volume-size"), ("Filter.1.Value.1", "1"), ("Owner.1", "self")];
    assert_eq!(ids(&client, &filter).len(), 5);
}

#[test]
fn a_snapshot_of_an_image_stays() {
    let world = World::new();
    let client = world.root();
    let id = snapshot(&client, &volume(&client, &[("Size", "1")]));
    world.transact(|tx| {
        let mut image = tx.images.iter().next().unwrap().clone();
        image.id = "ami-0aaaaaaaaaaaaaaaa".parse().unwrap();
        image.names.clear();
        image.snapshot = id.parse().unwrap();
        tx.put::<Images>(image);
    });
    assert_eq!(client.refused("DeleteSnapshot", &[("SnapshotId", &id)]), "InvalidSnapshot.InUse");
}

#[test]
fn an_instance_starts_with_a_disk_of_a_snapshot() {
    let world = World::new();
    let client = world.root();
    let id = whole(&client);
    let mapping =
        [("BlockDeviceMapping.1.DeviceName", "/dev/sdf"), ("BlockDeviceMapping.1.Ebs.SnapshotId", id.as_str())];
    let instance = launch(&client, &mapping);
    let filter = [("Filter.1.Name", "snapshot-id"), ("Filter.1.Value.1", id.as_str())];
    let tree = client.ok("DescribeVolumes", &filter);
    assert_eq!(at(&tree, "volumeSet.0.attachmentSet.0.instanceId"), instance);
    assert_eq!(at(&tree, "volumeSet.0.size"), "10");
    // Who may not use the snapshot may not start one from it either.
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}},
        {{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:us-east-1::snapshot/{id}"}}]}}"#
    );
    let user = world.user("launcher", &document);
    let mut call =
        vec![("ImageId", crate::harness::IMAGE), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
    call.extend(mapping);
    assert_eq!(user.refused("RunInstances", &call), "UnauthorizedOperation");
}
