//! The default network: VPCs, subnets, gateways, route tables, network ACLs, DHCP options.

use landfall_wire::Tree;

use crate::harness::{Case, Client, IMAGE, World, at, column, find, list, nothing, params};

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const ZONE: &str = "us-east-1a";
const BAD_FILTER: (&[(&str, &str)], &str) =
    (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue");
const BAD_TOKEN: (&[(&str, &str)], &str) = (&[("NextToken", "forged")], "InvalidNextToken");
const BAD_VPC: Bad = &[
    (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
    (&[("VpcId", "vpc-0123456789abcdef0"), ("Attribute", "enableDnsSupport")], "InvalidVpcID.NotFound"),
    (&[("VpcId", "vpc-0123456789abcdef0")], "MissingParameter"),
];

/// The cases of networks.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeVpcs",
        |client| params([("VpcId.1", default_vpc(client))]),
        &[
            (&[("VpcId.1", "vpc-1")], "InvalidVpcID.Malformed"),
            (&[("VpcId.1", "vpc-0123456789abcdef0")], "InvalidVpcID.NotFound"),
            (&[("MaxResults", "1001")], "InvalidParameterValue"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "DescribeVpcAttribute",
        |client| params([("VpcId", default_vpc(client).as_str()), ("Attribute", "enableDnsHostnames")]),
        BAD_VPC,
    ),
    Case::ec2(
        "ModifyVpcAttribute",
        |client| params([("VpcId", default_vpc(client).as_str()), ("EnableDnsHostnames.Value", "false")]),
        &[
            (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
            (&[("VpcId", "vpc-0123456789abcdef0"), ("EnableDnsSupport.Value", "true")], "InvalidVpcID.NotFound"),
        ],
    ),
    Case::ec2(
        "DescribeSubnets",
        |client| params([("SubnetId.1", default_subnet(client))]),
        &[
            (&[("SubnetId.1", "subnet-1")], "InvalidSubnetID.Malformed"),
            (&[("SubnetId.1", "subnet-0123456789abcdef0")], "InvalidSubnetID.NotFound"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "ModifySubnetAttribute",
        |client| params([("SubnetId", default_subnet(client).as_str()), ("MapPublicIpOnLaunch.Value", "false")]),
        &[
            (&[("SubnetId", "subnet-1")], "InvalidSubnetID.Malformed"),
            (&[("SubnetId", "subnet-0123456789abcdef0")], "InvalidSubnetID.NotFound"),
        ],
    ),
    Case::ec2(
        "DescribeInternetGateways",
        |client| params([("InternetGatewayId.1", gateway(client))]),
        &[
            (&[("InternetGatewayId.1", "igw-1")], "InvalidInternetGatewayId.Malformed"),
            (&[("InternetGatewayId.1", "igw-0123456789abcdef0")], "InvalidInternetGatewayID.NotFound"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "DescribeRouteTables",
        |client| params([("RouteTableId.1", only(client, "DescribeRouteTables", "routeTableSet", "routeTableId"))]),
        &[
            (&[("RouteTableId.1", "rtb-1")], "InvalidRouteTableId.Malformed"),
            (&[("RouteTableId.1", "rtb-0123456789abcdef0")], "InvalidRouteTableID.NotFound"),
            (&[("MaxResults", "101")], "InvalidParameterValue"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "DescribeNetworkAcls",
        |client| params([("NetworkAclId.1", only(client, "DescribeNetworkAcls", "networkAclSet", "networkAclId"))]),
        &[
            (&[("NetworkAclId.1", "acl-1")], "InvalidNetworkAclId.Malformed"),
            (&[("NetworkAclId.1", "acl-0123456789abcdef0")], "InvalidNetworkAclID.NotFound"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "DescribeDhcpOptions",
        |client| params([("DhcpOptionsId.1", only(client, "DescribeDhcpOptions", "dhcpOptionsSet", "dhcpOptionsId"))]),
        &[
            (&[("DhcpOptionsId.1", "dopt-1")], "InvalidDhcpOptionsId.Malformed"),
            (&[("DhcpOptionsId.1", "dopt-0123456789abcdef0")], "InvalidDhcpOptionID.NotFound"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
    Case::ec2(
        "CreateDefaultVpc",
        |client| {
            delete_default(client);
            nothing(client)
        },
        &[(&[], "DefaultVpcAlreadyExists")],
    ),
    Case::ec2(
        "CreateDefaultSubnet",
        |client| {
            client.ok("DeleteSubnet", &[("SubnetId", &default_subnet(client))]);
            params([("AvailabilityZone", ZONE)])
        },
        &[
            (&[], "MissingParameter"),
            (&[("AvailabilityZone", "eu-west-1a")], "InvalidParameterValue"),
            (&[("AvailabilityZone", ZONE)], "DefaultSubnetAlreadyExistsInAvailabilityZone"),
            (&[("AvailabilityZone", ZONE), ("AvailabilityZoneId", "use1-az1")], "InvalidParameterCombination"),
            (&[("AvailabilityZone", ZONE), ("Ipv6Native", "true")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DeleteSubnet",
        |client| params([("SubnetId", default_subnet(client))]),
        &[
            (&[("SubnetId", "subnet-1")], "InvalidSubnetID.Malformed"),
            (&[("SubnetId", "subnet-0123456789abcdef0")], "InvalidSubnetID.NotFound"),
        ],
    ),
    Case::ec2(
        "DeleteVpc",
        |client| {
            delete_gateway(client);
            delete_subnets(client);
            params([("VpcId", default_vpc(client))])
        },
        &[
            (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
            (&[("VpcId", "vpc-0123456789abcdef0")], "InvalidVpcID.NotFound"),
        ],
    ),
    Case::ec2(
        "DetachInternetGateway",
        |client| params([("InternetGatewayId", gateway(client)), ("VpcId", default_vpc(client))]),
        &[
            (&[("InternetGatewayId", "igw-0123456789abcdef0")], "MissingParameter"),
            (
                &[("InternetGatewayId", "igw-0123456789abcdef0"), ("VpcId", "vpc-0123456789abcdef0")],
                "InvalidInternetGatewayID.NotFound",
            ),
        ],
    ),
    Case::ec2(
        "DeleteInternetGateway",
        |client| {
            let (id, vpc) = (gateway(client), default_vpc(client));
            client.ok("DetachInternetGateway", &[("InternetGatewayId", &id), ("VpcId", &vpc)]);
            params([("InternetGatewayId", id)])
        },
        &[
            (&[("InternetGatewayId", "igw-1")], "InvalidInternetGatewayId.Malformed"),
            (&[("InternetGatewayId", "igw-0123456789abcdef0")], "InvalidInternetGatewayID.NotFound"),
        ],
    ),
];

/// The id of the only row of a list.
pub fn only(client: &Client<'_>, action: &str, set: &str, id: &str) -> String {
    let tree = client.ok(action, &[]);
    assert_eq!(list(&tree, set).len(), 1, "{tree:?}");
    at(&tree, &format!("{set}.0.{id}")).to_owned()
}

/// The default VPC.
pub fn default_vpc(client: &Client<'_>) -> String {
    at(&select(client, "DescribeVpcs", "vpcSet", &[("isDefault", "true")])[0], "vpcId").to_owned()
}

fn gateway(client: &Client<'_>) -> String {
    only(client, "DescribeInternetGateways", "internetGatewaySet", "internetGatewayId")
}

/// The default subnet of the first zone, found as Terraform does.
pub fn default_subnet(client: &Client<'_>) -> String {
    let found = select(client, "DescribeSubnets", "subnetSet", &[("availabilityZone", ZONE), ("defaultForAz", "true")]);
    at(&found[0], "subnetId").to_owned()
}

/// The rows that filters select.
pub fn select(client: &Client<'_>, action: &str, set: &str, filters: &[(&str, &str)]) -> Vec<Tree> {
    let mut pairs = Vec::new();
    for (index, (name, value)) in filters.iter().enumerate() {
        pairs.push((format!("Filter.{}.Name", index + 1), (*name).to_owned()));
        pairs.push((format!("Filter.{}.Value.1", index + 1), (*value).to_owned()));
    }
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    list(&client.ok(action, &pairs), set).to_vec()
}

/// Checks of each filter that it selects this many rows with that value, and none with another.
pub fn check_filters(client: &Client<'_>, action: &str, set: &str, expected: &[(&str, &str, usize)]) {
    for (name, value, count) in expected {
        assert_eq!(select(client, action, set, &[(name, value)]).len(), *count, "{action} {name}={value}");
        assert_eq!(select(client, action, set, &[(name, "nonsense")]).len(), 0, "{action} {name}");
    }
}

fn delete_gateway(client: &Client<'_>) {
    let (id, vpc) = (gateway(client), default_vpc(client));
    client.ok("DetachInternetGateway", &[("InternetGatewayId", &id), ("VpcId", &vpc)]);
    client.ok("DeleteInternetGateway", &[("InternetGatewayId", &id)]);
}

fn delete_subnets(client: &Client<'_>) {
    for id in column(&client.ok("DescribeSubnets", &[]), "subnetSet", "subnetId") {
        client.ok("DeleteSubnet", &[("SubnetId", id)]);
    }
}

fn delete_default(client: &Client<'_>) {
    delete_gateway(client);
    delete_subnets(client);
    client.ok("DeleteVpc", &[("VpcId", &default_vpc(client))]);
}

/// Launches an instance in the default network; its id.
pub fn launch(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let mut all = vec![("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    all.extend(more);
    at(&client.ok("RunInstances", &all), "instancesSet.0.instanceId").to_owned()
}

#[test]
fn the_default_network_is_awss() {
    let world = World::new();
    let client = world.root();
    let vpc = client.ok("DescribeVpcs", &[]);
    assert_eq!(at(&vpc, "vpcSet.0.cidrBlock"), "172.31.0.0/16");
    assert_eq!(at(&vpc, "vpcSet.0.isDefault"), "true");
    let subnets = client.ok("DescribeSubnets", &[]);
    assert_eq!(list(&subnets, "subnetSet").len(), 3);
    assert!(column(&subnets, "subnetSet", "availableIpAddressCount").iter().all(|count| *count == "4091"));
    assert!(column(&subnets, "subnetSet", "mapPublicIpOnLaunch").iter().all(|on| *on == "true"));
    let table = client.ok("DescribeRouteTables", &[]);
    assert_eq!(column(&table, "routeTableSet.0.routeSet", "gatewayId"), ["local", &gateway(&client)]);
    assert_eq!(column(&table, "routeTableSet.0.routeSet", "origin"), ["CreateRouteTable", "CreateRoute"]);
    assert_eq!(column(&table, "routeTableSet.0.associationSet", "main"), ["true"]);
    let acl = client.ok("DescribeNetworkAcls", &[]);
    assert_eq!(column(&acl, "networkAclSet.0.entrySet", "ruleNumber"), ["100", "32767", "100", "32767"]);
    assert_eq!(column(&acl, "networkAclSet.0.entrySet", "ruleAction"), ["allow", "deny", "allow", "deny"]);
    assert_eq!(list(&acl, "networkAclSet.0.associationSet").len(), 3);
    let options = client.ok("DescribeDhcpOptions", &[]);
    assert_eq!(at(&options, "dhcpOptionsSet.0.dhcpConfigurationSet.0.valueSet.0.value"), "ec2.internal");
    assert_eq!(at(&options, "dhcpOptionsSet.0.dhcpOptionsId"), at(&vpc, "vpcSet.0.dhcpOptionsId"));
}

#[test]
fn an_interface_takes_an_address_of_its_subnet() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client);
    launch(&client, &[("SubnetId", &subnet)]);
    let tree = client.ok("DescribeSubnets", &[("SubnetId.1", &subnet)]);
    assert_eq!(at(&tree, "subnetSet.0.availableIpAddressCount"), "4090");
    assert_eq!(client.refused("DeleteSubnet", &[("SubnetId", &subnet)]), "DependencyViolation");
}

#[test]
fn attributes_change_one_at_a_time() {
    let world = World::new();
    let client = world.root();
    let (vpc, subnet) = (default_vpc(&client), default_subnet(&client));
    for attribute in ["enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics"] {
        let shown = || {
            let tree = client.ok("DescribeVpcAttribute", &[("VpcId", &vpc), ("Attribute", attribute)]);
            at(&tree, &format!("{attribute}.value")).to_owned()
        };
        let other = if shown() == "true" { "false" } else { "true" };
        let name = format!("E{}.Value", &attribute[1..]);
        client.ok("ModifyVpcAttribute", &[("VpcId", &vpc), (&name, other)]);
        if attribute == "enableDnsSupport" {
            let hostnames = [("VpcId", vpc.as_str()), ("EnableDnsHostnames.Value", "true")];
            assert_eq!(client.refused("ModifyVpcAttribute", &hostnames), "InvalidParameterCombination");
        }
        assert_eq!(shown(), other, "{attribute}");
    }
    let two = [("VpcId", vpc.as_str()), ("EnableDnsSupport.Value", "true"), ("EnableDnsHostnames.Value", "true")];
    assert_eq!(client.refused("ModifyVpcAttribute", &two), "InvalidParameterCombination");
    assert_eq!(client.refused("ModifyVpcAttribute", &[("VpcId", &vpc)]), "MissingParameter");
    let wrong = [("VpcId", vpc.as_str()), ("Attribute", "enableIpv6")];
    assert_eq!(client.refused("DescribeVpcAttribute", &wrong), "InvalidParameterValue");

    client.ok("ModifySubnetAttribute", &[("SubnetId", &subnet), ("MapPublicIpOnLaunch.Value", "false")]);
    let tree = client.ok("DescribeSubnets", &[("SubnetId.1", &subnet)]);
    assert_eq!(at(&tree, "subnetSet.0.mapPublicIpOnLaunch"), "false");
    for (name, value, member) in [
        ("EnableDns64.Value", "true", "enableDns64"),
        (
            "EnableResourceNameDnsARecordOnLaunch.Value",
            "true",
            "privateDnsNameOptionsOnLaunch.enableResourceNameDnsARecord",
        ),
        (
            "EnableResourceNameDnsAAAARecordOnLaunch.Value",
            "true",
            "privateDnsNameOptionsOnLaunch.enableResourceNameDnsAAAARecord",
        ),
        ("PrivateDnsHostnameTypeOnLaunch", "resource-name", "privateDnsNameOptionsOnLaunch.hostnameType"),
    ] {
        client.ok("ModifySubnetAttribute", &[("SubnetId", &subnet), (name, value)]);
        let tree = client.ok("DescribeSubnets", &[("SubnetId.1", &subnet)]);
        assert_eq!(at(&tree, &format!("subnetSet.0.{member}")), value);
    }
    for (name, as_it_is, otherwise) in
        [("MapCustomerOwnedIpOnLaunch.Value", "false", "true"), ("DisableLniAtDeviceIndex.Value", "true", "false")]
    {
        client.ok("ModifySubnetAttribute", &[("SubnetId", &subnet), (name, as_it_is)]);
        let asked = [("SubnetId", subnet.as_str()), (name, otherwise)];
        let answer = client.call("ModifySubnetAttribute", &asked);
        assert_eq!(answer.code(), "UnsupportedOperation", "{name}");
        assert!(answer.message().contains(name.trim_end_matches(".Value")), "{}", answer.message());
    }
    let pool = [("SubnetId", subnet.as_str()), ("CustomerOwnedIpv4Pool", "coip-1")];
    assert_eq!(client.refused("ModifySubnetAttribute", &pool), "UnsupportedOperation");
}

#[test]
fn what_is_needed_is_not_deleted() {
    let world = World::new();
    let client = world.root();
    let (vpc, igw) = (default_vpc(&client), gateway(&client));
    assert_eq!(client.refused("DeleteVpc", &[("VpcId", &vpc)]), "DependencyViolation");
    assert_eq!(client.refused("DeleteInternetGateway", &[("InternetGatewayId", &igw)]), "DependencyViolation");
    let instance = launch(&client, &[]);
    let both = [("InternetGatewayId", igw.as_str()), ("VpcId", vpc.as_str())];
    let answer = client.call("DetachInternetGateway", &both);
    assert_eq!(answer.code(), "DependencyViolation");
    assert!(answer.message().contains("mapped public address"), "{}", answer.message());
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    client.ok("DetachInternetGateway", &both);
    assert_eq!(client.refused("DetachInternetGateway", &both), "Gateway.NotAttached");
    let table = client.ok("DescribeRouteTables", &[]);
    assert_eq!(column(&table, "routeTableSet.0.routeSet", "state"), ["active", "blackhole"]);
    client.ok("DeleteInternetGateway", &[("InternetGatewayId", &igw)]);
    delete_subnets(&client);
    client.ok("DeleteVpc", &[("VpcId", &vpc)]);
    for (action, set) in [
        ("DescribeVpcs", "vpcSet"),
        ("DescribeSubnets", "subnetSet"),
        ("DescribeRouteTables", "routeTableSet"),
        ("DescribeNetworkAcls", "networkAclSet"),
        ("DescribeInternetGateways", "internetGatewaySet"),
        ("DescribeSecurityGroups", "securityGroupInfo"),
    ] {
        assert!(list(&client.ok(action, &[]), set).is_empty(), "{action}");
    }
    assert_eq!(client.refused("CreateDefaultSubnet", &[("AvailabilityZone", ZONE)]), "DefaultVpcDoesNotExist");
    let made = client.ok("CreateDefaultVpc", &[]);
    assert_eq!(at(&made, "vpc.isDefault"), "true");
    launch(&client, &[]);
}

#[test]
fn a_deleted_default_subnet_comes_back_in_its_place() {
    let world = World::new();
    let client = world.root();
    let subnet = default_subnet(&client);
    let block = at(&client.ok("DescribeSubnets", &[("SubnetId.1", &subnet)]), "subnetSet.0.cidrBlock").to_owned();
    client.ok("DeleteSubnet", &[("SubnetId", &subnet)]);
    let acl = client.ok("DescribeNetworkAcls", &[]);
    assert_eq!(list(&acl, "networkAclSet.0.associationSet").len(), 2);
    let made = client.ok("CreateDefaultSubnet", &[("AvailabilityZoneId", "use1-az1")]);
    assert_eq!(at(&made, "subnet.cidrBlock"), block);
    assert_eq!(at(&made, "subnet.defaultForAz"), "true");
}

#[test]
fn vpcs_and_gateways_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let (vpc, igw) = (default_vpc(&client), gateway(&client));
    let tree = client.ok("DescribeVpcs", &[]);
    let association = at(&tree, "vpcSet.0.cidrBlockAssociationSet.0.associationId").to_owned();
    let options = at(&tree, "vpcSet.0.dhcpOptionsId").to_owned();
    check_filters(
        &client,
        "DescribeVpcs",
        "vpcSet",
        &[
            ("cidr", "172.31.0.0/16", 1),
            ("cidr-block-association.association-id", &association, 1),
            ("cidr-block-association.cidr-block", "172.31.0.0/16", 1),
            ("cidr-block-association.state", "associated", 1),
            ("dhcp-options-id", &options, 1),
            ("ipv6-cidr-block-association.association-id", "*", 0),
            ("ipv6-cidr-block-association.ipv6-cidr-block", "*", 0),
            ("ipv6-cidr-block-association.ipv6-pool", "*", 0),
            ("ipv6-cidr-block-association.state", "*", 0),
            ("isDefault", "true", 1),
            ("is-default", "true", 1),
            ("owner-id", "111122223333", 1),
            ("state", "available", 1),
            ("vpc-id", &vpc, 1),
        ],
    );
    check_filters(
        &client,
        "DescribeInternetGateways",
        "internetGatewaySet",
        &[
            ("attachment.state", "available", 1),
            ("attachment.vpc-id", &vpc, 1),
            ("internet-gateway-id", &igw, 1),
            ("owner-id", "111122223333", 1),
        ],
    );
    check_filters(
        &client,
        "DescribeDhcpOptions",
        "dhcpOptionsSet",
        &[
            ("dhcp-options-id", &options, 1),
            ("key", "domain-name", 1),
            ("value", "AmazonProvidedDNS", 1),
            ("owner-id", "111122223333", 1),
        ],
    );
}

#[test]
fn subnets_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let (vpc, subnet) = (default_vpc(&client), default_subnet(&client));
    let arn = format!("arn:aws:ec2:us-east-1:111122223333:subnet/{subnet}");
    check_filters(
        &client,
        "DescribeSubnets",
        "subnetSet",
        &[
            ("availability-zone", ZONE, 1),
            ("availabilityZone", ZONE, 1),
            ("availability-zone-id", "use1-az1", 1),
            ("availabilityZoneId", "use1-az1", 1),
            ("available-ip-address-count", "4091", 3),
            ("cidr", "172.31.0.0/20", 1),
            ("cidr-block", "172.31.0.0/20", 1),
            ("cidrBlock", "172.31.0.0/20", 1),
            ("customer-owned-ipv4-pool", "*", 0),
            ("default-for-az", "true", 3),
            ("defaultForAz", "true", 3),
            ("enable-dns64", "false", 3),
            ("enable-lni-at-device-index", "*", 0),
            ("ipv6-native", "false", 3),
            ("map-customer-owned-ip-on-launch", "false", 3),
            ("map-public-ip-on-launch", "true", 3),
            ("outpost-arn", "*", 0),
            ("owner-id", "111122223333", 3),
            ("private-dns-name-options-on-launch.hostname-type", "ip-name", 3),
            ("private-dns-name-options-on-launch.enable-resource-name-dns-a-record", "false", 3),
            ("private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", "false", 3),
            ("state", "available", 3),
            ("subnet-arn", &arn, 1),
            ("subnet-id", &subnet, 1),
            ("vpc-id", &vpc, 3),
        ],
    );
}

#[test]
fn route_tables_and_acls_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let (vpc, subnet, igw) = (default_vpc(&client), default_subnet(&client), gateway(&client));
    let table = client.ok("DescribeRouteTables", &[]);
    let id = at(&table, "routeTableSet.0.routeTableId");
    check_filters(
        &client,
        "DescribeRouteTables",
        "routeTableSet",
        &[
            ("association.gateway-id", "*", 0),
            ("association.main", "true", 1),
            (
                "association.route-table-association-id",
                at(&table, "routeTableSet.0.associationSet.0.routeTableAssociationId"),
                1,
            ),
            ("association.route-table-id", id, 1),
            ("association.subnet-id", "*", 0),
            ("owner-id", "111122223333", 1),
            ("route-table-id", id, 1),
            ("route.destination-cidr-block", "0.0.0.0/0", 1),
            ("route.destination-ipv6-cidr-block", "*", 0),
            ("route.gateway-id", &igw, 1),
            ("route.gateway-id", "local", 1),
            ("route.instance-id", "*", 0),
            ("route.nat-gateway-id", "*", 0),
            ("route.origin", "CreateRoute", 1),
            ("route.state", "active", 1),
            ("vpc-id", &vpc, 1),
        ],
    );
    let acl = client.ok("DescribeNetworkAcls", &[]);
    let id = at(&acl, "networkAclSet.0.networkAclId");
    check_filters(
        &client,
        "DescribeNetworkAcls",
        "networkAclSet",
        &[
            ("association.association-id", at(&acl, "networkAclSet.0.associationSet.0.networkAclAssociationId"), 1),
            ("association.network-acl-id", id, 1),
            ("association.subnet-id", &subnet, 1),
            ("default", "true", 1),
            ("entry.cidr", "0.0.0.0/0", 1),
            ("entry.egress", "true", 1),
            ("entry.icmp.code", "*", 0),
            ("entry.ipv6-cidr", "*", 0),
            ("entry.port-range.from", "*", 0),
            ("entry.protocol", "-1", 1),
            ("entry.rule-action", "deny", 1),
            ("entry.rule-number", "32767", 1),
            ("network-acl-id", id, 1),
            ("owner-id", "111122223333", 1),
            ("vpc-id", &vpc, 1),
        ],
    );
}

#[test]
fn pages_follow_one_another_whoever_else_has_rows() {
    let world = World::new();
    default_vpc(&world.root());
    for client in [world.root(), world.other()] {
        let vpc = default_vpc(&client);
        for third in 96..99 {
            let block = format!("172.31.{third}.0/24");
            client.ok("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", &block)]);
        }
        let first = client.ok("DescribeSubnets", &[("MaxResults", "5")]);
        assert_eq!(list(&first, "subnetSet").len(), 5);
        let token = at(&first, "nextToken").to_owned();
        let second = client.ok("DescribeSubnets", &[("MaxResults", "5"), ("NextToken", &token)]);
        assert_eq!(list(&second, "subnetSet").len(), 1);
        assert!(find(&second, "nextToken").is_none());
        let mut seen = column(&first, "subnetSet", "subnetId");
        seen.extend(column(&second, "subnetSet", "subnetId"));
        assert_eq!(seen, column(&client.ok("DescribeSubnets", &[]), "subnetSet", "subnetId"));
    }
}

#[test]
fn a_page_is_neither_too_small_nor_too_large() {
    let world = World::new();
    let answer = world.root().call("DescribeSubnets", &[("MaxResults", "4")]);
    let words = "Value (4) for parameter maxResults is invalid. Expecting a value greater than 5.";
    assert_eq!((answer.code().as_str(), answer.message().as_str()), ("InvalidParameterValue", words));
    for (action, size) in [("DescribeSubnets", "1000"), ("DescribeRouteTables", "100"), ("DescribeVpcs", "5")] {
        world.root().ok(action, &[("MaxResults", size)]);
    }
}

#[test]
fn several_ids_are_all_or_nothing() {
    let world = World::new();
    let client = world.root();
    let absent = "vpc-0123456789abcdef0";
    let answer = client.call("DescribeVpcs", &[("VpcId.1", &default_vpc(&client)), ("VpcId.2", absent)]);
    assert_eq!(answer.message(), format!("The vpc ID '{absent}' does not exist"));
    let theirs = default_vpc(&world.other());
    assert_eq!(client.refused("DescribeVpcs", &[("VpcId.1", &theirs)]), "InvalidVpcID.NotFound");
    assert!(select(&client, "DescribeVpcs", "vpcSet", &[("vpc-id", &theirs)]).is_empty());
}
