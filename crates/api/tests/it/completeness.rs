//! Every operation is tested: each has a call that goes through with its answer to the byte, calls that are refused, and
//! is denied to whom a policy denies it, even as a dry run; none shows or changes what another account has.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_api::Shape;
use landfall_api::audit::mask::mask;
use landfall_state::Value;
use landfall_wire::Tree;

use crate::harness::{Case, IMAGE, IMAGE_ALIAS, Params, World, golden, speaks_json};

/// The cases of all modules: a new module adds a line here.
pub const CASES: &[&[Case]] = &[
    crate::account::CASES,
    crate::address::CASES,
    crate::console::CASES,
    crate::dlm::CASES,
    crate::ebs::CASES,
    crate::efs::CASES,
    crate::endpoint::CASES,
    crate::flow_log::CASES,
    crate::host::CASES,
    crate::dhcp_options::CASES,
    crate::iam::CASES,
    crate::iam::credentials::CASES,
    crate::iam::overview::CASES,
    crate::iam::simulation::CASES,
    crate::identity::CASES,
    crate::image::CASES,
    crate::import::CASES,
    crate::insights::CASES,
    crate::instance::CASES,
    crate::instance_profile::CASES,
    crate::instance_type::CASES,
    crate::interface::CASES,
    crate::interface_life::CASES,
    crate::key_pair::CASES,
    crate::kms::CASES,
    crate::launch_template::CASES,
    crate::nat_gateway::CASES,
    crate::snapshot::CASES,
    crate::snapshot_blocks::CASES,
    crate::volume::CASES,
    crate::network::CASES,
    crate::parameter::CASES,
    crate::peering::CASES,
    crate::network_acl::CASES,
    crate::peered_group::CASES,
    crate::prefix_list::CASES,
    crate::region::CASES,
    crate::route::CASES,
    crate::s3::CASES,
    crate::secret::CASES,
    crate::security_group::CASES,
    crate::tag::CASES,
    crate::trail::CASES,
    crate::transit_gateway::CASES,
    crate::vpc::CASES,
    crate::vpn::CASES,
    crate::web_identity::CASES,
    crate::usage::CASES,
];

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.iter().copied().flatten()
}

#[test]
fn every_operation_has_a_case() {
    let have: BTreeSet<_> = cases().map(|case| (case.service, case.action)).collect();
    let want: BTreeSet<_> = landfall_api::operations().map(|o| (o.action.service, o.action.name)).collect();
    let missing: Vec<_> = want.difference(&have).collect();
    assert!(missing.is_empty(), "operations without a case: {missing:?}");
    let strange: Vec<_> = have.difference(&want).collect();
    assert!(strange.is_empty(), "cases without an operation: {strange:?}");
    assert_eq!(cases().count(), have.len(), "an operation has two cases");
    for case in cases() {
        assert!(!case.bad.is_empty() || case.action == "GetCallerIdentity", "{} has no bad input", case.action);
    }
}

#[test]
fn what_goes_through_answers_to_the_byte() {
    for case in cases() {
        let world = World::new();
        let good = (case.good)(&world.root());
        let answer = (case.by)(&world).send(case.service, case.action, &good);
        // That there is nothing to answer is an error of its own.
        let status = if case.action == "GetInsightSelectors" { 400 } else { 200 };
        assert_eq!(answer.status, status, "{} {good:?}: {}", case.action, answer.body);
        golden(&case.golden(), &answer.body, case.masked);
    }
}

#[test]
fn bad_input_has_its_code_and_changes_nothing() {
    for case in cases() {
        let world = World::new();
        let client = (case.by)(&world);
        let before = world.revision();
        for (params, code) in case.bad {
            let answer = client.send(case.service, case.action, &owned(params));
            assert_eq!(answer.status / 100, 4, "{} {params:?}: {}", case.action, answer.body);
            assert_eq!(answer.code(), *code, "{} {params:?}: {}", case.action, answer.body);
        }
        let answer = client.send(case.service, case.action, &owned(&[("Nonsense", "1")]));
        assert_eq!(answer.status, 400, "{}: {}", case.action, answer.body);
        assert_eq!(world.revision(), before, "{}", case.action);
    }
}

