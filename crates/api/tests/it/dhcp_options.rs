//! Sets of DHCP options: which there are, who has which, and what keeps one from going.

use crate::harness::{Case, Client, World, at, column, list, params};
use crate::network::default_vpc;
use crate::vpc;

const SET: &str = "dopt-0123456789abcdef0";
const VPC: &str = "vpc-0123456789abcdef0";

const fn option(key: &'static str, value: &'static str) -> [(&'static str, &'static str); 2] {
    [("DhcpConfiguration.1.Key", key), ("DhcpConfiguration.1.Value.1", value)]
}
const BAD_SERVER: [(&str, &str); 2] = option("domain-name-servers", "dns.example.com");
const BAD_NODE: [(&str, &str); 2] = option("netbios-node-type", "3");
const BAD_LEASE: [(&str, &str); 2] = option("ipv6-address-preferred-lease-time", "139");
const BAD_NAME: [(&str, &str); 2] = option("domain-name", "a/b");
const BAD_WINS: [(&str, &str); 2] = option("netbios-name-servers", "fd00::1");
const BAD_KEY: [(&str, &str); 2] = option("routers", "10.0.0.1");

/// The cases of DHCP options.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateDhcpOptions",
        |_| {
            params([
                ("DhcpConfiguration.1.Key", "domain-name"),
                ("DhcpConfiguration.1.Value.1", "corp.example.com"),
                ("DhcpConfiguration.2.Key", "domain-name-servers"),
                ("DhcpConfiguration.2.Value.1", "10.0.0.5"),
                ("DhcpConfiguration.2.Value.2", "10.0.0.6"),
                ("DhcpConfiguration.3.Key", "ntp-servers"),
                ("DhcpConfiguration.3.Value.1", "169.254.169.123"),
                ("DhcpConfiguration.4.Key", "netbios-name-servers"),
                ("DhcpConfiguration.4.Value.1", "10.0.0.7"),
                ("DhcpConfiguration.5.Key", "netbios-node-type"),
                ("DhcpConfiguration.5.Value.1", "2"),
                ("DhcpConfiguration.6.Key", "ipv6-address-preferred-lease-time"),
                ("DhcpConfiguration.6.Value.1", "140"),
                ("TagSpecification.1.ResourceType", "dhcp-options"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "corp"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("DhcpConfiguration.1.Key", "domain-name")], "InvalidParameterValue"),
            (&BAD_SERVER, "InvalidParameterValue"),
            (&BAD_NODE, "InvalidParameterValue"),
            (&BAD_LEASE, "InvalidParameterValue"),
            (&BAD_NAME, "InvalidParameterValue"),
            (&BAD_WINS, "InvalidParameterValue"),
            (&BAD_KEY, "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "AssociateDhcpOptions",
        |client| {
            params([("DhcpOptionsId", create(client)), ("VpcId", vpc::create(client, &[("CidrBlock", "10.0.0.0/16")]))])
        },
        &[
            (&[("DhcpOptionsId", SET), ("VpcId", VPC)], "InvalidDhcpOptionID.NotFound"),
            (&[("DhcpOptionsId", "dopt-1"), ("VpcId", VPC)], "InvalidDhcpOptionsId.Malformed"),
            (&[("DhcpOptionsId", "default"), ("VpcId", VPC)], "InvalidVpcID.NotFound"),
            (&[("DhcpOptionsId", "default")], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DeleteDhcpOptions",
        |client| params([("DhcpOptionsId", create(client))]),
        &[
            (&[("DhcpOptionsId", SET)], "InvalidDhcpOptionID.NotFound"),
            (&[("DhcpOptionsId", "dopt-1")], "InvalidDhcpOptionsId.Malformed"),
        ],
    ),
];

fn create(client: &Client<'_>) -> String {
    let made = client.ok("CreateDhcpOptions", &option("domain-name-servers", "AmazonProvidedDNS"));
    at(&made, "dhcpOptions.dhcpOptionsId").to_owned()
}

#[test]
fn a_vpc_has_a_set_or_none() {
    let world = World::new();
    let client = world.root();
    let vpc = default_vpc(&client);
    let shown = || at(&client.ok("DescribeVpcs", &[("VpcId.1", &vpc)]), "vpcSet.0.dhcpOptionsId").to_owned();
    let (first, set) = (shown(), create(&client));
    client.ok("AssociateDhcpOptions", &[("DhcpOptionsId", &set), ("VpcId", &vpc)]);
    assert_eq!(shown(), set);
    assert_eq!(client.refused("DeleteDhcpOptions", &[("DhcpOptionsId", &set)]), "DependencyViolation");
    client.ok("AssociateDhcpOptions", &[("DhcpOptionsId", "default"), ("VpcId", &vpc)]);
    assert_eq!(shown(), "default");
    client.ok("DeleteDhcpOptions", &[("DhcpOptionsId", &set)]);
    let another = vpc::create(&client, &[("CidrBlock", "10.0.0.0/16")]);
    let tree = client.ok("DescribeVpcs", &[("VpcId.1", &another)]);
    assert_eq!(at(&tree, "vpcSet.0.dhcpOptionsId"), first, "new VPCs get the set that came with the first");
}

#[test]
fn without_any_set_the_default_network_does_not_come_back() {
    let world = World::new();
    let client = world.root();
    let vpc = default_vpc(&client);
    client.ok("AssociateDhcpOptions", &[("DhcpOptionsId", "default"), ("VpcId", &vpc)]);
    for id in column(&client.ok("DescribeDhcpOptions", &[]), "dhcpOptionsSet", "dhcpOptionsId") {
        client.ok("DeleteDhcpOptions", &[("DhcpOptionsId", id)]);
    }
    assert!(list(&client.ok("DescribeDhcpOptions", &[]), "dhcpOptionsSet").is_empty());
    assert_eq!(default_vpc(&client), vpc);
    let another = vpc::create(&client, &[("CidrBlock", "10.0.0.0/16")]);
    let tree = client.ok("DescribeVpcs", &[("VpcId.1", &another)]);
    assert_eq!(at(&tree, "vpcSet.0.dhcpOptionsId"), "default");
}

#[test]
fn an_option_is_given_once_and_names_four_servers() {
    let world = World::new();
    let client = world.root();
    let twice = [
        option("domain-name", "a.example"),
        [("DhcpConfiguration.2.Key", "domain-name"), ("DhcpConfiguration.2.Value.1", "b.example")],
    ]
    .concat();
    assert_eq!(client.refused("CreateDhcpOptions", &twice), "InvalidParameterValue");
    let mut servers = vec![("DhcpConfiguration.1.Key", "ntp-servers")];
    let names: Vec<_> = (1..=5).map(|n| format!("DhcpConfiguration.1.Value.{n}")).collect();
    servers.extend(names.iter().map(|name| (name.as_str(), "10.0.0.1")));
    assert_eq!(client.refused("CreateDhcpOptions", &servers), "InvalidParameterValue");
    servers.pop();
    client.ok("CreateDhcpOptions", &servers);
}
