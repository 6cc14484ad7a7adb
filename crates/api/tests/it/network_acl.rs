//! Network ACLs: their entries, which subnets they filter, and what keeps one from going.

use crate::harness::{Case, Client, Params, World, at, column, list, params};
use crate::network::check_filters;
use crate::vpc::{self, create_subnet};

const ACL: &str = "acl-0123456789abcdef0";
const SIXTEEN: &str = "10.0.0.0/16";
const ENTRY: [(&str, &str); 6] = [
    ("NetworkAclId", ACL),
    ("RuleNumber", "100"),
    ("Protocol", "6"),
    ("RuleAction", "allow"),
    ("Egress", "false"),
    ("CidrBlock", "0.0.0.0/0"),
];

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

/// What is wrong with an entry, whether it is added or put in another's place.
const BAD_ENTRY: Bad = &[
    (&ENTRY, "MissingParameter"),
    (&[ENTRY[0], ENTRY[1], ("Protocol", "nonsense"), ENTRY[3], ENTRY[4], ENTRY[5]], "InvalidParameterValue"),
    (&[ENTRY[0], ENTRY[1], ("Protocol", "-1"), ("RuleAction", "pass"), ENTRY[4], ENTRY[5]], "InvalidParameterValue"),
    (&[ENTRY[0], ENTRY[1], ("Protocol", "-1"), ENTRY[3], ENTRY[4]], "MissingParameter"),
    (
        &[ENTRY[0], ENTRY[1], ("Protocol", "-1"), ENTRY[3], ENTRY[4], ENTRY[5], ("Ipv6CidrBlock", "::/0")],
        "InvalidParameterCombination",
    ),
    (&[ENTRY[0], ("RuleNumber", "-1"), ("Protocol", "-1"), ENTRY[3], ENTRY[4], ENTRY[5]], "InvalidParameterValue"),
    (&[ENTRY[0], ENTRY[1], ("Protocol", "-1"), ENTRY[3], ENTRY[4], ENTRY[5]], "InvalidNetworkAclID.NotFound"),
    (
        &[ENTRY[0], ENTRY[1], ENTRY[2], ENTRY[3], ENTRY[4], ENTRY[5], ("PortRange.From", "90"), ("PortRange.To", "80")],
        "InvalidParameterValue",
    ),
    (&[ENTRY[0], ENTRY[1], ("Protocol", "1"), ENTRY[3], ENTRY[4], ENTRY[5]], "MissingParameter"),
];

