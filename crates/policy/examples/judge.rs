//! Reads cases as lines of JSON and prints a decision for each, so that implementations in other languages can be
//! compared with ours. A case has `principal` (the ARN of a user, role session or root), `action`, `resource`,
//! `owner`, `identity` (documents), and may have `role_arn`, `boundary`, `session`, `resource_policy`, `required`,
//! `service_control` (documents, one per level) and `context` (a string or a list for each key).
//!
//! `tests/torture/policy.sh` compares so with npm's `@cloud-copilot/iam-simulate`: random cases over users and role
//! sessions, identity, boundary, session, resource and service control policies, within and across accounts. It leaves out
//! the cases in which that departs from AWS's documentation, which ours follows:
//! - a negated operator on a variable without value holds ("Policy variables with no value");
//! - `${*}` is a star under `StringEquals` too, and a resource may have a variable with a colon in its key;
//! - `NotIpAddress` with IPv4 ranges holds for an IPv6 address, and with `0.0.0.0/0` for no IPv4 address;
//! - a resource policy that names the session itself, or `*`, is not limited by what a session policy leaves out;
//! - `ForAnyValue:…IfExists` is true without the key ("IfExists": "evaluate the condition element as true").

use landfall_policy::{
    Attached, Context, Gate, Malformed, OrganisationKind, OrganisationLevel, Policy, PolicySet, PrincipalRef, Request,
    ResourcePolicy, evaluate,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;

#[derive(Deserialize)]
struct Case {
    principal: String,
    role_arn: Option<String>,
    action: String,
    resource: String,
    owner: String,
    #[serde(default)]
    identity: Vec<Value>,
    boundary: Option<Value>,
    session: Option<Value>,
    resource_policy: Option<Value>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    service_control: Vec<Value>,
    #[serde(default)]
    context: BTreeMap<String, Keyed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Keyed {
    One(String),
    Many(Vec<String>),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        match judge(&case) {
            Ok(decision) => println!("{decision}"),
            Err(malformed) => println!("{malformed:?}"),
        }
    }
    Ok(())
}

fn judge(case: &Case) -> Result<String, Malformed> {
    let parse = |document: &Value| Policy::parse(&document.to_string());
    let attach = |policy| Attached { label: "policy", policy };
    let identity = case.identity.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let boundary = case.boundary.as_ref().map(parse).transpose()?;
    let session = case.session.as_ref().map(parse).transpose()?;
    let resource = case.resource_policy.as_ref().map(parse).transpose()?;
    let levels = case.service_control.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let identity: Vec<Attached<'_>> = identity.iter().map(attach).collect();
    let session: Option<[Attached<'_>; 1]> = session.as_ref().map(|policy| [attach(policy)]);
    let levels: Vec<[Attached<'_>; 1]> = levels.iter().map(|policy| [attach(policy)]).collect();
    let levels: Vec<OrganisationLevel<'_>> =
        levels.iter().map(|policies| OrganisationLevel { kind: OrganisationKind::ServiceControl, policies }).collect();
    let gate = if case.required { Gate::Required } else { Gate::Optional };
    let set = PolicySet {
        identity: &identity,
        boundary: boundary.as_ref().map(attach),
        session: session.as_ref().map(|policies| &policies[..]),
        resource: resource.as_ref().map(|policy| ResourcePolicy { attached: attach(policy), owner: &case.owner, gate }),
        organisation: &levels,
        ..PolicySet::default()
    };
    let account = case.principal.split(':').nth(4).unwrap_or_default();
    let arn = case.principal.as_str();
    let principal = match &case.role_arn {
        Some(role_arn) => PrincipalRef::RoleSession { arn, role_arn, account, role_id: "AROAEXAMPLE0123456" },
        None if arn.ends_with(":root") => PrincipalRef::Root { arn, account },
        None => PrincipalRef::User { arn, account, id: "AIDAEXAMPLE0123456" },
    };
    let mut context = Context::new().with_principal(&principal);
    for (key, value) in &case.context {
        match value {
            Keyed::One(value) => context.set(key, value.clone()),
            Keyed::Many(values) => context.set_many(key, values.iter().cloned()),
        }
    }
    let request = Request { principal, action: &case.action, resource: &case.resource, context: &context };
    Ok(format!("{:?}", evaluate(&set, &request).decision))
}
