//! Endpoints: gateway ones with their routes, interface ones with their interfaces and names.

use crate::harness::{Case, Client, Params, World, at, column, find, list, nothing, params};

const S3: &str = "com.amazonaws.us-east-1.s3";
const STS: &str = "com.amazonaws.us-east-1.sts";
const POLICY: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
const VPC: (&str, &str) = ("VpcId", "vpc-0123456789abcdef0");
const BAD_FILTER: (&[(&str, &str)], &str) =
    (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue");
const BAD_TOKEN: (&[(&str, &str)], &str) = (&[("NextToken", "forged")], "InvalidNextToken");

/// The cases of endpoints.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateVpcEndpoint",
        |client| {
            let mut call = interface_call(client);
            call.extend(params([
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "vpc-endpoint"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "sts"),
            ]));
            call
        },
        &[
            (&[VPC], "MissingParameter"),
            (&[VPC, ("ServiceName", S3)], "InvalidVpcID.NotFound"),
            (&[VPC, ("ServiceName", "com.amazonaws.us-east-1.kinesis")], "InvalidServiceName"),
            (&[VPC, ("ServiceName", "com.amazonaws.eu-west-1.s3")], "InvalidServiceName"),
            (&[VPC, ("ServiceName", S3), ("VpcEndpointType", "Interface")], "InvalidParameter"),
            (&[VPC, ("ServiceName", STS)], "InvalidParameter"),
            (&[VPC, ("ServiceName", S3), ("VpcEndpointType", "GatewayLoadBalancer")], "UnsupportedOperation"),
            (&[VPC, ("ResourceConfigurationArn", "arn:x"), ("VpcEndpointType", "Resource")], "UnsupportedOperation"),
            (&[VPC, ("ServiceName", S3), ("PolicyDocument", "{}")], "InvalidPolicyDocument"),
            (&[VPC, ("ServiceName", S3), ("IpAddressType", "dualstack")], "UnsupportedOperation"),
            (&[("VpcId", "vpc-1"), ("ServiceName", S3)], "InvalidVpcID.Malformed"),
        ],
    ),
    Case::ec2(
        "ModifyVpcEndpoint",
        |client| params([("VpcEndpointId", gateway(client).as_str()), ("PolicyDocument", POLICY)]),
        &[
            (&[("VpcEndpointId", "vpce-1")], "InvalidVpcEndpointId.Malformed"),
            (&[("VpcEndpointId", "vpce-0123456789abcdef0")], "InvalidVpcEndpointId.NotFound"),
            (&[("VpcEndpointId", "vpce-0123456789abcdef0"), ("PolicyDocument", "nonsense")], "InvalidPolicyDocument"),
            (
                &[("VpcEndpointId", "vpce-0123456789abcdef0"), ("PolicyDocument", POLICY), ("ResetPolicy", "true")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    Case::ec2(
        "DeleteVpcEndpoints",
        |client| params([("VpcEndpointId.1", gateway(client))]),
        &[(&[("VpcEndpointId.1", "vpce-1")], "InvalidVpcEndpointId.Malformed"), (&[], "MissingParameter")],
    ),
    Case::ec2(
        "DescribeVpcEndpoints",
        |client| params([("VpcEndpointId.1", gateway(client))]),
        &[(&[("VpcEndpointId.1", "vpce-0123456789abcdef0")], "InvalidVpcEndpointId.NotFound"), BAD_FILTER, BAD_TOKEN],
    ),
    Case::ec2(
        "DescribeVpcEndpointServices",
        nothing,
        &[
            (&[("ServiceName.1", "com.amazonaws.us-east-1.kinesis")], "InvalidServiceName"),
            (&[("ServiceRegion.1", "eu-west-1")], "UnsupportedOperation"),
            BAD_FILTER,
            BAD_TOKEN,
        ],
    ),
];

/// The default VPC's main route table.
fn table(client: &Client<'_>) -> String {
    at(&client.ok("DescribeRouteTables", &[]), "routeTableSet.0.routeTableId").to_owned()
}

/// The default VPC's subnets, by zone.
fn subnets(client: &Client<'_>) -> Vec<String> {
    let answer = client.ok("DescribeSubnets", &[]);
    let mut rows: Vec<_> = list(&answer, "subnetSet").iter().collect();
    rows.sort_by_key(|row| at(row, "availabilityZone"));
    rows.into_iter().map(|row| at(row, "subnetId").to_owned()).collect()
}

fn gateway_call(client: &Client<'_>) -> Params {
    params([
        ("VpcId", crate::network::default_vpc(client).as_str()),
        ("ServiceName", S3),
        ("RouteTableId.1", &table(client)),
    ])
}

fn interface_call(client: &Client<'_>) -> Params {
    let subnets = subnets(client);
    params([
        ("VpcId", crate::network::default_vpc(client).as_str()),
        ("VpcEndpointType", "Interface"),
        ("ServiceName", STS),
        ("SubnetId.1", &subnets[0]),
        ("SubnetId.2", &subnets[1]),
        ("SubnetConfiguration.1.SubnetId", &subnets[0]),
        ("SubnetConfiguration.1.Ipv4", "172.31.0.77"),
    ])
}

fn made(client: &Client<'_>, call: &Params) -> String {
    let answer = client.send("ec2", "CreateVpcEndpoint", call);
    assert_eq!(answer.status, 200, "{}", answer.body);
    client.world().settle();
    at(&answer.tree(), "vpcEndpoint.vpcEndpointId").to_owned()
}

fn gateway(client: &Client<'_>) -> String {
    made(client, &gateway_call(client))
}

fn shown(client: &Client<'_>, id: &str) -> landfall_wire::Tree {
    client.ok("DescribeVpcEndpoints", &[("VpcEndpointId.1", id)])
}

#[test]
fn a_gateway_endpoint_is_a_route_to_the_services_list() {
    let world = World::new();
    let client = world.root();
    let routes = || {
        let answer = client.ok("DescribeRouteTables", &[]);
        let rows = list(&answer, "routeTableSet.0.routeSet").iter();
        let to_lists = rows.filter(|row| find(row, "destinationPrefixListId").is_some());
        to_lists.map(|row| format!("{} {}", at(row, "gatewayId"), at(row, "state"))).collect::<Vec<_>>()
    };
    let id = gateway(&client);
    assert_eq!(routes(), [format!("{id} active")]);
    let again = client.send("ec2", "CreateVpcEndpoint", &gateway_call(&client));
    assert_eq!(again.code(), "RouteAlreadyExists");
    let table = table(&client);
    let names = ("VpcEndpointId", id.as_str());
    client.ok("ModifyVpcEndpoint", &[names, ("RemoveRouteTableId.1", &table)]);
    assert!(routes().is_empty());
    assert!(column(&shown(&client, &id), "vpcEndpointSet.0.routeTableIdSet", "").is_empty());
    client.ok("ModifyVpcEndpoint", &[names, ("AddRouteTableId.1", &table)]);
    assert_eq!(routes(), [format!("{id} active")]);
    assert_eq!(client.refused("ModifyVpcEndpoint", &[names, ("PrivateDnsEnabled", "true")]), "InvalidParameter");
    let answer = client.ok("DeleteVpcEndpoints", &[("VpcEndpointId.1", &id)]);
    assert!(list(&answer, "unsuccessful").is_empty());
    assert!(routes().is_empty());
    world.settle();
    assert_eq!(at(&shown(&client, &id), "vpcEndpointSet.0.state"), "deleted");
    let answer = client.ok("DeleteVpcEndpoints", &[("VpcEndpointId.1", &id)]);
    assert_eq!(at(&answer, "unsuccessful.0.error.code"), "InvalidVpcEndpoint.NotFound");
}

#[test]
fn a_policy_comes_back_as_it_was_given() {
    let world = World::new();
    let client = world.root();
    let id = gateway(&client);
    let policy = || at(&shown(&client, &id), "vpcEndpointSet.0.policyDocument").to_owned();
    let default = policy();
    client.ok("ModifyVpcEndpoint", &[("VpcEndpointId", &id), ("PolicyDocument", POLICY)]);
    assert_eq!(policy(), POLICY);
    client.ok("ModifyVpcEndpoint", &[("VpcEndpointId", &id), ("ResetPolicy", "true")]);
    assert_eq!(policy(), default);
}

#[test]
fn an_interface_endpoint_has_interfaces_groups_and_names() {
    let world = World::new();
    let client = world.root();
    let id = made(&client, &interface_call(&client));
    let names = ("VpcEndpointId", id.as_str());
    let interfaces = || {
        let answer = client.ok("DescribeNetworkInterfaces", &[]);
        let mut rows: Vec<_> = list(&answer, "networkInterfaceSet")
            .iter()
            .map(|row| (at(row, "subnetId").to_owned(), at(row, "privateIpAddress").to_owned()))
            .collect();
        rows.sort();
        rows
    };
    let subnets = subnets(&client);
    assert!(interfaces().contains(&(subnets[0].clone(), "172.31.0.77".to_owned())) && interfaces().len() == 2);
    let answer = shown(&client, &id);
    let dns = column(&answer, "vpcEndpointSet.0.dnsEntrySet", "dnsName");
    assert_eq!(dns.len(), 4, "its own, one a zone, and the service's: {dns:?}");
    assert_eq!(dns[3], "sts.us-east-1.amazonaws.com");
    // The name is taken; another endpoint can do without.
    let mut second = interface_call(&client);
    second.truncate(4);
    assert_eq!(client.send("ec2", "CreateVpcEndpoint", &second).code(), "InvalidParameter");
    second.extend(params([("PrivateDnsEnabled", "false")]));
    let other = made(&client, &second);
    let on = client.refused("ModifyVpcEndpoint", &[("VpcEndpointId", &other), ("PrivateDnsEnabled", "true")]);
    assert_eq!(on, "InvalidParameter");
    // A zone has one; an address that is configured replaces the interface.
    let twice = client.refused("ModifyVpcEndpoint", &[names, ("AddSubnetId.1", &subnets[1])]);
    assert_eq!(twice, "DuplicateSubnetsInSameZone");
    let moved = [
        names,
        ("SubnetConfiguration.1.SubnetId", subnets[0].as_str()),
        ("SubnetConfiguration.1.Ipv4", "172.31.0.78"),
        ("RemoveSubnetId.1", subnets[1].as_str()),
    ];
    client.ok("ModifyVpcEndpoint", &moved);
    assert_eq!(at(&shown(&client, &id), "vpcEndpointSet.0.state"), "pending");
    world.settle();
    assert!(interfaces().contains(&(subnets[0].clone(), "172.31.0.78".to_owned())));
    let group = client.ok("CreateSecurityGroup", &[("GroupName", "web"), ("GroupDescription", "web")]);
    let group = at(&group, "groupId");
    client.ok("ModifyVpcEndpoint", &[names, ("AddSecurityGroupId.1", group)]);
    world.settle();
    assert_eq!(column(&shown(&client, &id), "vpcEndpointSet.0.groupSet", "groupId").len(), 2);
    assert_eq!(client.refused("DeleteSecurityGroup", &[("GroupId", group)]), "DependencyViolation");
    client.ok("DeleteVpcEndpoints", &[("VpcEndpointId.1", &id), ("VpcEndpointId.2", &other)]);
    world.settle();
    assert!(interfaces().is_empty());
    client.ok("DeleteSecurityGroup", &[("GroupId", group)]);
}

#[test]
fn private_dns_needs_a_vpc_with_names() {
    let world = World::new();
    let client = world.root();
    let vpc = crate::network::default_vpc(&client);
    client.ok("ModifyVpcAttribute", &[("VpcId", &vpc), ("EnableDnsHostnames.Value", "false")]);
    let answer = client.send("ec2", "CreateVpcEndpoint", &interface_call(&client));
    assert_eq!(answer.code(), "InvalidParameter", "{}", answer.body);
}

/// What the API serves in a region is reached by endpoints too, and an endpoint leads to nothing else.
#[test]
fn endpoints_lead_to_what_is_served() {
    let of_no_region = ["iam", "landfall", "s3"];
    let served = landfall_api::operations().map(|operation| operation.action.service);
    let served: std::collections::BTreeSet<_> = served.filter(|service| !of_no_region.contains(service)).collect();
    let led = landfall_cloud::endpoint::SERVICES.iter().filter(|service| !service.by_gateway);
    assert_eq!(led.map(|service| service.name).collect::<std::collections::BTreeSet<_>>(), served);
}
