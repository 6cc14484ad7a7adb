//! Any text as each kind of policy, and whatever is taken for one judged: refused or decided, never a panic. The first line
//! is the resource, the second the value of every key that a condition may ask for, the rest the document.
#![no_main]

use landfall_policy::{
    Attached, Context, Decision, Gate, Policy, PolicySet, PrincipalRef, Request, ResourcePolicy, evaluate, trace,
};
use libfuzzer_sys::fuzz_target;

const USER: PrincipalRef<'_> =
    PrincipalRef::User { arn: "arn:aws:iam::123456789012:user/ann", account: "123456789012", id: "AIDAEXAMPLE0123456" };

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let mut text = || lines.next().unwrap_or_default();
    let (resource, value, document) = (text(), text(), text());
    let mut context = Context::new().with_principal(&USER);
    for key in ["aws:username", "aws:CurrentTime", "aws:SourceIp", "aws:SourceArn", "aws:PrincipalTag/a", "aws:TagKeys"] {
        context.set(key, value);
    }
    context.set_many("aws:TagKeys", [value.to_owned(), resource.to_owned()]);
    let request = Request { principal: USER, action: "ec2:RunInstances", resource, context: &context };
    if let Ok(policy) = Policy::identity(document) {
        let identity = [Attached { label: "p", policy: &policy }];
        let set = PolicySet { identity: &identity, ..PolicySet::default() };
        let decision = evaluate(&set, &request).decision;
        assert_eq!(evaluate(&set, &request).decision, decision, "the same question twice");
        let _ = trace(&set, &request);
        // A boundary never adds anything.
        let bound = PolicySet { identity: &[], boundary: Some(identity[0]), ..PolicySet::default() };
        assert_ne!(evaluate(&bound, &request).decision, Decision::Allow);
    }
    if let Ok(policy) = Policy::parse(document) {
        let attached = Attached { label: "r", policy: &policy };
        let resource = Some(ResourcePolicy { attached, owner: "123456789012", gate: Gate::Required });
        let _ = evaluate(&PolicySet { resource, ..PolicySet::default() }, &request);
    }
});
