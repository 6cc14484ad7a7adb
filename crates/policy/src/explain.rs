//! Verdicts in words: the sentence that AWS answers a denied call with, the details behind its encoded message, and
//! the trace that the policy simulator shows.

use crate::evaluate::{
    Attached, Decision, OrganisationKind, PolicyKind, PolicySet, Request, StatementRef, Verdict, evaluate, reference,
    with_prepared,
};
use crate::principal::PrincipalRef;
use crate::statement::Effect;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A statement that applied to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedStatement<'a> {
    /// Of which kind its policy is.
    pub kind: PolicyKind,
    /// What it does.
    pub effect: Effect,
    /// Which one it is.
    pub statement: StatementRef<'a>,
}

/// Everything that was found on the way to a verdict.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    /// The verdict.
    pub verdict: Verdict<'a>,
    /// All statements that applied, in the order of evaluation.
    pub matched: Vec<MatchedStatement<'a>>,
    /// Condition keys, in lower case, that some policy looks at and the request doesn't have.
    pub missing_keys: Vec<&'a str>,
}

/// The sentence of a denied call, in AWS's words.
pub fn denial(verdict: &Verdict<'_>, request: &Request<'_>) -> String {
    let who = match request.principal {
        PrincipalRef::Service { name } => format!("Service: {name}"),
        PrincipalRef::Federated { provider } => format!("User: {provider}"),
        PrincipalRef::Anonymous => "User: anonymous".to_owned(),
        _ => format!("User: {}", request.principal.arn().unwrap_or_default()),
    };
    let action = request.action;
    // An action that knows no resource is named without one.
    let resource = match request.resource {
        "*" => String::new(),
        resource => format!(" on resource: {resource}"),
    };
    let trust = action.to_ascii_lowercase().starts_with("sts:assumerole");
    let why = match (verdict.decision, verdict.kind) {
        (Decision::ExplicitDeny, PolicyKind::Identity) => "with an explicit deny in an identity-based policy".into(),
        (Decision::ExplicitDeny, PolicyKind::Resource) if trust => {
            "with an explicit deny in the role trust policy".into()
        }
        (Decision::ExplicitDeny, kind) => format!("with an explicit deny in a {}", name(kind)),
        (_, PolicyKind::Resource) if trust => format!("because no role trust policy allows the {action} action"),
        (_, kind) => format!("because no {} allows the {action} action", name(kind)),
    };
    format!("{who} is not authorized to perform: {action}{resource} {why}")
}

/// The body of the encoded authorisation failure message, as DecodeAuthorizationMessage shows it.
pub fn detail(verdict: &Verdict<'_>, request: &Request<'_>) -> Value {
    let statements: Vec<Value> = verdict
        .decided_by
        .iter()
        .map(|found| {
            json!({
                "statementId": found.sid.unwrap_or_default(),
                "effect": if verdict.is_allowed() { "ALLOW" } else { "DENY" },
                "sourcePolicyId": found.policy,
                "sourcePolicyType": name(verdict.kind),
            })
        })
        .collect();
    let id = request.context.values("aws:userid").and_then(<[String]>::first);
    let conditions: Vec<Value> = request
        .context
        .iter()
        .map(|(key, values)| {
            let items: Vec<Value> = values.iter().map(|value| json!({ "value": value })).collect();
            json!({ "key": key, "values": { "items": items } })
        })
        .collect();
    json!({
        "allowed": verdict.is_allowed(),
        "explicitDeny": verdict.decision == Decision::ExplicitDeny,
        "matchedStatements": { "items": statements },
        "failures": { "items": [] },
        "context": {
            "principal": { "id": id, "arn": request.principal.arn() },
            "action": request.action,
            "resource": request.resource,
            "conditions": { "items": conditions },
        },
    })
}

/// Evaluates a request and keeps what was found on the way.
pub fn trace<'a>(set: &PolicySet<'a>, request: &Request<'_>) -> Trace<'a> {
    let mut matched = Vec::new();
    let mut missing = BTreeSet::new();
    with_prepared(request, |prepared| {
        each_policy(set, &mut |kind, attached| {
            for (index, statement) in attached.policy.statements().iter().enumerate() {
                if statement.applies(prepared).is_some() {
                    matched.push(MatchedStatement {
                        kind,
                        effect: statement.effect,
                        statement: reference(attached, index),
                    });
                }
                statement.for_each_key(&mut |key| {
                    if prepared.context.values_of_lower(key).is_none() {
                        missing.insert(key);
                    }
                });
            }
        });
    });
    Trace { verdict: evaluate(set, request), matched, missing_keys: missing.into_iter().collect() }
}

fn each_policy<'a>(set: &PolicySet<'a>, f: &mut dyn FnMut(PolicyKind, &Attached<'a>)) {
    for level in set.organisation {
        let kind = match level.kind {
            OrganisationKind::ServiceControl => PolicyKind::Organisation,
            OrganisationKind::ResourceControl => PolicyKind::ResourceOrganisation,
        };
        level.policies.iter().for_each(|attached| f(kind, attached));
    }
    set.endpoint.iter().for_each(|attached| f(PolicyKind::Endpoint, attached));
    if let Some(policy) = &set.resource {
        f(PolicyKind::Resource, &policy.attached);
    }
    set.identity.iter().for_each(|attached| f(PolicyKind::Identity, attached));
    set.boundary.iter().for_each(|attached| f(PolicyKind::Boundary, attached));
    set.session.unwrap_or_default().iter().for_each(|attached| f(PolicyKind::Session, attached));
}

fn name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity-based policy",
        PolicyKind::Resource => "resource-based policy",
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Session => "session policy",
        PolicyKind::Organisation => "service control policy",
        PolicyKind::ResourceOrganisation => "resource control policy",
        PolicyKind::Endpoint => "VPC endpoint policy",
    }
}

#[cfg(test)]
mod tests;
