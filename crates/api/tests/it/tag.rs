//! Tags.

use crate::harness::{ACCOUNT, Case, Client, IMAGE, World, at, column, find, list, nothing, params};
use crate::network::check_filters;
use crate::security_group::create;
use crate::{insights, prefix_list, transit_gateway};

/// The cases of tags.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateTags",
        |client| {
            params([
                ("ResourceId.1", create(client, "web").as_str()),
                ("Tag.1.Key", "Stage"),
                ("Tag.1.Value", "test"),
                ("Tag.2.Key", "Empty"),
            ])
        },
        &[
            (&[("Tag.1.Key", "a")], "MissingParameter"),
            (&[("ResourceId.1", IMAGE)], "MissingParameter"),
            (&[("ResourceId.1", "nonsense"), ("Tag.1.Key", "a")], "InvalidID"),
            (&[("ResourceId.1", "i-1"), ("Tag.1.Key", "a")], "InvalidInstanceID.Malformed"),
            (&[("ResourceId.1", "vol-0123456789abcdef0"), ("Tag.1.Key", "a")], "InvalidVolume.NotFound"),
            (&[("ResourceId.1", "i-0123456789abcdef0"), ("Tag.1.Key", "a")], "InvalidInstanceID.NotFound"),
            (
                &[("ResourceId.1", IMAGE), ("ResourceId.2", "vpc-0123456789abcdef0"), ("Tag.1.Key", "a")],
                "InvalidVpcID.NotFound",
            ),
            (&[("ResourceId.1", IMAGE), ("Tag.1.Key", "aws:a")], "InvalidParameterValue"),
            (&[("ResourceId.1", IMAGE), ("Tag.1.Key", "AWS:a")], "InvalidParameterValue"),
            (&[("ResourceId.1", IMAGE), ("Tag.1.Key", "")], "InvalidParameterValue"),
            (&[("ResourceId.1", IMAGE), ("Tag.1.Key", "a"), ("Tag.2.Key", "a")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DeleteTags",
        |client| {
            let group = create(client, "web");
            tag(client, &group, "Stage", "test");
            params([("ResourceId.1", group.as_str()), ("Tag.1.Key", "Stage")])
        },
        &[
            (&[("Tag.1.Key", "a")], "MissingParameter"),
            (&[("ResourceId.1", "eni-0123456789abcdef0")], "InvalidNetworkInterfaceID.NotFound"),
            (&[("ResourceId.1", IMAGE), ("Tag.1.Key", "aws:a")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeTags",
        |client| {
            tag(client, IMAGE, "Stage", "test");
            nothing(client)
        },
        &[
            (&[("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "x")], "InvalidNextToken"),
        ],
    ),
];

fn tag(client: &Client<'_>, id: &str, key: &str, value: &str) {
    client.ok("CreateTags", &[("ResourceId.1", id), ("Tag.1.Key", key), ("Tag.1.Value", value)]);
}

fn tags(client: &Client<'_>, filter: &str, value: &str) -> Vec<String> {
    let shown = client.ok("DescribeTags", &[("Filter.1.Name", filter), ("Filter.1.Value.1", value)]);
    list(&shown, "tagSet").iter().map(|row| format!("{}={}", at(row, "key"), at(row, "value"))).collect()
}

#[test]
fn filters_are_about_the_tag_itself() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    tag(&client, &group, "Stage", "test");
    tag(&client, &group, "Name", "web");
    tag(&client, IMAGE, "Stage", "live");
    assert_eq!(tags(&client, "tag:Stage", "*"), ["Stage=live", "Stage=test"]);
    assert_eq!(tags(&client, "tag:Stage", "test"), ["Stage=test"]);
    assert_eq!(tags(&client, "key", "N*"), ["Name=web"]);
    assert_eq!(tags(&client, "value", "web"), ["Name=web"]);
    assert_eq!(tags(&client, "resource-id", &group), ["Name=web", "Stage=test"]);
    assert_eq!(tags(&client, "resource-type", "image"), ["Stage=live"]);
    assert!(tags(&world.other(), "key", "*").is_empty());
}

#[test]
fn pages_of_tags_are_the_whole() {
    let world = World::new();
    let client = world.root();
    for index in 0..7 {
        tag(&client, IMAGE, &format!("key {index}"), "");
    }
    let first = client.ok("DescribeTags", &[("MaxResults", "5")]);
    let token = at(&first, "nextToken");
    let second = client.ok("DescribeTags", &[("MaxResults", "5"), ("NextToken", token)]);
    assert!(find(&second, "nextToken").is_none());
    let seen = [column(&first, "tagSet", "key"), column(&second, "tagSet", "key")].concat();
    assert_eq!(seen, (0..7).map(|index| format!("key {index}")).collect::<Vec<_>>());
}

#[test]
fn a_resource_has_fifty_tags_at_most_and_all_come_or_none() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    for index in 0..49 {
        tag(&client, &group, &index.to_string(), "x");
    }
    let before = world.revision();
    let two = [("ResourceId.1", IMAGE), ("ResourceId.2", group.as_str()), ("Tag.1.Key", "a"), ("Tag.2.Key", "b")];
    assert_eq!(client.refused("CreateTags", &two), "TagLimitExceeded");
    assert_eq!(world.revision(), before);
    assert!(tags(&client, "resource-id", IMAGE).is_empty());
    tag(&client, &group, "48", "changed");
    client.ok("CreateTags", &[&two[..1], &two[2..]].concat());
}

#[test]
fn a_tag_goes_by_key_or_by_value_or_with_all() {
    let world = World::new();
    let client = world.root();
    let set = |pairs: &[(&str, &str)]| pairs.iter().for_each(|(key, value)| tag(&client, IMAGE, key, value));
    set(&[("a", "1"), ("b", "2"), ("c", ""), ("d", "4")]);
    client.ok("DeleteTags", &[("ResourceId.1", IMAGE), ("Tag.1.Key", "a")]);
    client.ok("DeleteTags", &[("ResourceId.1", IMAGE), ("Tag.1.Key", "b"), ("Tag.1.Value", "other")]);
    client.ok("DeleteTags", &[("ResourceId.1", IMAGE), ("Tag.1.Key", "c"), ("Tag.1.Value", "")]);
    assert_eq!(tags(&client, "resource-id", IMAGE), ["b=2", "d=4"]);
    client.ok("DeleteTags", &[("ResourceId.1", IMAGE)]);
    assert!(tags(&client, "resource-id", IMAGE).is_empty());
}

#[test]
fn missing_ids_are_all_named() {
    let world = World::new();
    let ids =
        [("ResourceId.1", "vpc-0000000000000000a"), ("ResourceId.2", "vpc-0000000000000000b"), ("Tag.1.Key", "a")];
    let answer = world.root().call("CreateTags", &ids);
    assert!(answer.message().contains("vpc-0000000000000000a, vpc-0000000000000000b"), "{}", answer.body);
}

#[test]
fn policies_see_the_tags() {
    let world = World::new();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:*:{ACCOUNT}:security-group/*","Condition":{{"StringEquals":{{"aws:RequestTag/Stage":"test"}},"ForAllValues:StringEquals":{{"aws:TagKeys":["Stage"]}}}}}}]}}"#
    );
    let group = create(&world.root(), "web");
    let user = world.user("tagger", &policy);
    tag(&user, &group, "Stage", "test");
    let live = [("ResourceId.1", group.as_str()), ("Tag.1.Key", "Stage"), ("Tag.1.Value", "live")];
    assert_eq!(user.refused("CreateTags", &live), "UnauthorizedOperation");
    let more = [("ResourceId.1", group.as_str()), ("Tag.1.Key", "Stage"), ("Tag.1.Value", "test"), ("Tag.2.Key", "x")];
    assert_eq!(user.refused("CreateTags", &more), "UnauthorizedOperation");
}

#[test]
fn tags_go_with_their_resource() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    tag(&client, &group, "a", "1");
    client.ok("DeleteSecurityGroup", &[("GroupId", &group)]);
    assert!(tags(&client, "resource-id", &group).is_empty());
}

#[test]
fn keys_and_values_are_as_long_as_may_be() {
    let world = World::new();
    let client = world.root();
    let group = create(&client, "web");
    let sent = |key: usize, value: usize| {
        let (key, value) = ("k".repeat(key), "ä".repeat(value));
        client.call("CreateTags", &[("ResourceId.1", &group), ("Tag.1.Key", &key), ("Tag.1.Value", &value)])
    };
    assert_eq!(sent(128, 256).status, 200);
    assert_eq!(sent(129, 256).code(), "InvalidParameterValue");
    assert_eq!(sent(128, 257).code(), "InvalidParameterValue");
}

#[test]
fn what_has_tags_is_found_by_them() {
    let world = World::new();
    let client = world.root();
    let (_, table, attachment) = transit_gateway::hub(&client);
    let path = insights::path(&client);
    let analysis = insights::analysis(&client, &path);
    let list = prefix_list::create(&client, "IPv4", &["10.0.0.0/8"]);
    for (action, set, id) in [
        ("DescribeTransitGatewayRouteTables", "transitGatewayRouteTables", &table),
        ("DescribeTransitGatewayAttachments", "transitGatewayAttachments", &attachment),
        ("DescribeTransitGatewayVpcAttachments", "transitGatewayVpcAttachments", &attachment),
        ("DescribeManagedPrefixLists", "prefixListSet", &list),
        ("DescribeNetworkInsightsPaths", "networkInsightsPathSet", &path),
        ("DescribeNetworkInsightsAnalyses", "networkInsightsAnalysisSet", &analysis),
    ] {
        tag(&client, id, "Stage", "test");
        check_filters(&client, action, set, &[("tag:Stage", "te*", 1), ("tag-key", "Stage", 1)]);
    }
}