#[test]
fn a_deny_denies_each_operation() {
    for case in cases().filter(|case| case.action != "GetCallerIdentity") {
        let world = World::new();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{}:{}","Resource":"*"}}]}}"#,
            case.service,
            permission(case)
        );
        let user = world.user("denied", &policy);
        let good = (case.good)(&world.root());
        let before = world.revision();
        for dry_run in [false, true] {
            let answer = user.send(case.service, case.action, &with_dry_run(case, &good, dry_run));
            let denied = match case.service {
                "ec2" => (403, "UnauthorizedOperation"),
                "dlm" | "ebs" | "elasticfilesystem" => (403, "AccessDeniedException"),
                service if speaks_json(service) => (400, "AccessDeniedException"),
                _ => (403, "AccessDenied"),
            };
            assert_eq!((answer.status, answer.code().as_str()), denied, "{}", case.action);
        }
        assert_eq!(world.revision(), before, "{}", case.action);
    }
}

/// What a case's call must be allowed: the action of its own name, but for one that AWS knows by two.
pub fn permission(case: &Case) -> &'static str {
    match (case.service, case.action) {
        ("kms", "ReEncrypt") => "ReEncryptFrom",
        ("s3", "ListBuckets") => "ListAllMyBuckets",
        ("s3", "ListObjects") => "ListBucket",
        _ => case.action,
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    for case in cases().filter(|case| case.service == "ec2") {
        let world = World::new();
        let good = (case.good)(&world.root());
        let before = world.revision();
        let answer = world.root().send(case.service, case.action, &with_dry_run(case, &good, true));
        let message = "Request would have succeeded, but DryRun flag is set.";
        assert_eq!((answer.status, answer.code().as_str()), (412, "DryRunOperation"), "{}", case.action);
        assert_eq!(answer.message(), message);
        assert_eq!(world.revision(), before, "{}", case.action);
    }
}

#[test]
fn another_accounts_ids_are_not_found() {
    for case in cases() {
        let world = World::new();
        let theirs = (case.good)(&world.other());
        let names_something = theirs.iter().any(|(_, value)| is_owned_id(value));
        if !names_something {
            continue;
        }
        let before = world.revision();
        let answer = world.root().send(case.service, case.action, &theirs);
        let missing_is_no_error =
            matches!(case.action, "DeleteKeyPair" | "DeleteLaunchTemplateVersions" | "DeleteVpcEndpoints");
        if missing_is_no_error {
            assert_eq!(answer.status, 200, "{} {theirs:?}: {}", case.action, answer.body);
        } else {
            let status = if matches!(case.service, "dlm" | "ebs" | "elasticfilesystem") { 404 } else { 400 };
            assert_eq!(answer.status, status, "{} {theirs:?}: {}", case.action, answer.body);
            let code = answer.code();
            // The one code of a thing that isn't there that doesn't say so.
            let is_missing = code.contains("NotFound") || code == "InvalidConversionTaskId";
            assert!(is_missing, "{} {theirs:?}: {}", case.action, answer.body);
        }
        assert_eq!(world.revision(), before, "{} changed something", case.action);
    }
}

#[test]
fn reads_change_nothing() {
    for operation in landfall_api::operations().filter(|operation| operation.shape == Shape::Read) {
        let Some(case) = cases().find(|case| case.action == operation.action.name) else { continue };
        let world = World::new();
        let good = (case.good)(&world.root());
        let (revision, rows) = (world.revision(), world.engine().read().row_counts());
        world.root().send(case.service, case.action, &good);
        assert_eq!((world.revision(), world.engine().read().row_counts()), (revision, rows), "{}", case.action);
    }
}

/// Whether a text is an id that belongs to an account: all but the provider's images.
fn is_owned_id(text: &str) -> bool {
    let digits = |text: &str| text.len() == 17 && text.bytes().all(|b| b.is_ascii_hexdigit());
    text.rsplit_once('-').is_some_and(|(_, rest)| digits(rest)) && text != IMAGE && text != IMAGE_ALIAS
}

fn with_dry_run(case: &Case, good: &Params, dry_run: bool) -> Params {
    let mut params = good.clone();
    if dry_run && case.service == "ec2" {
        params.push(("DryRun".into(), "true".into()));
    }
    params
}

