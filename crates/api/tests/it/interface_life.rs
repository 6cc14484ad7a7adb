//! Network interfaces that are made by themselves: their addresses of both families, attaching and detaching.

use landfall_cloud::interface::{self, NewInterface};
use landfall_cloud::value::{Subnets, Vpcs};
use landfall_model::{InterfacePurpose, Ipv6Cidr, NatGatewayId};

use crate::harness::{Case, Client, IMAGE, World, at, column, find, list, params};
use crate::network::{default_subnet, launch};

const NONE: &str = "eni-0123456789abcdef0";

/// The cases of interfaces by themselves.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateNetworkInterface",
        |client| {
            params([
                ("SubnetId", default_subnet(client).as_str()),
                ("Description", "front"),
                ("PrivateIpAddresses.1.PrivateIpAddress", "172.31.0.20"),
                ("PrivateIpAddresses.1.Primary", "true"),
                ("SecondaryPrivateIpAddressCount", "1"),
                ("TagSpecification.1.ResourceType", "network-interface"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "front"),
                ("ClientToken", "once"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("SubnetId", "subnet-1")], "InvalidSubnetID.Malformed"),
            (&[("SubnetId", "subnet-0123456789abcdef0")], "InvalidSubnetID.NotFound"),
            (&[("SubnetId", "subnet-0123456789abcdef0"), ("Ipv4PrefixCount", "1")], "UnsupportedOperation"),
            (&[("SubnetId", "subnet-0123456789abcdef0"), ("InterfaceType", "efa")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2("DeleteNetworkInterface", |client| params([("NetworkInterfaceId", create(client, &[]))]), ONE_BAD),
    Case::ec2(
        "AttachNetworkInterface",
        |client| {
            let instance = launch(client, &[("SubnetId", &default_subnet(client))]);
            client.world().settle();
            let id = create(client, &[]);
            params([("NetworkInterfaceId", id.as_str()), ("InstanceId", &instance), ("DeviceIndex", "1")])
        },
        &[
            (&[("NetworkInterfaceId", NONE), ("InstanceId", "i-0123456789abcdef0")], "MissingParameter"),
            (
                &[("NetworkInterfaceId", NONE), ("InstanceId", "i-0123456789abcdef0"), ("DeviceIndex", "1")],
                "InvalidNetworkInterfaceID.NotFound",
            ),
        ],
    ),
    Case::ec2(
        "DetachNetworkInterface",
        |client| params([("AttachmentId", attached(client).1)]),
        &[
            (&[], "MissingParameter"),
            (&[("AttachmentId", "eni-attach-1")], "InvalidAttachmentID.Malformed"),
            (&[("AttachmentId", "eni-attach-0123456789abcdef0")], "InvalidAttachmentID.NotFound"),
            (&[("AttachmentId", "ela-attach-0123456789abcdef0")], "OperationNotPermitted"),
        ],
    ),
    Case::ec2(
        "AssignPrivateIpAddresses",
        |client| params([("NetworkInterfaceId", create(client, &[]).as_str()), ("PrivateIpAddress.1", "172.31.0.30")]),
        ONE_BAD_OR_MISSING,
    ),
    Case::ec2(
        "UnassignPrivateIpAddresses",
        |client| {
            let id = create(client, &[]);
            let call = [("NetworkInterfaceId", id.as_str()), ("PrivateIpAddress.1", "172.31.0.30")];
            client.ok("AssignPrivateIpAddresses", &call);
            params(call)
        },
        ONE_BAD_OR_MISSING,
    ),
    Case::ec2(
        "AssignIpv6Addresses",
        |client| {
            with_ipv6(client);
            params([("NetworkInterfaceId", create(client, &[]).as_str()), ("Ipv6Addresses.1", "fd4c:4641::5")])
        },
        ONE_BAD_OR_MISSING,
    ),
    Case::ec2(
        "UnassignIpv6Addresses",
        |client| {
            with_ipv6(client);
            let id = create(client, &[("Ipv6Addresses.1.Ipv6Address", "fd4c:4641::5")]);
            params([("NetworkInterfaceId", id.as_str()), ("Ipv6Addresses.1", "fd4c:4641::5")])
        },
        ONE_BAD_OR_MISSING,
    ),
    Case::ec2(
        "ResetNetworkInterfaceAttribute",
        |client| params([("NetworkInterfaceId", create(client, &[]).as_str()), ("SourceDestCheck", "true")]),
        ONE_BAD,
    ),
];

const ONE_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("NetworkInterfaceId", "eni-1"), ("SourceDestCheck", "x")], "InvalidNetworkInterfaceId.Malformed"),
];

