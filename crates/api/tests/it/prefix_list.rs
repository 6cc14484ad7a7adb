//! Prefix lists: versions, sizes, who refers to them, and the region's own.

use landfall_wire::Tree;

use crate::harness::{Case, Client, World, at, column, list, params};
use crate::network::{check_filters, default_vpc};

const LIST: &str = "pl-0123456789abcdef0";

/// The cases of prefix lists.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateManagedPrefixList",
        |_| {
            params([
                ("PrefixListName", "offices"),
                ("AddressFamily", "IPv4"),
                ("MaxEntries", "5"),
                ("Entry.1.Cidr", "203.0.113.0/24"),
                ("Entry.1.Description", "north"),
                ("Entry.2.Cidr", "10.1.2.3/16"),
                ("TagSpecification.1.ResourceType", "prefix-list"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "offices"),
                ("ClientToken", "once"),
            ])
        },
        &[
            (&[("PrefixListName", "a"), ("AddressFamily", "IPv4")], "MissingParameter"),
            (&[("PrefixListName", "a"), ("AddressFamily", "IPX"), ("MaxEntries", "1")], "InvalidParameterValue"),
            (&[("PrefixListName", "a"), ("AddressFamily", "IPv4"), ("MaxEntries", "0")], "InvalidParameterValue"),
            (&[("PrefixListName", "a"), ("AddressFamily", "IPv4"), ("MaxEntries", "1001")], "InvalidParameterValue"),
            (
                &[("PrefixListName", "com.amazonaws.x"), ("AddressFamily", "IPv4"), ("MaxEntries", "1")],
                "InvalidParameterValue",
            ),
            (
                &[
                    ("PrefixListName", "a"),
                    ("AddressFamily", "IPv6"),
                    ("MaxEntries", "1"),
                    ("Entry.1.Cidr", "10.0.0.0/8"),
                ],
                "InvalidParameterValue",
            ),
            (
                &[
                    ("PrefixListName", "a"),
                    ("AddressFamily", "IPv4"),
                    ("MaxEntries", "1"),
                    ("Entry.1.Cidr", "10.0.0.0/8"),
                    ("Entry.2.Cidr", "11.0.0.0/8"),
                ],
                "PrefixListMaxEntriesExceeded",
            ),
        ],
    ),
    Case::ec2(
        "ModifyManagedPrefixList",
        |client| {
            params([
                ("PrefixListId", create(client, "IPv4", &["10.0.0.0/8"]).as_str()),
                ("CurrentVersion", "1"),
                ("PrefixListName", "sites"),
                ("AddEntry.1.Cidr", "192.168.0.0/16"),
                ("RemoveEntry.1.Cidr", "10.0.0.0/8"),
            ])
        },
        &[
            (&[("PrefixListId", LIST)], "InvalidPrefixListID.NotFound"),
            (&[("PrefixListId", "pl-1")], "InvalidPrefixListId.Malformed"),
            (&[("PrefixListId", LIST), ("IpamPrefixListResolverSyncEnabled", "true")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "RestoreManagedPrefixListVersion",
        |client| {
            let id = create(client, "IPv4", &["10.0.0.0/8"]);
            client.ok(
                "ModifyManagedPrefixList",
                &[("PrefixListId", &id), ("CurrentVersion", "1"), ("RemoveEntry.1.Cidr", "10.0.0.0/8")],
            );
            params([("PrefixListId", id.as_str()), ("PreviousVersion", "1"), ("CurrentVersion", "2")])
        },
        &[
            (
                &[("PrefixListId", LIST), ("PreviousVersion", "1"), ("CurrentVersion", "2")],
                "InvalidPrefixListID.NotFound",
            ),
            (&[("PrefixListId", LIST)], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DeleteManagedPrefixList",
        |client| params([("PrefixListId", create(client, "IPv4", &[]))]),
        &[(&[("PrefixListId", LIST)], "InvalidPrefixListID.NotFound")],
    ),
    Case::ec2(
        "DescribeManagedPrefixLists",
        |client| {
            create(client, "IPv6", &["fd00::/8"]);
            params::<&str, &str>([])
        },
        &[
            (&[("PrefixListId.1", LIST)], "InvalidPrefixListID.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("MaxResults", "101")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribePrefixLists",
        |client| {
            create(client, "IPv6", &["fd00::/8"]);
            params::<&str, &str>([])
        },
        &[
            (&[("PrefixListId.1", LIST)], "InvalidPrefixListID.NotFound"),
            (&[("Filter.1.Name", "owner-id"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "GetManagedPrefixListEntries",
        |client| params([("PrefixListId", create(client, "IPv4", &["10.0.0.0/8", "192.168.0.0/16"]))]),
        &[(&[("PrefixListId", LIST)], "InvalidPrefixListID.NotFound")],
    ),
    Case::ec2(
        "GetManagedPrefixListAssociations",
        |client| {
            let id = create(client, "IPv4", &[]);
            allow(client, &group(client), &id);
            params([("PrefixListId", id)])
        },
        &[(&[("PrefixListId", LIST)], "InvalidPrefixListID.NotFound")],
    ),
];

/// A list of ten entries at most; its id.
pub fn create(client: &Client<'_>, family: &str, entries: &[&str]) -> String {
    let names: Vec<_> = (1..=entries.len()).map(|n| format!("Entry.{n}.Cidr")).collect();
    let mut request = vec![("PrefixListName", "sites"), ("AddressFamily", family), ("MaxEntries", "10")];
    request.extend(names.iter().map(String::as_str).zip(entries.iter().copied()));
    at(&client.ok("CreateManagedPrefixList", &request), "prefixList.prefixListId").to_owned()
}

fn group(client: &Client<'_>) -> String {
    let request = [("GroupName", "web"), ("GroupDescription", "web"), ("VpcId", &default_vpc(client))];
    at(&client.ok("CreateSecurityGroup", &request), "groupId").to_owned()
}

fn rule<'a>(group: &'a str, list: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "443"),
        ("IpPermissions.1.ToPort", "443"),
        ("IpPermissions.1.PrefixListIds.1.PrefixListId", list),
    ]
}

fn allow(client: &Client<'_>, group: &str, list: &str) -> Tree {
    client.ok("AuthorizeSecurityGroupIngress", &rule(group, list))
}

fn entries(client: &Client<'_>, id: &str, version: Option<&str>) -> Vec<String> {
    let mut request = vec![("PrefixListId", id)];
    request.extend(version.map(|version| ("TargetVersion", version)));
    let tree = client.ok("GetManagedPrefixListEntries", &request);
    column(&tree, "entrySet", "cidr").into_iter().map(str::to_owned).collect()
}

#[test]
fn each_change_of_entries_is_a_version() {
    let world = World::new();
    let client = world.root();
    let id = create(&client, "IPv4", &["10.0.0.0/8", "172.16.0.0/12"]);
    let shown = || client.ok("DescribeManagedPrefixLists", &[("PrefixListId.1", &id)]);
    assert_eq!(at(&shown(), "prefixListSet.0.state"), "create-complete");
    let change = |more: &[(&str, &str)]| {
        client.call("ModifyManagedPrefixList", &[&[("PrefixListId", id.as_str())], more].concat())
    };
    let version = |version: &'static str| ("CurrentVersion", version);
    let removed = change(&[version("1"), ("RemoveEntry.1.Cidr", "10.0.0.0/8"), ("AddEntry.1.Cidr", "192.168.0.0/16")]);
    assert_eq!(at(&removed.tree(), "prefixList.state"), "modify-in-progress");
    assert_eq!(at(&removed.tree(), "prefixList.version"), "2");
    assert_eq!(at(&shown(), "prefixListSet.0.state"), "modify-complete");
    for (request, code) in [
        (vec![version("1"), ("AddEntry.1.Cidr", "11.0.0.0/8")], "PrefixListVersionMismatch"),
        (vec![("AddEntry.1.Cidr", "11.0.0.0/8")], "MissingParameter"),
        (vec![version("2"), ("AddEntry.1.Cidr", "192.168.0.0/16")], "InvalidPrefixListModification"),
        (vec![version("2"), ("RemoveEntry.1.Cidr", "11.0.0.0/8")], "InvalidPrefixListModification"),
        (vec![version("2"), ("AddEntry.1.Cidr", "fd00::/8")], "InvalidParameterValue"),
        (vec![version("2"), ("AddEntry.1.Cidr", "11.0.0.0/8"), ("MaxEntries", "20")], "InvalidParameterCombination"),
        (vec![("MaxEntries", "1")], "PrefixListMaxEntriesExceeded"),
        (vec![("PrefixListName", "com.amazonaws.mine")], "InvalidParameterValue"),
    ] {
        assert_eq!(change(&request).code(), code, "{request:?}");
    }
    let named = change(&[("PrefixListName", "offices"), ("MaxEntries", "2")]);
    assert_eq!(at(&named.tree(), "prefixList.version"), "2", "neither name nor size is a version's");
    let full = change(&[version("2"), ("AddEntry.1.Cidr", "11.0.0.0/8")]);
    assert_eq!(full.code(), "PrefixListMaxEntriesExceeded");
    assert_eq!(entries(&client, &id, None), ["172.16.0.0/12", "192.168.0.0/16"]);
    assert_eq!(entries(&client, &id, Some("1")), ["10.0.0.0/8", "172.16.0.0/12"]);
    let third = [("PrefixListId", id.as_str()), ("TargetVersion", "3")];
    assert_eq!(client.refused("GetManagedPrefixListEntries", &third), "InvalidParameterValue");
    let restore = |previous: &str, current: &str| {
        let request = [("PrefixListId", id.as_str()), ("PreviousVersion", previous), ("CurrentVersion", current)];
        client.call("RestoreManagedPrefixListVersion", &request)
    };
    assert_eq!(restore("1", "1").code(), "PrefixListVersionMismatch");
    assert_eq!(restore("9", "2").code(), "InvalidParameterValue");
    assert_eq!(restore("1", "2").status, 200);
    assert_eq!(entries(&client, &id, None), ["10.0.0.0/8", "172.16.0.0/12"]);
    let tree = shown();
    assert_eq!(at(&tree, "prefixListSet.0.version"), "3");
    assert_eq!(at(&tree, "prefixListSet.0.state"), "restore-complete");
    let pages = client.ok("GetManagedPrefixListEntries", &[("PrefixListId", &id), ("MaxResults", "1")]);
    let next = [("PrefixListId", id.as_str()), ("MaxResults", "1"), ("NextToken", at(&pages, "nextToken"))];
    assert_eq!(column(&client.ok("GetManagedPrefixListEntries", &next), "entrySet", "cidr"), ["172.16.0.0/12"]);
}

#[test]
fn a_list_that_is_referred_to_stays() {
    let world = World::new();
    let client = world.root();
    let (id, group) = (create(&client, "IPv4", &["10.0.0.0/8"]), group(&client));
    let made = allow(&client, &group, &id);
    assert_eq!(at(&made, "securityGroupRuleSet.0.prefixListId"), id);
    let shown = client.ok("DescribeSecurityGroups", &[("GroupId.1", &group)]);
    assert_eq!(at(&shown, "securityGroupInfo.0.ipPermissions.0.prefixListIds.0.prefixListId"), id);
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &rule(&group, &id)), "InvalidPermission.Duplicate");
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &rule(&group, LIST)), "InvalidPrefixListID.NotFound");
    let tree = client.ok("GetManagedPrefixListAssociations", &[("PrefixListId", &id)]);
    assert_eq!(column(&tree, "prefixListAssociationSet", "resourceId"), [group.as_str()]);
    assert_eq!(column(&tree, "prefixListAssociationSet", "resourceOwner"), ["111122223333"]);
    assert_eq!(client.refused("DeleteManagedPrefixList", &[("PrefixListId", &id)]), "DependencyViolation");

    let other = create(&client, "IPv6", &[]);
    let update = [
        ("GroupId", group.as_str()),
        ("SecurityGroupRule.1.SecurityGroupRuleId", at(&made, "securityGroupRuleSet.0.securityGroupRuleId")),
        ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "tcp"),
        ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "80"),
        ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "80"),
        ("SecurityGroupRule.1.SecurityGroupRule.PrefixListId", &other),
    ];
    client.ok("ModifySecurityGroupRules", &update);
    client.ok("DeleteManagedPrefixList", &[("PrefixListId", &id)]);
    assert_eq!(
        client.refused("DescribeManagedPrefixLists", &[("PrefixListId.1", &id)]),
        "InvalidPrefixListID.NotFound"
    );
    let mut revoke = rule(&group, &other);
    (revoke[2].1, revoke[3].1) = ("80", "80");
    client.ok("RevokeSecurityGroupIngress", &revoke);
    client.ok("DeleteManagedPrefixList", &[("PrefixListId", &other)]);
}

