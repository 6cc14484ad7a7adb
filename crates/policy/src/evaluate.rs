//! The order of evaluation: which policies together allow a request, and which one decided.
//!
//! AWS's "Policy evaluation logic", in short: a deny anywhere decides. Else every level of the organisation must
//! allow, and the VPC endpoint's policy if the call came through one; then, within an account, either the resource's policy grants to the caller itself, or the identity's
//! policies allow within what the boundary and the session policy leave; across accounts both sides must allow.

use crate::context::Context;
use crate::parse::Policy;
use crate::principal::{Grant, PrincipalRef};
use crate::statement::{Effect, Prepared, Span, arn_fields};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: PrincipalRef<'a>,
    /// `ec2:RunInstances`.
    pub action: &'a str,
    /// An ARN, or `*` for actions that know no resource.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

/// A policy with the name under which a verdict refers to it.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// A managed policy's ARN, an inline policy's name.
    pub label: &'a str,
    /// The policy.
    pub policy: &'a Policy,
}

/// Everything that may speak on a request. The default is a caller with nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicySet<'a> {
    /// Of the user and its groups, or of the role. Root needs none: it may do in its account whatever nobody denies.
    pub identity: &'a [Attached<'a>],
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached<'a>>,
    /// The session's policies; `Some(&[])` is a session that was given none where it needs one, and allows nothing.
    pub session: Option<&'a [Attached<'a>]>,
    /// The policy of the resource: a key policy, a role's trust policy.
    pub resource: Option<ResourcePolicy<'a>>,
    /// From the organisation's root down to the account.
    pub organisation: &'a [OrganisationLevel<'a>],
    /// The policy of the VPC endpoint that the call came through.
    pub endpoint: Option<Attached<'a>>,
}

/// The policy of a resource.
#[derive(Clone, Copy, Debug)]
pub struct ResourcePolicy<'a> {
    /// The policy and its name.
    pub attached: Attached<'a>,
    /// The account that owns the resource.
    pub owner: &'a str,
    /// Whether it must speak.
    pub gate: Gate,
}

/// Whether a resource's own policy has to allow even its own account's callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The identity's policies suffice (most services).
    Optional,
    /// Nothing without it, root included: KMS keys and trust policies of roles.
    Required,
}

/// One level of an organisation: each level must allow, by any of its policies.
#[derive(Clone, Copy, Debug)]
pub struct OrganisationLevel<'a> {
    /// Whom the level limits.
    pub kind: OrganisationKind,
    /// Its policies.
    pub policies: &'a [Attached<'a>],
}

/// The two kinds of organisation policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganisationKind {
    /// Limits the callers of an account (SCP). Services and anonymous callers belong to none.
    ServiceControl,
    /// Limits the use of an account's resources, whoever asks (RCP).
    ResourceControl,
}

/// May it be done?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Yes.
    Allow,
    /// No: nothing allows it.
    ImplicitDeny,
    /// No: a statement denies it.
    ExplicitDeny,
}

/// The kind of policy that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Of the user, its groups, or the role.
    Identity,
    /// Of the resource.
    Resource,
    /// The permissions boundary.
    Boundary,
    /// Of the session.
    Session,
    /// A service control policy of the organisation.
    Organisation,
    /// A resource control policy of the organisation.
    ResourceOrganisation,
    /// Of the VPC endpoint that the call came through.
    Endpoint,
}

/// A statement, named so that a person finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRef<'a> {
    /// The policy's label.
    pub policy: &'a str,
    /// Counted from 0.
    pub index: usize,
    /// Its Sid.
    pub sid: Option<&'a str>,
    /// Where it stands.
    pub span: Span,
}

/// The outcome of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The outcome itself.
    pub decision: Decision,
    /// The statement that denied, or one that allowed; `None` when none did, or for root in its own account.
    pub decided_by: Option<StatementRef<'a>>,
    /// Of which kind the policy is that decided, or that failed to allow.
    pub kind: PolicyKind,
}

impl Verdict<'_> {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}

/// Evaluates one request. Pure: the same set and request give the same verdict.
pub fn evaluate<'a>(set: &PolicySet<'a>, request: &Request<'_>) -> Verdict<'a> {
    with_prepared(request, |prepared| decide(set, prepared))
}

/// Hands `f` the request in the form that statements look at.
pub(crate) fn with_prepared<T>(request: &Request<'_>, f: impl FnOnce(&Prepared<'_>) -> T) -> T {
    let action = request.action.to_ascii_lowercase();
    f(&Prepared {
        principal: &request.principal,
        action: &action,
        resource: arn_fields(request.resource),
        context: request.context,
    })
}

/// What the policies of one kind say, a deny aside.
type Allowed<'a> = Option<(StatementRef<'a>, Grant)>;

fn decide<'a>(set: &PolicySet<'a>, request: &Prepared<'_>) -> Verdict<'a> {
    match gather(set, request) {
        Ok(said) => said.conclude(set, request.principal),
        Err(denied) => denied,
    }
}

/// What each kind allows, when nothing denies.
struct Said<'a> {
    identity: Allowed<'a>,
    boundary: Allowed<'a>,
    session: Allowed<'a>,
    resource: Allowed<'a>,
    /// The kind of the first level that doesn't allow, or of the endpoint's policy.
    perimeter_lacks: Option<PolicyKind>,
}

