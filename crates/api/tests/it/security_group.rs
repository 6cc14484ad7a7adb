//! Security groups and their rules.

use crate::harness::{Case, Client, Params, World, at, column, list, nothing, params};

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const ABSENT: &str = "sg-0123456789abcdef0";
const BAD_GROUP: Bad =
    &[(&[("GroupId", "sg-1")], "InvalidGroupId.Malformed"), (&[("GroupId", ABSENT)], "InvalidGroup.NotFound")];

const BAD_RULES: Bad = &[
    (&[("GroupId", "sg-1")], "InvalidGroupId.Malformed"),
    (&[("GroupId", ABSENT), ("IpPermissions.1.IpProtocol", "tcp")], "InvalidGroup.NotFound"),
    (&[("GroupId", ABSENT), ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/33")], "InvalidParameterValue"),
    (&[("GroupId", ABSENT), ("IpPermissions.1.Nonsense", "1")], "UnknownParameter"),
];

const BAD_DESCRIPTIONS: Bad = &[
    (&[("GroupId", ABSENT)], "InvalidGroup.NotFound"),
    (&[("SecurityGroupRuleDescription.1.SecurityGroupRuleId", "sgr-1")], "InvalidSecurityGroupRuleId.Malformed"),
];

/// The cases of security groups.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateSecurityGroup",
        |client| {
            params([
                ("GroupName", "web"),
                ("GroupDescription", "What the world may reach"),
                ("VpcId", &default_vpc(client)),
                ("TagSpecification.1.ResourceType", "security-group"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ])
        },
        &[
            (&[("GroupName", "web")], "MissingParameter"),
            (&[("GroupName", "default"), ("GroupDescription", "d")], "InvalidParameterValue"),
            (&[("GroupName", "sg-web"), ("GroupDescription", "d")], "InvalidParameterValue"),
            (&[("GroupName", "wéb"), ("GroupDescription", "d")], "InvalidParameterValue"),
            (&[("GroupName", "web"), ("GroupDescription", "d"), ("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
            (
                &[("GroupName", "web"), ("GroupDescription", "d"), ("VpcId", "vpc-0123456789abcdef0")],
                "InvalidVpcID.NotFound",
            ),
            (
                &[
                    ("GroupName", "web"),
                    ("GroupDescription", "d"),
                    ("TagSpecification.1.ResourceType", "instance"),
                    ("TagSpecification.1.Tag.1.Key", "Name"),
                ],
                "InvalidParameterValue",
            ),
        ],
    ),
    Case::ec2("DeleteSecurityGroup", |client| params([("GroupId", &create(client, "web"))]), BAD_GROUP),
    Case::ec2(
        "DescribeSecurityGroups",
        |client| {
            let group = create(client, "web");
            allow(client, &group);
            params([("GroupId.1", group)])
        },
        &[
            (&[("GroupId.1", ABSENT)], "InvalidGroup.NotFound"),
            (&[("GroupName.1", "absent")], "InvalidGroup.NotFound"),
            (&[("GroupId.1", "sg-1")], "InvalidGroupId.Malformed"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
            (&[("MaxResults", "0")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeSecurityGroupRules",
        |client| {
            let group = create(client, "web");
            allow(client, &group);
            let rules =
                client.ok("DescribeSecurityGroupRules", &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", &group)]);
            let ids = column(&rules, "securityGroupRuleSet", "securityGroupRuleId");
            params(ids.iter().enumerate().map(|(index, id)| (format!("SecurityGroupRuleId.{}", index + 1), *id)))
        },
        &[
            (&[("SecurityGroupRuleId.1", "sgr-0123456789abcdef0")], "InvalidSecurityGroupRuleId.NotFound"),
            (&[("SecurityGroupRuleId.1", "sgr-1")], "InvalidSecurityGroupRuleId.Malformed"),
        ],
    ),
    Case::ec2(
        "AuthorizeSecurityGroupIngress",
        |client| {
            let group = create(client, "web");
            let mut good = permission(&group, "10.1.2.3/8");
            good.extend(params([
                ("IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "2001:db8::/32"),
                ("IpPermissions.1.Groups.1.GroupId", group.as_str()),
                ("IpPermissions.1.Groups.1.Description", "each other"),
                ("IpPermissions.2.IpProtocol", "icmp"),
                ("IpPermissions.2.FromPort", "8"),
                ("IpPermissions.2.ToPort", "-1"),
                ("IpPermissions.2.IpRanges.1.CidrIp", "0.0.0.0/0"),
                ("TagSpecification.1.ResourceType", "security-group-rule"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "http"),
            ]));
            good
        },
        BAD_RULES,
    ),
    Case::ec2("AuthorizeSecurityGroupEgress", |client| permission(&create(client, "web"), "10.0.0.0/8"), BAD_RULES),
    Case::ec2(
        "RevokeSecurityGroupIngress",
        |client| {
            let group = create(client, "web");
            allow(client, &group);
            permission(&group, "10.0.0.0/8")
        },
        BAD_RULES,
    ),
    Case::ec2(
        "RevokeSecurityGroupEgress",
        |client| {
            params([
                ("GroupId", create(client, "web").as_str()),
                ("IpPermissions.1.IpProtocol", "-1"),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
            ])
        },
        BAD_RULES,
    ),
    Case::ec2(
        "ModifySecurityGroupRules",
        |client| {
            let group = create(client, "web");
            let rule = allow(client, &group);
            params([
                ("GroupId", group.as_str()),
                ("SecurityGroupRule.1.SecurityGroupRuleId", &rule),
                ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "udp"),
                ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "53"),
                ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "53"),
                ("SecurityGroupRule.1.SecurityGroupRule.CidrIpv4", "10.0.0.0/8"),
            ])
        },
        &[
            (&[("GroupId", ABSENT)], "MissingParameter"),
            (
                &[
                    ("GroupId", ABSENT),
                    ("SecurityGroupRule.1.SecurityGroupRuleId", "sgr-0123456789abcdef0"),
                    ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "-1"),
                    ("SecurityGroupRule.1.SecurityGroupRule.CidrIpv4", "10.0.0.0/8"),
                ],
                "InvalidGroup.NotFound",
            ),
        ],
    ),
    Case::ec2(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        |client| {
            let group = create(client, "web");
            let rule = allow(client, &group);
            params([
                ("GroupId", group.as_str()),
                ("SecurityGroupRuleDescription.1.SecurityGroupRuleId", &rule),
                ("SecurityGroupRuleDescription.1.Description", "from the office"),
            ])
        },
        BAD_DESCRIPTIONS,
    ),
    Case::ec2(
        "UpdateSecurityGroupRuleDescriptionsEgress",
        |client| {
            params([
                ("GroupId", create(client, "web").as_str()),
                ("IpPermissions.1.IpProtocol", "-1"),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
                ("IpPermissions.1.IpRanges.1.Description", "everywhere"),
            ])
        },
        BAD_DESCRIPTIONS,
    ),
];

/// The caller's default VPC, as its default group tells it.
fn default_vpc(client: &Client<'_>) -> String {
    let groups = client.ok("DescribeSecurityGroups", &[("GroupName.1", "default")]);
    at(&groups, "securityGroupInfo.0.vpcId").to_owned()
}

/// Makes a group in the default VPC.
pub fn create(client: &Client<'_>, name: &str) -> String {
    let made = client.ok("CreateSecurityGroup", &[("GroupName", name), ("GroupDescription", "a group")]);
    at(&made, "groupId").to_owned()
}

fn permission(group: &str, cidr: &str) -> Params {
    params([
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.IpRanges.1.CidrIp", cidr),
    ])
}

/// Lets 10.0.0.0/8 reach port 80; the rule's id.
fn allow(client: &Client<'_>, group: &str) -> String {
    let answer = client.send("ec2", "AuthorizeSecurityGroupIngress", &permission(group, "10.0.0.0/8"));
    at(&answer.tree(), "securityGroupRuleSet.0.securityGroupRuleId").to_owned()
}

/// Tries a permission inwards on a new group: the error's code, or none.
fn authorise(permission: &[(&str, &str)]) -> Result<(), String> {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let mut all = params([("GroupId", group.as_str())]);
    all.extend(permission.iter().map(|(name, value)| (format!("IpPermissions.1.{name}"), (*value).to_owned())));
    let answer = client.send("ec2", "AuthorizeSecurityGroupIngress", &all);
    if answer.status == 200 { Ok(()) } else { Err(answer.code()) }
}

#[test]
fn ports_are_checked_by_protocol() {
    let range = ("IpRanges.1.CidrIp", "10.0.0.0/8");
    for (protocol, from, to, good) in [
        ("tcp", "0", "65535", true),
        ("6", "22", "22", true),
        ("UDP", "53", "53", true),
        ("tcp", "-1", "-1", false),
        ("tcp", "80", "22", false),
        ("tcp", "1", "65536", false),
        ("icmp", "-1", "-1", true),
        ("icmp", "8", "-1", true),
        ("icmp", "3", "4", true),
        ("icmp", "-1", "0", false),
        ("icmp", "256", "0", false),
        ("-1", "80", "80", true),
        ("50", "0", "0", true),
        ("nonsense", "1", "1", false),
        ("256", "1", "1", false),
    ] {
        let result = authorise(&[("IpProtocol", protocol), ("FromPort", from), ("ToPort", to), range]);
        let expected = if good { Ok(()) } else { Err("InvalidParameterValue".to_owned()) };
        assert_eq!(result, expected, "{protocol} {from} {to}");
    }
    let code = |permission: &[(&str, &str)]| authorise(permission).unwrap_err();
    assert_eq!(code(&[("IpProtocol", "tcp"), ("FromPort", "80"), range]), "InvalidParameterValue");
    assert_eq!(code(&[("FromPort", "80"), ("ToPort", "80"), range]), "InvalidParameterValue");
    assert_eq!(code(&[("IpProtocol", "-1")]), "MissingParameter");
    assert_eq!(
        code(&[("IpProtocol", "-1"), ("PrefixListIds.1.PrefixListId", "pl-12345678")]),
        "InvalidPrefixListID.NotFound"
    );
    assert_eq!(code(&[("IpProtocol", "-1"), ("Groups.1.GroupId", ABSENT)]), "InvalidGroup.NotFound");
    assert_eq!(code(&[("IpProtocol", "-1"), range, ("IpRanges.2.CidrIp", "10.9.9.9/8")]), "InvalidParameterValue");
    let foreign = [("IpProtocol", "-1"), ("Groups.1.GroupName", "default"), ("Groups.1.UserId", "999999999999")];
    assert_eq!(code(&foreign), "InvalidGroup.NotFound");
    let described = [("IpProtocol", "-1"), range, ("IpRanges.1.Description", "what? ‽")];
    assert_eq!(code(&described), "InvalidParameterValue");
}

#[test]
fn icmpv6_needs_no_types_and_no_ipv4() {
    assert_eq!(authorise(&[("IpProtocol", "icmpv6"), ("Ipv6Ranges.1.CidrIpv6", "::/0")]), Ok(()));
    let v4 = [("IpProtocol", "icmpv6"), ("IpRanges.1.CidrIp", "0.0.0.0/0")];
    assert_eq!(authorise(&v4), Err("InvalidParameterCombination".into()));
}

#[test]
fn a_rule_is_there_once_and_goes_once() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    allow(&client, &group);
    let again = client.send("ec2", "AuthorizeSecurityGroupIngress", &permission(&group, "10.0.0.0/8"));
    assert_eq!(again.code(), "InvalidPermission.Duplicate");
    let expected =
        "the specified rule &quot;peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW&quot; already exists";
    assert!([expected.to_owned(), expected.replace("&quot;", "\"")].contains(&again.message()), "{}", again.message());
    let gone = client.send("ec2", "RevokeSecurityGroupIngress", &permission(&group, "10.0.0.0/8"));
    assert_eq!(list(&gone.tree(), "revokedSecurityGroupRuleSet").len(), 1, "{}", gone.body);
    let missing = client.send("ec2", "RevokeSecurityGroupIngress", &permission(&group, "10.0.0.0/8"));
    assert_eq!(missing.code(), "InvalidPermission.NotFound");
}

#[test]
fn an_ipv6_rule_outwards_that_is_not_there_is_not_found() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let revoke = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "::/0"),
    ];
    assert_eq!(client.refused("RevokeSecurityGroupEgress", &revoke), "InvalidPermission.NotFound");
}

#[test]
fn several_rules_come_all_or_not_at_all() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    allow(&client, &group);
    let before = world.revision();
    let mut two = permission(&group, "192.0.2.0/24");
    two.push(("IpPermissions.1.IpRanges.2.CidrIp".into(), "10.0.0.0/8".into()));
    assert_eq!(client.send("ec2", "AuthorizeSecurityGroupIngress", &two).code(), "InvalidPermission.Duplicate");
    assert_eq!(client.send("ec2", "RevokeSecurityGroupIngress", &two).code(), "InvalidPermission.NotFound");
    assert_eq!(world.revision(), before);
}

#[test]
fn the_single_parameters_make_rules_inwards_only() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let single = [("IpProtocol", "tcp"), ("FromPort", "22"), ("ToPort", "22"), ("CidrIp", "0.0.0.0/0")];
    let by_name = [&[("GroupName", "web")], &single[..]].concat();
    let made = client.ok("AuthorizeSecurityGroupIngress", &by_name);
    assert_eq!(at(&made, "securityGroupRuleSet.0.cidrIpv4"), "0.0.0.0/0");
    let outwards = [&[("GroupId", group.as_str())], &single[..]].concat();
    assert_eq!(client.refused("AuthorizeSecurityGroupEgress", &outwards), "InvalidParameterCombination");
    let from_group = [("GroupId", group.as_str()), ("SourceSecurityGroupName", "default")];
    let made = client.ok("AuthorizeSecurityGroupIngress", &from_group);
    assert_eq!(column(&made, "securityGroupRuleSet", "ipProtocol"), ["tcp", "udp", "icmp"]);
    let both = [&by_name[..], &[("IpPermissions.1.IpProtocol", "-1")]].concat();
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &both), "InvalidParameterCombination");
    let twice_named = [("GroupId", group.as_str()), ("GroupName", "web")];
    assert_eq!(client.refused("DeleteSecurityGroup", &twice_named), "InvalidParameterCombination");
}

