//! The order of evaluation, after AWS's "Policy evaluation logic" and "Identity-based policies and resource-based
//! policies", and what must hold for any policies.

use super::*;
use crate::parse::DocumentKind;
use proptest::prelude::*;

const HOME: &str = "123456789012";
const OTHER: &str = "210987654321";
const USER: PrincipalRef<'_> =
    PrincipalRef::User { arn: "arn:aws:iam::123456789012:user/team/ann", account: HOME, id: "AIDAEXAMPLE0123456" };
const ROOT: PrincipalRef<'_> = PrincipalRef::Root { arn: "arn:aws:iam::123456789012:root", account: HOME };
const SESSION: PrincipalRef<'_> = PrincipalRef::RoleSession {
    arn: "arn:aws:sts::123456789012:assumed-role/r/s",
    role_arn: "arn:aws:iam::123456789012:role/r",
    account: HOME,
    role_id: "AROAEXAMPLE0123456",
};
const FEDERATED: PrincipalRef<'_> = PrincipalRef::FederatedUser {
    arn: "arn:aws:sts::123456789012:federated-user/f",
    user_arn: "arn:aws:iam::123456789012:user/team/ann",
    user_id: "AIDAEXAMPLE0123456",
    account: HOME,
};
const ROOTS: PrincipalRef<'_> = PrincipalRef::FederatedUser {
    arn: "arn:aws:sts::123456789012:federated-user/f",
    user_arn: "arn:aws:iam::123456789012:root",
    user_id: HOME,
    account: HOME,
};

/// `yes` allows, `no` denies, `none` speaks of something else; anything else is a `Principal` to be allowed.
fn policy(what: &str) -> Policy {
    let (effect, action, principal) = match what {
        "yes" => ("Allow", "*", String::new()),
        "no" => ("Deny", "*", String::new()),
        "none" => ("Allow", "other:Thing", String::new()),
        principal => ("Allow", "*", format!(r#","Principal":{principal}"#)),
    };
    Policy::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"{principal}}}}}"#
    ))
    .expect("valid")
}

struct Case<'a> {
    principal: PrincipalRef<'a>,
    identity: &'a str,
    boundary: Option<&'a str>,
    session: Option<&'a str>,
    resource: Option<&'a str>,
    owner: &'a str,
    gate: Gate,
    organisation: &'a [&'a str],
    endpoint: Option<&'a str>,
}

const CASE: Case<'_> = Case {
    principal: USER,
    identity: "none",
    boundary: None,
    session: None,
    resource: None,
    owner: HOME,
    gate: Gate::Optional,
    organisation: &[],
    endpoint: None,
};

impl Case<'_> {
    fn run(&self) -> (Decision, PolicyKind) {
        let identity = policy(self.identity);
        let identity = [Attached { label: "identity", policy: &identity }];
        let boundary = self.boundary.map(policy);
        let session = self.session.map(policy);
        let session: Option<Vec<Attached<'_>>> =
            session.as_ref().map(|policy| vec![Attached { label: "session", policy }]);
        let resource = self.resource.map(policy);
        let endpoint = self.endpoint.map(policy);
        let organisation: Vec<Policy> = self.organisation.iter().copied().map(policy).collect();
        let organisation: Vec<[Attached<'_>; 1]> =
            organisation.iter().map(|policy| [Attached { label: "organisation", policy }]).collect();
        let levels: Vec<OrganisationLevel<'_>> = organisation
            .iter()
            .map(|policies| OrganisationLevel { kind: OrganisationKind::ServiceControl, policies })
            .collect();
        let set = PolicySet {
            identity: &identity,
            boundary: boundary.as_ref().map(|policy| Attached { label: "boundary", policy }),
            session: session.as_deref(),
            resource: resource.as_ref().map(|policy| ResourcePolicy {
                attached: Attached { label: "resource", policy },
                owner: self.owner,
                gate: self.gate,
            }),
            organisation: &levels,
            endpoint: endpoint.as_ref().map(|policy| Attached { label: "endpoint", policy }),
        };
        let context = Context::new();
        let request = Request {
            principal: self.principal,
            action: "kms:Decrypt",
            resource: "arn:aws:kms:r:1:key/k",
            context: &context,
        };
        let verdict = evaluate(&set, &request);
        (verdict.decision, verdict.kind)
    }
}

