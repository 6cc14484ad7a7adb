//! Accounts as the provider keeps them: made, suspended, closed, with limits of their own, entered in need; by the operator
//! alone.

use landfall_api::HostPresence;
use landfall_state::Value;
use landfall_wire::Tree;

use crate::harness::{
    ACCOUNT, Answer, Case, Client, OTHER_ACCOUNT, Params, World, at, column, find, list, nothing, params,
};
use crate::network::launch;

const SECRETS: &[&str] = &["AccessKeyId", "SecretAccessKey", "SessionToken"];
const TENANT: &str = "555566667777";
const NOBODY: &str = "999999999999";

const fn case(
    action: &'static str,
    good: fn(&Client<'_>) -> Params,
    bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
) -> Case {
    Case { service: "landfall", action, good, bad, masked: SECRETS, by: World::root }
}

const MISSING: &[(&[(&str, &str)], &str)] = &[
    (&[], "ValidationError"),
    (&[("AccountId", "12")], "InvalidParameterValue"),
    (&[("AccountId", NOBODY)], "InvalidAccountId.NotFound"),
];

/// The cases of accounts.
pub const CASES: &[Case] = &[
    case(
        "CreateAccount",
        |_| new(TENANT),
        &[
            (&[("AccountId", TENANT), ("AccountName", "shop")], "ValidationError"),
            (&[("AccountId", ACCOUNT), ("AccountName", "shop"), ("Email", "a@shop.example")], "AccountAlreadyExists"),
            (&[("AccountId", TENANT), ("AccountName", ""), ("Email", "a@shop.example")], "InvalidParameterValue"),
            (&[("AccountId", TENANT), ("AccountName", "shop"), ("Email", "nowhere")], "InvalidParameterValue"),
            (
                &[("AccountName", "shop"), ("Email", "a@shop.example"), ("RoleName", "admin")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    case("ListAccounts", nothing, &[(&[("Marker", "forged")], "InvalidNextToken")]),
    case("DescribeAccount", made, MISSING),
    case(
        "SuspendAccount",
        made,
        &[
            (&[("AccountId", NOBODY)], "InvalidAccountId.NotFound"),
            (&[("AccountId", ACCOUNT)], "OperationNotPermitted"),
        ],
    ),
    case("ResumeAccount", made, MISSING),
    case(
        "CloseAccount",
        made,
        &[
            (&[("AccountId", NOBODY)], "InvalidAccountId.NotFound"),
            (&[("AccountId", ACCOUNT)], "OperationNotPermitted"),
            (&[("AccountId", OTHER_ACCOUNT), ("WaitingDays", "91")], "InvalidParameterValue"),
        ],
    ),
    case("GetAccountQuotas", made, MISSING),
    case(
        "PutAccountQuota",
        |client| [made(client), params([("QuotaName", "vpcs"), ("Value", "7")])].concat(),
        &[
            (&[("AccountId", OTHER_ACCOUNT)], "ValidationError"),
            (&[("AccountId", NOBODY), ("QuotaName", "vpcs"), ("Value", "7")], "InvalidAccountId.NotFound"),
            (&[("AccountId", OTHER_ACCOUNT), ("QuotaName", "castles"), ("Value", "7")], "InvalidParameterValue"),
            (&[("AccountId", OTHER_ACCOUNT), ("QuotaName", "vpcs"), ("Value", "5000000000")], "InvalidParameterValue"),
        ],
    ),
    case(
        "AssumeAdministrator",
        |client| [made(client), params([("Reason", "ticket 4711: asked for help")])].concat(),
        &[
            (&[("AccountId", OTHER_ACCOUNT)], "ValidationError"),
            (&[("AccountId", NOBODY), ("Reason", "ticket 4711")], "InvalidAccountId.NotFound"),
            (&[("AccountId", OTHER_ACCOUNT), ("Reason", "just so")], "InvalidParameterValue"),
            (
                &[("AccountId", OTHER_ACCOUNT), ("Reason", "ticket 4711"), ("DurationSeconds", "7200")],
                "ValidationError",
            ),
        ],
    ),
];

fn new(id: &str) -> Params {
    params([("AccountId", id), ("AccountName", "shop"), ("Email", "owner@shop.example")])
}

/// Makes an account; the parameters that name it. Whoever may not make one has nothing to name.
fn made(client: &Client<'_>) -> Params {
    client.send("landfall", "CreateAccount", &new(TENANT));
    params([("AccountId", TENANT)])
}

fn provider(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send("landfall", action, &params(pairs.iter().copied()))
}

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Tree {
    let answer = provider(client, action, pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    let tree = answer.tree();
    find(&tree, &format!("{action}Result")).unwrap_or(&tree).clone()
}

fn iam(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send("iam", action, &params(pairs.iter().copied()))
}

/// A new account, as its root.
fn tenant(world: &World) -> Client<'_> {
    let answer = provider(
        &world.root(),
        "CreateAccount",
        &[("AccountId", TENANT), ("AccountName", "shop"), ("Email", "owner@shop.example")],
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let key = |member: &str| at(&tree, &format!("CreateAccountResult.AccessKey.{member}")).to_owned();
    world.client(&key("AccessKeyId"), &key("SecretAccessKey"), None)
}

fn state(world: &World) -> String {
    at(&ok(&world.root(), "DescribeAccount", &[("AccountId", TENANT)]), "Account.State").to_owned()
}

#[test]
fn accounts_are_the_operators_alone() {
    let world = World::new();
    let tenant = tenant(&world);
    for operation in landfall_api::operations().filter(|operation| operation.action.service == "landfall") {
        let case = crate::completeness::cases().find(|case| case.action == operation.action.name).unwrap();
        let good = (case.good)(&tenant);
        let before = world.revision();
        let answer = tenant.send("landfall", case.action, &good);
        assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"), "{}: {}", case.action, answer.body);
        assert_eq!(world.revision(), before, "{}", case.action);
    }
}

#[test]
fn a_new_account_is_served_as_any_other() {
    let world = World::new();
    let tenant = tenant(&world);
    let caller = tenant.send("sts", "GetCallerIdentity", &[]).tree();
    assert_eq!(at(&caller, "GetCallerIdentityResult.Arn"), format!("arn:aws:iam::{TENANT}:root"));
    launch(&tenant, &[]);
    let all = ok(&world.root(), "ListAccounts", &[]);
    assert_eq!(column(&all, "Accounts", "AccountId"), [ACCOUNT, OTHER_ACCOUNT, TENANT]);
    let page = ok(&world.root(), "ListAccounts", &[("MaxItems", "2")]);
    let marker = at(&page, "Marker").to_owned();
    let rest = ok(&world.root(), "ListAccounts", &[("Marker", &marker)]);
    assert_eq!(column(&rest, "Accounts", "AccountId"), [TENANT]);
    let shown = ok(&world.root(), "DescribeAccount", &[("AccountId", TENANT)]);
    let kinds = column(&shown, "Resources", "ResourceType");
    assert!(kinds.contains(&"instance") && kinds.contains(&"vpc"), "{kinds:?}");
    let made_up = ok(&world.root(), "CreateAccount", &[("AccountName", "other"), ("Email", "x@other.example")]);
    assert_eq!(at(&made_up, "Account.AccountId").len(), 12);
}

#[test]
fn an_account_may_begin_with_a_role_for_the_operator() {
    let world = World::new();
    let root = world.root();
    let pairs = [
        ("AccountId", TENANT),
        ("AccountName", "shop"),
        ("Email", "owner@shop.example"),
        ("Access", "AdministratorRole"),
    ];
    let answer = ok(&root, "CreateAccount", &pairs);
    let role = at(&answer, "RoleArn").to_owned();
    assert_eq!(role, format!("arn:aws:iam::{TENANT}:role/LandfallAdministrator"));
    assert!(find(&answer, "AccessKey").is_none(), "it has no key of its root");
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let user = world.user("operator", all);
    let session =
        user.send("sts", "AssumeRole", &params([("RoleArn", role.as_str()), ("RoleSessionName", "setup")])).tree();
    let key = |member: &str| at(&session, &format!("AssumeRoleResult.Credentials.{member}")).to_owned();
    let inside = world.client(&key("AccessKeyId"), &key("SecretAccessKey"), Some(&key("SessionToken")));
    assert_eq!(iam(&inside, "CreateUser", &[("UserName", "owner")]).status, 200);
    let stranger =
        world.other().send("sts", "AssumeRole", &params([("RoleArn", role.as_str()), ("RoleSessionName", "x")]));
    assert_eq!(stranger.code(), "AccessDenied");
}

#[test]
fn a_suspended_account_is_refused_whatever_it_calls() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    let running = launch(&tenant, &[("DisableApiStop", "true")]);
    world.settle();
    ok(&root, "SuspendAccount", &[("AccountId", TENANT)]);
    assert_eq!(state(&world), "SUSPENDED");
    let before = world.revision();
    for (service, action, code) in [
        ("ec2", "DescribeVpcs", "Blocked"),
        ("ec2", "RunInstances", "Blocked"),
        ("iam", "ListUsers", "OptInRequired"),
        ("sts", "GetCallerIdentity", "OptInRequired"),
    ] {
        let answer = tenant.send(service, action, &[]);
        assert_eq!((answer.status, answer.code().as_str()), (403, code), "{action}: {}", answer.body);
    }
    assert_eq!(world.revision(), before);
    let power = |world: &World| {
        world.settle();
        let cloud = world.engine().read();
        cloud.instances.by_id(&running.parse().unwrap()).next().unwrap().status.state.name()
    };
    assert_eq!(power(&world), "running", "its machines run on");
    ok(&root, "SuspendAccount", &[("AccountId", TENANT), ("StopInstances", "true")]);
    power(&world);
    assert_eq!(power(&world), "stopped", "unless they are to be stopped, whatever protects them");
    ok(&root, "ResumeAccount", &[("AccountId", TENANT)]);
    assert_eq!((state(&world).as_str(), tenant.call("DescribeVpcs", &[]).status), ("ACTIVE", 200));
    assert_eq!(power(&world), "stopped");
    tenant.ok("StartInstances", &[("InstanceId.1", &running)]);
}

#[test]
fn a_closed_account_is_emptied_after_its_time() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    launch(&tenant, &[("DisableApiTermination", "true")]);
    assert_eq!(iam(&tenant, "CreateUser", &[("UserName", "alice")]).status, 200);
    assert_eq!(iam(&tenant, "CreateAccessKey", &[("UserName", "alice")]).status, 200);
    crate::kms::key(&tenant);
    world.settle();
    ok(&root, "CloseAccount", &[("AccountId", TENANT), ("WaitingDays", "2")]);
    assert_eq!(tenant.call("DescribeVpcs", &[]).code(), "Blocked");
    assert_eq!(provider(&root, "CloseAccount", &[("AccountId", TENANT)]).code(), "IncorrectState");
    let count = |kind: &str| {
        let shown = ok(&world.root(), "DescribeAccount", &[("AccountId", TENANT)]);
        let rows = list(&shown, "Resources");
        rows.iter().find(|row| at(row, "ResourceType") == kind).map(|row| at(row, "Count").to_owned())
    };
    let counts = || ["instance", "user", "vpc", "kms-key"].map(count);
    world.settle();
    let one = Some("1".to_owned());
    assert_eq!(counts(), [(); 4].map(|()| one.clone()), "it has all for a while");
    pass(&world, 2 * 86_400);
    assert_eq!((state(&world).as_str(), counts()), ("CLOSED", [None, None, None, one]), "keys wait longest");
    assert_eq!(tenant.send("sts", "GetCallerIdentity", &[]).code(), "InvalidClientTokenId", "its keys are gone");
    assert_eq!(provider(&root, "ResumeAccount", &[("AccountId", TENANT)]).code(), "IncorrectState");
    pass(&world, 7 * 86_400);
    let shown = ok(&root, "DescribeAccount", &[("AccountId", TENANT)]);
    assert!(list(&shown, "Resources").is_empty() && find(&shown, "Account.EndsAt").is_none(), "{shown:?}");
}

#[test]
fn a_closed_account_says_which_hosts_it_waits_for() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    launch(&tenant, &[]);
    world.settle();
    let hosts = || {
        let shown = ok(&world.root(), "DescribeAccount", &[("AccountId", TENANT)]);
        let rows = list(&shown, "Hosts").iter();
        rows.map(|row| (at(row, "State").to_owned(), at(row, "Count").to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(hosts(), [], "it is open");
    ok(&root, "CloseAccount", &[("AccountId", TENANT), ("WaitingDays", "1")]);
    world.set_presence(HostPresence::Lost);
    world.pass(86_400);
    for _ in 0..4 {
        world.expire();
        world.pass(61);
    }
    assert_eq!(state(&world), "CLOSED");
    // The machine, of which the host hasn't said that it is gone, and its volume.
    assert_eq!(hosts(), [("lost".to_owned(), "2".to_owned())]);
    world.set_presence(HostPresence::Connected);
    pass(&world, 61);
    assert_eq!(hosts(), []);
}

#[test]
fn a_closed_account_waits_for_a_machine_without_volumes() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    let machine = launch(&tenant, &[]);
    world.settle();
    tenant.ok("StopInstances", &[("InstanceId.1", &machine)]);
    world.settle();
    let volume = at(&tenant.ok("DescribeVolumes", &[]), "volumeSet.0.volumeId").to_owned();
    tenant.ok("DetachVolume", &[("VolumeId", &volume)]);
    tenant.ok("DeleteVolume", &[("VolumeId", &volume)]);
    world.settle();
    ok(&root, "CloseAccount", &[("AccountId", TENANT), ("WaitingDays", "1")]);
    world.pass(86_400);
    for _ in 0..4 {
        world.expire();
        world.pass(61);
    }
    assert_eq!(state(&world), "CLOSED");
    let is_there = || world.engine().read().instances.by_id(&machine.parse().unwrap()).next().is_some();
    assert!(is_there(), "its host hasn't said that it is gone");
    let shown = ok(&root, "DescribeAccount", &[("AccountId", TENANT)]);
    assert_eq!(column(&shown, "Hosts", "Count"), ["1"]);
    pass(&world, 61);
    assert!(!is_there());
}

/// Lets time pass, and what is done with it.
fn pass(world: &World, seconds: i64) {
    world.pass(seconds);
    for _ in 0..4 {
        world.expire();
        world.settle();
        world.pass(61);
    }
    world.expire();
}

#[test]
fn nothing_is_left_of_what_a_closed_account_had() {
    // What these cases need is made in another account too, and stays there.
    const ELSEWHERE: [&str; 4] = [
        "CancelImageLaunchPermission",
        "DecodeAuthorizationMessage",
        "DisableVgwRoutePropagation",
        "EnableVgwRoutePropagation",
    ];
    let cases = crate::completeness::cases().filter(|case| !matches!(case.service, "landfall" | "s3"));
    let cases = cases.filter(|case| !ELSEWHERE.contains(&case.action));
    let mut left = Vec::new();
    for case in cases {
        let world = World::new();
        let before = world.engine().read().row_counts();
        let tenant = tenant(&world);
        // What a case needs, and what it makes, as the tenant. That another account's help may be missing is no matter.
        let good = (case.good)(&tenant);
        tenant.send(case.service, case.action, &good);
        world.settle();
        ok(&world.root(), "CloseAccount", &[("AccountId", TENANT), ("WaitingDays", "1")]);
        pass(&world, 86_400);
        pass(&world, 8 * 86_400);
        // What another account has of it too, such as a peering, is gone by now.
        let after = world.engine().read().row_counts();
        for ((kind, before), (_, after)) in before.iter().zip(&after) {
            let own = usize::from(matches!(*kind, "account" | "principal"));
            // Doomed keys are those whose files are to be destroyed, which nobody does here. What a domain of the chunk store
            // has is collected by its number, which stays.
            if *after > before + own && !matches!(*kind, "doomed-key" | "chunk-domain") {
                left.push(format!("{} {}: {} of {kind}", case.service, case.action, after - before));
            }
        }
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
}

#[test]
fn what_a_closed_account_has_is_out_of_others_reach() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    assert_eq!(iam(&tenant, "CreateRole", &[("RoleName", "in"), ("AssumeRolePolicyDocument", &trust)]).status, 200);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let user = world.user("visitor", all);
    let role = format!("arn:aws:iam::{TENANT}:role/in");
    let take = || user.send("sts", "AssumeRole", &params([("RoleArn", role.as_str()), ("RoleSessionName", "look")]));
    assert_eq!(take().status, 200);
    for action in ["SuspendAccount", "CloseAccount"] {
        ok(&root, action, &[("AccountId", TENANT)]);
        let answer = take();
        assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"), "{action}: {}", answer.body);
    }
    ok(&root, "ResumeAccount", &[("AccountId", TENANT)]);
    assert_eq!(take().status, 200);
}

#[test]
fn an_address_belongs_to_one_account() {
    let world = World::new();
    let root = world.root();
    let make = |id: &str, email: &str| {
        let pairs = [("AccountId", id), ("AccountName", "shop"), ("Email", email)];
        let answer = provider(&root, "CreateAccount", &pairs);
        if answer.status == 200 { String::new() } else { answer.code() }
    };
    assert_eq!(make(TENANT, "a@b.c"), "");
    for taken in ["a@b.c", "A@B.c"] {
        assert_eq!(make("666677778888", taken), "EmailAlreadyExists");
    }
    for none in ["", "a", "@b.c", "a@", "a@b", "a@b.", "a@.c", "a@b@c.d", "a b@c.d", "a@b..c"] {
        assert_eq!(make("666677778888", none), "InvalidParameterValue", "{none}");
    }
    assert_eq!(make("666677778888", &format!("{}@b.c", "a".repeat(250))), "", "254 bytes");
    assert_eq!(make("777788889999", &format!("{}@b.c", "a".repeat(251))), "InvalidParameterValue");
    ok(&root, "CloseAccount", &[("AccountId", TENANT), ("WaitingDays", "1")]);
    assert_eq!(make("777788889999", "a@b.c"), "EmailAlreadyExists", "it may come back");
    pass(&world, 86_400);
    assert_eq!(make("777788889999", "a@b.c"), "", "it is free again");
}

#[test]
fn an_account_that_was_closed_by_mistake_comes_back() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    ok(&root, "CloseAccount", &[("AccountId", TENANT)]);
    world.settle();
    ok(&root, "ResumeAccount", &[("AccountId", TENANT)]);
    world.pass(91 * 86_400);
    world.expire();
    assert_eq!((state(&world).as_str(), tenant.call("DescribeVpcs", &[]).status), ("ACTIVE", 200));
}

#[test]
fn an_account_has_limits_of_its_own() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    let make = || tenant.call("CreateVpc", &[("CidrBlock", "10.1.0.0/16")]);
    ok(&root, "PutAccountQuota", &[("AccountId", TENANT), ("QuotaName", "vpcs"), ("Value", "1")]);
    assert_eq!(make().code(), "VpcLimitExceeded", "the default one is there already");
    root.ok("CreateVpc", &[("CidrBlock", "10.1.0.0/16")]);
    let shown = ok(&root, "GetAccountQuotas", &[("AccountId", TENANT)]);
    let rows = list(&shown, "Quotas");
    let vpcs = rows.iter().find(|row| at(row, "QuotaName") == "vpcs").unwrap();
    assert_eq!((at(vpcs, "Value"), at(vpcs, "DefaultValue"), at(vpcs, "IsOwn")), ("1", "5", "true"));
    ok(&root, "PutAccountQuota", &[("AccountId", TENANT), ("QuotaName", "vpcs")]);
    assert_eq!(make().status, 200);
}

#[test]
fn the_provider_enters_an_account_and_both_have_it_in_their_audit() {
    let world = World::new();
    let (root, tenant) = (world.root(), tenant(&world));
    ok(&root, "SuspendAccount", &[("AccountId", TENANT)]);
    let reason = "ticket 4711: locked out";
    let entered = ok(&root, "AssumeAdministrator", &[("AccountId", TENANT), ("Reason", reason)]);
    let key = |member: &str| at(&entered, &format!("Credentials.{member}")).to_owned();
    let inside = world.client(&key("AccessKeyId"), &key("SecretAccessKey"), Some(&key("SessionToken")));
    let arn = format!("arn:aws:sts::{TENANT}:assumed-role/LandfallBreakGlass/root");
    let caller = inside.send("sts", "GetCallerIdentity", &[]).tree();
    assert_eq!(at(&caller, "GetCallerIdentityResult.Arn"), arn);
    assert_eq!(iam(&inside, "CreateUser", &[("UserName", "rescued")]).status, 200, "also a suspended one");
    assert_eq!(
        provider(&inside, "ListAccounts", &[]).code(),
        "AccessDenied",
        "it is the tenant there, not the provider"
    );
    let records = world.engine().bulk(landfall_api::audit::STREAM, 0, 1000).unwrap();
    let records: Vec<_> = records.iter().filter(|record| record.record.contains("AssumeAdministrator")).collect();
    for account in [ACCOUNT, TENANT] {
        let of = format!("\"recipientAccountId\":\"{account}\"");
        let found = records.iter().find(|record| record.record.contains(&of));
        assert!(found.is_some_and(|record| record.record.contains(reason)), "{account}: {records:?}");
    }
    world.pass(901);
    assert_eq!(inside.send("sts", "GetCallerIdentity", &[]).code(), "ExpiredToken");
    assert_eq!(tenant.send("sts", "GetCallerIdentity", &[]).code(), "OptInRequired");
}

#[test]
fn two_accounts_share_a_role_by_its_external_id() {
    let world = World::new();
    let tenant = tenant(&world);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"shop-7"}}}}}}]}}"#
    );
    assert_eq!(iam(&tenant, "CreateRole", &[("RoleName", "audit"), ("AssumeRolePolicyDocument", &trust)]).status, 200);
    let read =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}]}"#;
    let policy = [("RoleName", "audit"), ("PolicyName", "own"), ("PolicyDocument", read)];
    assert_eq!(iam(&tenant, "PutRolePolicy", &policy).status, 200);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let user = world.user("auditor", all);
    let role = format!("arn:aws:iam::{TENANT}:role/audit");
    let take = |more: &[(&str, &str)]| {
        let pairs = [&[("RoleArn", role.as_str()), ("RoleSessionName", "look")], more].concat();
        user.send("sts", "AssumeRole", &params(pairs))
    };
    assert_eq!(take(&[]).code(), "AccessDenied", "a confused deputy has no external id");
    assert_eq!(take(&[("ExternalId", "shop-8")]).code(), "AccessDenied");
    let session = take(&[("ExternalId", "shop-7")]).tree();
    let key = |member: &str| at(&session, &format!("AssumeRoleResult.Credentials.{member}")).to_owned();
    let inside = world.client(&key("AccessKeyId"), &key("SecretAccessKey"), Some(&key("SessionToken")));
    let vpcs = |client: &Client<'_>| at(&client.ok("DescribeVpcs", &[]), "vpcSet.0.vpcId").to_owned();
    assert_eq!(vpcs(&inside), vpcs(&tenant), "it sees the tenant's");
    assert_eq!(inside.refused("DescribeSubnets", &[]), "UnauthorizedOperation");
}

