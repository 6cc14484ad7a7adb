//! Lifecycle policies: what they may say, who may make them. What they do is tested where it is done: in `landfall-testkit`.

use serde_json::{Value, json};

use crate::harness::{Case, Client, Params, World, at, list, params};

const fn case(
    action: &'static str,
    good: fn(&Client<'_>) -> Params,
    bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
) -> Case {
    Case { service: "dlm", action, good, bad, masked: &[], by: World::root }
}

const NONE: &str = "policy-0123456789abcdef0";
const NONE_ARN: &str = "arn:aws:dlm:us-east-1:111122223333:policy/policy-0123456789abcdef0";
const NO_POLICY: &[(&[(&str, &str)], &str)] = &[
    (&[("policyId", NONE)], "ResourceNotFoundException"),
    (&[("policyId", "policy-x")], "InvalidRequestException"),
    (&[("policyId", "vol-0123456789abcdef0")], "InvalidRequestException"),
];
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"dlm.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

pub const CASES: &[Case] = &[
    case(
        "CreateLifecyclePolicy",
        order,
        &[
            (&[("Description", "a"), ("State", "ENABLED")], "InvalidRequestException"),
            (&[("ExecutionRoleArn", "no"), ("Description", "a"), ("State", "ENABLED")], "InvalidRequestException"),
            (
                &[("ExecutionRoleArn", "arn:aws:iam::111122223333:role/x"), ("Description", "a"), ("State", "ERROR")],
                "InvalidRequestException",
            ),
            (
                &[
                    ("ExecutionRoleArn", "arn:aws:iam::111122223333:role/x"),
                    ("Description", "a"),
                    ("State", "ENABLED"),
                    ("DefaultPolicy", "VOLUME"),
                ],
                "InvalidRequestException",
            ),
        ],
    ),
    case("DeleteLifecyclePolicy", named, NO_POLICY),
    case(
        "GetLifecyclePolicies",
        |client| {
            made(client);
            params([
                ("state", "ENABLED"),
                ("resourceTypes:", r#"["VOLUME"]"#),
                ("targetTags:", r#"["backup=yes","disk=data"]"#),
                ("tagsToAdd:", r#"["made=daily"]"#),
            ])
        },
        &[
            (&[("policyIds:", r#"["policy-0123456789abcdef0"]"#)], "ResourceNotFoundException"),
            (&[("state", "ON")], "InvalidRequestException"),
            (&[("targetTags:", r#"["backup"]"#)], "InvalidRequestException"),
        ],
    ),
    case("GetLifecyclePolicy", named, NO_POLICY),
    case(
        "ListTagsForResource",
        |client| params([("resourceArn", arn(client))]),
        &[
            (&[("resourceArn", NONE_ARN)], "ResourceNotFoundException"),
            (&[("resourceArn", "none")], "InvalidRequestException"),
        ],
    ),
    case(
        "TagResource",
        |client| params([("resourceArn", arn(client)), ("Tags:", r#"{"a":"b"}"#.to_owned())]),
        &[
            (&[("resourceArn", NONE_ARN), ("Tags:", r#"{"a":"b"}"#)], "ResourceNotFoundException"),
            (&[("resourceArn", NONE_ARN)], "InvalidRequestException"),
        ],
    ),
    case(
        "UntagResource",
        |client| params([("resourceArn", arn(client)), ("tagKeys:", r#"["team","none"]"#.to_owned())]),
        &[
            (&[("resourceArn", NONE_ARN), ("tagKeys:", r#"["a"]"#)], "ResourceNotFoundException"),
            (&[("resourceArn", NONE_ARN)], "InvalidRequestException"),
        ],
    ),
    case(
        "UpdateLifecyclePolicy",
        |client| {
            let id = made(client);
            params([
                ("policyId", id),
                ("ExecutionRoleArn", role(client, "other")),
                ("Description", "changed".to_owned()),
                ("State", "DISABLED".to_owned()),
            ])
        },
        NO_POLICY,
    ),
];

/// What a daily policy says.
fn details() -> Value {
    json!({
        "PolicyType": "EBS_SNAPSHOT_MANAGEMENT",
        "ResourceTypes": ["VOLUME"],
        "TargetTags": [{"Key": "backup", "Value": "yes"}, {"Key": "disk", "Value": "data"}],
        "Schedules": [{
            "Name": "daily",
            "CopyTags": true,
            "TagsToAdd": [{"Key": "made", "Value": "daily"}],
            "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["03:00"]},
            "RetainRule": {"Count": 7},
            "ShareRules": [{
                "TargetAccounts": ["444455556666"], "UnshareInterval": 2, "UnshareIntervalUnit": "DAYS",
            }],
        }],
    })
}

/// A role that the service may take.
fn role(client: &Client<'_>, name: &str) -> String {
    let answer = client.send("iam", "CreateRole", &params([("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]));
    if answer.status == 200 {
        return at(&answer.tree(), "CreateRoleResult.Role.Arn").to_owned();
    }
    at(&client.ok_of("iam", "GetRole", &[("RoleName", name)]), "GetRoleResult.Role.Arn").to_owned()
}

fn order(client: &Client<'_>) -> Params {
    params([
        ("ExecutionRoleArn", role(client, "lifecycle")),
        ("Description", "daily backups".to_owned()),
        ("State", "ENABLED".to_owned()),
        ("PolicyDetails:", details().to_string()),
        ("Tags:", r#"{"team":"blue"}"#.to_owned()),
    ])
}

/// Makes a policy; its id.
fn made(client: &Client<'_>) -> String {
    let answer = client.send("dlm", "CreateLifecyclePolicy", &order(client));
    assert_eq!(answer.status, 200, "{}", answer.body);
    at(&answer.tree(), "PolicyId").to_owned()
}

fn named(client: &Client<'_>) -> Params {
    params([("policyId", made(client))])
}

fn arn(client: &Client<'_>) -> String {
    let id = made(client);
    at(&client.ok_of("dlm", "GetLifecyclePolicy", &[("policyId", &id)]), "Policy.PolicyArn").to_owned()
}

/// What is said with that in the place of what is at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut details = details();
    match details.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            details.pointer_mut(parent).unwrap()[name] = value;
        }
    }
    details
}

/// The message that such details are refused with.
fn refused(client: &Client<'_>, role: &str, details: &Value) -> String {
    let order = [
        ("ExecutionRoleArn", role),
        ("Description", "a"),
        ("State", "ENABLED"),
        ("PolicyDetails:", &details.to_string()),
    ];
    let answer = client.send("dlm", "CreateLifecyclePolicy", &params(order));
    assert_eq!((answer.status, answer.code().as_str()), (400, "InvalidRequestException"), "{details}: {}", answer.body);
    answer.message()
}

#[test]
fn what_no_policy_may_say_is_refused_by_name() {
    let world = World::new();
    let root = world.root();
    let role = role(&root, "lifecycle");
    let schedule = |name: &str| format!("/Schedules/0/{name}");
    let many: Vec<Value> = (0..45).map(|at| json!({"Key": format!("k{at}"), "Value": "$(timestamp)"})).collect();
    for (pointer, value, said) in [
        ("/PolicyType", json!("EVENT_BASED_POLICY"), "EVENT_BASED_POLICY"),
        ("/PolicyType", json!("IMAGE_MANAGEMENT"), "INSTANCE"),
        ("/PolicyLanguage", json!("SIMPLIFIED"), "default policies"),
        ("/ResourceTypes", json!([]), "ResourceTypes"),
        ("/ResourceLocations", json!(["OUTPOST"]), "OUTPOST"),
        ("/TargetTags", json!([]), "TargetTags"),
        ("/Schedules", json!([]), "Schedules"),
        ("/Parameters", json!({"NoReboot": true}), "NoReboot"),
        ("/Parameters", json!({"ExcludeBootVolume": true}), "ExcludeBootVolume"),
        ("/EventSource", json!({"Type": "MANAGED_CWE"}), "EventSource"),
        ("/CopyTags", json!(true), "CopyTags"),
        ("/ExtendDeletion", json!(true), "ExtendDeletion"),
        (&schedule("Name"), json!("a/b"), "name"),
        (&schedule("FastRestoreRule"), json!({"Count": 1}), "FastRestoreRule"),
        (&schedule("ArchiveRule"), json!({"RetainRule": {}}), "ArchiveRule"),
        (&schedule("CrossRegionCopyRules"), json!([{"Encrypted": false}]), "CrossRegionCopyRules"),
        (&schedule("CreateRule/Interval"), json!(5), "Interval"),
        (&schedule("CreateRule/Times"), json!(["25:00"]), "Times"),
        (&schedule("CreateRule/Scripts"), json!([{}]), "Scripts"),
        (&schedule("CreateRule/CronExpression"), json!("cron(0 10 * * ? *)"), "together"),
        (&schedule("CreateRule"), json!({"CronExpression": "cron(0 10 * * * *)"}), "?"),
        (&schedule("CreateRule"), json!({"CronExpression": "cron(0/5 10 * * ? *)"}), "minute"),
        (&schedule("CreateRule"), json!({"CronExpression": "cron(0 10 29 2 ? *)"}), "year"),
        (&schedule("CreateRule"), json!({"CronExpression": "cron(0 10 1 1 ? 2020)"}), "no moment"),
        (&schedule("RetainRule"), json!({}), "RetainRule"),
        (&schedule("RetainRule"), json!({"Count": 0}), "Count"),
        (&schedule("RetainRule"), json!({"Count": 1, "Interval": 1, "IntervalUnit": "DAYS"}), "either"),
        (&schedule("RetainRule"), json!({"Interval": 1}), "unit"),
        (&schedule("RetainRule"), json!({"Interval": 101, "IntervalUnit": "YEARS"}), "100 years"),
        (&schedule("VariableTags"), json!([{"Key": "a", "Value": "$(timestamp)"}]), "INSTANCE"),
        (&schedule("VariableTags"), json!(many), "together"),
        (&schedule("TagsToAdd"), json!([{"Key": "aws:a", "Value": "b"}]), "reserved"),
        (&schedule("ShareRules/0/TargetAccounts"), json!([]), "TargetAccounts"),
        (&schedule("ShareRules/0/UnshareIntervalUnit"), Value::Null, "unit"),
        (&schedule("DeprecateRule"), json!({"Count": 1}), "IMAGE_MANAGEMENT"),
    ] {
        let message = refused(&root, &role, &with(pointer, value));
        assert!(message.contains(said), "{pointer}: {message}");
    }
    let twice = with("/Schedules", json!([details()["Schedules"][0], details()["Schedules"][0]]));
    assert!(refused(&root, &role, &twice).contains("differ"));
    assert!(refused(&root, "arn:aws:iam::111122223333:role/none", &details()).contains("assume"));
    let document = TRUST.replace("dlm.amazonaws.com", "ec2.amazonaws.com");
    root.ok_of("iam", "CreateRole", &[("RoleName", "machines"), ("AssumeRolePolicyDocument", &document)]);
    assert!(refused(&root, "arn:aws:iam::111122223333:role/machines", &details()).contains("trust"));
}

#[test]
fn a_role_may_trust_the_service_for_one_accounts_policies_alone() {
    let world = World::new();
    let root = world.root();
    let trust = |account: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "dlm.amazonaws.com" }, "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "aws:SourceAccount": account },
                "ArnLike": { "aws:SourceArn": format!("arn:aws:dlm:us-east-1:{account}:policy/*") },
            },
        }]})
        .to_string()
    };
    for (name, account, is_taken) in [("ours", "111122223333", true), ("theirs", "444455556666", false)] {
        let document = trust(account);
        root.ok_of("iam", "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &document)]);
        let mut call = order(&root);
        call[0].1 = format!("arn:aws:iam::111122223333:role/{name}");
        let answer = root.send("dlm", "CreateLifecyclePolicy", &call);
        assert_eq!(answer.status == 200, is_taken, "{name}: {}", answer.body);
    }
}

#[test]
fn a_policy_is_shown_as_it_was_given_and_changed_where_it_may_be() {
    let world = World::new();
    let root = world.root();
    let id = made(&root);
    let shown = |client: &Client<'_>| {
        let answer = client.send("dlm", "GetLifecyclePolicy", &params([("policyId", &id)]));
        serde_json::from_str::<Value>(&answer.body).unwrap()["Policy"].clone()
    };
    let policy = shown(&root);
    let said = details();
    for name in ["PolicyType", "ResourceTypes", "TargetTags"] {
        assert_eq!(policy["PolicyDetails"][name], said[name], "{name}");
    }
    for name in ["Name", "CopyTags", "TagsToAdd", "CreateRule", "RetainRule", "ShareRules"] {
        assert_eq!(policy["PolicyDetails"]["Schedules"][0][name], said["Schedules"][0][name], "{name}");
    }
    assert_eq!(policy["DateCreated"], "2026-11-22T10:00:00.000Z");
    assert_eq!(policy["Tags"], json!({"team": "blue"}));
    let update = |details: &Value| {
        let call = params([("policyId", id.clone()), ("PolicyDetails:", details.to_string())]);
        root.send("dlm", "UpdateLifecyclePolicy", &call)
    };
    let by_age = with("/Schedules/0/RetainRule", json!({"Interval": 1, "IntervalUnit": "DAYS"}));
    let of_instances = with("/ResourceTypes", json!(["INSTANCE"]));
    for wrong in [by_age, of_instances] {
        let answer = update(&wrong);
        assert_eq!(answer.code(), "InvalidRequestException", "{}", answer.body);
    }
    let fewer = with("/Schedules/0/RetainRule", json!({"Count": 3}));
    assert_eq!(update(&fewer).status, 200);
    assert_eq!(shown(&root)["PolicyDetails"]["Schedules"][0]["RetainRule"], json!({"Count": 3}));
    // A time that isn't named is chosen once.
    let untimed = with("/Schedules/0/CreateRule", json!({"Interval": 12, "IntervalUnit": "HOURS"}));
    assert_eq!(update(&untimed).status, 200);
    assert_eq!(shown(&root)["PolicyDetails"]["Schedules"][0]["CreateRule"]["Times"], json!(["10:00"]));
    let tags = at(&root.ok_of("dlm", "GetLifecyclePolicy", &[("policyId", &id)]), "Policy.PolicyArn").to_owned();
    root.ok_of("dlm", "TagResource", &[("resourceArn", &tags), ("Tags:", r#"{"a":"b"}"#)]);
    root.ok_of("dlm", "UntagResource", &[("resourceArn", &tags), ("tagKeys:", r#"["team"]"#)]);
    assert_eq!(shown(&root)["Tags"], json!({"a": "b"}));
    // EC2 tells of tags of its own resources alone.
    assert!(
        list(&root.ok("DescribeTags", &[("Filter.1.Name", "key"), ("Filter.1.Value.1", "a")]), "tagSet").is_empty()
    );
    root.ok_of("dlm", "DeleteLifecyclePolicy", &[("policyId", &id)]);
    assert_eq!(root.refused_of("dlm", "GetLifecyclePolicy", &[("policyId", &id)]), "ResourceNotFoundException");
}

#[test]
fn what_default_policies_may_do_can_be_said_to_be_off() {
    let world = World::new();
    let root = world.root();
    let mut details = details();
    details["CopyTags"] = json!(false);
    details["ExtendDeletion"] = json!(false);
    let said = |name: &str, value: &str| {
        let mut call = order(&root);
        call.retain(|(key, _)| key != "PolicyDetails:");
        call.extend(params([("PolicyDetails:", details.to_string()), (name, value.to_owned())]));
        root.send("dlm", "CreateLifecyclePolicy", &call)
    };
    for name in ["CopyTags", "ExtendDeletion"] {
        let answer = said(&format!("{name}:"), "false");
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let answer = said(&format!("{name}:"), "true");
        assert!(answer.status == 400 && answer.message().contains(name), "{name}: {}", answer.body);
    }
}

#[test]
fn an_account_has_a_hundred_policies() {
    let world = World::new();
    let root = world.root();
    for _ in 0..100 {
        made(&root);
    }
    let answer = root.send("dlm", "CreateLifecyclePolicy", &order(&root));
    assert_eq!((answer.status, answer.code().as_str()), (429, "LimitExceededException"), "{}", answer.body);
    made(&world.other());
    assert_eq!(list(&root.ok_of("dlm", "GetLifecyclePolicies", &[]), "Policies").len(), 100);
}

#[test]
fn whoever_may_not_pass_the_role_makes_no_policy() {
    let world = World::new();
    let root = world.root();
    let order = order(&root);
    let policy = |condition: Value| {
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "dlm:*", "Resource": "*" },
            { "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition },
        ]})
        .to_string()
    };
    let to = |service: &str| policy(json!({ "StringEquals": { "iam:PassedToService": service } }));
    let alice = world.user("alice", &to("dlm.amazonaws.com"));
    let bob = world.user("bob", &to("ec2.amazonaws.com"));
    assert_eq!(alice.send("dlm", "CreateLifecyclePolicy", &order).status, 200);
    let answer = bob.send("dlm", "CreateLifecyclePolicy", &order);
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDeniedException"), "{}", answer.body);
    assert!(answer.message().contains("iam:PassRole"), "{}", answer.body);
}
