//! NAT gateways: what they take, how they fail, and what they give back.

use landfall_model::agent::{NatGatewaySeen, Report};

use crate::harness::{Case, Client, World, at, column, find, list, params};
use crate::network::{check_filters, default_subnet, default_vpc};
use crate::route::{gateway, route, routes, table};

const NAT: &str = "nat-0123456789abcdef0";
const SUBNET: &str = "subnet-0123456789abcdef0";
const ALLOCATION: &str = "eipalloc-0123456789abcdef0";

/// The cases of NAT gateways.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateNatGateway",
        |client| {
            params([
                ("SubnetId", default_subnet(client).as_str()),
                ("AllocationId", &allocate(client)),
                ("PrivateIpAddress", "172.31.0.10"),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "natgateway"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "out"),
            ])
        },
        &[
            (&[("AllocationId", ALLOCATION)], "MissingParameter"),
            (&[("SubnetId", SUBNET)], "MissingParameter"),
            (&[("SubnetId", SUBNET), ("AllocationId", ALLOCATION)], "InvalidSubnetID.NotFound"),
            (&[("SubnetId", "subnet-1"), ("AllocationId", ALLOCATION)], "InvalidSubnetID.Malformed"),
            (&[("SubnetId", SUBNET), ("ConnectivityType", "both")], "InvalidParameterValue"),
            (
                &[("SubnetId", SUBNET), ("ConnectivityType", "private"), ("AllocationId", ALLOCATION)],
                "InvalidParameterCombination",
            ),
            (
                &[("SubnetId", SUBNET), ("AllocationId", ALLOCATION), ("SecondaryPrivateIpAddressCount", "1")],
                "InvalidParameterCombination",
            ),
            (&[("AvailabilityMode", "regional")], "UnsupportedOperation"),
            (&[("VpcId", "vpc-0123456789abcdef0")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DeleteNatGateway",
        |client| params([("NatGatewayId", public(client))]),
        &[
            (&[("NatGatewayId", "nat-1")], "InvalidNatGatewayID.Malformed"),
            (&[("NatGatewayId", NAT)], "NatGatewayNotFound"),
        ],
    ),
    Case::ec2(
        "DescribeNatGateways",
        |client| params([("NatGatewayId.1", public(client))]),
        &[
            (&[("NatGatewayId.1", NAT)], "NatGatewayNotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "AssociateNatGatewayAddress",
        |client| params([("NatGatewayId", public(client)), ("AllocationId.1", allocate(client))]),
        &[
            (&[("NatGatewayId", NAT)], "MissingParameter"),
            (&[("NatGatewayId", NAT), ("AllocationId.1", ALLOCATION)], "NatGatewayNotFound"),
            (
                &[("NatGatewayId", NAT), ("AllocationId.1", ALLOCATION), ("AvailabilityZone", "us-east-1a")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "DisassociateNatGatewayAddress",
        |client| {
            let id = public(client);
            let more = [("NatGatewayId", id.as_str()), ("AllocationId.1", &allocate(client))];
            let tree = client.ok("AssociateNatGatewayAddress", &more);
            params([
                ("NatGatewayId", id.as_str()),
                ("AssociationId.1", at(&tree, "natGatewayAddressSet.0.associationId")),
            ])
        },
        &[
            (&[("NatGatewayId", NAT)], "MissingParameter"),
            (&[("NatGatewayId", NAT), ("AssociationId.1", "eipassoc-0123456789abcdef0")], "NatGatewayNotFound"),
            (
                &[
                    ("NatGatewayId", NAT),
                    ("AssociationId.1", "eipassoc-0123456789abcdef0"),
                    ("MaxDrainDurationSeconds", "10"),
                ],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "AssignPrivateNatGatewayAddress",
        |client| params([("NatGatewayId", private(client).as_str()), ("PrivateIpAddress.1", "172.31.0.20")]),
        &[
            (&[("NatGatewayId", NAT)], "MissingParameter"),
            (&[("NatGatewayId", NAT), ("PrivateIpAddressCount", "0")], "InvalidParameterValue"),
            (&[("NatGatewayId", NAT), ("PrivateIpAddressCount", "1")], "NatGatewayNotFound"),
            (
                &[("NatGatewayId", NAT), ("PrivateIpAddressCount", "1"), ("PrivateIpAddress.1", "172.31.0.20")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    Case::ec2(
        "UnassignPrivateNatGatewayAddress",
        |client| {
            let id = private(client);
            let both = [("NatGatewayId", id.as_str()), ("PrivateIpAddress.1", "172.31.0.20")];
            client.ok("AssignPrivateNatGatewayAddress", &both);
            params(both)
        },
        &[
            (&[("NatGatewayId", NAT)], "MissingParameter"),
            (&[("NatGatewayId", NAT), ("PrivateIpAddress.1", "172.31.0.20")], "NatGatewayNotFound"),
        ],
    ),
];

fn allocate(client: &Client<'_>) -> String {
    at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned()
}

/// Nothing to say, with a gateway to show.
pub fn with_one(client: &Client<'_>) -> crate::harness::Params {
    let subnet = default_subnet(client);
    client.send("ec2", "CreateNatGateway", &params([("SubnetId", subnet.as_str()), ("ConnectivityType", "private")]));
    Vec::new()
}

/// A public gateway that is available.
fn public(client: &Client<'_>) -> String {
    create(client, &[("AllocationId", &allocate(client))])
}

fn private(client: &Client<'_>) -> String {
    create(client, &[("ConnectivityType", "private"), ("PrivateIpAddress", "172.31.0.10")])
}

fn create(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let subnet = default_subnet(client);
    let mut all = vec![("SubnetId", subnet.as_str())];
    all.extend(more);
    let tree = client.ok("CreateNatGateway", &all);
    assert_eq!(at(&tree, "natGateway.state"), "pending");
    client.world().settle();
    at(&tree, "natGateway.natGatewayId").to_owned()
}

fn shown(client: &Client<'_>, id: &str) -> landfall_wire::Tree {
    find(&client.ok("DescribeNatGateways", &[("NatGatewayId.1", id)]), "natGatewaySet.0").unwrap().clone()
}

#[test]
fn the_provider_sees_how_often_ports_were_lacking() {
    let world = World::new();
    let client = world.root();
    let id = private(&client);
    let told = |lacked: u64| {
        let seen = NatGatewaySeen { id: id.parse().unwrap(), lacked };
        world.transact(|tx| {
            let host = tx.nat_gateways.by_id(&seen.id).next().unwrap().host.unwrap();
            let report = Report { nat_gateways: vec![seen], ..Report::default() };
            landfall_cloud::report::take(tx, host, &report);
        });
        let tree = client.send("landfall", "ListNatGateways", &[]).tree();
        let all = find(&tree, "ListNatGatewaysResult").unwrap_or(&tree);
        at(all, "NatGateways.0.ErrorPortAllocation").to_owned()
    };
    // The host's counter began anew before the last one.
    for (counter, flows) in [(5, "5"), (5, "5"), (7, "7"), (0, "7"), (2, "9")] {
        assert_eq!(told(counter), flows, "{counter}");
    }
}

#[test]
fn a_public_gateway_speaks_as_an_elastic_address() {
    let world = World::new();
    let client = world.root();
    let allocation = allocate(&client);
    let id = create(&client, &[("AllocationId", &allocation)]);
    let nat = shown(&client, &id);
    assert_eq!((at(&nat, "state"), at(&nat, "connectivityType")), ("available", "public"));
    let address = client.ok("DescribeAddresses", &[("AllocationId.1", &allocation)]);
    assert_eq!(at(&nat, "natGatewayAddressSet.0.publicIp"), at(&address, "addressesSet.0.publicIp"));
    assert_eq!(at(&nat, "natGatewayAddressSet.0.privateIp"), at(&address, "addressesSet.0.privateIpAddress"));
    let eni = at(&nat, "natGatewayAddressSet.0.networkInterfaceId");
    assert_eq!(eni, at(&address, "addressesSet.0.networkInterfaceId"));
    let interfaces = client.ok("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", eni)]);
    assert_eq!(at(&interfaces, "networkInterfaceSet.0.description"), format!("Interface for NAT Gateway {id}"));
    assert_eq!(at(&interfaces, "networkInterfaceSet.0.sourceDestCheck"), "false");
    assert!(list(&interfaces, "networkInterfaceSet.0.groupSet").is_empty());
    let (vpc, subnet) = (default_vpc(&client), default_subnet(&client));
    check_filters(
        &client,
        "DescribeNatGateways",
        "natGatewaySet",
        &[("nat-gateway-id", &id, 1), ("state", "available", 1), ("subnet-id", &subnet, 1), ("vpc-id", &vpc, 1)],
    );
}

#[test]
fn its_address_is_taken_until_it_is_deleted() {
    let world = World::new();
    let client = world.root();
    let allocation = allocate(&client);
    let id = create(&client, &[("AllocationId", &allocation)]);
    assert_eq!(client.refused("ReleaseAddress", &[("AllocationId", &allocation)]), "InvalidIPAddress.InUse");
    let association = at(&shown(&client, &id), "natGatewayAddressSet.0.associationId").to_owned();
    assert_eq!(client.refused("DisassociateAddress", &[("AssociationId", &association)]), "AuthFailure");
    let instance = crate::network::launch(&client, &[]);
    let moves = [("AllocationId", allocation.as_str()), ("InstanceId", instance.as_str())];
    assert_eq!(client.refused("AssociateAddress", &moves), "AuthFailure");
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    let (vpc, igw) = (default_vpc(&client), gateway(&client));
    let detach = [("InternetGatewayId", igw.as_str()), ("VpcId", vpc.as_str())];
    assert_eq!(client.refused("DetachInternetGateway", &detach), "DependencyViolation");
    assert_eq!(client.refused("DeleteSubnet", &[("SubnetId", &default_subnet(&client))]), "DependencyViolation");
    // A second gateway with the same address fails, and takes nothing.
    let second = create(&client, &[("AllocationId", &allocation)]);
    let failed = shown(&client, &second);
    assert_eq!((at(&failed, "state"), at(&failed, "failureCode")), ("failed", "Resource.AlreadyAssociated"));
    client.ok("DeleteNatGateway", &[("NatGatewayId", &second)]);
    let table = table(&client);
    route(&client, &table, "0.0.0.0/0", ("NatGatewayId", &id));
    assert_eq!(at(&routes(&client, &table)[1], "state"), "active");
    client.ok("DeleteNatGateway", &[("NatGatewayId", &id)]);
    assert_eq!(at(&shown(&client, &id), "state"), "deleting");
    assert_eq!(at(&routes(&client, &table)[1], "state"), "blackhole");
    world.settle();
    let deleted = shown(&client, &id);
    assert_eq!(at(&deleted, "state"), "deleted");
    assert!(find(&deleted, "deleteTime").is_some());
    client.ok("ReleaseAddress", &[("AllocationId", &allocation)]);
    client.ok("DetachInternetGateway", &detach);
    client.ok("DeleteSubnet", &[("SubnetId", &default_subnet(&client))]);
    world.pass(3601);
    world.transact(landfall_cloud::expiry::expire);
    assert_eq!(client.refused("DescribeNatGateways", &[("NatGatewayId.1", &id)]), "NatGatewayNotFound");
}

#[test]
fn without_a_way_to_the_internet_it_fails() {
    let world = World::new();
    let client = world.root();
    let detach = [("InternetGatewayId", gateway(&client)), ("VpcId", default_vpc(&client))];
    client.ok("DetachInternetGateway", &detach.each_ref().map(|(name, value)| (*name, value.as_str())));
    let id = public(&client);
    let nat = shown(&client, &id);
    assert_eq!((at(&nat, "state"), at(&nat, "failureCode")), ("failed", "Gateway.NotAttached"));
    assert!(at(&nat, "failureMessage").ends_with("has no Internet gateway attached"));
    let tables = [("RouteTableId", table(&client)), ("DestinationCidrBlock", "0.0.0.0/0".into()), ("NatGatewayId", id)];
    let refused = client.refused("CreateRoute", &tables.each_ref().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(refused, "InvalidNatGatewayID.NotFound");
    assert!(list(&client.ok("DescribeNetworkInterfaces", &[]), "networkInterfaceSet").is_empty());
    // A private one needs no way out.
    assert_eq!(at(&shown(&client, &private(&client)), "state"), "available");
}

#[test]
fn it_has_further_addresses() {
    let world = World::new();
    let client = world.root();
    let (one, two, three) = (allocate(&client), allocate(&client), allocate(&client));
    let id = create(&client, &[("AllocationId", &one), ("SecondaryAllocationId.1", &two)]);
    let nat = shown(&client, &id);
    assert_eq!(column(&nat, "natGatewayAddressSet", "allocationId"), [&one, &two]);
    assert_eq!(column(&nat, "natGatewayAddressSet", "isPrimary"), ["true", "false"]);
    let more = [("NatGatewayId", id.as_str()), ("AllocationId.1", three.as_str())];
    assert_eq!(client.refused("AssociateNatGatewayAddress", &more), "AddressLimitExceeded");
    let associations = column(&nat, "natGatewayAddressSet", "associationId");
    let first = [("NatGatewayId", id.as_str()), ("AssociationId.1", associations[0])];
    assert_eq!(client.refused("DisassociateNatGatewayAddress", &first), "InvalidParameterValue");
    client.ok("DisassociateNatGatewayAddress", &[("NatGatewayId", &id), ("AssociationId.1", associations[1])]);
    client.ok("ReleaseAddress", &[("AllocationId", &two)]);
    client.ok("AssociateNatGatewayAddress", &more);
    assert_eq!(column(&shown(&client, &id), "natGatewayAddressSet", "allocationId"), [&one, &three]);
    let assign = [("NatGatewayId", id.as_str()), ("PrivateIpAddressCount", "1")];
    assert_eq!(client.refused("AssignPrivateNatGatewayAddress", &assign), "InvalidParameterValue", "it is public");

    let id = private(&client);
    client.ok("AssignPrivateNatGatewayAddress", &[("NatGatewayId", &id), ("PrivateIpAddressCount", "7")]);
    let assign = [("NatGatewayId", id.as_str()), ("PrivateIpAddressCount", "1")];
    assert_eq!(client.refused("AssignPrivateNatGatewayAddress", &assign), "PrivateIpAddressLimitExceeded");
    let nat = shown(&client, &id);
    let addresses = column(&nat, "natGatewayAddressSet", "privateIp");
    assert_eq!((addresses.len(), addresses[0]), (8, "172.31.0.10"));
    let unassign = |address: &str| {
        client
            .call("UnassignPrivateNatGatewayAddress", &[("NatGatewayId", &id), ("PrivateIpAddress.1", address)])
            .status
    };
    assert_eq!((unassign(addresses[0]), unassign("172.31.15.250")), (400, 400));
    assert_eq!(unassign(addresses[3]), 200);
    assert_eq!(list(&shown(&client, &id), "natGatewayAddressSet").len(), 7);
}

#[test]
fn a_zone_has_so_many() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client);
    let order = [("SubnetId", subnet.as_str()), ("ConnectivityType", "private")];
    for _ in 0..5 {
        client.ok("CreateNatGateway", &order);
    }
    assert_eq!(client.refused("CreateNatGateway", &order), "NatGatewayLimitExceeded");
}
