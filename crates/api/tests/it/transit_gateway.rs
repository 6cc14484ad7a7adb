//! Transit gateways: attachments, route tables, associations, propagations, routes.

use crate::harness::{Case, Client, Params, World, at, column, find, list, params};

const NO_GATEWAY: (&[(&str, &str)], &str) =
    (&[("TransitGatewayId", "tgw-0123456789abcdef0")], "InvalidTransitGatewayID.NotFound");
const BAD_GATEWAY: (&[(&str, &str)], &str) = (&[("TransitGatewayId", "tgw-1")], "InvalidTransitGatewayID.Malformed");
const NO_ATTACHMENT: (&[(&str, &str)], &str) =
    (&[("TransitGatewayAttachmentId", "tgw-attach-0123456789abcdef0")], "InvalidTransitGatewayAttachmentID.NotFound");
const BAD_ATTACHMENT: (&[(&str, &str)], &str) =
    (&[("TransitGatewayAttachmentId", "tgw-attach-1")], "InvalidTransitGatewayAttachmentID.Malformed");
const NO_TABLE: (&[(&str, &str)], &str) =
    (&[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0")], "InvalidRouteTableID.NotFound");
const BAD_TABLE: (&[(&str, &str)], &str) =
    (&[("TransitGatewayRouteTableId", "tgw-rtb-1")], "InvalidRouteTableId.Malformed");
const BAD_FILTER: (&[(&str, &str)], &str) =
    (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue");
const TIE: &[(&[(&str, &str)], &str)] = &[
    (
        &[
            ("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"),
            ("TransitGatewayAttachmentId", "tgw-attach-0123456789abcdef0"),
        ],
        "InvalidRouteTableID.NotFound",
    ),
    (&[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0")], "MissingParameter"),
    BAD_TABLE,
    BAD_ATTACHMENT,
];
const ROUTE: &[(&[(&str, &str)], &str)] = &[
    (
        &[
            ("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"),
            ("DestinationCidrBlock", "10.0.0.0/8"),
            ("Blackhole", "true"),
        ],
        "InvalidRouteTableID.NotFound",
    ),
    (
        &[
            ("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"),
            ("DestinationCidrBlock", "10.0.0.0/33"),
            ("Blackhole", "true"),
        ],
        "InvalidParameterValue",
    ),
    (
        &[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"), ("DestinationCidrBlock", "10.0.0.0/8")],
        "MissingParameter",
    ),
    BAD_TABLE,
];

/// The cases of transit gateways.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateTransitGateway",
        |_| {
            params([
                ("Description", "hub"),
                ("Options.AmazonSideAsn", "64530"),
                ("TagSpecification.1.ResourceType", "transit-gateway"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "hub"),
            ])
        },
        &[
            (&[("Options.AmazonSideAsn", "7")], "InvalidParameterValue"),
            (&[("Options.MulticastSupport", "enable")], "UnsupportedOperation"),
            (&[("Options.DnsSupport", "on")], "InvalidParameterValue"),
            (&[("Options.TransitGatewayCidrBlocks.1", "10.0.0.0/25")], "InvalidParameterValue"),
            (&[("Options.TransitGatewayCidrBlocks.1", "169.254.0.0/20")], "InvalidParameterValue"),
            (&[("TagSpecification.1.ResourceType", "vpc")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "ModifyTransitGateway",
        |client| {
            params([
                ("TransitGatewayId", gateway(client).as_str()),
                ("Options.DefaultRouteTablePropagation", "disable"),
                ("Options.AddTransitGatewayCidrBlocks.1", "10.99.0.0/24"),
            ])
        },
        &[
            BAD_GATEWAY,
            NO_GATEWAY,
            (
                &[("TransitGatewayId", "tgw-0123456789abcdef0"), ("Options.EncryptionSupport", "enable")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "DeleteTransitGateway",
        |client| params([("TransitGatewayId", gateway(client))]),
        &[BAD_GATEWAY, NO_GATEWAY],
    ),
    Case::ec2(
        "DescribeTransitGateways",
        |client| params([("TransitGatewayIds.1", gateway(client))]),
        &[
            (&[("TransitGatewayIds.1", "tgw-0123456789abcdef0")], "InvalidTransitGatewayID.NotFound"),
            (&[("MaxResults", "1001")], "InvalidParameterValue"),
            BAD_FILTER,
        ],
    ),
    Case::ec2(
        "CreateTransitGatewayVpcAttachment",
        |client| {
            let (vpc, subnets) = vpc(client);
            params([
                ("TransitGatewayId", gateway(client).as_str()),
                ("VpcId", &vpc),
                ("SubnetIds.1", &subnets[0]),
                ("SubnetIds.2", &subnets[1]),
                ("Options.ApplianceModeSupport", "enable"),
                ("TagSpecifications.1.ResourceType", "transit-gateway-attachment"),
                ("TagSpecifications.1.Tag.1.Key", "Name"),
                ("TagSpecifications.1.Tag.1.Value", "spoke"),
            ])
        },
        &[
            (
                &[
                    ("TransitGatewayId", "tgw-0123456789abcdef0"),
                    ("VpcId", "vpc-0123456789abcdef0"),
                    ("SubnetIds.1", "subnet-0123456789abcdef0"),
                ],
                "InvalidTransitGatewayID.NotFound",
            ),
            (&[("TransitGatewayId", "tgw-0123456789abcdef0")], "MissingParameter"),
            BAD_GATEWAY,
        ],
    ),
    Case::ec2(
        "ModifyTransitGatewayVpcAttachment",
        |client| {
            let (_, subnets) = vpc(client);
            params([
                ("TransitGatewayAttachmentId", attachment(client, &gateway(client)).as_str()),
                ("AddSubnetIds.1", &subnets[1]),
                ("RemoveSubnetIds.1", &subnets[0]),
                ("Options.DnsSupport", "disable"),
            ])
        },
        &[BAD_ATTACHMENT, NO_ATTACHMENT],
    ),
    Case::ec2("DeleteTransitGatewayVpcAttachment", attachment_id, &[BAD_ATTACHMENT, NO_ATTACHMENT]),
    Case::ec2("AcceptTransitGatewayVpcAttachment", waiting, &[BAD_ATTACHMENT, NO_ATTACHMENT]),
    Case::ec2("RejectTransitGatewayVpcAttachment", waiting, &[BAD_ATTACHMENT, NO_ATTACHMENT]),
    Case::ec2(
        "DescribeTransitGatewayVpcAttachments",
        |client| params([("TransitGatewayAttachmentIds.1", attachment(client, &gateway(client)))]),
        &[
            (
                &[("TransitGatewayAttachmentIds.1", "tgw-attach-0123456789abcdef0")],
                "InvalidTransitGatewayAttachmentID.NotFound",
            ),
            BAD_FILTER,
        ],
    ),
    Case::ec2(
        "DescribeTransitGatewayAttachments",
        |client| params([("TransitGatewayAttachmentIds.1", attachment(client, &gateway(client)))]),
        &[
            (
                &[("TransitGatewayAttachmentIds.1", "tgw-attach-0123456789abcdef0")],
                "InvalidTransitGatewayAttachmentID.NotFound",
            ),
            BAD_FILTER,
        ],
    ),
    Case::ec2(
        "CreateTransitGatewayRouteTable",
        |client| {
            params([
                ("TransitGatewayId", gateway(client).as_str()),
                ("TagSpecifications.1.ResourceType", "transit-gateway-route-table"),
                ("TagSpecifications.1.Tag.1.Key", "Name"),
                ("TagSpecifications.1.Tag.1.Value", "isolated"),
            ])
        },
        &[BAD_GATEWAY, NO_GATEWAY],
    ),
    Case::ec2(
        "DeleteTransitGatewayRouteTable",
        |client| params([("TransitGatewayRouteTableId", table(client, &gateway(client)))]),
        &[BAD_TABLE, NO_TABLE],
    ),
    Case::ec2(
        "DescribeTransitGatewayRouteTables",
        |client| params([("TransitGatewayRouteTableIds.1", table(client, &gateway(client)))]),
        &[
            (&[("TransitGatewayRouteTableIds.1", "tgw-rtb-0123456789abcdef0")], "InvalidRouteTableID.NotFound"),
            BAD_FILTER,
        ],
    ),
    Case::ec2(
        "AssociateTransitGatewayRouteTable",
        |client| {
            let (main, table, attachment) = hub(client);
            client.ok("DisassociateTransitGatewayRouteTable", &tie(&main, &attachment));
            owned(&tie(&table, &attachment))
        },
        TIE,
    ),
    Case::ec2(
        "DisassociateTransitGatewayRouteTable",
        |client| {
            let (main, _, attachment) = hub(client);
            owned(&tie(&main, &attachment))
        },
        TIE,
    ),
    Case::ec2(
        "GetTransitGatewayRouteTableAssociations",
        |client| params([("TransitGatewayRouteTableId", hub(client).0)]),
        &[BAD_TABLE, NO_TABLE],
    ),
    Case::ec2(
        "EnableTransitGatewayRouteTablePropagation",
        |client| {
            let (_, table, attachment) = hub(client);
            owned(&tie(&table, &attachment))
        },
        TIE,
    ),
    Case::ec2(
        "DisableTransitGatewayRouteTablePropagation",
        |client| {
            let (main, _, attachment) = hub(client);
            owned(&tie(&main, &attachment))
        },
        TIE,
    ),
    Case::ec2(
        "GetTransitGatewayRouteTablePropagations",
        |client| params([("TransitGatewayRouteTableId", hub(client).0)]),
        &[BAD_TABLE, NO_TABLE],
    ),
    Case::ec2(
        "GetTransitGatewayAttachmentPropagations",
        |client| params([("TransitGatewayAttachmentId", hub(client).2)]),
        &[BAD_ATTACHMENT, NO_ATTACHMENT],
    ),
    Case::ec2(
        "CreateTransitGatewayRoute",
        |client| {
            let (_, table, attachment) = hub(client);
            owned(&to(&table, "10.8.0.0/16", &attachment))
        },
        ROUTE,
    ),
    Case::ec2(
        "ReplaceTransitGatewayRoute",
        |client| {
            let (_, table, attachment) = hub(client);
            client.ok("CreateTransitGatewayRoute", &to(&table, "10.8.0.0/16", &attachment));
            params([
                ("TransitGatewayRouteTableId", table.as_str()),
                ("DestinationCidrBlock", "10.8.0.0/16"),
                ("TransitGatewayAttachmentId", ""),
                ("Blackhole", "true"),
            ])
        },
        ROUTE,
    ),
    Case::ec2(
        "DeleteTransitGatewayRoute",
        |client| {
            let (_, table, attachment) = hub(client);
            client.ok("CreateTransitGatewayRoute", &to(&table, "10.8.0.0/16", &attachment));
            params([("TransitGatewayRouteTableId", table.as_str()), ("DestinationCidrBlock", "10.8.0.0/16")])
        },
        &[
            (
                &[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"), ("DestinationCidrBlock", "10.8.0.0/16")],
                "InvalidRouteTableID.NotFound",
            ),
            (
                &[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"), ("DestinationCidrBlock", "10.8")],
                "InvalidParameterValue",
            ),
            BAD_TABLE,
        ],
    ),
    Case::ec2(
        "SearchTransitGatewayRoutes",
        |client| {
            params([
                ("TransitGatewayRouteTableId", hub(client).0.as_str()),
                ("Filter.1.Name", "type"),
                ("Filter.1.Value.1", "propagated"),
            ])
        },
        &[
            (
                &[
                    ("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0"),
                    ("Filter.1.Name", "state"),
                    ("Filter.1.Value.1", "active"),
                ],
                "InvalidRouteTableID.NotFound",
            ),
            (&[("TransitGatewayRouteTableId", "tgw-rtb-0123456789abcdef0")], "MissingParameter"),
            BAD_TABLE,
        ],
    ),
];

fn owned(pairs: &[(&str, &str)]) -> Params {
    params(pairs.iter().copied())
}

fn tie<'a>(table: &'a str, attachment: &'a str) -> [(&'a str, &'a str); 2] {
    [("TransitGatewayRouteTableId", table), ("TransitGatewayAttachmentId", attachment)]
}

fn to<'a>(table: &'a str, destination: &'a str, attachment: &'a str) -> [(&'a str, &'a str); 3] {
    let [table, attachment] = tie(table, attachment);
    [table, ("DestinationCidrBlock", destination), attachment]
}

/// The default VPC, and its subnets.
fn vpc(client: &Client<'_>) -> (String, Vec<String>) {
    let answer = client.ok("DescribeSubnets", &[]);
    let mut subnets: Vec<_> = list(&answer, "subnetSet").iter().collect();
    subnets.sort_by_key(|row| at(row, "availabilityZone"));
    let ids = subnets.iter().map(|row| at(row, "subnetId").to_owned()).collect();
    (at(&answer, "subnetSet.0.vpcId").to_owned(), ids)
}

/// A transit gateway that is available.
fn gateway(client: &Client<'_>) -> String {
    let answer = client.ok("CreateTransitGateway", &[("Description", "hub")]);
    client.world().settle();
    at(&answer, "transitGateway.transitGatewayId").to_owned()
}

/// An attachment of the default VPC that is available.
fn attachment(client: &Client<'_>, gateway: &str) -> String {
    let (vpc, subnets) = vpc(client);
    let parameters = [("TransitGatewayId", gateway), ("VpcId", &vpc), ("SubnetIds.1", &subnets[0])];
    let answer = client.ok("CreateTransitGatewayVpcAttachment", &parameters);
    client.world().settle();
    at(&answer, "transitGatewayVpcAttachment.transitGatewayAttachmentId").to_owned()
}

/// A route table that is available.
fn table(client: &Client<'_>, gateway: &str) -> String {
    let answer = client.ok("CreateTransitGatewayRouteTable", &[("TransitGatewayId", gateway)]);
    client.world().settle();
    at(&answer, "transitGatewayRouteTable.transitGatewayRouteTableId").to_owned()
}

/// A gateway's default table, another table, and an attachment, which uses the default.
pub fn hub(client: &Client<'_>) -> (String, String, String) {
    let gateway = gateway(client);
    let answer = client.ok("DescribeTransitGateways", &[("TransitGatewayIds.1", &gateway)]);
    let main = at(&answer, "transitGatewaySet.0.options.associationDefaultRouteTableId").to_owned();
    (main, table(client, &gateway), attachment(client, &gateway))
}

fn attachment_id(client: &Client<'_>) -> Params {
    params([("TransitGatewayAttachmentId", attachment(client, &gateway(client)))])
}

/// An attachment that waits to be accepted, as one of another account's would.
fn waiting(client: &Client<'_>) -> Params {
    let id = attachment(client, &gateway(client));
    let key = id.parse().unwrap();
    client.world().transact(|tx| {
        let mut row = tx.transit_attachments.by_id(&key).next().unwrap().clone();
        row.state = landfall_model::LinkState::Pending;
        row.awaits_acceptance = true;
        tx.put::<landfall_cloud::value::TransitAttachments>(row);
    });
    params([("TransitGatewayAttachmentId", id)])
}

fn routes(client: &Client<'_>, table: &str, filter: &str, value: &str) -> Vec<String> {
    let answer = client.ok(
        "SearchTransitGatewayRoutes",
        &[("TransitGatewayRouteTableId", table), ("Filter.1.Name", filter), ("Filter.1.Value.1", value)],
    );
    let rows = list(&answer, "routeSet").iter();
    rows.map(|row| format!("{} {} {}", at(row, "destinationCidrBlock"), at(row, "type"), at(row, "state"))).collect()
}

#[test]
fn a_gateway_lives_and_is_shown_for_a_while_after() {
    let world = World::new();
    let client = world.root();
    let answer = client.ok("CreateTransitGateway", &[]);
    assert_eq!(at(&answer, "transitGateway.state"), "pending");
    let id = at(&answer, "transitGateway.transitGatewayId").to_owned();
    let (vpc, subnets) = vpc(&client);
    let attach = [("TransitGatewayId", id.as_str()), ("VpcId", &vpc), ("SubnetIds.1", &subnets[0])];
    assert_eq!(client.refused("CreateTransitGatewayVpcAttachment", &attach), "IncorrectState");
    world.settle();
    let answer = client.ok("CreateTransitGatewayVpcAttachment", &attach);
    assert_eq!(at(&answer, "transitGatewayVpcAttachment.state"), "pending");
    let attachment = at(&answer, "transitGatewayVpcAttachment.transitGatewayAttachmentId").to_owned();
    world.settle();
    assert_eq!(client.refused("CreateTransitGatewayVpcAttachment", &attach), "DuplicateTransitGatewayAttachment");
    let modified = client.ok("ModifyTransitGatewayVpcAttachment", &[("TransitGatewayAttachmentId", &attachment)]);
    assert_eq!(at(&modified, "transitGatewayVpcAttachment.state"), "available", "nothing was changed");
    assert_eq!(client.refused("DeleteTransitGateway", &[("TransitGatewayId", &id)]), "IncorrectState");
    client.ok("DeleteTransitGatewayVpcAttachment", &[("TransitGatewayAttachmentId", &attachment)]);
    world.settle();
    let answer = client.ok("DeleteTransitGateway", &[("TransitGatewayId", &id)]);
    assert_eq!(at(&answer, "transitGateway.state"), "deleting");
    world.settle();
    let answer = client.ok("DescribeTransitGateways", &[]);
    assert_eq!(column(&answer, "transitGatewaySet", "state"), ["deleted"]);
    let answer = client.ok("DescribeTransitGatewayRouteTables", &[]);
    assert_eq!(column(&answer, "transitGatewayRouteTables", "state"), ["deleted"]);
    world.pass(3601);
    world.transact(landfall_cloud::expiry::expire);
    for (action, set) in [
        ("DescribeTransitGateways", "transitGatewaySet"),
        ("DescribeTransitGatewayRouteTables", "transitGatewayRouteTables"),
        ("DescribeTransitGatewayAttachments", "transitGatewayAttachments"),
    ] {
        assert!(list(&client.ok(action, &[]), set).is_empty(), "{action}");
    }
}

#[test]
fn an_attachment_has_an_interface_in_each_of_its_subnets() {
    let world = World::new();
    let client = world.root();
    let (_, subnets) = vpc(&client);
    let id = attachment(&client, &gateway(&client));
    let interfaces = || {
        let answer = client.ok("DescribeNetworkInterfaces", &[]);
        let mut rows: Vec<_> =
            column(&answer, "networkInterfaceSet", "subnetId").into_iter().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(interfaces(), [subnets[0].clone()]);
    assert_eq!(client.refused("DeleteSubnet", &[("SubnetId", &subnets[0])]), "DependencyViolation");
    let id = id.as_str();
    let change = [("TransitGatewayAttachmentId", id), ("AddSubnetIds.1", &subnets[1])];
    client.ok("ModifyTransitGatewayVpcAttachment", &change);
    world.settle();
    assert_eq!(client.refused("ModifyTransitGatewayVpcAttachment", &change), "DuplicateSubnetsInSameZone");
    let mut both = vec![subnets[0].clone(), subnets[1].clone()];
    both.sort();
    assert_eq!(interfaces(), both);
    let all =
        [("TransitGatewayAttachmentId", id), ("RemoveSubnetIds.1", &subnets[0]), ("RemoveSubnetIds.2", &subnets[1])];
    assert_eq!(client.refused("ModifyTransitGatewayVpcAttachment", &all), "InvalidParameterCombination");
    client.ok("DeleteTransitGatewayVpcAttachment", &[("TransitGatewayAttachmentId", id)]);
    world.settle();
    assert!(interfaces().is_empty());
    assert_eq!(
        client.refused("DeleteTransitGatewayVpcAttachment", &[("TransitGatewayAttachmentId", id)]),
        "IncorrectState"
    );
}

#[test]
fn a_static_route_beats_a_propagated_one_and_a_search_finds_both() {
    let world = World::new();
    let client = world.root();
    let (main, table, attachment) = hub(&client);
    let propagated = "172.31.0.0/16 propagated active";
    assert_eq!(routes(&client, &main, "state", "active"), [propagated]);
    assert!(routes(&client, &table, "state", "active").is_empty());
    client.ok("EnableTransitGatewayRouteTablePropagation", &tie(&table, &attachment));
    assert_eq!(routes(&client, &table, "attachment.resource-type", "vpc"), [propagated]);
    let again = client.refused("EnableTransitGatewayRouteTablePropagation", &tie(&table, &attachment));
    assert_eq!(again, "TransitGatewayRouteTablePropagation.Duplicate");
    let hole = |destination| {
        [("TransitGatewayRouteTableId", table.as_str()), ("DestinationCidrBlock", destination), ("Blackhole", "true")]
    };
    client.ok("CreateTransitGatewayRoute", &hole("172.31.0.0/16"));
    client.ok("CreateTransitGatewayRoute", &hole("172.31.9.0/24"));
    assert_eq!(client.refused("CreateTransitGatewayRoute", &hole("172.31.9.0/24")), "RouteAlreadyExists");
    client.ok("CreateTransitGatewayRoute", &to(&table, "0.0.0.0/0", &attachment));
    let static_hole = "172.31.0.0/16 static blackhole";
    let narrow = "172.31.9.0/24 static blackhole";
    assert_eq!(routes(&client, &table, "state", "blackhole"), [static_hole, narrow]);
    assert_eq!(routes(&client, &table, "route-search.exact-match", "172.31.0.0/16"), [static_hole]);
    assert_eq!(routes(&client, &table, "route-search.longest-prefix-match", "172.31.9.7"), [narrow]);
    assert_eq!(routes(&client, &table, "route-search.subnet-of-match", "172.16.0.0/12"), [static_hole, narrow]);
    let all = ["0.0.0.0/0 static active", static_hole, narrow];
    assert_eq!(routes(&client, &table, "route-search.supernet-of-match", "172.31.9.0/25"), all);
    let gone = [("TransitGatewayRouteTableId", table.as_str()), ("DestinationCidrBlock", "172.31.0.0/16")];
    client.ok("DeleteTransitGatewayRoute", &gone);
    assert_eq!(routes(&client, &table, "type", "propagated"), [propagated]);
    assert_eq!(client.refused("DeleteTransitGatewayRoute", &gone), "IncorrectState");
    client.ok("DeleteTransitGatewayVpcAttachment", &[("TransitGatewayAttachmentId", &attachment)]);
    assert_eq!(routes(&client, &table, "state", "*"), ["0.0.0.0/0 static blackhole", narrow]);
}

#[test]
fn a_table_in_use_stays() {
    let world = World::new();
    let client = world.root();
    let (main, table, attachment) = hub(&client);
    let table_id = |table: &str| [("TransitGatewayRouteTableId".to_owned(), table.to_owned())];
    let delete = |table: &str| client.send("ec2", "DeleteTransitGatewayRouteTable", &table_id(table));
    assert_eq!(delete(&main).code(), "IncorrectState");
    assert_eq!(
        client.refused("AssociateTransitGatewayRouteTable", &tie(&table, &attachment)),
        "Resource.AlreadyAssociated"
    );
    assert_eq!(
        client.refused("DisassociateTransitGatewayRouteTable", &tie(&table, &attachment)),
        "InvalidAssociation.NotFound"
    );
    client.ok("DisassociateTransitGatewayRouteTable", &tie(&main, &attachment));
    client.ok("AssociateTransitGatewayRouteTable", &tie(&table, &attachment));
    assert_eq!(delete(&table).code(), "IncorrectState");
    let answer = client.ok("DescribeTransitGatewayAttachments", &[]);
    assert_eq!(at(&answer, "transitGatewayAttachments.0.association.transitGatewayRouteTableId"), table);
    client.ok("DisassociateTransitGatewayRouteTable", &tie(&table, &attachment));
    assert_eq!(delete(&table).status, 200);
}

#[test]
fn defaults_can_be_changed() {
    let world = World::new();
    let client = world.root();
    let off =
        [("Options.DefaultRouteTableAssociation", "disable"), ("Options.DefaultRouteTablePropagation", "disable")];
    let answer = client.ok("CreateTransitGateway", &off);
    let id = at(&answer, "transitGateway.transitGatewayId").to_owned();
    assert!(find(&answer, "transitGateway.options.associationDefaultRouteTableId").is_none());
    world.settle();
    assert!(list(&client.ok("DescribeTransitGatewayRouteTables", &[]), "transitGatewayRouteTables").is_empty());
    let own = table(&client, &id);
    let name = ("TransitGatewayId", id.as_str());
    let by_name = [name, ("Options.AssociationDefaultRouteTableId", &own)];
    assert_eq!(client.refused("ModifyTransitGateway", &by_name), "InvalidParameterCombination");
    let answer = client
        .ok("ModifyTransitGateway", &[by_name[0], by_name[1], ("Options.DefaultRouteTableAssociation", "enable")]);
    assert_eq!(at(&answer, "transitGateway.state"), "modifying");
    assert_eq!(at(&answer, "transitGateway.options.associationDefaultRouteTableId"), own);
    world.settle();
    let attachment = attachment(&client, &id);
    let answer = client.ok("GetTransitGatewayRouteTableAssociations", &[("TransitGatewayRouteTableId", &own)]);
    assert_eq!(column(&answer, "associations", "transitGatewayAttachmentId"), [attachment.as_str()]);
}

#[test]
fn gateways_are_limited() {
    let world = World::new();
    let client = world.root();
    for _ in 0..5 {
        client.ok("CreateTransitGateway", &[]);
    }
    assert_eq!(client.refused("CreateTransitGateway", &[]), "TransitGatewayLimitExceeded");
}
