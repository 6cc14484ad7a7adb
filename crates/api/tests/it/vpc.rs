//! VPCs and subnets of one's own: which blocks they take, IPv6, attributes, and what keeps them from going.

use landfall_wire::Tree;

use crate::harness::{Case, Client, IMAGE, World, at, column, find, list, params};
use crate::network::{check_filters, default_vpc};

const VPC: &str = "vpc-0123456789abcdef0";
const SUBNET: &str = "subnet-0123456789abcdef0";
const SIXTEEN: &str = "10.0.0.0/16";

/// The cases of VPCs and subnets.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateVpc",
        |_| {
            params([
                ("CidrBlock", "10.1.2.3/16"),
                ("InstanceTenancy", "dedicated"),
                ("AmazonProvidedIpv6CidrBlock", "true"),
                ("Ipv6CidrBlockNetworkBorderGroup", "us-east-1"),
                ("TagSpecification.1.ResourceType", "vpc"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "main"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("CidrBlock", "10.0.0.0")], "InvalidParameterValue"),
            (&[("CidrBlock", "10.0.0.0/8")], "InvalidVpc.Range"),
            (&[("CidrBlock", "10.0.0.0/29")], "InvalidVpc.Range"),
            (&[("CidrBlock", "169.254.0.0/16")], "InvalidVpc.Range"),
            (&[("CidrBlock", SIXTEEN), ("InstanceTenancy", "host")], "InvalidParameterValue"),
            (
                &[("CidrBlock", SIXTEEN), ("Ipv6CidrBlockNetworkBorderGroup", "us-east-1")],
                "InvalidParameterCombination",
            ),
            (&[("CidrBlock", SIXTEEN), ("Ipv6Pool", "pool-1")], "UnsupportedOperation"),
            (&[("Ipv4IpamPoolId", "ipam-pool-1"), ("Ipv4NetmaskLength", "16")], "UnsupportedOperation"),
            (&[("CidrBlock", SIXTEEN), ("VpcEncryptionControl.Mode", "monitor")], "UnsupportedOperation"),
            (&[("CidrBlock", SIXTEEN), ("TagSpecification.1.ResourceType", "subnet")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "CreateSubnet",
        |client| {
            let vpc = create(client, &[("CidrBlock", SIXTEEN), ("AmazonProvidedIpv6CidrBlock", "true")]);
            params([
                ("VpcId", vpc.as_str()),
                ("CidrBlock", "10.0.1.5/24"),
                ("Ipv6CidrBlock", &ipv6_block(client, &vpc, 1)),
                ("AvailabilityZoneId", "use1-az2"),
                ("TagSpecification.1.ResourceType", "subnet"),
                ("TagSpecification.1.Tag.1.Key", "tier"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ])
        },
        &[
            (&[("VpcId", "vpc-1"), ("CidrBlock", "10.0.0.0/24")], "InvalidVpcID.Malformed"),
            (&[("VpcId", VPC), ("CidrBlock", "10.0.0.0/24")], "InvalidVpcID.NotFound"),
            (&[("VpcId", VPC)], "MissingParameter"),
            (&[("VpcId", VPC), ("CidrBlock", "nonsense")], "InvalidParameterValue"),
            (
                &[("VpcId", VPC), ("CidrBlock", "10.0.0.0/24"), ("AvailabilityZone", "eu-west-1a")],
                "InvalidParameterValue",
            ),
            (&[("VpcId", VPC), ("Ipv6Native", "true")], "UnsupportedOperation"),
            (&[("VpcId", VPC), ("OutpostArn", "arn:aws:outposts:us-east-1:1:outpost/op-1")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "AssociateVpcCidrBlock",
        |client| params([("VpcId", create(client, &[("CidrBlock", SIXTEEN)]).as_str()), ("CidrBlock", "10.9.0.0/16")]),
        &[
            (&[("VpcId", VPC), ("CidrBlock", SIXTEEN)], "InvalidVpcID.NotFound"),
            (&[("VpcId", VPC), ("Ipv6Pool", "pool-1")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DisassociateVpcCidrBlock",
        |client| {
            let vpc = create(client, &[("CidrBlock", SIXTEEN)]);
            let made = client.ok("AssociateVpcCidrBlock", &[("VpcId", &vpc), ("AmazonProvidedIpv6CidrBlock", "true")]);
            params([("AssociationId", at(&made, "ipv6CidrBlockAssociation.associationId"))])
        },
        &[
            (&[("AssociationId", "vpc-cidr-assoc-1")], "InvalidVpcCidrBlockAssociationID.Malformed"),
            (&[("AssociationId", "vpc-cidr-assoc-0123456789abcdef0")], "InvalidVpcCidrBlockAssociationID.NotFound"),
        ],
    ),
    Case::ec2(
        "AssociateSubnetCidrBlock",
        |client| {
            let (vpc, subnet) = dual_stack(client);
            let block = ipv6_block(client, &vpc, 7);
            client.ok("DisassociateSubnetCidrBlock", &[("AssociationId", &association(client, &subnet))]);
            params([("SubnetId", subnet), ("Ipv6CidrBlock", block)])
        },
        &[
            (&[("SubnetId", SUBNET)], "MissingParameter"),
            (&[("SubnetId", SUBNET), ("Ipv6CidrBlock", "2001:db8::/64")], "InvalidSubnetID.NotFound"),
            (&[("SubnetId", SUBNET), ("Ipv6IpamPoolId", "ipam-pool-1")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DisassociateSubnetCidrBlock",
        |client| params([("AssociationId", association(client, &dual_stack(client).1))]),
        &[
            (&[("AssociationId", "subnet-cidr-assoc-1")], "InvalidSubnetCidrBlockAssociationID.Malformed"),
            (
                &[("AssociationId", "subnet-cidr-assoc-0123456789abcdef0")],
                "InvalidSubnetCidrBlockAssociationID.NotFound",
            ),
        ],
    ),
    Case::ec2(
        "ModifyVpcTenancy",
        |client| {
            let vpc = create(client, &[("CidrBlock", SIXTEEN), ("InstanceTenancy", "dedicated")]);
            params([("VpcId", vpc.as_str()), ("InstanceTenancy", "default")])
        },
        &[
            (&[("VpcId", VPC), ("InstanceTenancy", "default")], "InvalidVpcID.NotFound"),
            (&[("VpcId", VPC)], "MissingParameter"),
        ],
    ),
];

/// Makes a VPC; its id.
pub fn create(client: &Client<'_>, request: &[(&str, &str)]) -> String {
    at(&client.ok("CreateVpc", request), "vpc.vpcId").to_owned()
}

/// Makes a subnet; its id.
pub fn create_subnet(client: &Client<'_>, vpc: &str, block: &str) -> String {
    at(&client.ok("CreateSubnet", &[("VpcId", vpc), ("CidrBlock", block)]), "subnet.subnetId").to_owned()
}

/// A VPC of 10.0.0.0/16 and IPv6 with a subnet that has both; their ids.
pub fn dual_stack(client: &Client<'_>) -> (String, String) {
    let vpc = create(client, &[("CidrBlock", SIXTEEN), ("AmazonProvidedIpv6CidrBlock", "true")]);
    let block = ipv6_block(client, &vpc, 1);
    let request = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24"), ("Ipv6CidrBlock", &block)];
    let subnet = at(&client.ok("CreateSubnet", &request), "subnet.subnetId").to_owned();
    (vpc, subnet)
}

/// The block for the nth subnet in a VPC's IPv6 block.
pub fn ipv6_block(client: &Client<'_>, vpc: &str, nth: u8) -> String {
    let tree = client.ok("DescribeVpcs", &[("VpcId.1", vpc)]);
    let whole = at(&tree, "vpcSet.0.ipv6CidrBlockAssociationSet.0.ipv6CidrBlock");
    let first: std::net::Ipv6Addr = whole.strip_suffix("/56").unwrap().parse().unwrap();
    format!("{}/64", std::net::Ipv6Addr::from(u128::from(first) | u128::from(nth) << 64))
}

fn association(client: &Client<'_>, subnet: &str) -> String {
    let tree = client.ok("DescribeSubnets", &[("SubnetId.1", subnet)]);
    at(&tree, "subnetSet.0.ipv6CidrBlockAssociationSet.0.associationId").to_owned()
}

fn described(client: &Client<'_>, vpc: &str) -> Tree {
    list(&client.ok("DescribeVpcs", &[("VpcId.1", vpc)]), "vpcSet")[0].clone()
}

#[test]
fn a_vpc_begins_with_what_each_has() {
    let world = World::new();
    let client = world.root();
    let made = client.ok("CreateVpc", &[("CidrBlock", "10.1.2.3/16")]);
    assert_eq!(at(&made, "vpc.state"), "pending");
    assert_eq!(at(&made, "vpc.cidrBlock"), "10.1.0.0/16");
    let id = at(&made, "vpc.vpcId");
    let vpc = described(&client, id);
    assert_eq!(
        (at(&vpc, "state"), at(&vpc, "isDefault"), at(&vpc, "instanceTenancy")),
        ("available", "false", "default")
    );
    assert!(find(&vpc, "ipv6CidrBlockAssociationSet").is_none());
    assert_eq!(at(&vpc, "dhcpOptionsId"), at(&described(&client, &default_vpc_of(&client)), "dhcpOptionsId"));
    for (attribute, value) in [("enableDnsSupport", "true"), ("enableDnsHostnames", "false")] {
        let shown = client.ok("DescribeVpcAttribute", &[("VpcId", id), ("Attribute", attribute)]);
        assert_eq!(at(&shown, &format!("{attribute}.value")), value);
    }
    for (action, set, count) in [
        ("DescribeRouteTables", "routeTableSet", 1),
        ("DescribeNetworkAcls", "networkAclSet", 1),
        ("DescribeSecurityGroups", "securityGroupInfo", 1),
        ("DescribeSubnets", "subnetSet", 0),
        ("DescribeInternetGateways", "internetGatewaySet", 0),
    ] {
        let name = if action == "DescribeInternetGateways" { "attachment.vpc-id" } else { "vpc-id" };
        check_filters(&client, action, set, &[(name, id, count)]);
    }
    client.ok("DeleteVpc", &[("VpcId", id)]);
    assert_eq!(client.refused("DescribeVpcs", &[("VpcId.1", id)]), "InvalidVpcID.NotFound");
}

fn default_vpc_of(client: &Client<'_>) -> String {
    let tree = client.ok("DescribeVpcs", &[("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "true")]);
    at(&tree, "vpcSet.0.vpcId").to_owned()
}

#[test]
fn subnets_share_their_vpcs_blocks() {
    let world = World::new();
    let client = world.root();
    let vpc = create(&client, &[("CidrBlock", SIXTEEN)]);
    let subnet = |block: &str| client.call("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", block)]);
    for (block, code) in [
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.0.0/15", "InvalidSubnet.Range"),
        ("10.0.0.0/29", "InvalidSubnet.Range"),
        ("10.0.0.0/24", ""),
        ("10.0.0.0/24", "InvalidSubnet.Conflict"),
        ("10.0.0.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.0.1.0/28", ""),
        ("100.64.0.0/24", "InvalidSubnet.Range"),
    ] {
        let answer = subnet(block);
        let got = if answer.status == 200 { String::new() } else { answer.code() };
        assert_eq!(got, code, "{block}");
    }
    client.ok("AssociateVpcCidrBlock", &[("VpcId", &vpc), ("CidrBlock", "100.64.0.0/16")]);
    assert_eq!(subnet("100.64.0.0/24").status, 200);
    let tree = client.ok("DescribeSubnets", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &vpc)]);
    let mut zones = column(&tree, "subnetSet", "availabilityZone");
    zones.sort_unstable();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c"], "zones take turns where none is asked for");
    let mut counts = column(&tree, "subnetSet", "availableIpAddressCount");
    counts.sort_unstable();
    assert_eq!(counts, ["11", "251", "251"]);
    assert!(column(&tree, "subnetSet", "mapPublicIpOnLaunch").iter().all(|on| *on == "false"));
}

#[test]
fn further_blocks_come_and_go() {
    let world = World::new();
    let client = world.root();
    let vpc = create(&client, &[("CidrBlock", "10.2.0.0/16")]);
    let add = |block: &str| client.call("AssociateVpcCidrBlock", &[("VpcId", &vpc), ("CidrBlock", block)]);
    for (block, code) in [
        ("10.2.128.0/20", "InvalidVpc.Conflict"),
        ("172.16.0.0/16", "InvalidVpc.Range"),
        ("10.0.0.0/8", "InvalidVpc.Range"),
        ("198.19.0.0/20", "InvalidVpc.Range"),
    ] {
        assert_eq!(add(block).code(), code, "{block}");
    }
    let both = [("VpcId", vpc.as_str()), ("CidrBlock", "10.3.0.0/16"), ("AmazonProvidedIpv6CidrBlock", "true")];
    assert_eq!(client.refused("AssociateVpcCidrBlock", &both), "InvalidParameterCombination");
    assert_eq!(client.refused("AssociateVpcCidrBlock", &[("VpcId", &vpc)]), "MissingParameter");
    let made = add("10.3.0.0/16");
    assert_eq!(made.status, 200, "{}", made.body);
    let tree = made.tree();
    assert_eq!(at(&tree, "cidrBlockAssociation.cidrBlockState.state"), "associating");
    let id = at(&tree, "cidrBlockAssociation.associationId").to_owned();
    let shown = described(&client, &vpc);
    assert_eq!(column(&shown, "cidrBlockAssociationSet", "cidrBlock"), ["10.2.0.0/16", "10.3.0.0/16"]);
    assert_eq!(at(&shown, "cidrBlockAssociationSet.1.cidrBlockState.state"), "associated");
    let primary = at(&shown, "cidrBlockAssociationSet.0.associationId").to_owned();
    assert_eq!(client.refused("DisassociateVpcCidrBlock", &[("AssociationId", &primary)]), "OperationNotPermitted");
    let subnet = create_subnet(&client, &vpc, "10.3.1.0/24");
    assert_eq!(client.refused("DisassociateVpcCidrBlock", &[("AssociationId", &id)]), "InvalidCidrBlock.InUse");
    client.ok("DeleteSubnet", &[("SubnetId", &subnet)]);
    let gone = client.ok("DisassociateVpcCidrBlock", &[("AssociationId", &id)]);
    assert_eq!(at(&gone, "cidrBlockAssociation.cidrBlockState.state"), "disassociating");
    for third in 3..7 {
        assert_eq!(add(&format!("10.{third}.0.0/16")).status, 200);
    }
    assert_eq!(add("10.7.0.0/16").code(), "CidrLimitExceeded");
}

#[test]
fn ipv6_comes_with_rules_for_it() {
    let world = World::new();
    let client = world.root();
    let vpc = create(&client, &[("CidrBlock", SIXTEEN)]);
    let made = client.ok("AssociateVpcCidrBlock", &[("VpcId", &vpc), ("AmazonProvidedIpv6CidrBlock", "true")]);
    let id = at(&made, "ipv6CidrBlockAssociation.associationId");
    assert_eq!(at(&made, "ipv6CidrBlockAssociation.ipv6CidrBlockState.state"), "associating");
    let block = at(&made, "ipv6CidrBlockAssociation.ipv6CidrBlock");
    assert!(block.ends_with("/56"), "{block}");
    check_filters(
        &client,
        "DescribeVpcs",
        "vpcSet",
        &[
            ("ipv6-cidr-block-association.association-id", id, 1),
            ("ipv6-cidr-block-association.ipv6-cidr-block", block, 1),
            ("ipv6-cidr-block-association.ipv6-pool", "Amazon", 1),
            ("ipv6-cidr-block-association.state", "associated", 1),
        ],
    );
    let of_vpc = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc.as_str())];
    let acl = client.ok("DescribeNetworkAcls", &of_vpc);
    assert_eq!(
        column(&acl, "networkAclSet.0.entrySet", "ruleNumber"),
        ["100", "101", "32767", "32768", "100", "101", "32767", "32768"]
    );
    assert_eq!(at(&acl, "networkAclSet.0.entrySet.1.ipv6CidrBlock"), "::/0");
    let groups = client.ok("DescribeSecurityGroups", &of_vpc);
    assert_eq!(at(&groups, "securityGroupInfo.0.ipPermissionsEgress.0.ipv6Ranges.0.cidrIpv6"), "::/0");
    let group = [("GroupName", "web"), ("GroupDescription", "web"), ("VpcId", &vpc)];
    let group = at(&client.ok("CreateSecurityGroup", &group), "groupId").to_owned();
    let shown = client.ok("DescribeSecurityGroups", &[("GroupId.1", &group)]);
    assert_eq!(at(&shown, "securityGroupInfo.0.ipPermissionsEgress.0.ipv6Ranges.0.cidrIpv6"), "::/0");

    let other = create(&client, &[("CidrBlock", SIXTEEN), ("AmazonProvidedIpv6CidrBlock", "true")]);
    assert_ne!(ipv6_block(&client, &other, 0), ipv6_block(&client, &vpc, 0));
    let subnet = create_subnet(&client, &vpc, "10.0.1.0/24");
    let on = [("SubnetId", subnet.as_str()), ("AssignIpv6AddressOnCreation.Value", "true")];
    assert_eq!(client.refused("ModifySubnetAttribute", &on), "InvalidParameterValue");
    let give =
        |block: &str| client.call("AssociateSubnetCidrBlock", &[("SubnetId", &subnet), ("Ipv6CidrBlock", block)]);
    assert_eq!(give("2001:db8::/64").code(), "InvalidSubnet.Range");
    assert_eq!(give(block).code(), "InvalidSubnet.Range");
    assert_eq!(give(&ipv6_block(&client, &vpc, 3)).status, 200);
    assert_eq!(give(&ipv6_block(&client, &vpc, 4)).code(), "CidrLimitExceeded");
    let same =
        [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.2.0/24"), ("Ipv6CidrBlock", &ipv6_block(&client, &vpc, 3))];
    assert_eq!(client.refused("CreateSubnet", &same), "InvalidSubnet.Conflict");
    client.ok("ModifySubnetAttribute", &on);
    check_filters(
        &client,
        "DescribeSubnets",
        "subnetSet",
        &[
            ("ipv6-cidr-block-association.association-id", &association(&client, &subnet), 1),
            ("ipv6-cidr-block-association.ipv6-cidr-block", &ipv6_block(&client, &vpc, 3), 1),
            ("ipv6-cidr-block-association.state", "associated", 1),
        ],
    );
    assert_eq!(client.refused("DisassociateVpcCidrBlock", &[("AssociationId", id)]), "InvalidCidrBlock.InUse");
    client.ok("DisassociateSubnetCidrBlock", &[("AssociationId", &association(&client, &subnet))]);
    let shown = client.ok("DescribeSubnets", &[("SubnetId.1", &subnet)]);
    assert_eq!(at(&shown, "subnetSet.0.assignIpv6AddressOnCreation"), "false");
    client.ok("DisassociateVpcCidrBlock", &[("AssociationId", id)]);
}

#[test]
fn tenancy_goes_one_way() {
    let world = World::new();
    let client = world.root();
    let vpc = create(&client, &[("CidrBlock", SIXTEEN), ("InstanceTenancy", "dedicated")]);
    assert_eq!(at(&described(&client, &vpc), "instanceTenancy"), "dedicated");
    let subnet = create_subnet(&client, &vpc, "10.0.1.0/24");
    let launch = [
        ("ImageId", IMAGE),
        ("InstanceType", "t3.micro"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("SubnetId", subnet.as_str()),
    ];
    assert_eq!(client.refused("RunInstances", &launch), "UnsupportedOperation");
    let back = [("VpcId", vpc.as_str()), ("InstanceTenancy", "dedicated")];
    assert_eq!(client.refused("ModifyVpcTenancy", &back), "InvalidParameterValue");
    client.ok("ModifyVpcTenancy", &[("VpcId", &vpc), ("InstanceTenancy", "default")]);
    assert_eq!(at(&described(&client, &vpc), "instanceTenancy"), "default");
    client.ok("RunInstances", &launch);
}

#[test]
fn vpcs_and_subnets_have_limits() {
    let world = World::new();
    let client = world.root();
    default_vpc(&client);
    let vpc = create(&client, &[("CidrBlock", SIXTEEN)]);
    for _ in 2..5 {
        create(&client, &[("CidrBlock", SIXTEEN)]);
    }
    assert_eq!(client.refused("CreateVpc", &[("CidrBlock", SIXTEEN)]), "VpcLimitExceeded");
    for third in 0..200 {
        create_subnet(&client, &vpc, &format!("10.0.{third}.0/24"));
    }
    let more = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.200.0/24")];
    assert_eq!(client.refused("CreateSubnet", &more), "SubnetLimitExceeded");
}