#[test]
fn a_group_that_is_used_stays() {
    let world = World::new();
    let client = world.root();
    let (web, db) = (create(&client, "web"), create(&client, "db"));
    let reference = [
        ("GroupId", db.as_str()),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.Groups.1.GroupId", web.as_str()),
    ];
    client.ok("AuthorizeSecurityGroupIngress", &reference);
    assert_eq!(client.refused("DeleteSecurityGroup", &[("GroupId", &web)]), "DependencyViolation");
    client.ok("RevokeSecurityGroupIngress", &reference);
    client.ok("DeleteSecurityGroup", &[("GroupId", &web)]);
    assert_eq!(client.refused("DeleteSecurityGroup", &[("GroupId", &web)]), "InvalidGroup.NotFound");
    assert_eq!(client.refused("DeleteSecurityGroup", &[("GroupName", "default")]), "CannotDelete");
    let duplicate = [("GroupName", "db"), ("GroupDescription", "again")];
    assert_eq!(client.refused("CreateSecurityGroup", &duplicate), "InvalidGroup.Duplicate");
}

#[test]
fn a_modified_rule_keeps_its_id_and_kind() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let rule = allow(&client, &group);
    let modify = |peer: (&str, &str)| {
        let (name, value) = peer;
        client.call(
            "ModifySecurityGroupRules",
            &[
                ("GroupId", &group),
                ("SecurityGroupRule.1.SecurityGroupRuleId", &rule),
                ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "tcp"),
                ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "443"),
                ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "443"),
                (&format!("SecurityGroupRule.1.SecurityGroupRule.{name}"), value),
            ],
        )
    };
    assert_eq!(modify(("CidrIpv6", "::/0")).code(), "InvalidParameterCombination");
    assert_eq!(modify(("PrefixListId", "pl-1")).code(), "InvalidPrefixListId.Malformed");
    assert_eq!(modify(("PrefixListId", "pl-12345678")).code(), "InvalidParameterCombination");
    assert_eq!(modify(("CidrIpv4", "192.0.2.0/24")).status, 200);
    let rules = client.ok("DescribeSecurityGroupRules", &[("SecurityGroupRuleId.1", &rule)]);
    assert_eq!(at(&rules, "securityGroupRuleSet.0.fromPort"), "443");
    assert_eq!(at(&rules, "securityGroupRuleSet.0.cidrIpv4"), "192.0.2.0/24");
}