#[test]
fn a_list_counts_for_as_many_rules_as_it_may_have_entries() {
    let world = World::new();
    let client = world.root();
    let group = group(&client);
    let ids: Vec<_> = (0..6).map(|_| create(&client, "IPv4", &[])).collect();
    for id in &ids {
        allow(&client, &group, id);
    }
    let one = |range: (&str, &str)| {
        let mut rule = rule(&group, "").to_vec();
        rule[4] = range;
        client.call("AuthorizeSecurityGroupIngress", &rule)
    };
    let full = one(("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"));
    assert_eq!(full.code(), "RulesPerSecurityGroupLimitExceeded", "six lists of ten are sixty rules");
    let v6 = one(("IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "fd00::/8"));
    assert_eq!(v6.status, 200, "IPv6 has sixty of its own: {}", v6.body);
    let grow = [("PrefixListId", ids[0].as_str()), ("MaxEntries", "11")];
    assert_eq!(client.refused("ModifyManagedPrefixList", &grow), "RulesPerSecurityGroupLimitExceeded");
    client.ok("ModifyManagedPrefixList", &[("PrefixListId", &ids[0]), ("MaxEntries", "9")]);
    assert_eq!(one(("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8")).status, 200);
}

#[test]
fn the_regions_lists_are_everybodys_and_nobodys() {
    let world = World::new();
    let name = "com.amazonaws.us-east-1.s3";
    let by_name = [("Filter.1.Name", "prefix-list-name"), ("Filter.1.Value.1", name)];
    let mut ids = Vec::new();
    for client in [world.root(), world.other()] {
        create(&client, "IPv4", &[]);
        let tree = client.ok("DescribeManagedPrefixLists", &by_name);
        assert_eq!(list(&tree, "prefixListSet").len(), 1);
        assert_eq!(at(&tree, "prefixListSet.0.ownerId"), "AWS");
        let id = at(&tree, "prefixListSet.0.prefixListId").to_owned();
        assert_eq!(at(&tree, "prefixListSet.0.prefixListArn"), format!("arn:aws:ec2:us-east-1:aws:prefix-list/{id}"));
        let blocks = client.ok("DescribePrefixLists", &by_name);
        assert_eq!(at(&blocks, "prefixListSet.0.cidrSet.0"), "198.19.0.0/24");
        assert_eq!(entries(&client, &id, None), ["198.19.0.0/24"]);
        allow(&client, &group(&client), &id);
        let associations = client.ok("GetManagedPrefixListAssociations", &[("PrefixListId", &id)]);
        assert_eq!(list(&associations, "prefixListAssociationSet").len(), 1, "of one's own alone");
        check_filters(
            &client,
            "DescribeManagedPrefixLists",
            "prefixListSet",
            &[
                ("owner-id", "AWS", 2),
                ("prefix-list-id", &id, 1),
                ("prefix-list-name", "com.amazonaws.us-east-1.dynamodb", 1),
            ],
        );
        check_filters(
            &client,
            "DescribePrefixLists",
            "prefixListSet",
            &[("prefix-list-id", &id, 1), ("prefix-list-name", "com.amazonaws.us-east-1.*", 2)],
        );
        assert_eq!(list(&client.ok("DescribeManagedPrefixLists", &[]), "prefixListSet").len(), 3);
        assert_eq!(client.refused("DeleteManagedPrefixList", &[("PrefixListId", &id)]), "OperationNotPermitted");
        let change = [("PrefixListId", id.as_str()), ("PrefixListName", "mine")];
        assert_eq!(client.refused("ModifyManagedPrefixList", &change), "OperationNotPermitted");
        let tag = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")];
        assert_eq!(client.refused("CreateTags", &tag), "InvalidPrefixListID.NotFound");
        ids.push(id);
    }
    assert_eq!(ids[0], ids[1]);
    let elsewhere = world.root().at("eu-west-1");
    let tree = elsewhere.ok("DescribePrefixLists", &[]);
    let mut names = column(&tree, "prefixListSet", "prefixListName");
    names.sort_unstable();
    assert_eq!(names, ["com.amazonaws.eu-west-1.dynamodb", "com.amazonaws.eu-west-1.s3"]);
}
