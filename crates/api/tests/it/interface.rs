//! Network interfaces and volumes, as far as instances have them.

use crate::harness::{Case, Client, World, at, column, find, list, params};
use crate::network::{check_filters, default_subnet, launch, select};

/// The cases of network interfaces and volumes.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeNetworkInterfaces",
        |client| {
            launch(client, &[]);
            params([("NetworkInterfaceId.1", interface(client))])
        },
        &[
            (&[("NetworkInterfaceId.1", "eni-1")], "InvalidNetworkInterfaceId.Malformed"),
            (&[("NetworkInterfaceId.1", "eni-0123456789abcdef0")], "InvalidNetworkInterfaceID.NotFound"),
            (&[("NetworkInterfaceId.1", "eni-0123456789abcdef0"), ("MaxResults", "5")], "InvalidParameterCombination"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeNetworkInterfaceAttribute",
        |client| {
            launch(client, &[]);
            params([("NetworkInterfaceId", interface(client).as_str()), ("Attribute", "groupSet")])
        },
        &[
            (&[("NetworkInterfaceId", "eni-1")], "InvalidNetworkInterfaceId.Malformed"),
            (&[("NetworkInterfaceId", "eni-0123456789abcdef0")], "InvalidNetworkInterfaceID.NotFound"),
        ],
    ),
    Case::ec2(
        "ModifyNetworkInterfaceAttribute",
        |client| {
            launch(client, &[]);
            params([("NetworkInterfaceId", interface(client).as_str()), ("SourceDestCheck.Value", "false")])
        },
        &[
            (&[("NetworkInterfaceId", "eni-1")], "InvalidNetworkInterfaceId.Malformed"),
            (&[("NetworkInterfaceId", "eni-0123456789abcdef0")], "InvalidNetworkInterfaceID.NotFound"),
        ],
    ),
    Case::ec2(
        "DescribeVolumes",
        |client| {
            launch(client, &[]);
            client.world().settle();
            let tree = client.ok("DescribeVolumes", &[]);
            params([("VolumeId.1", at(&tree, "volumeSet.0.volumeId"))])
        },
        &[
            (&[("VolumeId.1", "vol-1")], "InvalidVolumeID.Malformed"),
            (&[("VolumeId.1", "vol-0123456789abcdef0")], "InvalidVolume.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
];

/// The only interface.
fn interface(client: &Client<'_>) -> String {
    let tree = client.ok("DescribeNetworkInterfaces", &[]);
    assert_eq!(list(&tree, "networkInterfaceSet").len(), 1, "{tree:?}");
    at(&tree, "networkInterfaceSet.0.networkInterfaceId").to_owned()
}

#[test]
fn attributes_of_an_interface_change_one_at_a_time() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[]);
    let id = interface(&client);
    let shown = |attribute: &str| {
        client.ok("DescribeNetworkInterfaceAttribute", &[("NetworkInterfaceId", &id), ("Attribute", attribute)])
    };
    let change = |pairs: &[(&str, &str)]| {
        let mut all = vec![("NetworkInterfaceId", id.as_str())];
        all.extend(pairs);
        client.call("ModifyNetworkInterfaceAttribute", &all)
    };
    assert_eq!(change(&[("Description.Value", "front")]).status, 200);
    assert_eq!(at(&shown("description"), "description.value"), "front");
    assert_eq!(change(&[("SourceDestCheck.Value", "false")]).status, 200);
    assert_eq!(at(&shown("sourceDestCheck"), "sourceDestCheck.value"), "false");
    let group = [("GroupName", "web"), ("GroupDescription", "web")];
    let group = at(&client.ok("CreateSecurityGroup", &group), "groupId").to_owned();
    assert_eq!(change(&[("SecurityGroupId.1", &group)]).status, 200);
    assert_eq!(column(&shown("groupSet"), "groupSet", "groupId"), [&group]);
    assert_eq!(change(&[("SecurityGroupId.1", "sg-0123456789abcdef0")]).code(), "InvalidGroup.NotFound");

    let attachment = at(&shown("attachment"), "attachment.attachmentId").to_owned();
    assert_eq!(at(&shown("attachment"), "attachment.instanceId"), instance);
    let keep = [("Attachment.AttachmentId", attachment.as_str()), ("Attachment.DeleteOnTermination", "false")];
    assert_eq!(change(&keep).status, 200);
    assert_eq!(at(&shown("attachment"), "attachment.deleteOnTermination"), "false");
    assert_eq!(change(&keep[..1]).code(), "MissingParameter");
    assert_eq!(change(&keep[1..]).code(), "MissingParameter");
    let absent = [("Attachment.AttachmentId", "eni-attach-0123456789abcdef0"), keep[1]];
    assert_eq!(change(&absent).code(), "InvalidAttachmentID.NotFound");

    assert_eq!(at(&shown("associatePublicIpAddress"), "associatePublicIpAddress"), "true");
    assert_eq!(change(&[("AssociatePublicIpAddress", "false")]).status, 200);
    let has_public = || {
        let tree = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
        find(&tree, "reservationSet.0.instancesSet.0.ipAddress").is_some()
    };
    assert!(!has_public());
    assert_eq!(change(&[("AssociatePublicIpAddress", "true")]).status, 200);
    assert!(has_public());

    assert_eq!(change(&[]).code(), "MissingParameter");
    let two = [("Description.Value", "a"), ("SourceDestCheck.Value", "true")];
    assert_eq!(change(&two).code(), "InvalidParameterCombination");
    for (name, value) in [
        ("EnaSrdSpecification.EnaSrdEnabled", "true"),
        ("ConnectionTrackingSpecification.UdpTimeout", "60"),
        ("AssociatedSubnetId.1", "subnet-0123456789abcdef0"),
    ] {
        assert_eq!(change(&[(name, value)]).code(), "UnsupportedOperation", "{name}");
    }
    let nonsense = [("NetworkInterfaceId", id.as_str()), ("Attribute", "nonsense")];
    assert_eq!(client.refused("DescribeNetworkInterfaceAttribute", &nonsense), "InvalidParameterValue");
    assert_eq!(client.refused("DescribeNetworkInterfaceAttribute", &nonsense[..1]), "MissingParameter");

    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    let tree = client.ok("DescribeNetworkInterfaces", &[]);
    assert_eq!(at(&tree, "networkInterfaceSet.0.status"), "available");
    assert!(find(&tree, "networkInterfaceSet.0.attachment").is_none());
}

#[test]
fn interfaces_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client);
    let instance = launch(&client, &[("SubnetId", &subnet)]);
    let address = at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned();
    client.ok("AssociateAddress", &[("AllocationId", &address), ("InstanceId", &instance)]);
    let tree = client.ok("DescribeNetworkInterfaces", &[]);
    let one = |name: &str| at(&tree, &format!("networkInterfaceSet.0.{name}"));
    check_filters(
        &client,
        "DescribeNetworkInterfaces",
        "networkInterfaceSet",
        &[
            ("addresses.association.owner-id", "111122223333", 1),
            ("addresses.association.public-ip", one("association.publicIp"), 1),
            ("addresses.primary", "true", 1),
            ("addresses.private-ip-address", one("privateIpAddress"), 1),
            ("association.allocation-id", &address, 1),
            ("association.association-id", one("association.associationId"), 1),
            ("association.ip-owner-id", "111122223333", 1),
            ("association.public-dns-name", one("association.publicDnsName"), 1),
            ("association.public-ip", one("association.publicIp"), 1),
            ("attachment.attach-time", one("attachment.attachTime"), 1),
            ("attachment.attachment-id", one("attachment.attachmentId"), 1),
            ("attachment.delete-on-termination", "true", 1),
            ("attachment.device-index", "0", 1),
            ("attachment.instance-id", &instance, 1),
            ("attachment.instance-owner-id", "111122223333", 1),
            ("attachment.status", "attaching", 1),
            ("availability-zone", "us-east-1a", 1),
            ("availability-zone-id", "use1-az1", 1),
            ("group-id", one("groupSet.0.groupId"), 1),
            ("interface-type", "interface", 1),
            ("ipv6-addresses.ipv6-address", "*", 0),
            ("mac-address", one("macAddress"), 1),
            ("network-interface-id", one("networkInterfaceId"), 1),
            ("operator.managed", "false", 1),
            ("operator.principal", "*", 0),
            ("owner-id", "111122223333", 1),
            ("private-dns-name", one("privateDnsName"), 1),
            ("private-ip-address", one("privateIpAddress"), 1),
            ("requester-id", "111122223333", 1),
            ("requester-managed", "false", 1),
            ("source-dest-check", "true", 1),
            ("status", "in-use", 1),
            ("subnet-id", &subnet, 1),
            ("vpc-id", one("vpcId"), 1),
        ],
    );
    assert_eq!(select(&client, "DescribeNetworkInterfaces", "networkInterfaceSet", &[("description", "")]).len(), 1);
    assert!(list(&world.other().ok("DescribeNetworkInterfaces", &[]), "networkInterfaceSet").is_empty());
}

