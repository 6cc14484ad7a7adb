//! What holds for volumes unless it is said otherwise.

use crate::harness::{Case, Client, IMAGE, World, at, list, nothing, params};
use crate::kms::key;

/// The cases of volumes' defaults.
pub const CASES: &[Case] = &[
    Case::ec2("DisableEbsEncryptionByDefault", enabled, BAD),
    Case::ec2("EnableEbsEncryptionByDefault", nothing, BAD),
    Case::ec2("GetEbsDefaultKmsKeyId", nothing, BAD),
    Case::ec2("GetEbsEncryptionByDefault", enabled, BAD),
    Case::ec2(
        "ModifyEbsDefaultKmsKeyId",
        |client| params([("KmsKeyId", key(client))]),
        &[(&[], "MissingParameter"), (&[("KmsKeyId", "alias/none")], "InvalidKmsKeyId.NotFound")],
    ),
    Case::ec2("ResetEbsDefaultKmsKeyId", nothing, BAD),
];

const BAD: &[(&[(&str, &str)], &str)] = &[(&[("VolumeId", "x")], "UnknownParameter")];

fn enabled(client: &crate::harness::Client<'_>) -> crate::harness::Params {
    client.ok("EnableEbsEncryptionByDefault", &[]);
    nothing(client)
}