#[test]
fn identity_boundary_session_and_organisation() {
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    use PolicyKind::{Boundary, Identity, Organisation, Session};
    for (case, expected) in [
        (CASE, (ImplicitDeny, Identity)),
        (Case { identity: "yes", ..CASE }, (Allow, Identity)),
        (Case { identity: "no", ..CASE }, (ExplicitDeny, Identity)),
        (Case { principal: ROOT, ..CASE }, (Allow, Identity)),
        (Case { principal: ROOT, organisation: &["none"], ..CASE }, (ImplicitDeny, Organisation)),
        (Case { boundary: Some("yes"), ..CASE }, (ImplicitDeny, Identity)),
        (Case { identity: "yes", boundary: Some("none"), ..CASE }, (ImplicitDeny, Boundary)),
        (Case { identity: "yes", boundary: Some("no"), ..CASE }, (ExplicitDeny, Boundary)),
        (Case { identity: "yes", boundary: Some("yes"), session: Some("none"), ..CASE }, (ImplicitDeny, Session)),
        (Case { identity: "yes", boundary: Some("yes"), session: Some("yes"), ..CASE }, (Allow, Identity)),
        (Case { identity: "yes", session: Some("no"), ..CASE }, (ExplicitDeny, Session)),
        (Case { identity: "yes", organisation: &["yes", "yes"], ..CASE }, (Allow, Identity)),
        (Case { identity: "yes", organisation: &["yes", "none"], ..CASE }, (ImplicitDeny, Organisation)),
        (Case { identity: "yes", organisation: &["yes", "no"], ..CASE }, (ExplicitDeny, Organisation)),
        (Case { identity: "none", organisation: &["yes"], ..CASE }, (ImplicitDeny, Identity)),
    ] {
        assert_eq!(case.run(), expected);
    }
}

#[test]
fn an_endpoint_takes_away_and_never_gives() {
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    use PolicyKind::{Endpoint, Identity, Organisation, Resource};
    let user = r#"{"AWS":"arn:aws:iam::123456789012:user/team/ann"}"#;
    let account = r#"{"AWS":"123456789012"}"#;
    let other = r#"{"AWS":"210987654321"}"#;
    for (case, expected) in [
        (Case { endpoint: Some("yes"), ..CASE }, (ImplicitDeny, Identity)),
        (Case { identity: "yes", endpoint: Some("yes"), ..CASE }, (Allow, Identity)),
        (Case { identity: "yes", endpoint: Some(user), ..CASE }, (Allow, Identity)),
        (Case { identity: "yes", endpoint: Some(account), ..CASE }, (Allow, Identity)),
        (Case { identity: "yes", endpoint: Some(other), ..CASE }, (ImplicitDeny, Endpoint)),
        (Case { identity: "yes", endpoint: Some("none"), ..CASE }, (ImplicitDeny, Endpoint)),
        (Case { identity: "yes", endpoint: Some("no"), ..CASE }, (ExplicitDeny, Endpoint)),
        (Case { identity: "no", endpoint: Some("yes"), ..CASE }, (ExplicitDeny, Identity)),
        // Also who needs no policy of its own.
        (Case { principal: ROOT, endpoint: Some("yes"), ..CASE }, (Allow, Identity)),
        (Case { principal: ROOT, endpoint: Some("none"), ..CASE }, (ImplicitDeny, Endpoint)),
        (Case { principal: ROOT, endpoint: Some("no"), ..CASE }, (ExplicitDeny, Endpoint)),
        (Case { resource: Some(user), endpoint: Some("none"), ..CASE }, (ImplicitDeny, Endpoint)),
        (Case { resource: Some(user), endpoint: Some("yes"), ..CASE }, (Allow, Resource)),
        (Case { organisation: &["none"], endpoint: Some("none"), ..CASE }, (ImplicitDeny, Organisation)),
    ] {
        assert_eq!(case.run(), expected);
    }
}

