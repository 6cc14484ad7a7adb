//! What IAM's operations make callers able to do, from the next call on, and what they refuse.

use super::{DOCUMENT, LONE, POLICY, TRUST, prepare};
use crate::harness::{Answer, Client, World, at, column, list, params};

fn call(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send("iam", action, &params(pairs.iter().copied()))
}

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = call(client, action, pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

fn refused(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let answer = call(client, action, pairs);
    (answer.status, answer.code())
}

/// A client with a new access key of a user.
fn as_user<'w>(world: &'w World, name: &str) -> Client<'w> {
    let answer = ok(&world.root(), "CreateAccessKey", &[("UserName", name)]).tree();
    let key = |member: &str| at(&answer, &format!("CreateAccessKeyResult.AccessKey.{member}")).to_owned();
    world.client(&key("AccessKeyId"), &key("SecretAccessKey"), None)
}

#[test]
fn a_user_may_do_what_its_and_its_groups_policies_say_from_the_next_call_on() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    ok(&root, "CreateUser", &[("UserName", "dave")]);
    let dave = as_user(&world, "dave");
    let may = |client: &Client<'_>| client.call("DescribeVpcs", &[]).status == 200;
    assert!(!may(&dave));
    ok(&root, "AddUserToGroup", &[("UserName", "dave"), ("GroupName", "devs")]);
    assert!(may(&dave));
    ok(&root, "RemoveUserFromGroup", &[("UserName", "dave"), ("GroupName", "devs")]);
    assert!(!may(&dave));
    ok(&root, "AttachUserPolicy", &[("UserName", "dave"), ("PolicyArn", POLICY)]);
    assert!(may(&dave));
    let nothing = DOCUMENT.replace("Allow", "Deny");
    let second = [("PolicyArn", POLICY), ("PolicyDocument", nothing.as_str()), ("SetAsDefault", "true")];
    ok(&root, "CreatePolicyVersion", &second);
    assert!(!may(&dave), "another version holds");
    ok(&root, "SetDefaultPolicyVersion", &[("PolicyArn", POLICY), ("VersionId", "v1")]);
    assert!(may(&dave));
    ok(&root, "PutUserPermissionsBoundary", &[("UserName", "dave"), ("PermissionsBoundary", LONE)]);
    assert!(may(&dave), "the boundary allows it");
    let narrow = DOCUMENT.replace("ec2:Describe*", "ec2:DescribeImages");
    let narrower = [("PolicyArn", LONE), ("PolicyDocument", narrow.as_str()), ("SetAsDefault", "true")];
    ok(&root, "CreatePolicyVersion", &narrower);
    assert!(!may(&dave), "the boundary does not allow it any more");
    assert!(dave.call("DescribeVpcs", &[]).body.contains("because no permissions boundary allows"));
    ok(&root, "DeleteUserPermissionsBoundary", &[("UserName", "dave")]);
    ok(&root, "UpdateAccessKey", &[("UserName", "dave"), ("AccessKeyId", &dave.access_key), ("Status", "Inactive")]);
    assert_eq!(dave.call("DescribeVpcs", &[]).code(), "AuthFailure");
}

#[test]
fn an_access_key_dies_with_its_user() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "eve")]);
    let eve = as_user(&world, "eve");
    assert_eq!(refused(&root, "DeleteUser", &[("UserName", "eve")]), (409, "DeleteConflict".into()));
    ok(&root, "DeleteAccessKey", &[("UserName", "eve"), ("AccessKeyId", &eve.access_key)]);
    ok(&root, "DeleteUser", &[("UserName", "eve")]);
    assert_eq!(eve.call("DescribeVpcs", &[]).code(), "AuthFailure");
}

#[test]
fn documents_come_back_as_they_were_written() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let shown = ok(&root, "GetUserPolicy", &[("UserName", "ALICE"), ("PolicyName", "had")]).tree();
    let encoded = at(&shown, "GetUserPolicyResult.PolicyDocument");
    let decoded = landfall_wire::decode_query_string(&format!("Action=x&D={encoded}")).unwrap().input;
    assert_eq!(decoded.field("D").and_then(|text| text.as_text()), Some(DOCUMENT));
}

#[test]
fn what_is_in_use_stays() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    for (action, name, value) in [
        ("DeleteUser", "UserName", "alice"),
        ("DeleteGroup", "GroupName", "devs"),
        ("DeleteRole", "RoleName", "deploy"),
        ("DeletePolicy", "PolicyArn", POLICY),
        ("DeleteInstanceProfile", "InstanceProfileName", "web"),
    ] {
        assert_eq!(refused(&root, action, &[(name, value)]), (409, "DeleteConflict".into()), "{action}");
    }
    let first = [("PolicyArn", POLICY), ("VersionId", "v1")];
    assert_eq!(refused(&root, "DeletePolicyVersion", &first), (409, "DeleteConflict".into()));
    for (action, name) in [("CreateUser", "UserName"), ("CreateGroup", "GroupName")] {
        let taken = if name == "UserName" { "ALICE" } else { "Devs" };
        assert_eq!(refused(&root, action, &[(name, taken)]), (409, "EntityAlreadyExists".into()), "{action}");
    }
}

