//! The sentences of AWS's "Troubleshoot access denied error messages", and the trace.

use super::*;
use crate::context::Context;
use crate::evaluate::{Gate, OrganisationLevel, ResourcePolicy};
use crate::parse::Policy;

const ANN: PrincipalRef<'_> =
    PrincipalRef::User { arn: "arn:aws:iam::123456789012:user/ann", account: "123456789012", id: "AIDAEXAMPLE0123456" };

fn policy(effect: &str, rest: &str) -> Policy {
    Policy::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"one","Effect":"{effect}","Action":"*"{rest}}}}}"#
    ))
    .expect("valid")
}

#[test]
fn sentences() {
    let context = Context::new();
    let request =
        Request { principal: ANN, action: "ec2:RunInstances", resource: "arn:aws:ec2:r:1:subnet/s", context: &context };
    let say = |decision, kind| denial(&Verdict { decision, decided_by: None, kind }, &request);
    let start = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:r:1:subnet/s";
    for (kind, words) in [
        (PolicyKind::Identity, "identity-based policy"),
        (PolicyKind::Resource, "resource-based policy"),
        (PolicyKind::Boundary, "permissions boundary"),
        (PolicyKind::Session, "session policy"),
        (PolicyKind::Organisation, "service control policy"),
        (PolicyKind::ResourceOrganisation, "resource control policy"),
        (PolicyKind::Endpoint, "VPC endpoint policy"),
    ] {
        let article = if kind == PolicyKind::Identity { "an" } else { "a" };
        assert_eq!(say(Decision::ExplicitDeny, kind), format!("{start} with an explicit deny in {article} {words}"));
        assert_eq!(
            say(Decision::ImplicitDeny, kind),
            format!("{start} because no {words} allows the ec2:RunInstances action")
        );
    }
    let trust = Request { action: "sts:AssumeRole", resource: "*", ..request };
    let verdict = Verdict { decision: Decision::ImplicitDeny, decided_by: None, kind: PolicyKind::Resource };
    assert_eq!(
        denial(&verdict, &trust),
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"
    );
}

#[test]
fn the_trace_names_statements_and_missing_keys() {
    let allow = policy("Allow", r#","Resource":"*""#);
    let deny =
        policy("Deny", r#","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"${aws:PrincipalTag/Vpc}"}}"#);
    let key = policy("Allow", r#","Resource":"*","Principal":"*""#);
    let identity = [Attached { label: "allow", policy: &allow }, Attached { label: "deny", policy: &deny }];
    let level = [OrganisationLevel { kind: OrganisationKind::ServiceControl, policies: &identity[..1] }];
    let set = PolicySet {
        identity: &identity,
        organisation: &level,
        resource: Some(ResourcePolicy {
            attached: Attached { label: "key", policy: &key },
            owner: "123456789012",
            gate: Gate::Required,
        }),
        ..PolicySet::default()
    };
    let context = Context::new().with_principal(&ANN);
    let request = Request { principal: ANN, action: "kms:Decrypt", resource: "*", context: &context };
    let found = trace(&set, &request);
    assert!(found.verdict.is_allowed());
    let names: Vec<_> =
        found.matched.iter().map(|matched| (matched.kind, matched.statement.policy, matched.statement.sid)).collect();
    assert_eq!(
        names,
        [
            (PolicyKind::Organisation, "allow", Some("one")),
            (PolicyKind::Resource, "key", Some("one")),
            (PolicyKind::Identity, "allow", Some("one")),
        ]
    );
    assert_eq!(found.missing_keys, ["aws:principaltag/vpc", "aws:sourcevpc"]);
    let context = context.clone().with("aws:SourceVpc", "vpc-1").with("aws:PrincipalTag/vpc", "vpc-1");
    let denied = trace(&set, &Request { context: &context, ..request });
    assert_eq!(denied.verdict.decision, Decision::ExplicitDeny);
    let shown = detail(&denied.verdict, &Request { context: &context, ..request });
    assert_eq!(shown["explicitDeny"], true);
    assert_eq!(shown["matchedStatements"]["items"][0]["sourcePolicyId"], "deny");
    assert_eq!(shown["context"]["principal"]["id"], "AIDAEXAMPLE0123456");
}