#[test]
fn resource_policies() {
    use Decision::{Allow, ImplicitDeny};
    use PolicyKind::{Boundary, Identity, Resource, Session};
    let user = r#"{"AWS":"arn:aws:iam::123456789012:user/team/ann"}"#;
    let id = r#"{"AWS":"AIDAEXAMPLE0123456"}"#;
    let account = r#"{"AWS":"123456789012"}"#;
    let other = r#"{"AWS":"210987654321"}"#;
    let role = r#"{"AWS":"arn:aws:iam::123456789012:role/r"}"#;
    let session = r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}"#;
    let federated = r#"{"AWS":"arn:aws:sts::123456789012:federated-user/f"}"#;
    let everyone = r#""*""#;
    let required = Case { gate: Gate::Required, ..CASE };
    for (number, (case, expected)) in [
        // Within the account: naming the caller suffices, also past a boundary; naming the account does not.
        (Case { resource: Some(user), ..CASE }, (Allow, Resource)),
        (Case { resource: Some(id), boundary: Some("none"), ..CASE }, (Allow, Resource)),
        (Case { resource: Some(everyone), boundary: Some("none"), ..CASE }, (Allow, Resource)),
        (Case { resource: Some(account), ..CASE }, (ImplicitDeny, Identity)),
        (Case { resource: Some(account), identity: "yes", ..CASE }, (Allow, Identity)),
        (Case { resource: Some(other), identity: "yes", ..CASE }, (Allow, Identity)),
        // A role's grant is limited by boundary and session policy, a session's own isn't.
        (Case { principal: SESSION, resource: Some(role), ..CASE }, (Allow, Resource)),
        (Case { principal: SESSION, resource: Some(role), boundary: Some("none"), ..CASE }, (ImplicitDeny, Boundary)),
        (Case { principal: SESSION, resource: Some(role), session: Some("none"), ..CASE }, (ImplicitDeny, Session)),
        (Case { principal: SESSION, resource: Some(session), session: Some("none"), ..CASE }, (Allow, Resource)),
        (Case { principal: FEDERATED, resource: Some(user), session: Some("none"), ..CASE }, (ImplicitDeny, Session)),
        (Case { principal: FEDERATED, resource: Some(federated), session: Some("none"), ..CASE }, (Allow, Resource)),
        (Case { principal: FEDERATED, resource: Some(id), session: Some("none"), ..CASE }, (ImplicitDeny, Session)),
        (Case { principal: FEDERATED, resource: Some(id), session: Some("yes"), ..CASE }, (Allow, Resource)),
        // Root needs no policies; those whom it sends are limited by theirs.
        (Case { principal: ROOTS, session: Some("yes"), ..CASE }, (Allow, Identity)),
        (Case { principal: ROOTS, session: Some("none"), ..CASE }, (ImplicitDeny, Session)),
        (Case { principal: ROOTS, session: Some("no"), ..CASE }, (Decision::ExplicitDeny, Session)),
        // Where the resource must speak.
        (Case { resource: Some(other), identity: "yes", ..required }, (ImplicitDeny, Resource)),
        (Case { resource: Some(account), identity: "yes", ..required }, (Allow, Identity)),
        (Case { resource: Some(account), ..required }, (ImplicitDeny, Identity)),
        (Case { resource: Some(other), principal: ROOT, ..required }, (ImplicitDeny, Resource)),
        (Case { resource: Some(account), principal: ROOT, ..required }, (Allow, Resource)),
        // Across accounts both sides must allow.
        (Case { resource: Some(user), owner: OTHER, ..CASE }, (ImplicitDeny, Identity)),
        (Case { resource: Some(other), identity: "yes", owner: OTHER, ..CASE }, (ImplicitDeny, Resource)),
        (Case { resource: Some(account), identity: "yes", owner: OTHER, ..CASE }, (Allow, Identity)),
        (
            Case { resource: Some(user), identity: "yes", boundary: Some("none"), owner: OTHER, ..CASE },
            (ImplicitDeny, Boundary),
        ),
        (Case { resource: Some(other), principal: ROOT, owner: OTHER, ..CASE }, (ImplicitDeny, Resource)),
        // Those without an account have the resource's policy alone.
        (
            Case {
                principal: PrincipalRef::Service { name: "ec2.amazonaws.com" },
                resource: Some(r#"{"Service":"ec2.amazonaws.com"}"#),
                organisation: &["none"],
                ..required
            },
            (Allow, Resource),
        ),
        (
            Case {
                principal: PrincipalRef::Service { name: "ec2.amazonaws.com" },
                resource: Some(account),
                ..required
            },
            (ImplicitDeny, Resource),
        ),
        (Case { principal: PrincipalRef::Anonymous, resource: Some(everyone), ..CASE }, (Allow, Resource)),
        (Case { principal: PrincipalRef::Anonymous, identity: "yes", ..CASE }, (ImplicitDeny, Resource)),
        (
            Case {
                principal: PrincipalRef::Federated { provider: "accounts.google.com" },
                resource: Some(r#"{"Federated":"accounts.google.com"}"#),
                ..required
            },
            (Allow, Resource),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(case.run(), expected, "row {number}");
    }
    assert_eq!(
        Case { resource: Some("no"), identity: "yes", principal: ROOT, ..CASE }.run(),
        (Decision::ExplicitDeny, Resource)
    );
}

#[test]
fn not_principal_spares_only_whom_it_names_fully() {
    let denied = |names: &str, principal| {
        let policy = Policy::parse(&format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{{"AWS":[{names}]}}}}}}"#
        ))
        .expect("valid");
        let set = PolicySet {
            resource: Some(ResourcePolicy {
                attached: Attached { label: "p", policy: &policy },
                owner: HOME,
                gate: Gate::Optional,
            }),
            ..PolicySet::default()
        };
        let context = Context::new();
        let request = Request { principal, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", context: &context };
        evaluate(&set, &request).decision == Decision::ExplicitDeny
    };
    let user = r#""arn:aws:iam::123456789012:user/team/ann""#;
    let account = r#""arn:aws:iam::123456789012:root""#;
    let role = r#""arn:aws:iam::123456789012:role/r""#;
    let session = r#""arn:aws:sts::123456789012:assumed-role/r/s""#;
    assert!(denied(user, USER));
    assert!(!denied(&format!("{user},{account}"), USER));
    assert!(denied(&format!("{role},{account}"), SESSION));
    assert!(!denied(&format!("{role},{session},{account}"), SESSION));
    assert!(denied(&format!("{user},{account}"), SESSION));
    assert!(!denied(account, ROOT));
}