const ONE_BAD_OR_MISSING: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("NetworkInterfaceId", NONE)], "MissingParameter"),
    (&[("NetworkInterfaceId", "eni-1")], "InvalidNetworkInterfaceId.Malformed"),
];

/// Gives the first default subnet of a client's account an IPv6 block.
fn with_ipv6(client: &Client<'_>) {
    let subnet = default_subnet(client).parse().unwrap();
    client.world().transact(|tx| {
        let block: Ipv6Cidr = "fd4c:4641::/64".parse().unwrap();
        let row = tx.subnets.by_id(&subnet).next().unwrap().clone();
        let (vpc, in_vpc, in_subnet) = (row.scope.key(row.vpc), tx.new_id(), tx.new_id());
        tx.update::<Vpcs, _>(&vpc, |vpc| vpc.ipv6.push((in_vpc, "fd4c:4641::/56".parse().unwrap())));
        tx.update::<Subnets, _>(&row.key(), |subnet| subnet.ipv6 = Some((in_subnet, block)));
    });
}

fn create(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let subnet = default_subnet(client);
    let mut all = vec![("SubnetId", subnet.as_str())];
    all.extend(more);
    at(&client.ok("CreateNetworkInterface", &all), "networkInterface.networkInterfaceId").to_owned()
}

/// A running instance's second interface: its id, its attachment, the instance.
fn attached(client: &Client<'_>) -> (String, String, String) {
    let instance = launch(client, &[("SubnetId", &default_subnet(client))]);
    client.world().settle();
    let id = create(client, &[]);
    let attachment = attach(client, &id, &instance, "1");
    client.world().settle();
    (id, attachment, instance)
}

fn attach(client: &Client<'_>, id: &str, instance: &str, index: &str) -> String {
    let call = [("NetworkInterfaceId", id), ("InstanceId", instance), ("DeviceIndex", index)];
    at(&client.ok("AttachNetworkInterface", &call), "attachmentId").to_owned()
}

/// What DescribeNetworkInterfaces shows of one at a path.
fn shown(client: &Client<'_>, id: &str, path: &str) -> String {
    let tree = client.ok("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", id)]);
    find(&tree, &format!("networkInterfaceSet.0.{path}"))
        .and_then(landfall_wire::Tree::as_text)
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn an_interface_comes_and_goes_by_itself() {
    let world = World::new();
    let client = world.root();
    let id = create(&client, &[("Description", "front"), ("SecondaryPrivateIpAddressCount", "2")]);
    assert_eq!(shown(&client, &id, "status"), "available");
    let tree = client.ok("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", &id)]);
    assert_eq!(column(&tree, "networkInterfaceSet.0.privateIpAddressesSet", "primary"), ["true", "false", "false"]);
    assert_eq!(client.refused("DeleteSubnet", &[("SubnetId", &default_subnet(&client))]), "DependencyViolation");
    client.ok("DeleteNetworkInterface", &[("NetworkInterfaceId", &id)]);
    let code = client.refused("DeleteNetworkInterface", &[("NetworkInterfaceId", &id)]);
    assert_eq!(code, "InvalidNetworkInterfaceID.NotFound");
}

