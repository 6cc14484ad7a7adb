//! Every operation is allowed and denied by conditions on what it is about: a policy that names its resources and says of
//! each all that AWS's condition keys know of it lets the call through, and none with one of these said wrong does.

use landfall_api::{Demands, Operation};
use landfall_cloud::View;
use landfall_model::{Region, Scope, Timestamp};
use landfall_wire::{Tree, decode_json, decode_query};
use serde_json::{Value, json};

use crate::completeness::{cases, permission};
use crate::harness::{
    ACCOUNT, Answer, Case, Client, NOW_MS, Params, World, column, params, query, speaks_json, target,
};
use crate::reference::{PROLOGUE, index, names};

/// What a call demands of its own action on a resource, with what conditions may look at.
#[derive(Clone, Debug, PartialEq)]
struct Own {
    resource: String,
    context: Vec<(String, Vec<String>)>,
}

/// The tag that every resource gets that takes one.
const TAG: (&str, &str) = ("team", "blue");

/// Cases whose calls depend on who makes them: nobody signs them, no policy is asked, or they are about the caller itself
/// unless they name somebody. Their tests stand with them.
const BY_CALLER: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
    "ChangePassword",
    "GetCallerIdentity",
    "GetFederationToken",
    "GetSessionToken",
];

fn own_cases() -> impl Iterator<Item = &'static Case> {
    cases().filter(|case| !BY_CALLER.contains(&case.action))
}

/// The input of a call, as its operation reads it.
pub fn input_of(case: &Case, good: &Params) -> Tree {
    let mut input = match case.service {
        // Members of a body keep their types, in whichever protocol.
        service if speaks_json(service) || matches!(service, "dlm" | "elasticfilesystem") => {
            let body = crate::harness::json(good);
            decode_json(&format!("{}.{}", target(service), case.action), body.as_bytes()).unwrap().input
        }
        _ => decode_query(query(case.action, good).as_bytes()).unwrap().input,
    };
    for name in PROLOGUE {
        input.take(name);
    }
    input
}

/// Gathers the demands of a case's call as the value is now.
pub fn demands_of(world: &World, case: &Case, good: &Params) -> Demands {
    let scope = Scope { account: ACCOUNT.parse().unwrap(), region: Region::DEFAULT };
    let snapshot = world.engine().read();
    let view = View::new(&snapshot, scope, Timestamp(NOW_MS));
    let mut demands = Demands::new(scope);
    let is_it = |o: &&Operation| (o.action.service, o.action.name) == (case.service, case.action);
    let operation = landfall_api::operations().find(is_it).unwrap();
    (operation.demands)(&input_of(case, good), &view, &mut demands).unwrap();
    demands
}

/// What a call demands of its own action; none where nothing but a deny keeps anybody from it.
fn own(world: &World, case: &Case, good: &Params) -> Vec<Own> {
    let action = format!("{}:{}", case.service, permission(case));
    let mut found: Vec<Own> = Vec::new();
    for demand in demands_of(world, case, good).list().iter().filter(|demand| demand.action == action) {
        if demand.implied {
            return Vec::new();
        }
        let context = demand.context.iter().map(|(key, values)| (key.to_owned(), values.to_vec()));
        let own = Own { resource: demand.resource.clone(), context: context.collect() };
        if !found.contains(&own) {
            found.push(own);
        }
    }
    found
}

/// What is said wrong in a policy.
#[derive(Clone, Copy)]
enum Wrong<'w> {
    Nothing,
    /// The name of a resource.
    Resource(&'w str),
    /// What a resource's key has.
    Key(&'w str, &'w str),
}