const EMPTY: [(&str, &str); 2] = [("AvailabilityZone", "us-east-1a"), ("Size", "8")];
const LAUNCH: [(&str, &str); 4] =
    [("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
const LAUNCHED: &str = "instancesSet.0.instanceId";

/// A volume's encryption: whether, and by which key's id.
fn encryption(client: &Client<'_>, volume: &str) -> (bool, Option<String>) {
    let answer = client.ok("DescribeVolumes", &[("VolumeId.1", volume)]);
    let row = &list(&answer, "volumeSet")[0];
    let key = crate::harness::find(row, "kmsKeyId").map(|_| at(row, "kmsKeyId").rsplit('/').next().unwrap().to_owned());
    (at(row, "encrypted") == "true", key)
}

fn make(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    at(&client.ok("CreateVolume", &[&EMPTY, more].concat()), "volumeId").to_owned()
}

fn snapshot(client: &Client<'_>, volume: &str) -> String {
    let id = at(&client.ok("CreateSnapshot", &[("VolumeId", volume)]), "snapshotId").to_owned();
    client.world().settle();
    id
}

fn own_key(client: &Client<'_>) -> String {
    let answer = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/aws/ebs")]);
    at(&answer, "KeyMetadata.KeyId").to_owned()
}

#[test]
fn a_volume_is_encrypted_under_the_key_that_is_named_or_the_default_one() {
    let world = World::new();
    let client = world.root();
    assert_eq!(encryption(&client, &make(&client, &[])), (false, None));
    let own = make(&client, &[("Encrypted", "true")]);
    assert_eq!(encryption(&client, &own), (true, Some(own_key(&client))));
    let (mine, other) = (key(&client), key(&client));
    let named = make(&client, &[("Encrypted", "true"), ("KmsKeyId", &mine)]);
    assert_eq!(encryption(&client, &named), (true, Some(mine.clone())));
    // By default, and then under the account's own choice.
    client.ok("EnableEbsEncryptionByDefault", &[]);
    assert_eq!(encryption(&client, &make(&client, &[])), (true, Some(own_key(&client))));
    client.ok("ModifyEbsDefaultKmsKeyId", &[("KmsKeyId", &other)]);
    assert_eq!(encryption(&client, &make(&client, &[("Encrypted", "false")])), (true, Some(other.clone())));
    let instance = at(&client.ok("RunInstances", &LAUNCH), LAUNCHED).to_owned();
    let filter = [("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", instance.as_str())];
    let disks = client.ok("DescribeVolumes", &filter);
    assert_eq!(at(&disks, "volumeSet.0.encrypted"), "true");
    assert!(at(&disks, "volumeSet.0.kmsKeyId").ends_with(&other));
    client.ok("DisableEbsEncryptionByDefault", &[]);
    assert_eq!(encryption(&client, &make(&client, &[])), (false, None));
}

#[test]
fn what_is_made_of_something_encrypted_is_encrypted() {
    let world = World::new();
    let client = world.root();
    let (mine, other) = (key(&client), key(&client));
    let instance = at(&client.ok("RunInstances", &LAUNCH), LAUNCHED).to_owned();
    world.settle();
    let zone = at(
        &client.ok("DescribeInstances", &[("InstanceId.1", &instance)]),
        "reservationSet.0.instancesSet.0.placement.availabilityZone",
    )
    .to_owned();
    let place = [("AvailabilityZone", zone.as_str()), ("Size", "8")];
    let disk = |more: &[(&str, &str)]| at(&client.ok("CreateVolume", &[&place, more].concat()), "volumeId").to_owned();
    let source = disk(&[("Encrypted", "true"), ("KmsKeyId", &mine)]);
    client.ok("AttachVolume", &[("VolumeId", &source), ("InstanceId", &instance), ("Device", "/dev/sdf")]);
    world.settle();
    let snap = snapshot(&client, &source);
    let shown = client.ok("DescribeSnapshots", &[("SnapshotId.1", &snap)]);
    assert_eq!((at(&shown, "snapshotSet.0.status"), at(&shown, "snapshotSet.0.encrypted")), ("completed", "true"));
    assert!(at(&shown, "snapshotSet.0.kmsKeyId").ends_with(&mine));
    // There is no way back, and another key where one is named.
    for more in [&[][..], &[("Encrypted", "false")]] {
        let made = disk(&[&[("SnapshotId", snap.as_str())], more].concat());
        assert_eq!(encryption(&client, &made), (true, Some(mine.clone())));
    }
    let again = disk(&[("SnapshotId", &snap), ("Encrypted", "true"), ("KmsKeyId", &other)]);
    assert_eq!(encryption(&client, &again), (true, Some(other.clone())));
    assert_eq!(client.refused("CreateSnapshot", &[("VolumeId", &again)]), "UnsupportedOperation");
    // A copy is under the default key unless another is named; that it isn't encrypted anew yet is said.
    let copy = [("SourceSnapshotId", snap.as_str()), ("SourceRegion", "us-east-1")];
    assert_eq!(client.refused("CopySnapshot", &copy), "UnsupportedOperation");
    let same = client.ok("CopySnapshot", &[&copy[..], &[("Encrypted", "true"), ("KmsKeyId", &mine)]].concat());
    let shown = client.ok("DescribeSnapshots", &[("SnapshotId.1", at(&same, "snapshotId"))]);
    assert_eq!(at(&shown, "snapshotSet.0.encrypted"), "true");
    // It can't be everybody's.
    let public = [
        ("SnapshotId", snap.as_str()),
        ("Attribute", "createVolumePermission"),
        ("OperationType", "add"),
        ("UserGroup.1", "all"),
    ];
    assert_eq!(client.refused("ModifySnapshotAttribute", &public), "OperationNotPermitted");
}

#[test]
fn without_its_key_a_volume_is_of_no_use() {
    let world = World::new();
    let client = world.root();
    let mine = key(&client);
    let mapping = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdg"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "8"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("BlockDeviceMapping.1.Ebs.KmsKeyId", mine.as_str()),
    ];
    let instance = at(&client.ok("RunInstances", &[&LAUNCH[..], &mapping].concat()), LAUNCHED).to_owned();
    let volume = make(&client, &[("Encrypted", "true"), ("KmsKeyId", &mine)]);
    world.settle();
    client.ok("StopInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    client.ok_of("kms", "DisableKey", &[("KeyId", &mine)]);
    let code = "InvalidKmsKeyId.InvalidState";
    assert_eq!(
        client.refused("CreateVolume", &[&EMPTY[..], &[("Encrypted", "true"), ("KmsKeyId", &mine)]].concat()),
        code
    );
    assert_eq!(client.refused("RunInstances", &[&LAUNCH[..], &mapping].concat()), code);
    let attach = [("VolumeId", volume.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdf")];
    assert_eq!(client.refused("AttachVolume", &attach), code);
    // It is said to start, and is found stopped.
    let started = client.ok("StartInstances", &[("InstanceId.1", &instance)]);
    assert_eq!(at(&started, "instancesSet.0.currentState.name"), "pending");
    world.settle();
    let shown = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let row = &list(&list(&shown, "reservationSet")[0], "instancesSet")[0];
    assert_eq!(at(row, "instanceState.name"), "stopped");
    assert_eq!(at(row, "stateReason.code"), "Client.InternalError");
    assert_eq!(at(row, "stateReason.message"), "Client.InternalError: Client error on launch");
    client.ok_of("kms", "EnableKey", &[("KeyId", &mine)]);
    client.ok("StartInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    let shown = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    assert_eq!(at(&shown, "reservationSet.0.instancesSet.0.instanceState.name"), "running");
}

#[test]
fn who_encrypts_must_be_allowed_to_use_the_key_through_ec2() {
    let world = World::new();
    let client = world.root();
    let mine = key(&client);
    let asked = [&EMPTY[..], &[("Encrypted", "true"), ("KmsKeyId", mine.as_str())]].concat();
    let policy = |more: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}{more}]}}"#
        )
    };
    let kim = world.user("kim", &policy(""));
    assert_eq!(kim.refused("CreateVolume", &asked), "UnauthorizedOperation");
    kim.ok("CreateVolume", &EMPTY);
    let lee = world.user(
        "lee",
        &policy(
            r#",{"Effect":"Allow","Action":"kms:GenerateDataKeyWithoutPlaintext","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"ec2.us-east-1.amazonaws.com"}}}"#,
        ),
    );
    lee.ok("CreateVolume", &asked);
    // To give it to a machine is another matter: EC2 is to have the key for that.
    let instance = at(
        &client.ok("RunInstances", &[&LAUNCH[..], &[("Placement.AvailabilityZone", "us-east-1a")]].concat()),
        LAUNCHED,
    )
    .to_owned();
    world.settle();
    let volume = make(&client, &[("Encrypted", "true"), ("KmsKeyId", &mine)]);
    let attach = [("VolumeId", volume.as_str()), ("InstanceId", &instance), ("Device", "/dev/sdf")];
    assert_eq!(lee.refused("AttachVolume", &attach), "UnauthorizedOperation");
    let ada = world.user(
        "ada",
        &policy(
            r#",{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}"#,
        ),
    );
    ada.ok("AttachVolume", &attach);
}