/// Asks every policy; the first deny is the verdict, since a deny outweighs whatever else would be said.
fn gather<'a>(set: &PolicySet<'a>, request: &Prepared<'_>) -> Result<Said<'a>, Verdict<'a>> {
    let mut perimeter_lacks = None;
    for level in set.organisation {
        let kind = match level.kind {
            OrganisationKind::ServiceControl if request.principal.account().is_none() => continue,
            OrganisationKind::ServiceControl => PolicyKind::Organisation,
            OrganisationKind::ResourceControl => PolicyKind::ResourceOrganisation,
        };
        if scan(level.policies, kind, request)?.is_none() {
            perimeter_lacks = perimeter_lacks.or(Some(kind));
        }
    }
    if scan(set.endpoint.as_slice(), PolicyKind::Endpoint, request)?.is_none() && set.endpoint.is_some() {
        perimeter_lacks = perimeter_lacks.or(Some(PolicyKind::Endpoint));
    }
    let resource = match &set.resource {
        Some(policy) => scan(std::slice::from_ref(&policy.attached), PolicyKind::Resource, request)?,
        None => None,
    };
    let identity = scan(set.identity, PolicyKind::Identity, request)?;
    let boundary = scan(set.boundary.as_slice(), PolicyKind::Boundary, request)?;
    let session = scan(set.session.unwrap_or_default(), PolicyKind::Session, request)?;
    Ok(Said { identity, boundary, session, resource, perimeter_lacks })
}

/// The strongest allow among the policies of one kind, or the verdict when one denies.
fn scan<'a>(policies: &[Attached<'a>], kind: PolicyKind, request: &Prepared<'_>) -> Result<Allowed<'a>, Verdict<'a>> {
    let mut allowed: Allowed<'a> = None;
    for attached in policies {
        for (index, statement) in attached.policy.statements().iter().enumerate() {
            // Once the caller itself is allowed, only a deny can still change anything.
            if statement.effect == Effect::Allow && matches!(allowed, Some((_, Grant::Direct))) {
                continue;
            }
            let Some(grant) = statement.applies(request) else { continue };
            let named = reference(attached, index);
            if statement.effect == Effect::Deny {
                return Err(Verdict { decision: Decision::ExplicitDeny, decided_by: Some(named), kind });
            }
            if allowed.is_none_or(|(_, have)| grant > have) {
                allowed = Some((named, grant));
            }
        }
    }
    Ok(allowed)
}

/// Names a statement of a policy.
pub(crate) fn reference<'a>(attached: &Attached<'a>, index: usize) -> StatementRef<'a> {
    let statement = &attached.policy.statements()[index];
    StatementRef { policy: attached.label, index, sid: statement.sid.as_deref(), span: statement.span }
}

impl<'a> Said<'a> {
    fn conclude(&self, set: &PolicySet<'a>, principal: &PrincipalRef<'_>) -> Verdict<'a> {
        if let Some(kind) = self.perimeter_lacks {
            return lacking(kind);
        }
        let Some(account) = principal.account() else {
            // Services, federated and anonymous callers have no policies of their own.
            return match self.resource {
                Some((statement, _)) => allowed(Some(statement), PolicyKind::Resource),
                None => lacking(PolicyKind::Resource),
            };
        };
        let Some(policy) = &set.resource else { return self.identity_side(set, principal) };
        if policy.owner != account {
            return match self.resource {
                Some(_) => self.identity_side(set, principal),
                None => lacking(PolicyKind::Resource),
            };
        }
        match self.resource {
            Some((statement, Grant::Direct)) => allowed(Some(statement), PolicyKind::Resource),
            Some((statement, Grant::Role)) => match self.limits(set) {
                Some(kind) => lacking(kind),
                None => allowed(Some(statement), PolicyKind::Resource),
            },
            None if policy.gate == Gate::Required => lacking(PolicyKind::Resource),
            Some((_, Grant::Account)) | None => self.identity_side(set, principal),
        }
    }

    /// What the caller's own account lets it do.
    fn identity_side(&self, set: &PolicySet<'a>, principal: &PrincipalRef<'_>) -> Verdict<'a> {
        match self.identity {
            _ if principal.is_of_root() => match self.limits(set) {
                Some(kind) => lacking(kind),
                None => allowed(None, PolicyKind::Identity),
            },
            None => lacking(PolicyKind::Identity),
            Some((statement, _)) => match self.limits(set) {
                Some(kind) => lacking(kind),
                None => allowed(Some(statement), PolicyKind::Identity),
            },
        }
    }

    /// The limit that doesn't allow, when there is one.
    fn limits(&self, set: &PolicySet<'a>) -> Option<PolicyKind> {
        if set.boundary.is_some() && self.boundary.is_none() {
            return Some(PolicyKind::Boundary);
        }
        (set.session.is_some() && self.session.is_none()).then_some(PolicyKind::Session)
    }
}

fn allowed(decided_by: Option<StatementRef<'_>>, kind: PolicyKind) -> Verdict<'_> {
    Verdict { decision: Decision::Allow, decided_by, kind }
}

fn lacking<'a>(kind: PolicyKind) -> Verdict<'a> {
    Verdict { decision: Decision::ImplicitDeny, decided_by: None, kind }
}

#[cfg(test)]
mod tests;