#[test]
fn volumes_follow_their_instance() {
    let world = World::new();
    let client = world.root();
    let more = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "5"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
    ];
    let instance = launch(&client, &more);
    let statuses = || {
        let tree = client.ok("DescribeVolumes", &[]);
        let mut rows: Vec<_> = column(&tree, "volumeSet", "status").into_iter().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(statuses(), ["creating", "creating"]);
    world.settle();
    assert_eq!(statuses(), ["in-use", "in-use"]);
    let attached = select(&client, "DescribeVolumes", "volumeSet", &[("attachment.device", "/dev/sdf")]);
    assert_eq!(at(&attached[0], "attachmentSet.0.instanceId"), instance);
    assert_eq!(at(&attached[0], "snapshotId"), "");
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    world.settle();
    assert_eq!(statuses(), ["available"]);
}

#[test]
fn volumes_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[]);
    world.settle();
    let tree = client.ok("DescribeVolumes", &[]);
    let one = |name: &str| at(&tree, &format!("volumeSet.0.{name}"));
    check_filters(
        &client,
        "DescribeVolumes",
        "volumeSet",
        &[
            ("attachment.attach-time", one("attachmentSet.0.attachTime"), 1),
            ("attachment.delete-on-termination", "true", 1),
            ("attachment.device", "/dev/xvda", 1),
            ("attachment.instance-id", &instance, 1),
            ("attachment.status", "attached", 1),
            ("availability-zone", one("availabilityZone"), 1),
            ("availability-zone-id", one("availabilityZoneId"), 1),
            ("create-time", one("createTime"), 1),
            ("encrypted", "false", 1),
            ("fast-restored", "false", 1),
            ("multi-attach-enabled", "false", 1),
            ("operator.managed", "false", 1),
            ("operator.principal", "*", 0),
            ("size", "8", 1),
            ("snapshot-id", one("snapshotId"), 1),
            ("status", "in-use", 1),
            ("volume-id", one("volumeId"), 1),
            ("volume-type", one("volumeType"), 1),
        ],
    );
    assert!(list(&world.other().ok("DescribeVolumes", &[]), "volumeSet").is_empty());
}