/// One statement against one request, as an identity policy with the given fields.
fn applies(fields: &str, action: &str, resource: &str, context: &Context) -> bool {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{fields}}}}}"#);
    let policy = Policy::parse_as(DocumentKind::Inline, &document).expect("valid");
    let identity = [Attached { label: "p", policy: &policy }];
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    evaluate(&set, &Request { principal: USER, action, resource, context }).is_allowed()
}

#[test]
fn actions_and_resources() {
    let context = Context::new().with_principal(&USER).with("aws:ResourceTag/Team", "blue");
    let instance = "arn:aws:ec2:us-east-1:123456789012:instance/i-1";
    for (fields, action, resource, expected) in [
        (r#""Action":"EC2:runinstances","Resource":"*""#, "ec2:RunInstances", instance, true),
        (r#""Action":"ec2:*","Resource":"*""#, "ec2:RunInstances", "*", true),
        (r#""Action":"ec2:Run?nstances","Resource":"*""#, "ec2:RunInstances", instance, true),
        (r#""NotAction":["iam:*","ec2:Run*"],"Resource":"*""#, "ec2:RunInstances", instance, false),
        (r#""NotAction":"iam:*","Resource":"*""#, "ec2:RunInstances", instance, true),
        (r#""Action":"*","Resource":"arn:aws:ec2:*:*:instance/*""#, "ec2:X", instance, true),
        (r#""Action":"*","Resource":"arn:aws:ec2:*:instance/*""#, "ec2:X", instance, false),
        (r#""Action":"*","Resource":"arn:aws:ec2:us-east-1:123456789012:Instance/*""#, "ec2:X", instance, false),
        (r#""Action":"*","Resource":"arn:aws:ec2""#, "ec2:X", instance, true),
        (r#""Action":"*","Resource":"arn:aws:sqs""#, "ec2:X", instance, false),
        (r#""Action":"*","Resource":"arn:*:ec2:*""#, "ec2:X", instance, true),
        (r#""Action":"*","Resource":"arn:aws:ec2:*:*:*""#, "ec2:DescribeInstances", "*", false),
        (r#""Action":"*","NotResource":"arn:aws:ec2:*:*:instance/*""#, "ec2:X", instance, false),
        (r#""Action":"*","NotResource":"arn:aws:ec2:*:*:volume/*""#, "ec2:X", instance, true),
        (
            r#""Action":"*","Resource":"arn:aws:logs:*:*:log-group:*:log-stream:a""#,
            "logs:X",
            "arn:aws:logs:r:1:log-group:g:h:log-stream:a",
            true,
        ),
        (r#""Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*""#, "s3:X", "arn:aws:s3:::home/ann/k", true),
        (r#""Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*""#, "s3:X", "arn:aws:s3:::home/bob/k", false),
        (r#""Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/none}*""#, "s3:X", "arn:aws:s3:::home", false),
        (
            r#""Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:user/*""#,
            "iam:X",
            "arn:aws:iam::123456789012:user/x",
            true,
        ),
        (
            r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:resourcetag/TEAM":"blue"}}"#,
            "ec2:X",
            instance,
            true,
        ),
        (
            r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"blue","aws:ResourceTag/Stage":"x"}}"#,
            "ec2:X",
            instance,
            false,
        ),
        (
            r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalType":"User"},"Bool":{"aws:PrincipalIsAWSService":"false"}}"#,
            "ec2:X",
            instance,
            true,
        ),
    ] {
        assert_eq!(applies(fields, action, resource, &context), expected, "{fields} on {action} {resource}");
    }
}

#[test]
fn old_documents_have_no_variables() {
    let document = r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}"#;
    let policy = Policy::identity(document).expect("valid");
    let identity = [Attached { label: "p", policy: &policy }];
    let context = Context::new().with_principal(&USER);
    let ask = |resource| {
        let set = PolicySet { identity: &identity, ..PolicySet::default() };
        evaluate(&set, &Request { principal: USER, action: "s3:X", resource, context: &context }).is_allowed()
    };
    assert!(!ask("arn:aws:s3:::ann"));
    assert!(ask("arn:aws:s3:::${aws:username}"));
}

#[test]
fn principal_keys() {
    let keys = |principal: PrincipalRef<'_>| {
        let context = Context::new().with_principal(&principal);
        ["aws:PrincipalType", "aws:userid", "aws:username", "aws:PrincipalArn"]
            .map(|key| context.values(key).map(|values| values[0].clone()).unwrap_or_default())
    };
    assert_eq!(keys(ROOT), ["Account", HOME, "", "arn:aws:iam::123456789012:root"]);
    assert_eq!(keys(USER), ["User", "AIDAEXAMPLE0123456", "ann", "arn:aws:iam::123456789012:user/team/ann"]);
    assert_eq!(keys(SESSION), ["AssumedRole", "AROAEXAMPLE0123456:s", "", "arn:aws:iam::123456789012:role/r"]);
    assert_eq!(keys(FEDERATED), ["FederatedUser", "123456789012:f", "", "arn:aws:sts::123456789012:federated-user/f"]);
    assert_eq!(keys(PrincipalRef::Anonymous), ["Anonymous", "", "", ""]);
}

fn statement() -> impl Strategy<Value = (bool, String)> {
    let action = prop::sample::select(vec!["*", "ec2:*", "ec2:Run*", "s3:Get?", "ec2:RunInstances"]);
    let resource = prop::sample::select(vec![
        "*",
        "arn:aws:ec2:*:*:instance/*",
        "arn:aws:ec2:*:*:*/i-1",
        "arn:aws:s3:::b/${aws:username}",
    ]);
    let condition = prop::sample::select(vec![
        "",
        r#","Condition":{"StringEquals":{"k":["a","b"]}}"#,
        r#","Condition":{"StringNotLike":{"k":"a*"}}"#,
        r#","Condition":{"ForAllValues:StringEquals":{"k":"a"}}"#,
        r#","Condition":{"Null":{"k":"true"}}"#,
    ]);
    (any::<bool>(), any::<bool>(), any::<bool>(), action, resource, condition).prop_map(
        |(deny, not_action, not_resource, action, resource, condition)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let action_key = if not_action { "NotAction" } else { "Action" };
            let resource_key = if not_resource { "NotResource" } else { "Resource" };
            (
                deny,
                format!(
                    r#"{{"Effect":"{effect}","{action_key}":"{action}","{resource_key}":"{resource}"{condition}}}"#
                ),
            )
        },
    )
}

fn context() -> impl Strategy<Value = Context> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "x"]), 0..3).prop_map(|values| {
        if values.len() == 2 && values[0] == "x" { Context::new() } else { Context::new().with_many("k", values) }
    })
}

fn verdict_of(statements: &[String], action: &str, resource: &str, context: &Context) -> Decision {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let policy = Policy::identity(&document).expect("valid");
    let identity = [Attached { label: "p", policy: &policy }];
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    evaluate(&set, &Request { principal: USER, action, resource, context }).decision
}

proptest! {
    #[test]
    fn order_never_matters_and_deny_always_wins(
        statements in prop::collection::vec(statement(), 1..6),
        added in statement(),
        context in context(),
        action in prop::sample::select(vec!["ec2:RunInstances", "s3:GetX", "iam:CreateUser"]),
        resource in prop::sample::select(vec!["*", "arn:aws:ec2:r:1:instance/i-1", "arn:aws:s3:::b/ann"]),
    ) {
        let texts: Vec<String> = statements.iter().map(|(_, text)| text.clone()).collect();
        let decision = verdict_of(&texts, action, resource, &context);
        let backwards: Vec<String> = texts.iter().rev().cloned().collect();
        prop_assert_eq!(verdict_of(&backwards, action, resource, &context), decision);

        // What each statement does by itself explains the whole.
        let alone: Vec<Decision> = texts.iter().map(|text| verdict_of(std::slice::from_ref(text), action, resource, &context)).collect();
        let expected = if alone.contains(&Decision::ExplicitDeny) {
            Decision::ExplicitDeny
        } else if alone.contains(&Decision::Allow) {
            Decision::Allow
        } else {
            Decision::ImplicitDeny
        };
        prop_assert_eq!(decision, expected);

        // One more statement only moves the decision its own way.
        let mut more = texts.clone();
        more.push(added.1);
        let after = verdict_of(&more, action, resource, &context);
        match (added.0, decision) {
            (_, Decision::ExplicitDeny) => prop_assert_eq!(after, Decision::ExplicitDeny),
            (false, Decision::Allow) => prop_assert_eq!(after, Decision::Allow),
            (true, Decision::ImplicitDeny) => prop_assert_ne!(after, Decision::Allow),
            _ => {}
        }
    }
}