#[test]
fn what_a_new_interface_cannot_be() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client);
    let refused = |more: &[(&str, &str)]| {
        let mut all = vec![("SubnetId", subnet.as_str())];
        all.extend(more);
        client.refused("CreateNetworkInterface", &all)
    };
    create(&client, &[("PrivateIpAddress", "172.31.0.20")]);
    assert_eq!(refused(&[("PrivateIpAddress", "172.31.0.20")]), "InvalidIPAddress.InUse");
    assert_eq!(refused(&[("PrivateIpAddress", "172.31.0.3")]), "InvalidParameterValue");
    assert_eq!(refused(&[("PrivateIpAddress", "10.0.0.9")]), "InvalidParameterValue");
    assert_eq!(refused(&[("SecondaryPrivateIpAddressCount", "50")]), "PrivateIpAddressLimitExceeded");
    assert_eq!(refused(&[("SecondaryPrivateIpAddressCount", "4294967295")]), "PrivateIpAddressLimitExceeded");
    assert_eq!(refused(&[("Ipv6AddressCount", "1")]), "InvalidParameter");
    assert_eq!(refused(&[("EnablePrimaryIpv6", "true")]), "InvalidParameterCombination");
    assert_eq!(refused(&[("SecurityGroupId.1", "sg-0123456789abcdef0")]), "InvalidGroup.NotFound");
    assert_eq!(refused(&[("Ipv6Prefix.1.Ipv6Prefix", "fd4c:4641::/80")]), "UnsupportedOperation");
    assert_eq!(refused(&[("ConnectionTrackingSpecification.UdpTimeout", "40")]), "UnsupportedOperation");
    let two = [
        ("PrivateIpAddress", "172.31.0.21"),
        ("PrivateIpAddresses.1.PrivateIpAddress", "172.31.0.22"),
        ("PrivateIpAddresses.1.Primary", "true"),
    ];
    assert_eq!(refused(&two), "InvalidParameterCombination");
    let vpc = [("TagSpecification.1.ResourceType", "vpc"), ("TagSpecification.1.Tag.1.Key", "a")];
    assert_eq!(refused(&vpc), "InvalidParameterValue");
    let token = [("SubnetId", subnet.as_str()), ("ClientToken", "t")];
    let first = client.ok("CreateNetworkInterface", &token);
    let again = client.ok("CreateNetworkInterface", &token);
    let id = "networkInterface.networkInterfaceId";
    assert_eq!(at(&first, id), at(&again, id));
    let other = [token[0], token[1], ("Description", "x")];
    assert_eq!(client.refused("CreateNetworkInterface", &other), "IdempotentParameterMismatch");
}

#[test]
fn a_running_machine_gets_and_loses_an_interface_when_its_host_says_so() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[("SubnetId", &default_subnet(&client))]);
    let id = create(&client, &[]);
    let call = [("NetworkInterfaceId", id.as_str()), ("InstanceId", &instance), ("DeviceIndex", "1")];
    assert_eq!(client.refused("AttachNetworkInterface", &call), "IncorrectState", "it is pending");
    world.settle();
    let attachment = attach(&client, &id, &instance, "1");
    assert_eq!(shown(&client, &id, "attachment.status"), "attaching");
    assert_eq!(shown(&client, &id, "status"), "in-use");
    world.settle();
    assert_eq!(shown(&client, &id, "attachment.status"), "attached");
    assert_eq!(shown(&client, &id, "attachment.deleteOnTermination"), "false");
    let tree = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let set = "reservationSet.0.instancesSet.0.networkInterfaceSet";
    assert_eq!(list(&tree, set).len(), 2);
    assert_eq!(at(&tree, &format!("{set}.1.networkInterfaceId")), id);

    assert_eq!(client.refused("DeleteNetworkInterface", &[("NetworkInterfaceId", &id)]), "InvalidParameterValue");
    client.ok("DetachNetworkInterface", &[("AttachmentId", &attachment)]);
    assert_eq!(shown(&client, &id, "attachment.status"), "detaching");
    assert_eq!(client.refused("DeleteNetworkInterface", &[("NetworkInterfaceId", &id)]), "InvalidParameterValue");
    client.ok("DetachNetworkInterface", &[("AttachmentId", &attachment), ("Force", "true")]);
    world.settle();
    assert_eq!(shown(&client, &id, "status"), "available");
    assert_eq!(
        client.refused("DetachNetworkInterface", &[("AttachmentId", &attachment)]),
        "InvalidAttachmentID.NotFound"
    );
    client.ok("DeleteNetworkInterface", &[("NetworkInterfaceId", &id)]);
}