fn owned(params: &[(&str, &str)]) -> Params {
    crate::harness::params(params.iter().copied())
}

#[test]
fn an_unknown_key_is_refused() {
    let world = World::new();
    let mut nobody = world.root();
    nobody.access_key = "AKIANOBODY".into();
    let answer = nobody.call("DescribeKeyPairs", &[]);
    assert_eq!((answer.status, answer.code().as_str()), (401, "AuthFailure"));
}

/// Members that the audit hides and rows may have all the same: names of rows, and what isn't a secret in this very case.
const KEPT: [(&str, &str, &str); 9] = [
    // A token of a grant is its row's name, and opens nothing by itself.
    ("kms", "CreateGrant", "GrantToken"),
    // As AWS keeps them: whoever wants a secret in one has SecureString, and the instance's role to read it with.
    ("ssm", "PutParameter", "Value"),
    ("ssm", "GetParameter", "Value"),
    ("ssm", "GetParameters", "Value"),
    ("ec2", "GetLaunchTemplateData", "UserData"),
    ("ec2", "RunInstances", "UserData"),
    // What signs the address of a disk stays as long as it is being fetched.
    ("ec2", "DescribeImportImageTasks", "Url"),
    ("ec2", "DescribeImportSnapshotTasks", "Url"),
    ("ec2", "ModifyInstanceAttribute", "UserData"),
];

/// What a call's input and its answer have of secrets: what the audit hides.
fn secrets(case: &Case, good: &Params, answer: &Tree) -> Vec<String> {
    fn walk(case: &Case, name: &str, tree: &Tree, found: &mut Vec<String>) {
        match tree {
            Tree::Text(text) => {
                let name: String = name[..1].to_ascii_uppercase() + &name[1..];
                let is_kept = KEPT.contains(&(case.service, case.action, name.as_str()));
                if mask(case.service, &name).is_some() && !is_kept && text.len() >= 6 {
                    found.push(text.clone());
                }
            }
            Tree::List(list) => list.iter().for_each(|one| walk(case, name, one, found)),
            Tree::Map(members) => members.iter().for_each(|(name, value)| walk(case, name, value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (name, value) in good {
        let name = name.trim_end_matches(':').rsplit('.').next().unwrap();
        walk(case, name, &Tree::Text(value.clone()), &mut found);
    }
    walk(case, "Answer", answer, &mut found);
    let opened: Vec<_> = found.iter().filter_map(|text| STANDARD.decode(text).ok()).collect();
    // A short one may be a word that rows have of their own.
    found.extend(opened.into_iter().filter_map(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.len() >= 10));
    found
}

#[test]
fn no_secret_of_a_call_is_in_the_store() {
    let (mut seen, mut clear) = (BTreeSet::new(), Vec::new());
    for case in cases() {
        let world = World::new();
        let good = (case.good)(&world.root());
        let answer = (case.by)(&world).send(case.service, case.action, &good);
        let tree = if answer.body.is_empty() { Tree::Null } else { answer.tree() };
        let secrets = secrets(case, &good, &tree);
        if secrets.is_empty() {
            continue;
        }
        seen.insert(case.action);
        let mut kept = Vec::new();
        let mut feed = world.engine().feed(0);
        while let Some(commit) = feed.try_next().unwrap() {
            kept.extend(commit.changes.iter().filter_map(|change| change.body_after().unwrap()).map(|body| body.json));
            kept.extend(commit.records.iter().map(|entry| entry.record.to_string()));
        }
        let beside = world.engine().bulk(landfall_api::audit::STREAM, 0, 10_000).unwrap();
        kept.extend(beside.into_iter().map(|record| record.record));
        for secret in &secrets {
            let row = kept.iter().find(|row| row.contains(secret.as_str()));
            clear.extend(row.map(|row| format!("{} keeps {secret} in the clear: {row}", case.action)));
        }
    }
    assert!(clear.is_empty(), "{}", clear.join("\n"));
    // Those that make or take secrets are among them, or nothing was looked for.
    for action in ["CreateAccessKey", "CreateLoginProfile", "CreateSecret", "CreateVirtualMFADevice", "GetSessionToken"]
    {
        assert!(seen.contains(action), "{action} has none: {seen:?}");
    }
}