/// The cases of network ACLs.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateNetworkAcl",
        |client| {
            let request = [("CidrBlock", SIXTEEN), ("AmazonProvidedIpv6CidrBlock", "true")];
            params([
                ("VpcId", vpc::create(client, &request).as_str()),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "network-acl"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ])
        },
        &[
            (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
            (&[("VpcId", "vpc-0123456789abcdef0")], "InvalidVpcID.NotFound"),
            (&[], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DeleteNetworkAcl",
        |client| params([("NetworkAclId", create(client).1)]),
        &[
            (&[("NetworkAclId", "acl-1")], "InvalidNetworkAclId.Malformed"),
            (&[("NetworkAclId", ACL)], "InvalidNetworkAclID.NotFound"),
        ],
    ),
    Case::ec2("CreateNetworkAclEntry", |client| entry(&create(client).1, "allow"), BAD_ENTRY),
    Case::ec2(
        "ReplaceNetworkAclEntry",
        |client| {
            let acl = create(client).1;
            put(client, "CreateNetworkAclEntry", &entry(&acl, "deny"));
            entry(&acl, "allow")
        },
        BAD_ENTRY,
    ),
    Case::ec2(
        "DeleteNetworkAclEntry",
        |client| {
            let acl = create(client).1;
            put(client, "CreateNetworkAclEntry", &entry(&acl, "deny"));
            params([("NetworkAclId", acl.as_str()), ("RuleNumber", "100"), ("Egress", "false")])
        },
        &[
            (&[ENTRY[0], ENTRY[1], ENTRY[4]], "InvalidNetworkAclID.NotFound"),
            (&[ENTRY[0], ENTRY[1]], "MissingParameter"),
            (&[ENTRY[0], ("RuleNumber", "70000"), ENTRY[4]], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "ReplaceNetworkAclAssociation",
        |client| {
            let (vpc, acl) = create(client);
            let subnet = create_subnet(client, &vpc, "10.0.1.0/24");
            params([("AssociationId", association(client, &subnet)), ("NetworkAclId", acl)])
        },
        &[
            (&[("AssociationId", "aclassoc-1"), ENTRY[0]], "InvalidAssociationID.Malformed"),
            (&[("AssociationId", "aclassoc-0123456789abcdef0"), ENTRY[0]], "InvalidAssociationID.NotFound"),
        ],
    ),
];

/// A VPC and an ACL of it; their ids.
fn create(client: &Client<'_>) -> (String, String) {
    let vpc = vpc::create(client, &[("CidrBlock", SIXTEEN)]);
    let acl = at(&client.ok("CreateNetworkAcl", &[("VpcId", &vpc)]), "networkAcl.networkAclId").to_owned();
    (vpc, acl)
}

/// An entry inwards with ports, under 100.
fn entry(acl: &str, action: &str) -> Params {
    params([
        ("NetworkAclId", acl),
        ("RuleNumber", "100"),
        ("Protocol", "tcp"),
        ("RuleAction", action),
        ("Egress", "false"),
        ("CidrBlock", "10.1.2.3/16"),
        ("PortRange.From", "80"),
        ("PortRange.To", "90"),
    ])
}

fn put(client: &Client<'_>, action: &str, entry: &Params) {
    let answer = client.send("ec2", action, entry);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn association(client: &Client<'_>, subnet: &str) -> String {
    let filter = [("Filter.1.Name", "association.subnet-id"), ("Filter.1.Value.1", subnet)];
    let tree = client.ok("DescribeNetworkAcls", &filter);
    let found = list(&tree, "networkAclSet.0.associationSet").iter().find(|row| at(row, "subnetId") == subnet);
    at(found.unwrap(), "networkAclAssociationId").to_owned()
}

#[test]
fn an_acl_denies_until_it_has_entries() {
    let world = World::new();
    let client = world.root();
    let (vpc, acl) = create(&client);
    let shown = || client.ok("DescribeNetworkAcls", &[("NetworkAclId.1", &acl)]);
    let tree = shown();
    assert_eq!(at(&tree, "networkAclSet.0.default"), "false");
    assert_eq!(column(&tree, "networkAclSet.0.entrySet", "ruleAction"), ["deny", "deny"]);
    put(&client, "CreateNetworkAclEntry", &entry(&acl, "deny"));
    let again = client.send("ec2", "CreateNetworkAclEntry", &entry(&acl, "allow"));
    assert_eq!(again.code(), "NetworkAclEntryAlreadyExists");
    put(&client, "ReplaceNetworkAclEntry", &entry(&acl, "allow"));
    let tree = shown();
    let row = &list(&tree, "networkAclSet.0.entrySet")[1];
    assert_eq!((at(row, "ruleNumber"), at(row, "ruleAction"), at(row, "egress")), ("100", "allow", "false"));
    assert_eq!((at(row, "protocol"), at(row, "cidrBlock")), ("6", "10.1.0.0/16"));
    assert_eq!((at(row, "portRange.from"), at(row, "portRange.to")), ("80", "90"));
    let ping = [
        ("NetworkAclId", acl.as_str()),
        ("RuleNumber", "50"),
        ("Protocol", "58"),
        ("RuleAction", "allow"),
        ("Egress", "true"),
        ("Ipv6CidrBlock", "fd00::/8"),
        ("Icmp.Type", "-1"),
        ("Icmp.Code", "-1"),
    ];
    client.ok("CreateNetworkAclEntry", &ping);
    let mut v4 = ping.to_vec();
    v4[5] = ("CidrBlock", "10.0.0.0/8");
    assert_eq!(client.refused("ReplaceNetworkAclEntry", &v4), "InvalidParameterCombination");
    check_filters(
        &client,
        "DescribeNetworkAcls",
        "networkAclSet",
        &[
            ("entry.ipv6-cidr", "fd00::/8", 1),
            ("entry.icmp.type", "-1", 1),
            ("entry.port-range.from", "80", 1),
            ("entry.port-range.to", "90", 1),
            ("vpc-id", &vpc, 2),
        ],
    );
    let missing = [("NetworkAclId", acl.as_str()), ("RuleNumber", "7"), ("Egress", "true")];
    assert_eq!(client.refused("DeleteNetworkAclEntry", &missing), "InvalidNetworkAclEntry.NotFound");
    for number in ["0", "32767", "32768"] {
        let last = [("NetworkAclId", acl.as_str()), ("RuleNumber", number), ("Egress", "true")];
        assert_eq!(client.refused("DeleteNetworkAclEntry", &last), "InvalidParameterValue", "{number}");
    }
    client.ok("DeleteNetworkAclEntry", &[("NetworkAclId", &acl), ("RuleNumber", "50"), ("Egress", "true")]);
    assert_eq!(column(&shown(), "networkAclSet.0.entrySet", "ruleNumber"), ["32767", "100", "32767"]);
    let gone = client.send("ec2", "ReplaceNetworkAclEntry", &{
        let mut entry = entry(&acl, "allow");
        entry[1].1 = "101".into();
        entry
    });
    assert_eq!(gone.code(), "InvalidNetworkAclEntry.NotFound");
}

#[test]
fn a_subnet_is_behind_one_acl() {
    let world = World::new();
    let client = world.root();
    let (vpc, acl) = create(&client);
    let subnet = create_subnet(&client, &vpc, "10.0.1.0/24");
    let before = association(&client, &subnet);
    let foreign = create(&client).1;
    let there = |id: &str, acl: &str| {
        client.call("ReplaceNetworkAclAssociation", &[("AssociationId", id), ("NetworkAclId", acl)])
    };
    assert_eq!(there(&before, &foreign).code(), "InvalidParameter");
    let moved = there(&before, &acl);
    assert_eq!(moved.status, 200, "{}", moved.body);
    let after = at(&moved.tree(), "newAssociationId").to_owned();
    assert_ne!(after, before);
    assert_eq!(association(&client, &subnet), after);
    assert_eq!(there(&before, &acl).code(), "InvalidAssociationID.NotFound");
    assert_eq!(client.refused("DeleteNetworkAcl", &[("NetworkAclId", &acl)]), "DependencyViolation");
    assert_eq!(client.refused("DeleteVpc", &[("VpcId", &vpc)]), "DependencyViolation");
    client.ok("DeleteSubnet", &[("SubnetId", &subnet)]);
    assert_eq!(client.refused("DeleteVpc", &[("VpcId", &vpc)]), "DependencyViolation");
    client.ok("DeleteNetworkAcl", &[("NetworkAclId", &acl)]);
    let tree = client.ok("DescribeNetworkAcls", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &vpc)]);
    let default = at(&tree, "networkAclSet.0.networkAclId").to_owned();
    assert_eq!(client.refused("DeleteNetworkAcl", &[("NetworkAclId", &default)]), "InvalidParameterValue");
    client.ok("DeleteVpc", &[("VpcId", &vpc)]);
}

#[test]
fn acls_have_limits() {
    let world = World::new();
    let client = world.root();
    let (vpc, acl) = create(&client);
    let more = |number: u32| {
        let mut entry = entry(&acl, "allow");
        entry[1].1 = number.to_string();
        client.send("ec2", "CreateNetworkAclEntry", &entry)
    };
    for number in 1..20 {
        assert_eq!(more(number).status, 200);
    }
    assert_eq!(more(20).code(), "NetworkAclEntryLimitExceeded");
    for _ in 2..200 {
        client.ok("CreateNetworkAcl", &[("VpcId", &vpc)]);
    }
    assert_eq!(client.refused("CreateNetworkAcl", &[("VpcId", &vpc)]), "NetworkAclLimitExceeded");
}