#[test]
fn a_stopped_machine_gets_and_loses_an_interface_at_once() {
    let world = World::new();
    let client = world.root();
    let (id, attachment, instance) = attached(&client);
    client.ok("DetachNetworkInterface", &[("AttachmentId", &attachment)]);
    client.ok("StopInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    assert_eq!(shown(&client, &id, "status"), "available", "what stopped has lost it");
    let attachment = attach(&client, &id, &instance, "1");
    assert_eq!(shown(&client, &id, "attachment.status"), "attached");
    client.ok("DetachNetworkInterface", &[("AttachmentId", &attachment)]);
    assert_eq!(shown(&client, &id, "status"), "available");
    attach(&client, &id, &instance, "1");
    client.ok("StartInstances", &[("InstanceId.1", &instance)]);
    let tree = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let public = find(&tree, "reservationSet.0.instancesSet.0.ipAddress");
    assert!(public.is_none(), "a machine with several interfaces gets no public address again");
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    assert_eq!(shown(&client, &id, "status"), "available", "it stays unless it is to go with the instance");
}

#[test]
fn what_cannot_be_attached_or_detached() {
    let world = World::new();
    let client = world.root();
    let (id, _, instance) = attached(&client);
    let refused = |id: &str, index: &str| {
        let call = [("NetworkInterfaceId", id), ("InstanceId", instance.as_str()), ("DeviceIndex", index)];
        client.refused("AttachNetworkInterface", &call)
    };
    assert_eq!(refused(&id, "2"), "InvalidNetworkInterface.InUse");
    let third = create(&client, &[]);
    assert_eq!(refused(&third, "1"), "InvalidParameterValue", "the place is taken");
    assert_eq!(refused(&third, "2"), "AttachmentLimitExceeded", "a t3.micro has two");
    let subnets =
        client.ok("DescribeSubnets", &[("Filter.1.Name", "availabilityZone"), ("Filter.1.Value.1", "us-east-1b")]);
    let elsewhere = client.ok("CreateNetworkInterface", &[("SubnetId", at(&subnets, "subnetSet.0.subnetId"))]);
    assert_eq!(refused(at(&elsewhere, "networkInterface.networkInterfaceId"), "2"), "InvalidParameterCombination");
    let tree = client.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let primary = at(&tree, "reservationSet.0.instancesSet.0.networkInterfaceSet.0.attachment.attachmentId");
    assert_eq!(client.refused("DetachNetworkInterface", &[("AttachmentId", primary)]), "OperationNotPermitted");
    let both = [("InstanceId", instance.as_str()), ("SourceDestCheck.Value", "false")];
    assert_eq!(client.refused("ModifyInstanceAttribute", &both), "InvalidInstanceID");
    let address = at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned();
    let to_instance = [("AllocationId", address.as_str()), ("InstanceId", &instance)];
    assert_eq!(client.refused("AssociateAddress", &to_instance), "InvalidInstanceID");
}

#[test]
fn a_machine_starts_with_several_interfaces() {
    let world = World::new();
    let client = world.root();
    let (subnet, existing) = (default_subnet(&client), create(&client, &[]));
    let run = |more: &[(&str, &str)]| {
        let mut all = vec![("ImageId", IMAGE), ("InstanceType", "t3.small"), ("MinCount", "1"), ("MaxCount", "1")];
        all.extend([("NetworkInterface.1.DeviceIndex", "0"), ("NetworkInterface.1.SubnetId", subnet.as_str())]);
        all.extend(more);
        client.call("RunInstances", &all)
    };
    let second = [
        ("NetworkInterface.2.DeviceIndex", "1"),
        ("NetworkInterface.2.NetworkInterfaceId", existing.as_str()),
        ("NetworkInterface.3.DeviceIndex", "2"),
        ("NetworkInterface.3.SubnetId", &subnet),
    ];
    let answer = run(&second);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let set = "instancesSet.0.networkInterfaceSet";
    assert_eq!(list(&tree, set).len(), 3);
    assert_eq!(at(&tree, &format!("{set}.1.networkInterfaceId")), existing);
    assert_eq!(at(&tree, &format!("{set}.0.attachment.status")), "attaching");
    assert!(find(&tree, "instancesSet.0.ipAddress").is_none());
    world.settle();
    assert_eq!(shown(&client, &existing, "attachment.status"), "attached");
    assert_eq!(run(&second).code(), "InvalidNetworkInterface.InUse");
    let four: Vec<_> = second[2..]
        .iter()
        .copied()
        .chain([("NetworkInterface.2.DeviceIndex", "1"), ("NetworkInterface.4.DeviceIndex", "3")])
        .collect();
    assert_eq!(run(&four).code(), "AttachmentLimitExceeded");
}

#[test]
fn further_addresses_come_go_and_move() {
    let world = World::new();
    let client = world.root();
    let (one, other) = (create(&client, &[]), create(&client, &[]));
    let assign = |id: &str, more: &[(&str, &str)]| {
        let mut all = vec![("NetworkInterfaceId", id)];
        all.extend(more);
        client.call("AssignPrivateIpAddresses", &all)
    };
    let named = ("PrivateIpAddress.1", "172.31.0.40");
    assert_eq!(assign(&one, &[named]).status, 200);
    let address = at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned();
    let call = [("AllocationId", address.as_str()), ("NetworkInterfaceId", &one), ("PrivateIpAddress", "172.31.0.40")];
    client.ok("AssociateAddress", &call);
    let elastic = || {
        let tree = client.ok("DescribeAddresses", &[]);
        let text = |name: &str| find(&tree, &format!("addressesSet.0.{name}")).and_then(landfall_wire::Tree::as_text);
        (text("networkInterfaceId").map(str::to_owned), text("privateIpAddress").map(str::to_owned))
    };
    assert_eq!(elastic(), (Some(one.clone()), Some("172.31.0.40".into())));
    assert_eq!(assign(&other, &[named]).code(), "InvalidIPAddress.InUse");
    assert_eq!(assign(&other, &[named, ("AllowReassignment", "true")]).status, 200);
    assert_eq!(elastic().0, Some(other.clone()), "the elastic address goes along");
    assert_eq!(assign(&other, &[named, ("AllowReassignment", "true")]).status, 200, "it has it");
    let primary = shown(&client, &one, "privateIpAddress");
    let steal = [("PrivateIpAddress.1", primary.as_str()), ("AllowReassignment", "true")];
    assert_eq!(assign(&other, &steal).code(), "InvalidParameterValue");
    let unassign = |id: &str, address: &str| {
        client.call("UnassignPrivateIpAddresses", &[("NetworkInterfaceId", id), ("PrivateIpAddress.1", address)])
    };
    assert_eq!(unassign(&one, "172.31.0.40").code(), "InvalidParameterValue");
    assert_eq!(unassign(&one, &primary).code(), "InvalidParameterValue");
    assert_eq!(unassign(&other, "172.31.0.40").status, 200);
    assert_eq!(elastic(), (None, None));
    assert_eq!(assign(&one, &[("SecondaryPrivateIpAddressCount", "3")]).status, 200);
    assert_eq!(assign(&one, &[("SecondaryPrivateIpAddressCount", "50")]).code(), "PrivateIpAddressLimitExceeded");
    assert_eq!(assign(&one, &[("SecondaryPrivateIpAddressCount", "0")]).code(), "InvalidParameterValue");
    assert_eq!(assign(&one, &[named, ("SecondaryPrivateIpAddressCount", "1")]).code(), "InvalidParameterCombination");
    assert_eq!(assign(&one, &[("Ipv4PrefixCount", "1")]).code(), "UnsupportedOperation");
}

#[test]
fn ipv6_addresses_come_from_the_subnets_block() {
    let world = World::new();
    let client = world.root();
    with_ipv6(&client);
    let (subnet, id) = (default_subnet(&client), create(&client, &[("Ipv6AddressCount", "2")]));
    let tree = client.ok("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", &id)]);
    let addresses: Vec<_> =
        column(&tree, "networkInterfaceSet.0.ipv6AddressesSet", "ipv6Address").into_iter().map(str::to_owned).collect();
    assert_eq!(addresses.len(), 2);
    assert!(addresses.iter().all(|address| address.starts_with("fd4c:4641::")), "{addresses:?}");
    let filter = [("Filter.1.Name", "ipv6-addresses.ipv6-address"), ("Filter.1.Value.1", addresses[0].as_str())];
    assert_eq!(list(&client.ok("DescribeNetworkInterfaces", &filter), "networkInterfaceSet").len(), 1);
    let assign = |more: &[(&str, &str)]| {
        let mut all = vec![("NetworkInterfaceId", id.as_str())];
        all.extend(more);
        client.call("AssignIpv6Addresses", &all)
    };
    assert_eq!(assign(&[("Ipv6Addresses.1", &addresses[0])]).code(), "InvalidIPAddress.InUse");
    assert_eq!(assign(&[("Ipv6Addresses.1", "fd4c:4641:1::5")]).code(), "InvalidParameterValue");
    assert_eq!(assign(&[("Ipv6Addresses.1", "fd4c:4641::3")]).code(), "InvalidParameterValue", "it is reserved");
    assert_eq!(assign(&[("Ipv6AddressCount", "49")]).code(), "PrivateIpAddressLimitExceeded");
    assert_eq!(assign(&[("Ipv6AddressCount", "1")]).status, 200);
    let enable = |on: &str| {
        client.call("ModifyNetworkInterfaceAttribute", &[("NetworkInterfaceId", &id), ("EnablePrimaryIpv6", on)])
    };
    assert_eq!(enable("true").status, 200);
    assert_eq!(shown(&client, &id, "ipv6AddressesSet.0.isPrimaryIpv6"), "true");
    assert_eq!(enable("false").code(), "InvalidParameterValue");
    let unassign = |address: &str| {
        client.call("UnassignIpv6Addresses", &[("NetworkInterfaceId", &id), ("Ipv6Addresses.1", address)])
    };
    assert_eq!(unassign(&addresses[0]).code(), "InvalidParameterValue", "it is the primary one");
    assert_eq!(unassign(&addresses[1]).status, 200);
    assert_eq!(unassign(&addresses[1]).code(), "InvalidParameterValue");

    world.transact(|tx| {
        let key = tx.subnets.by_id(&subnet.parse().unwrap()).next().unwrap().key();
        tx.update::<Subnets, _>(&key, |row| row.assign_ipv6 = true);
    });
    let ipv6_of = |instance: &str| {
        let tree = client.ok("DescribeInstances", &[("InstanceId.1", instance)]);
        find(&tree, "reservationSet.0.instancesSet.0.ipv6Address").is_some()
    };
    assert!(ipv6_of(&launch(&client, &[("SubnetId", &subnet)])), "the subnet says so");
    assert!(!ipv6_of(&launch(&client, &[("SubnetId", &subnet), ("Ipv6AddressCount", "0")])));
    let named = launch(&client, &[("SubnetId", &subnet), ("Ipv6Address.1.Ipv6Address", "fd4c:4641::99")]);
    let filter = [("Filter.1.Name", "ipv6-address"), ("Filter.1.Value.1", "fd4c:4641::99")];
    let tree = client.ok("DescribeInstances", &filter);
    assert_eq!(at(&tree, "reservationSet.0.instancesSet.0.instanceId"), named);
}