#[test]
fn what_the_provider_did_in_an_account_is_found_by_who_it_was() {
    let world = World::new();
    let tenant = tenant(&world);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let operator = world.user("otto", all);
    let entered = ok(&operator, "AssumeAdministrator", &[("AccountId", TENANT), ("Reason", "ticket 4711: locked out")]);
    let key = |member: &str| at(&entered, &format!("Credentials.{member}")).to_owned();
    let inside = world.client(&key("AccessKeyId"), &key("SecretAccessKey"), Some(&key("SessionToken")));
    assert_eq!(iam(&inside, "CreateUser", &[("UserName", "rescued")]).status, 200);
    let by = |name: &str| {
        let attributes = format!(r#"[{{"AttributeKey":"Username","AttributeValue":"{name}"}}]"#);
        let found = tenant.ok_of("cloudtrail", "LookupEvents", &[("LookupAttributes:", &attributes)]);
        list(&found, "Events").iter().map(|event| at(event, "CloudTrailEvent").to_owned()).collect::<Vec<_>>()
    };
    let found = by("otto");
    assert!(found.len() == 1 && found[0].contains(r#""eventName":"CreateUser""#), "{found:?}");
    assert!(found[0].contains(r#""userIdentity":{"type":"AssumedRole""#), "{found:?}");
    assert!(by("root").iter().all(|event| !event.contains("CreateUser")));
}
