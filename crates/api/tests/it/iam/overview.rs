//! What an account has at a glance, roles that are linked to services, and when keys were last used.

use super::prepare;
use crate::harness::{Answer, Case, Client, World, at, column, find, list, nothing, params};

const SERVICE: &str = "autoscaling.amazonaws.com";
const LINKED: &str = "AWSServiceRoleForAutoScaling";

/// The cases of overviews and service-linked roles.
pub const CASES: &[Case] = &[
    Case::iam(
        "CreateServiceLinkedRole",
        |_| params([("AWSServiceName", SERVICE), ("Description", "scales"), ("CustomSuffix", "blue")]),
        &[
            (&[("AWSServiceName", "pigeons.amazonaws.com")], "InvalidInput"),
            (&[("AWSServiceName", "config.amazonaws.com"), ("CustomSuffix", "x")], "InvalidInput"),
            (&[("AWSServiceName", SERVICE), ("CustomSuffix", "a b")], "ValidationError"),
        ],
    ),
    Case::iam(
        "DeleteServiceLinkedRole",
        |client| {
            ok(client, "CreateServiceLinkedRole", &[("AWSServiceName", SERVICE)]);
            params([("RoleName", LINKED)])
        },
        &[(&[("RoleName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "GetAccessKeyLastUsed",
        |client| prepare(client, &[("AccessKeyId", super::KEY)]),
        &[(&[("AccessKeyId", "AKIANOBODYNOBODY")], "NoSuchEntity")],
    ),
    Case::iam(
        "GetAccountAuthorizationDetails",
        |client| prepare(client, &[]),
        &[(&[("Filter.member.1", "Pigeon")], "InvalidParameterValue")],
    ),
    Case::iam(
        "GetAccountSummary",
        |client| {
            prepare(client, &[]);
            nothing(client)
        },
        &[(&[("Users", "1")], "UnknownParameter")],
    ),
    Case::iam(
        "GetServiceLinkedRoleDeletionStatus",
        |client| {
            ok(client, "CreateServiceLinkedRole", &[("AWSServiceName", SERVICE)]);
            let answer = ok(client, "DeleteServiceLinkedRole", &[("RoleName", LINKED)]).tree();
            params([("DeletionTaskId", at(&answer, "DeleteServiceLinkedRoleResult.DeletionTaskId"))])
        },
        &[(&[("DeletionTaskId", "task/aws-service-role/x/y/z")], "NoSuchEntity")],
    ),
];

fn call(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send("iam", action, &params(pairs.iter().copied()))
}

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = call(client, action, pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

#[test]
fn a_role_of_a_service_is_the_services() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    ok(&root, "CreateServiceLinkedRole", &[("AWSServiceName", SERVICE)]);
    assert_eq!(call(&root, "CreateServiceLinkedRole", &[("AWSServiceName", SERVICE)]).code(), "InvalidInput");
    let document = super::DOCUMENT;
    let role = ("RoleName", LINKED);
    for (action, pairs) in [
        ("DeleteRole", vec![role]),
        ("UpdateRole", vec![role, ("MaxSessionDuration", "7200")]),
        ("UpdateAssumeRolePolicy", vec![role, ("PolicyDocument", super::TRUST)]),
        ("PutRolePolicy", vec![role, ("PolicyName", "p"), ("PolicyDocument", document)]),
        ("AttachRolePolicy", vec![role, ("PolicyArn", super::POLICY)]),
        ("PutRolePermissionsBoundary", vec![role, ("PermissionsBoundary", super::POLICY)]),
        ("AddRoleToInstanceProfile", vec![role, ("InstanceProfileName", "bare")]),
    ] {
        assert_eq!(call(&root, action, &pairs).code(), "UnmodifiableEntity", "{action}");
    }
    let user = world.user("taker", r#"{"Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#);
    let arn = format!("arn:aws:iam::{}:role/aws-service-role/{SERVICE}/{LINKED}", crate::harness::ACCOUNT);
    let taken = user.send("sts", "AssumeRole", &params([("RoleArn", arn.as_str()), ("RoleSessionName", "me")]));
    assert_eq!(taken.code(), "AccessDenied", "the service alone takes it");
    let task = ok(&root, "DeleteServiceLinkedRole", &[role]).tree();
    let task = at(&task, "DeleteServiceLinkedRoleResult.DeletionTaskId");
    assert_eq!(call(&root, "GetRole", &[role]).code(), "NoSuchEntity");
    assert_eq!(call(&root, "DeleteServiceLinkedRole", &[("RoleName", "deploy")]).code(), "NoSuchEntity");
    let theirs = call(&world.other(), "GetServiceLinkedRoleDeletionStatus", &[("DeletionTaskId", task)]);
    assert_eq!(theirs.code(), "NoSuchEntity");
}

#[test]
fn a_keys_last_use_is_known_at_once_and_after_it_was_written() {
    let world = World::new();
    let root = world.root();
    let user = world.user("clara", r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#);
    let used = || {
        let answer = ok(&root, "GetAccessKeyLastUsed", &[("AccessKeyId", &user.access_key)]).tree();
        let of = |member: &str| {
            find(&answer, &format!("GetAccessKeyLastUsedResult.AccessKeyLastUsed.{member}"))
                .and_then(|text| text.as_text())
                .unwrap_or_default()
                .to_owned()
        };
        (of("LastUsedDate"), of("ServiceName"), of("Region"))
    };
    assert_eq!(used(), (String::new(), "N/A".into(), "N/A".into()));
    user.ok("DescribeVpcs", &[]);
    let first = ("2026-11-22T10:00:00Z".to_owned(), "ec2".to_owned(), "us-east-1".to_owned());
    assert_eq!(used(), first);
    let before = world.revision();
    world.write_key_uses();
    assert_eq!(world.revision(), before + 1, "in one commit");
    assert_eq!(used(), first, "root's own use is noted again, this one is read");
    world.pass(60);
    let elsewhere = world.client(&user.access_key, &user.secret, None).at("eu-central-1");
    elsewhere.ok("DescribeVpcs", &[]);
    assert_eq!(used(), ("2026-11-22T10:01:00Z".into(), "ec2".into(), "eu-central-1".into()));
}

#[test]
fn details_come_in_pages_and_by_kind() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let whole = ok(&root, "GetAccountAuthorizationDetails", &[]).tree();
    let of = |tree: &landfall_wire::Tree, name: &str| {
        list(tree, &format!("GetAccountAuthorizationDetailsResult.{name}")).len()
    };
    let count = |tree: &landfall_wire::Tree| {
        ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"].map(|name| of(tree, name))
    };
    assert_eq!(count(&whole), [3, 2, 3, 2]);
    let users = ok(&root, "GetAccountAuthorizationDetails", &[("Filter.member.1", "User")]).tree();
    assert_eq!(count(&users), [3, 0, 0, 0]);
    let mut paths = column(&users, "GetAccountAuthorizationDetailsResult.UserDetailList", "Path");
    paths.sort_unstable();
    assert_eq!(paths, ["/", "/", "/people/"]);
    let (mut marker, mut seen) = (None::<String>, [0; 4]);
    loop {
        let mut pairs = vec![("MaxItems", "3")];
        pairs.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = ok(&root, "GetAccountAuthorizationDetails", &pairs).tree();
        let counts = count(&page);
        (0..4).for_each(|kind| seen[kind] += counts[kind]);
        marker = find(&page, "GetAccountAuthorizationDetailsResult.Marker").map(|text| text.as_text().unwrap().into());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, [3, 2, 3, 2]);
}
