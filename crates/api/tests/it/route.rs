//! Route tables: their routes, what each may lead to, what uses them; and the gateways that they lead to.

use landfall_cloud::value::{RouteTables, VpnConnections, VpnGateways};
use landfall_model::{LinkState, RouteTarget, Timestamp, VpnConnection, VpnGateway, VpnSide};
use landfall_wire::Tree;

use crate::harness::{Case, Client, World, at, column, find, list, nothing, params};
use crate::network::{check_filters, default_subnet, default_vpc, launch, only, select};

const TABLE: &str = "rtb-0123456789abcdef0";
const VPC: &str = "vpc-0123456789abcdef0";
const BAD_TABLE: (&[(&str, &str)], &str) = (&[("RouteTableId", "rtb-1")], "InvalidRouteTableId.Malformed");

/// The cases of route tables and of gateways.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateRouteTable",
        |client| {
            params([
                ("VpcId", default_vpc(client).as_str()),
                ("TagSpecification.1.ResourceType", "route-table"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "private"),
                ("ClientToken", "once"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
            (&[("VpcId", VPC)], "InvalidVpcID.NotFound"),
        ],
    ),
    Case::ec2(
        "DeleteRouteTable",
        |client| params([("RouteTableId", table(client))]),
        &[BAD_TABLE, (&[("RouteTableId", TABLE)], "InvalidRouteTableID.NotFound")],
    ),
    Case::ec2(
        "AssociateRouteTable",
        |client| params([("RouteTableId", table(client)), ("SubnetId", default_subnet(client))]),
        &[
            BAD_TABLE,
            (&[("RouteTableId", TABLE)], "MissingParameter"),
            (&[("RouteTableId", TABLE), ("SubnetId", "subnet-0123456789abcdef0")], "InvalidRouteTableID.NotFound"),
            (&[("RouteTableId", TABLE), ("GatewayId", "nat-0123456789abcdef0")], "InvalidParameterValue"),
            (&[("RouteTableId", TABLE), ("PublicIpv4Pool", "ipv4pool-ec2-1")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DisassociateRouteTable",
        |client| params([("AssociationId", associate(client, &table(client)))]),
        &[
            (&[("AssociationId", "rtbassoc-1")], "InvalidAssociationID.Malformed"),
            (&[("AssociationId", "rtbassoc-0123456789abcdef0")], "InvalidAssociationID.NotFound"),
        ],
    ),
    Case::ec2(
        "ReplaceRouteTableAssociation",
        |client| {
            let association = associate(client, &table(client));
            params([("AssociationId", association), ("RouteTableId", table(client))])
        },
        &[
            (
                &[("AssociationId", "rtbassoc-0123456789abcdef0"), ("RouteTableId", TABLE)],
                "InvalidAssociationID.NotFound",
            ),
            (&[("RouteTableId", TABLE)], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "CreateRoute",
        |client| {
            let (table, gateway) = (table(client), gateway(client));
            params([("RouteTableId", table.as_str()), ("DestinationCidrBlock", "0.0.0.0/0"), ("GatewayId", &gateway)])
        },
        &[
            BAD_TABLE,
            (&[("RouteTableId", TABLE)], "MissingParameter"),
            (&[("RouteTableId", TABLE), ("DestinationCidrBlock", "0.0.0.0/0")], "MissingParameter"),
            (&[("RouteTableId", TABLE), ("DestinationCidrBlock", "nonsense")], "InvalidParameterValue"),
            (
                &[
                    ("RouteTableId", TABLE),
                    ("DestinationCidrBlock", "0.0.0.0/0"),
                    ("DestinationIpv6CidrBlock", "::/0"),
                    ("GatewayId", "igw-0123456789abcdef0"),
                ],
                "InvalidParameterCombination",
            ),
            (
                &[
                    ("RouteTableId", TABLE),
                    ("DestinationCidrBlock", "0.0.0.0/0"),
                    ("NatGatewayId", "nat-0123456789abcdef0"),
                    ("GatewayId", "igw-0123456789abcdef0"),
                ],
                "InvalidParameterCombination",
            ),
            (
                &[
                    ("RouteTableId", TABLE),
                    ("DestinationCidrBlock", "0.0.0.0/0"),
                    ("GatewayId", "igw-0123456789abcdef0"),
                ],
                "InvalidRouteTableID.NotFound",
            ),
            (
                &[("RouteTableId", TABLE), ("DestinationCidrBlock", "0.0.0.0/0"), ("LocalGatewayId", "lgw-1")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "ReplaceRoute",
        |client| {
            let (table, gateway) = (table(client), gateway(client));
            route(client, &table, "10.0.0.0/8", ("GatewayId", &gateway));
            params([("RouteTableId", table.as_str()), ("DestinationCidrBlock", "10.0.0.0/8"), ("GatewayId", &gateway)])
        },
        &[
            BAD_TABLE,
            (
                &[("RouteTableId", TABLE), ("DestinationCidrBlock", "10.0.0.0/8"), ("LocalTarget", "true")],
                "InvalidRouteTableID.NotFound",
            ),
            (
                &[("RouteTableId", TABLE), ("DestinationCidrBlock", "10.0.0.0/8"), ("CarrierGatewayId", "cagw-1")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "DeleteRoute",
        |client| {
            let (table, gateway) = (table(client), gateway(client));
            route(client, &table, "10.0.0.0/8", ("GatewayId", &gateway));
            params([("RouteTableId", table.as_str()), ("DestinationCidrBlock", "10.0.0.0/8")])
        },
        &[
            BAD_TABLE,
            (&[("RouteTableId", TABLE)], "MissingParameter"),
            (&[("RouteTableId", TABLE), ("DestinationCidrBlock", "10.0.0.0/8")], "InvalidRouteTableID.NotFound"),
        ],
    ),
    Case::ec2(
        "EnableVgwRoutePropagation",
        |client| params([("RouteTableId", table(client)), ("GatewayId", vpn_gateway(client))]),
        BAD_PROPAGATION,
    ),
    Case::ec2(
        "DisableVgwRoutePropagation",
        |client| params([("RouteTableId", table(client)), ("GatewayId", vpn_gateway(client))]),
        BAD_PROPAGATION,
    ),
    Case::ec2(
        "CreateInternetGateway",
        nothing,
        &[(&[("TagSpecification.1.ResourceType", "vpc")], "InvalidParameterValue")],
    ),
    Case::ec2(
        "AttachInternetGateway",
        |client| {
            let (id, vpc) = (gateway(client), default_vpc(client));
            client.ok("DetachInternetGateway", &[("InternetGatewayId", &id), ("VpcId", &vpc)]);
            params([("InternetGatewayId", id), ("VpcId", vpc)])
        },
        &[
            (&[("InternetGatewayId", "igw-1"), ("VpcId", VPC)], "InvalidInternetGatewayId.Malformed"),
            (&[("InternetGatewayId", "igw-0123456789abcdef0"), ("VpcId", VPC)], "InvalidInternetGatewayID.NotFound"),
        ],
    ),
    Case::ec2(
        "CreateEgressOnlyInternetGateway",
        |client| params([("VpcId", default_vpc(client).as_str()), ("ClientToken", "once")]),
        &[(&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"), (&[("VpcId", VPC)], "InvalidVpcID.NotFound")],
    ),
    Case::ec2(
        "DeleteEgressOnlyInternetGateway",
        |client| params([("EgressOnlyInternetGatewayId", egress_only(client))]),
        BAD_EGRESS,
    ),
    Case::ec2(
        "DescribeEgressOnlyInternetGateways",
        |client| params([("EgressOnlyInternetGatewayId.1", egress_only(client))]),
        &[
            (&[("EgressOnlyInternetGatewayId.1", "eigw-0123456789abcdef0")], "InvalidGatewayID.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
];

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const BAD_EGRESS: Bad = &[
    (&[("EgressOnlyInternetGatewayId", "eigw-1")], "InvalidEgressOnlyInternetGatewayId.Malformed"),
    (&[("EgressOnlyInternetGatewayId", "eigw-0123456789abcdef0")], "InvalidGatewayID.NotFound"),
];

const BAD_PROPAGATION: Bad = &[
    BAD_TABLE,
    (&[("RouteTableId", TABLE), ("GatewayId", "vgw-1")], "InvalidVpnGatewayID.Malformed"),
    (&[("RouteTableId", TABLE), ("GatewayId", "vgw-0123456789abcdef0")], "InvalidRouteTableID.NotFound"),
];

/// A new route table of the default VPC.
pub fn table(client: &Client<'_>) -> String {
    let tree = client.ok("CreateRouteTable", &[("VpcId", &default_vpc(client))]);
    at(&tree, "routeTable.routeTableId").to_owned()
}

/// The default VPC's internet gateway.
pub fn gateway(client: &Client<'_>) -> String {
    only(client, "DescribeInternetGateways", "internetGatewaySet", "internetGatewayId")
}

fn egress_only(client: &Client<'_>) -> String {
    let tree = client.ok("CreateEgressOnlyInternetGateway", &[("VpcId", &default_vpc(client))]);
    at(&tree, "egressOnlyInternetGateway.egressOnlyInternetGatewayId").to_owned()
}

fn associate(client: &Client<'_>, table: &str) -> String {
    let both = [("RouteTableId", table), ("SubnetId", &default_subnet(client))];
    at(&client.ok("AssociateRouteTable", &both), "associationId").to_owned()
}

/// Makes a route of IPv4.
pub fn route(client: &Client<'_>, table: &str, to: &str, by: (&str, &str)) {
    client.ok("CreateRoute", &[("RouteTableId", table), ("DestinationCidrBlock", to), by]);
}

fn refused(client: &Client<'_>, table: &str, to: (&str, &str), by: (&str, &str)) -> String {
    client.refused("CreateRoute", &[("RouteTableId", table), to, by])
}

/// The routes of a table.
pub fn routes(client: &Client<'_>, table: &str) -> Vec<Tree> {
    list(&client.ok("DescribeRouteTables", &[("RouteTableId.1", table)]), "routeTableSet.0.routeSet").to_vec()
}

/// A VPN gateway that is attached to the default VPC, with a connection behind which lie two blocks.
fn vpn_gateway(client: &Client<'_>) -> String {
    let vpc = default_vpc(client).parse().unwrap();
    client.world().transact(|tx| {
        let (scope, id, connection) = (tx.scope(), tx.new_id(), tx.new_id());
        tx.put::<VpnGateways>(VpnGateway {
            scope,
            id,
            asn: 64512,
            zone: None,
            vpc: Some(vpc),
            detached: None,
            state: LinkState::Available,
            expires_at: None,
        });
        let customer_gateway = tx.new_id();
        tx.put::<VpnConnections>(VpnConnection {
            scope,
            id: connection,
            customer_gateway,
            gateway: VpnSide::Gateway(id),
            static_routes_only: true,
            local: "0.0.0.0/0".parse().unwrap(),
            remote: "0.0.0.0/0".parse().unwrap(),
            routes: ["192.168.0.0/16", "10.9.0.0/16"]
                .map(|block| landfall_model::Cidr::V4(block.parse().unwrap()))
                .into(),
            tunnels: vec![],
            state: LinkState::Available,
            created_at: Timestamp(0),
            expires_at: None,
            host: None,
            number: 0,
        });
        id.to_string()
    })
}

#[test]
fn a_route_is_made_replaced_and_removed() {
    let world = World::new();
    let client = world.root();
    let (table, igw) = (table(&client), gateway(&client));
    route(&client, &table, "100.68.0.18/18", ("GatewayId", &igw));
    let shown = routes(&client, &table);
    assert_eq!(
        shown.iter().map(|r| at(r, "destinationCidrBlock")).collect::<Vec<_>>(),
        ["172.31.0.0/16", "100.68.0.0/18"]
    );
    let to = ("DestinationCidrBlock", "100.68.0.0/18");
    assert_eq!(refused(&client, &table, to, ("GatewayId", &igw)), "RouteAlreadyExists");
    let instance = launch(&client, &[]);
    client.ok("ReplaceRoute", &[("RouteTableId", &table), to, ("InstanceId", &instance)]);
    let shown = routes(&client, &table);
    assert_eq!(at(&shown[1], "instanceId"), instance);
    assert_eq!(at(&shown[1], "state"), "active");
    assert!(find(&shown[1], "gatewayId").is_none() && find(&shown[1], "networkInterfaceId").is_some());
    client.ok("DeleteRoute", &[("RouteTableId", &table), to]);
    assert_eq!(client.refused("DeleteRoute", &[("RouteTableId", &table), to]), "InvalidRoute.NotFound");
    let absent = [("RouteTableId", table.as_str()), to, ("GatewayId", &igw)];
    assert_eq!(client.refused("ReplaceRoute", &absent), "InvalidParameterValue");
    let local = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", "172.31.0.0/16")];
    assert_eq!(client.refused("DeleteRoute", &local), "InvalidParameterValue");
}

#[test]
fn a_route_within_the_vpc_leads_to_a_middlebox() {
    let world = World::new();
    let client = world.root();
    let (table, igw) = (table(&client), gateway(&client));
    let instance = launch(&client, &[]);
    let local = ("DestinationCidrBlock", "172.31.0.0/16");
    let to_instance = ("InstanceId", instance.as_str());
    assert_eq!(refused(&client, &table, local, ("GatewayId", &igw)), "InvalidParameterValue");
    assert_eq!(refused(&client, &table, local, to_instance), "RouteAlreadyExists");
    let part = ("DestinationCidrBlock", "172.31.0.0/21");
    assert_eq!(refused(&client, &table, part, to_instance), "InvalidParameterValue");
    let subnet = client.ok("DescribeSubnets", &[("SubnetId.1", &default_subnet(&client))]);
    let subnet = ("DestinationCidrBlock", at(&subnet, "subnetSet.0.cidrBlock"));
    assert_eq!(refused(&client, &table, subnet, ("GatewayId", &igw)), "InvalidParameterValue");
    client.ok("CreateRoute", &[("RouteTableId", &table), subnet, to_instance]);
    client.ok("ReplaceRoute", &[("RouteTableId", &table), local, to_instance]);
    let shown = routes(&client, &table);
    assert_eq!((shown.len(), at(&shown[0], "instanceId")), (2, instance.as_str()));
    assert_eq!(at(&shown[0], "origin"), "CreateRouteTable");
    client.ok("ReplaceRoute", &[("RouteTableId", &table), local, ("LocalTarget", "true")]);
    assert_eq!(at(&routes(&client, &table)[0], "gatewayId"), "local");
    let other = [("RouteTableId", table.as_str()), subnet, ("LocalTarget", "true")];
    assert_eq!(client.refused("ReplaceRoute", &other), "InvalidParameterValue");
}

#[test]
fn each_family_has_its_targets() {
    let world = World::new();
    let client = world.root();
    let (table, eigw) = (table(&client), egress_only(&client));
    let (v4, v6) = (("DestinationCidrBlock", "0.0.0.0/0"), ("DestinationIpv6CidrBlock", "::/0"));
    let out = ("EgressOnlyInternetGatewayId", eigw.as_str());
    assert_eq!(refused(&client, &table, v4, out), "InvalidParameterValue");
    client.ok("CreateRoute", &[("RouteTableId", &table), v6, out]);
    assert_eq!(refused(&client, &table, v6, out), "RouteAlreadyExists");
    let vgw = vpn_gateway(&client);
    let documentation = ("DestinationIpv6CidrBlock", "2001:db8::/32");
    assert_eq!(refused(&client, &table, documentation, ("GatewayId", &vgw)), "InvalidParameterValue");
    client.ok("CreateRoute", &[("RouteTableId", &table), v4, ("GatewayId", &vgw)]);
    let shown = routes(&client, &table);
    assert_eq!(at(&shown[1], "destinationIpv6CidrBlock"), "::/0");
    assert_eq!(at(&shown[1], "egressOnlyInternetGatewayId"), eigw);
    client.ok("DeleteEgressOnlyInternetGateway", &[("EgressOnlyInternetGatewayId", &eigw)]);
    assert_eq!(at(&routes(&client, &table)[1], "state"), "blackhole");
    for reserved in [("DestinationCidrBlock", "169.254.169.0/24"), ("DestinationIpv6CidrBlock", "fd00:ec2::/48")] {
        assert_eq!(refused(&client, &table, reserved, ("GatewayId", &gateway(&client))), "InvalidParameterValue");
    }
}

#[test]
fn targets_must_be_there_and_near() {
    let world = World::new();
    let client = world.root();
    let table = table(&client);
    let to = ("DestinationCidrBlock", "10.0.0.0/8");
    for (by, code) in [
        (("GatewayId", "igw-0123456789abcdef0"), "InvalidGatewayID.NotFound"),
        (("GatewayId", "vgw-0123456789abcdef0"), "InvalidGatewayID.NotFound"),
        (("GatewayId", "gw"), "InvalidParameterValue"),
        (("GatewayId", "local"), "InvalidParameterValue"),
        (("NatGatewayId", "nat-0123456789abcdef0"), "InvalidNatGatewayID.NotFound"),
        (("NetworkInterfaceId", "eni-0123456789abcdef0"), "InvalidNetworkInterfaceID.NotFound"),
        (("InstanceId", "i-0123456789abcdef0"), "InvalidInstanceID.NotFound"),
        (("VpcPeeringConnectionId", "pcx-0123456789abcdef0"), "InvalidVpcPeeringConnectionID.NotFound"),
        (("TransitGatewayId", "tgw-0123456789abcdef0"), "InvalidTransitGatewayID.NotFound"),
    ] {
        assert_eq!(refused(&client, &table, to, by), code, "{by:?}");
    }
    let loose = at(&client.ok("CreateInternetGateway", &[]), "internetGateway.internetGatewayId").to_owned();
    let answer = client.call("CreateRoute", &[("RouteTableId", &table), to, ("GatewayId", &loose)]);
    assert_eq!(answer.code(), "InvalidParameterValue");
    assert!(answer.message().ends_with("belong to different networks"), "{}", answer.message());
    let list = ("DestinationPrefixListId", "pl-0123456789abcdef0");
    assert_eq!(refused(&client, &table, list, ("GatewayId", &loose)), "InvalidPrefixListID.NotFound");
}

#[test]
fn a_table_has_so_many_routes_and_a_vpc_so_many_tables() {
    let world = World::new();
    let client = world.root();
    let (table, igw) = (table(&client), gateway(&client));
    for index in 0..50 {
        route(&client, &table, &format!("10.{index}.0.0/16"), ("GatewayId", &igw));
    }
    let more = ("DestinationCidrBlock", "10.50.0.0/16");
    assert_eq!(refused(&client, &table, more, ("GatewayId", &igw)), "RouteLimitExceeded");
    let vpc = default_vpc(&client);
    for _ in 2..200 {
        client.ok("CreateRouteTable", &[("VpcId", &vpc)]);
    }
    assert_eq!(client.refused("CreateRouteTable", &[("VpcId", &vpc)]), "RouteTableLimitExceeded");
}

#[test]
fn a_subnet_uses_one_table() {
    let world = World::new();
    let client = world.root();
    let (one, two, subnet) = (table(&client), table(&client), default_subnet(&client));
    let association = associate(&client, &one);
    assert_eq!(associate(&client, &one), association, "the same again");
    let both = [("RouteTableId", two.as_str()), ("SubnetId", subnet.as_str())];
    assert_eq!(client.refused("AssociateRouteTable", &both), "Resource.AlreadyAssociated");
    assert_eq!(client.refused("DeleteRouteTable", &[("RouteTableId", &one)]), "DependencyViolation");
    let moved = client.ok("ReplaceRouteTableAssociation", &[("AssociationId", &association), ("RouteTableId", &two)]);
    let moved = at(&moved, "newAssociationId").to_owned();
    assert_ne!(moved, association);
    check_filters(&client, "DescribeRouteTables", "routeTableSet", &[("association.subnet-id", &subnet, 1)]);
    assert_eq!(
        at(
            &select(&client, "DescribeRouteTables", "routeTableSet", &[("association.subnet-id", &subnet)])[0],
            "routeTableId"
        ),
        two
    );
    client.ok("DeleteRouteTable", &[("RouteTableId", &one)]);
    client.ok("DisassociateRouteTable", &[("AssociationId", &moved)]);
    assert_eq!(client.refused("DisassociateRouteTable", &[("AssociationId", &moved)]), "InvalidAssociationID.NotFound");
}

#[test]
fn another_table_becomes_the_main_one() {
    let world = World::new();
    let client = world.root();
    let tree = client.ok("DescribeRouteTables", &[]);
    let (old, main) = (
        at(&tree, "routeTableSet.0.routeTableId").to_owned(),
        at(&tree, "routeTableSet.0.associationSet.0.routeTableAssociationId").to_owned(),
    );
    assert_eq!(client.refused("DisassociateRouteTable", &[("AssociationId", &main)]), "InvalidParameterValue");
    let new = table(&client);
    client.ok("ReplaceRouteTableAssociation", &[("AssociationId", &main), ("RouteTableId", &new)]);
    let shown = select(&client, "DescribeRouteTables", "routeTableSet", &[("association.main", "true")]);
    assert_eq!(shown.iter().map(|row| at(row, "routeTableId")).collect::<Vec<_>>(), [new]);
    client.ok("DeleteRouteTable", &[("RouteTableId", &old)]);
}

#[test]
fn a_gateway_has_a_table_of_its_own() {
    let world = World::new();
    let client = world.root();
    let (table, igw, instance) = (table(&client), gateway(&client), launch(&client, &[]));
    route(&client, &table, "10.0.0.0/8", ("GatewayId", &igw));
    let both = [("RouteTableId", table.as_str()), ("GatewayId", igw.as_str())];
    assert_eq!(client.refused("AssociateRouteTable", &both), "InvalidParameterValue", "a route out of the VPC");
    client.ok("DeleteRoute", &[("RouteTableId", &table), ("DestinationCidrBlock", "10.0.0.0/8")]);
    let association = client.ok("AssociateRouteTable", &both);
    let out = ("DestinationCidrBlock", "10.0.0.0/8");
    assert_eq!(refused(&client, &table, out, ("InstanceId", &instance)), "InvalidParameterValue");
    let local = ("DestinationCidrBlock", "172.31.0.0/16");
    client.ok("ReplaceRoute", &[("RouteTableId", &table), local, ("InstanceId", &instance)]);
    let shown = select(&client, "DescribeRouteTables", "routeTableSet", &[("association.gateway-id", &igw)]);
    assert_eq!(at(&shown[0], "associationSet.0.gatewayId"), igw);
    assert_eq!(at(&shown[0], "associationSet.0.main"), "false");
    client.ok("DisassociateRouteTable", &[("AssociationId", at(&association, "associationId"))]);
}

#[test]
fn a_vpn_gateway_propagates_what_lies_behind_it() {
    let world = World::new();
    let client = world.root();
    let (table, vgw, igw) = (table(&client), vpn_gateway(&client), gateway(&client));
    let both = [("RouteTableId", table.as_str()), ("GatewayId", vgw.as_str())];
    client.ok("EnableVgwRoutePropagation", &both);
    let tree = client.ok("DescribeRouteTables", &[("RouteTableId.1", &table)]);
    assert_eq!(column(&tree, "routeTableSet.0.propagatingVgwSet", "gatewayId"), [&vgw]);
    let origins = column(&tree, "routeTableSet.0.routeSet", "origin");
    assert_eq!(origins, ["CreateRouteTable", "EnableVgwRoutePropagation", "EnableVgwRoutePropagation"]);
    let propagated = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", "10.9.0.0/16")];
    assert_eq!(client.refused("DeleteRoute", &propagated), "InvalidParameterValue");
    // A route of the table's own comes before the propagated one to the same destination.
    route(&client, &table, "10.9.0.0/16", ("GatewayId", &igw));
    let shown = routes(&client, &table);
    assert_eq!(shown.iter().map(|r| at(r, "gatewayId")).collect::<Vec<_>>(), ["local", &igw, &vgw]);
    client.ok("DisableVgwRoutePropagation", &both);
    assert_eq!(routes(&client, &table).len(), 2);
}

#[test]
fn internet_gateways_are_few_and_each_vpc_has_one() {
    let world = World::new();
    let client = world.root();
    let (vpc, own) = (default_vpc(&client), gateway(&client));
    let mut last = String::new();
    for _ in 1..5 {
        last = at(&client.ok("CreateInternetGateway", &[]), "internetGateway.internetGatewayId").to_owned();
    }
    assert_eq!(client.refused("CreateInternetGateway", &[]), "InternetGatewayLimitExceeded");
    let attach = |id: &str| client.refused("AttachInternetGateway", &[("InternetGatewayId", id), ("VpcId", &vpc)]);
    assert_eq!(attach(&last), "InvalidParameterValue");
    assert_eq!(attach(&own), "Resource.AlreadyAssociated");
    egress_only(&client);
    assert_eq!(client.refused("CreateEgressOnlyInternetGateway", &[("VpcId", &vpc)]), "InvalidParameterValue");
}

#[test]
fn a_row_keeps_what_was_asked() {
    let world = World::new();
    let client = world.root();
    let (table, igw) = (table(&client), gateway(&client));
    route(&client, &table, "10.0.0.0/8", ("GatewayId", &igw));
    let value = world.engine().read();
    let row = value.route_tables.iter().find(|row| row.id.to_string() == table).unwrap();
    assert_eq!(row.routes[0].target, RouteTarget::InternetGateway(igw.parse().unwrap()));
    assert_eq!(<RouteTables as landfall_state::Table>::KIND, "route-table");
}