#[test]
fn descriptions_change_and_vanish() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let rule = allow(&client, &group);
    let name = "SecurityGroupRuleDescription.1.SecurityGroupRuleId";
    let describe =
        [("GroupId", group.as_str()), (name, &rule), ("SecurityGroupRuleDescription.1.Description", "office")];
    client.ok("UpdateSecurityGroupRuleDescriptionsIngress", &describe);
    let shown = || client.ok("DescribeSecurityGroups", &[("GroupId.1", &group)]);
    assert_eq!(at(&shown(), "securityGroupInfo.0.ipPermissions.0.ipRanges.0.description"), "office");
    client.ok("UpdateSecurityGroupRuleDescriptionsIngress", &describe[..2]);
    let after = shown();
    assert!(!format!("{after:?}").contains("office"));
    assert_eq!(
        client.refused("UpdateSecurityGroupRuleDescriptionsEgress", &describe),
        "InvalidSecurityGroupRuleId.NotFound"
    );
}

#[test]
fn filters_select_groups() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    allow(&client, &group);
    client.ok("CreateTags", &[("ResourceId.1", &group), ("Tag.1.Key", "Stage"), ("Tag.1.Value", "test")]);
    for (name, value, count) in [
        ("group-name", "w?b", 1),
        ("group-id", group.as_str(), 1),
        ("description", "*", 2),
        ("ip-permission.cidr", "10.0.0.0/8", 1),
        ("ip-permission.from-port", "80", 1),
        ("ip-permission.to-port", "81", 0),
        ("ip-permission.protocol", "tcp", 1),
        ("ip-permission.group-name", "default", 1),
        ("ip-permission.user-id", crate::harness::ACCOUNT, 1),
        ("egress.ip-permission.protocol", "-1", 2),
        ("egress.ip-permission.cidr", "0.0.0.0/0", 2),
        ("ip-permission.ipv6-cidr", "*", 0),
        ("ip-permission.prefix-list-id", "*", 0),
        ("owner-id", crate::harness::OTHER_ACCOUNT, 0),
        ("tag:Stage", "te*", 1),
        ("tag-key", "Stage", 1),
    ] {
        let answer = client.ok("DescribeSecurityGroups", &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(list(&answer, "securityGroupInfo").len(), count, "{name}={value}");
    }
}

#[test]
fn pages_of_groups_are_the_whole() {
    let world = World::new();
    let client = world.root();
    for index in 0..12 {
        create(&client, &format!("group {index}"));
    }
    let mut token = String::new();
    let mut seen = Vec::new();
    loop {
        let mut asked = vec![("MaxResults", "5")];
        if !token.is_empty() {
            asked.push(("NextToken", token.as_str()));
        }
        let page = client.ok("DescribeSecurityGroups", &asked);
        seen.extend(column(&page, "securityGroupInfo", "groupId").into_iter().map(str::to_owned));
        match crate::harness::find(&page, "nextToken").and_then(|token| token.as_text()) {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 13);
    assert!(seen.is_sorted());
}

#[test]
fn groups_of_another_account_are_not_listed() {
    let world = World::new();
    create(&world.other(), "theirs");
    let groups = world.root().send("ec2", "DescribeSecurityGroups", &nothing(&world.root()));
    assert!(!groups.body.contains("theirs"), "{}", groups.body);
}