/// A policy that lets the action through where all of this holds, and anything else.
fn policy(case: &Case, own: &[Own], wrong: Wrong<'_>) -> String {
    let action = format!("{}:{}", case.service, permission(case));
    let mut statements = vec![json!({ "Effect": "Allow", "NotAction": action, "Resource": "*" })];
    for row in own {
        let mut condition = json!({});
        let region = ("aws:RequestedRegion".to_owned(), vec![Region::DEFAULT.name().to_owned()]);
        for (key, values) in row.context.iter().chain([&region]) {
            let operator = if values.len() == 1 { "StringEquals" } else { "ForAnyValue:StringEquals" };
            condition[operator][key] = json!(values.first());
        }
        let mut resource = row.resource.clone();
        match wrong {
            Wrong::Resource(name) if name == resource => resource = format!("{resource}-another"),
            Wrong::Key(name, key) if name == resource => {
                condition["StringEquals"][key] = json!("something else");
                condition["ForAnyValue:StringEquals"][key] = json!("something else");
            }
            _ => {}
        }
        statements.push(json!({ "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// Tags what an ARN names, as far as it is there and takes tags.
fn tag(root: &Client<'_>, arn: &str) {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, _, _, resource] = fields[..] else { return };
    let (kind, name) = resource.split_once('/').unwrap_or(("", resource));
    let name = name.rsplit('/').next().unwrap_or(name);
    let (key, value) = TAG;
    let send = |action: &str, pairs: &[(&str, &str)]| drop(root.send(service, action, &params(pairs.iter().copied())));
    let iam = |action: &str, member: &str, value_of: &str| {
        send(action, &[(member, value_of), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]);
    };
    let list = json!([{ "Key": key, "Value": value }]).to_string();
    match (service, kind) {
        (_, _) if name.contains('*') => {}
        ("ec2", "key-pair") => {
            let pairs = root.ok("DescribeKeyPairs", &[("Filter.1.Name", "key-name"), ("Filter.1.Value.1", name)]);
            for id in column(&pairs, "keySet", "keyPairId") {
                send("CreateTags", &[("ResourceId.1", id), ("Tag.1.Key", key), ("Tag.1.Value", value)]);
            }
        }
        ("ec2", _) => send("CreateTags", &[("ResourceId.1", name), ("Tag.1.Key", key), ("Tag.1.Value", value)]),
        ("iam", "user") => iam("TagUser", "UserName", name),
        ("iam", "role") => iam("TagRole", "RoleName", name),
        ("iam", "policy") => iam("TagPolicy", "PolicyArn", arn),
        ("iam", "instance-profile") => iam("TagInstanceProfile", "InstanceProfileName", name),
        ("iam", "oidc-provider") => iam("TagOpenIDConnectProvider", "OpenIDConnectProviderArn", arn),
        ("iam", "mfa") => iam("TagMFADevice", "SerialNumber", arn),
        ("kms", "key") => {
            let tags = json!([{ "TagKey": key, "TagValue": value }]).to_string();
            send("TagResource", &[("KeyId", arn), ("Tags:", &tags)]);
        }
        ("secretsmanager", _) => send("TagResource", &[("SecretId", arn), ("Tags:", &list)]),
        ("ssm", "parameter") => {
            let name = resource.strip_prefix("parameter").unwrap_or(resource);
            for id in [name, name.trim_start_matches('/')] {
                let pairs = [("ResourceType", "Parameter"), ("ResourceId", id), ("Tags:", list.as_str())];
                send("AddTagsToResource", &pairs);
            }
        }
        ("dlm", "policy") => {
            let tags = json!({ key: value }).to_string();
            send("TagResource", &[("resourceArn", arn), ("Tags:", &tags)]);
        }
        ("elasticfilesystem", _) => send("TagResource", &[("ResourceId", name), ("Tags:", &list)]),
        ("cloudtrail", "trail") => send("AddTags", &[("ResourceId", arn), ("TagsList:", &list)]),
        _ => {}
    }
}

/// A world where a case's call can be made, all that it is about tagged; with the call and what it demands.
fn prepared(case: &Case) -> (World, Params, Vec<Own>) {
    let world = World::new();
    let good = (case.good)(&world.root());
    for row in own(&world, case, &good) {
        tag(&world.root(), &row.resource);
    }
    let demanded = own(&world, case, &good);
    (world, good, demanded)
}

fn is_denied(answer: &Answer) -> bool {
    answer.status == 403
        && matches!(answer.code().as_str(), "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException")
        || answer.status == 400 && answer.code() == "AccessDeniedException"
}

#[test]
fn each_operation_is_allowed_and_denied_under_its_own_conditions() {
    let mut wrong = Vec::new();
    let (mut operations, mut conditions) = (0, 0);
    for case in own_cases() {
        let (world, good, own) = prepared(case);
        if own.is_empty() {
            wrong.push(format!("{} {} demands nothing", case.service, case.action));
            continue;
        }
        operations += 1;
        let mut users = 0;
        let mut call = |said: Wrong<'_>| {
            users += 1;
            let mut good = good.clone();
            if case.service == "ec2" {
                good.push(("DryRun".into(), "true".into()));
            }
            world.user(&format!("u{users}"), &policy(case, &own, said)).send(case.service, case.action, &good)
        };
        for row in &own {
            let keys = row.context.iter().map(|(key, _)| key.as_str()).chain(["aws:RequestedRegion"]);
            for key in keys {
                conditions += 1;
                let answer = call(Wrong::Key(&row.resource, key));
                if !is_denied(&answer) {
                    wrong.push(format!("{} whatever {key} of {} is: {}", case.action, row.resource, answer.body));
                }
            }
            if row.resource != "*" && !is_denied(&call(Wrong::Resource(&row.resource))) {
                wrong.push(format!("{} is allowed on something else than {}", case.action, row.resource));
            }
        }
        // Last, since it changes what the others look at.
        let answer = call(Wrong::Nothing);
        // That there is nothing to answer is an error of its own.
        let is_nothing = answer.status != 200 && answer.code() == "InsightNotEnabledException";
        if answer.status != 200 && answer.code() != "DryRunOperation" && !is_nothing {
            wrong.push(format!("{} {own:?}: {}", case.action, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(operations > 300 && conditions > 2 * operations, "{operations} operations, {conditions} conditions");
}

/// Where AWS's reference names the tags of a resource and Landfall looks at none.
const WITHOUT_TAGS: &[(&str, &str)] = &[];

#[test]
fn tags_of_resources_are_looked_at_where_aws_does() {
    let mut wrong = Vec::new();
    for service in
        ["cloudtrail", "dlm", "ebs", "ec2", "elasticfilesystem", "iam", "kms", "secretsmanager", "ssm", "sts"]
    {
        let known: Vec<_> = names(service).into_iter().filter(|name| *name != "ReEncrypt").collect();
        let Some(reference) = index("tags", &["authorization", service], &known) else { return };
        for case in own_cases().filter(|case| case.service == service && known.contains(&case.action)) {
            let (_, _, own) = prepared(case);
            for row in own.iter().filter(|row| row.resource != "*" && !row.resource.contains('*')) {
                let kind = row.resource.splitn(6, ':').nth(5).unwrap().split(['/', ':']).next().unwrap();
                let resources = reference["actions"][case.action]["resources"].as_object().unwrap();
                let theirs = resources.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, row)| row);
                let keys = theirs.and_then(|row| row["condition_keys"].as_array()).map_or(&[][..], Vec::as_slice);
                let looks = keys.iter().filter_map(Value::as_str).any(|key| key.starts_with("aws:ResourceTag/"));
                let ours =
                    row.context.iter().any(|(key, _)| key.eq_ignore_ascii_case(&format!("aws:ResourceTag/{}", TAG.0)));
                if looks && !ours && !WITHOUT_TAGS.contains(&(case.action, kind)) {
                    wrong.push(format!("{} doesn't look at the tags of {}", case.action, row.resource));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