#[test]
fn quotas_hold() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    for _ in 0..3 {
        ok(&root, "CreatePolicyVersion", &[("PolicyArn", POLICY), ("PolicyDocument", DOCUMENT)]);
    }
    let sixth = [("PolicyArn", POLICY), ("PolicyDocument", DOCUMENT)];
    assert_eq!(refused(&root, "CreatePolicyVersion", &sixth), (409, "LimitExceeded".into()));
    ok(&root, "CreateAccessKey", &[("UserName", "alice")]);
    assert_eq!(refused(&root, "CreateAccessKey", &[("UserName", "alice")]), (409, "LimitExceeded".into()));
    let long = DOCUMENT.replace("ec2:Describe*", &format!("ec2:{}", "x".repeat(2_000)));
    let inline = [("UserName", "alice"), ("PolicyName", "long"), ("PolicyDocument", long.as_str())];
    assert_eq!(refused(&root, "PutUserPolicy", &inline), (409, "LimitExceeded".into()));
}

#[test]
fn lists_come_in_pages_and_below_a_path() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let page = ok(&root, "ListUsers", &[("MaxItems", "2")]).tree();
    assert_eq!(at(&page, "ListUsersResult.IsTruncated"), "true");
    assert_eq!(list(&page, "ListUsersResult.Users").len(), 2);
    let marker = at(&page, "ListUsersResult.Marker").to_owned();
    let rest = ok(&root, "ListUsers", &[("Marker", &marker)]).tree();
    assert_eq!(list(&rest, "ListUsersResult.Users").len(), 1);
    assert_eq!(at(&rest, "ListUsersResult.IsTruncated"), "false");
    let below = ok(&root, "ListUsers", &[("PathPrefix", "/people/")]).tree();
    assert_eq!(column(&below, "ListUsersResult.Users", "UserName"), ["alice"]);
}

#[test]
fn a_role_that_names_someone_who_is_gone_shows_and_means_the_one_that_was() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "mallory")]);
    let trust = TRUST.replace(":root", ":user/mallory");
    let role = [("RoleName", "trusting"), ("AssumeRolePolicyDocument", trust.as_str())];
    ok(&root, "CreateRole", &role);
    let shown = |text: &str| ok(&root, "GetRole", &[("RoleName", "trusting")]).body.contains(text);
    assert!(shown("user%2Fmallory"));
    ok(&root, "DeleteUser", &[("UserName", "mallory")]);
    assert!(!shown("user%2Fmallory") && shown("%22AIDA"));
    ok(&root, "CreateUser", &[("UserName", "mallory")]);
    assert!(!shown("user%2Fmallory") && shown("%22AIDA"), "another one of that name isn't meant");
    let missing = [("RoleName", "other"), ("AssumeRolePolicyDocument", &trust.replace("mallory", "nobody"))];
    let (status, code) = refused(&root, "CreateRole", &[missing[0], (missing[1].0, missing[1].1)]);
    assert_eq!((status, code.as_str()), (400, "MalformedPolicyDocument"));
}

#[test]
fn nothing_of_another_account_is_found_by_name_or_arn() {
    let world = World::new();
    prepare(&world.root(), &[]);
    let other = world.other();
    for (action, name, value) in [
        ("GetUser", "UserName", "alice"),
        ("GetGroup", "GroupName", "devs"),
        ("GetRole", "RoleName", "deploy"),
        ("GetPolicy", "PolicyArn", POLICY),
        ("GetInstanceProfile", "InstanceProfileName", "web"),
        ("ListEntitiesForPolicy", "PolicyArn", POLICY),
    ] {
        assert_eq!(refused(&other, action, &[(name, value)]), (404, "NoSuchEntity".into()), "{action}");
    }
    let alias = [("AccountAlias", "landed")];
    assert_eq!(refused(&other, "CreateAccountAlias", &alias), (409, "EntityAlreadyExists".into()));
}

#[test]
fn names_that_are_kept_for_others_are_nobodys() {
    let world = World::new();
    let root = world.root();
    for (name, path) in [
        ("LandfallBreakGlass", "/"),
        ("landfallbreakglass", "/team/"),
        ("AWSServiceRoleForSupport", "/"),
        ("awsserviceroleforec2spot", "/"),
        ("AWSServiceRoleForEC2Spot", "/aws-service-role/spot.amazonaws.com/"),
    ] {
        let role = [("RoleName", name), ("Path", path), ("AssumeRolePolicyDocument", TRUST)];
        assert_eq!(refused(&root, "CreateRole", &role), (400, "InvalidInput".into()), "{name}");
    }
    ok(&root, "CreateRole", &[("RoleName", "LandfallBreakGlasses"), ("AssumeRolePolicyDocument", TRUST)]);
    ok(&root, "CreateServiceLinkedRole", &[("AWSServiceName", "spot.amazonaws.com")]);
}

#[test]
fn a_marker_of_ones_own_making_is_refused() {
    let world = World::new();
    assert_eq!(refused(&world.root(), "ListUsers", &[("Marker", "x")]), (400, "ValidationError".into()));
}