#[test]
fn the_regions_own_interfaces_are_not_the_tenants_to_change() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client).parse().unwrap();
    let id = world.transact(|tx| {
        let purpose = InterfacePurpose::NatGateway(NatGatewayId::from_random(7));
        let new = NewInterface { description: "Interface for NAT Gateway".into(), purpose, ..NewInterface::default() };
        interface::create(tx, subnet, new, None).unwrap().to_string()
    });
    for (path, value) in [
        ("interfaceType", "nat_gateway"),
        ("requesterManaged", "true"),
        ("requesterId", "amazon-aws"),
        ("sourceDestCheck", "false"),
        ("status", "in-use"),
        ("attachment.status", "attached"),
        ("attachment.instanceOwnerId", "amazon-aws"),
    ] {
        assert_eq!(shown(&client, &id, path), value, "{path}");
    }
    let attachment = shown(&client, &id, "attachment.attachmentId");
    assert_eq!(client.refused("DetachNetworkInterface", &[("AttachmentId", &attachment)]), "OperationNotPermitted");
    let instance = launch(&client, &[]);
    world.settle();
    let address = at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned();
    let own = ("NetworkInterfaceId", id.as_str());
    for (action, more) in [
        ("DeleteNetworkInterface", vec![]),
        ("AttachNetworkInterface", vec![("InstanceId", instance.as_str()), ("DeviceIndex", "1")]),
        ("ModifyNetworkInterfaceAttribute", vec![("Description.Value", "mine")]),
        ("ResetNetworkInterfaceAttribute", vec![("SourceDestCheck", "true")]),
        ("AssignPrivateIpAddresses", vec![("SecondaryPrivateIpAddressCount", "1")]),
        ("AssociateAddress", vec![("AllocationId", address.as_str())]),
    ] {
        let call: Vec<_> = std::iter::once(own).chain(more).collect();
        assert_eq!(client.refused(action, &call), "OperationNotPermitted", "{action}");
    }
}
