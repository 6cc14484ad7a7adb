//! Authorisation: whether a caller's policies allow what an operation demands.
//!
//! A principal's policies are compiled once a change: what was compiled is kept with the very rows that it was made from,
//! and is good as long as the value still has them; those of resources are kept by their texts. Nobody is let through by a short cut, root neither: with no
//! organisation above it nothing denies it, and that is the policy engine's answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::identity::{managed_policy, speaking};
use landfall_cloud::kms::grant::{self, Allowance, Holder};
use landfall_cloud::{Cloud, View};
use landfall_model::{Group, ManagedPolicy, Origin, Principal, PrincipalKind, UniqueId};
use landfall_policy::{
    Attached, Decision, Gate, Policy, PolicyKind, PolicySet, PrincipalRef, Request, ResourcePolicy, Verdict, denial,
    detail, evaluate,
};

use crate::circumstances::{self, Headers};
use crate::demand::{Demand, Demands, Owned};
use crate::documents::Documents;
use crate::error::ApiError;
use crate::narrowing::Narrowing;
use crate::operation::Action;
use crate::session::{Session, SessionKind};
use crate::standing;
use crate::through::EndpointGate;
use crate::vault::Vault;
use crate::web_identity::Vouched;

/// What the details of a denial are sealed for.
pub(crate) const MESSAGES: &str = "authorization messages";

/// Who calls, from where, and when: what every demand is evaluated with.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal; that which the session stands on, where there is one.
    pub principal: Arc<Principal>,
    /// The session, where the credentials are temporary.
    pub session: Option<Arc<Session>>,
    /// Whom an identity provider vouches for, where nobody signed: then the principal is the role that is asked for.
    pub vouched: Option<Arc<Vouched>>,
    /// The service of the cloud that calls in a role's name, such as `dlm.amazonaws.com`.
    pub service: Option<&'static str>,
    /// The access key's id.
    pub access_key: String,
    /// The address that the call came from.
    pub source: std::net::IpAddr,
    /// Whether the call came over TLS.
    pub secure: bool,
    /// Where in a network it began, if it did.
    pub origin: Option<Origin>,
    /// What its headers say of what sent it.
    pub headers: Headers,
}

impl Caller {
    /// The caller's ARN.
    pub fn arn(&self) -> String {
        if let Some(vouched) = &self.vouched {
            return vouched.name();
        }
        let arn = match &self.session {
            Some(session) => session.arn(&self.principal),
            None => self.principal.arn(),
        };
        arn.to_string()
    }

    /// What some sessions may never do, whatever their policies say: those of federated users call neither IAM nor STS,
    /// those of GetSessionToken call IAM only with a second factor, and of STS only AssumeRole. Source: the IAM User
    /// Guide, "Compare AWS STS credentials".
    pub(crate) fn check_session(&self, action: Action) -> Result<(), ApiError> {
        let Some(session) = &self.session else { return Ok(()) };
        let is_refused = match (&session.kind, action.service) {
            (_, "sts") if action.name == "GetCallerIdentity" => false,
            (SessionKind::Federated(_), "iam" | "sts") => true,
            (SessionKind::Itself, "iam") => session.mfa_at.is_none(),
            (SessionKind::Itself, "sts") => action.name != "AssumeRole",
            _ => false,
        };
        if is_refused {
            return Err(ApiError::new("InvalidClientTokenId", "The security token included in the request is invalid")
                .with_status(403));
        }
        Ok(())
    }

    /// The caller's unique id, with the session's name where it has one.
    pub fn user_id(&self) -> String {
        self.session.as_ref().map_or_else(|| self.principal.id.to_string(), |session| session.user_id())
    }
}

/// What a caller may not do.
#[derive(Debug)]
pub struct Denial {
    /// The error that tells of it.
    pub error: ApiError,
    /// The demand that isn't met, where it is a single one.
    pub demand: Option<Box<Demand>>,
}

impl From<ApiError> for Denial {
    fn from(error: ApiError) -> Self {
        Self { error, demand: None }
    }
}

/// A caller's names as the policy engine wants them.
struct Names {
    arn: String,
    stands_on: String,
    account: String,
}

impl Names {
    fn of(caller: &Caller) -> Self {
        let principal = &caller.principal;
        Self { arn: caller.arn(), stands_on: principal.arn().to_string(), account: principal.account.to_string() }
    }

    fn principal<'a>(&'a self, caller: &'a Caller) -> PrincipalRef<'a> {
        let (arn, account, id) = (self.arn.as_str(), self.account.as_str(), caller.principal.id.as_str());
        if let Some(vouched) = &caller.vouched {
            return PrincipalRef::Federated { provider: vouched.provider.as_str() };
        }
        match (&caller.principal.kind, caller.session.as_ref().map(|session| &session.kind)) {
            (_, Some(SessionKind::Federated(_))) => {
                PrincipalRef::FederatedUser { arn, user_arn: &self.stands_on, user_id: id, account }
            }
            (PrincipalKind::Root, _) => PrincipalRef::Root { arn, account },
            (PrincipalKind::User(_), _) => PrincipalRef::User { arn, account, id },
            (PrincipalKind::Role(_), _) => {
                PrincipalRef::RoleSession { arn, role_arn: &self.stands_on, account, role_id: id }
            }
        }
    }
}

/// The policies of a principal, compiled, with the rows that they were made from.
#[derive(Debug)]
struct Compiled {
    principal: Arc<Principal>,
    groups: Vec<Arc<Group>>,
    managed: Vec<Arc<ManagedPolicy>>,
    identity: Vec<(String, Policy)>,
    boundary: Option<(String, Policy)>,
}

impl Compiled {
    /// `None` where a document isn't there or can't be read: then nothing is known of what it denies.
    fn new(cloud: &Cloud, principal: &Arc<Principal>) -> Option<Self> {
        let read = |(label, document): (&str, &str)| Some((label.to_owned(), Policy::parse(document).ok()?));
        let identity = speaking::identity(cloud, principal)?.into_iter().map(read).collect::<Option<_>>()?;
        let boundary = match speaking::boundary(cloud, principal).ok()? {
            Some(document) => Some(read(document)?),
            None => None,
        };
        let ids = principal.user().into_iter().flat_map(|user| &user.groups);
        let groups: Vec<_> = ids.filter_map(|id| cloud.groups.get_arc(id)).collect();
        let arns = principal.managed().chain(groups.iter().flat_map(|group| &group.attached));
        let own = arns.filter_map(|arn| match managed_policy::of_account(cloud, principal.account, arn)? {
            managed_policy::Managed::Own(row) => cloud.managed_policies.get_arc(&row.id),
            managed_policy::Managed::Provided(_) => None,
        });
        let managed = own.collect();
        Some(Self { principal: principal.clone(), groups, managed, identity, boundary })
    }

    fn is_current(&self, cloud: &Cloud, principal: &Arc<Principal>) -> bool {
        let same = |row: &Arc<Group>| cloud.groups.get_arc(&row.id).is_some_and(|now| Arc::ptr_eq(&now, row));
        let managed = |row: &Arc<ManagedPolicy>| {
            cloud.managed_policies.get_arc(&row.id).is_some_and(|now| Arc::ptr_eq(&now, row))
        };
        Arc::ptr_eq(&self.principal, principal) && self.groups.iter().all(same) && self.managed.iter().all(managed)
    }
}

/// Compiled policies by principal.
#[derive(Debug)]
pub struct Policies {
    vault: Vault,
    documents: Documents,
    compiled: Mutex<HashMap<UniqueId, Arc<Compiled>>>,
    narrowing: Narrowing,
}

/// Principals whose policies are kept compiled.
const CACHED: usize = 4096;

impl Policies {
    /// None compiled yet; details of denials are sealed with that vault.
    pub fn new(vault: Vault) -> Self {
        Self { vault, documents: Documents::default(), compiled: Mutex::default(), narrowing: Narrowing::default() }
    }

    fn of(&self, cloud: &Cloud, principal: &Arc<Principal>) -> Option<Arc<Compiled>> {
        let lock = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().get(&principal.id).cloned();
        if let Some(kept) = kept.filter(|kept| kept.is_current(cloud, principal)) {
            return Some(kept);
        }
        let made = Arc::new(Compiled::new(cloud, principal)?);
        let mut all = lock();
        if all.len() >= CACHED {
            all.clear();
        }
        all.insert(principal.id.clone(), made.clone());
        Some(made)
    }

    /// Evaluates all demands of a call of `action`, which came through that endpoint's gate if it has one; the first that
    /// isn't allowed is the error.
    pub fn authorise(
        &self,
        caller: &Caller,
        action: Action,
        view: &View<'_>,
        mut demands: Demands,
        gate: Option<&EndpointGate>,
    ) -> Result<(), Denial> {
        let is_free = demands.list().is_empty();
        if is_free {
            if gate.is_none() {
                return Ok(());
            }
            // What nobody's own policies can deny demands nothing, and still has to pass the endpoint's.
            demands.anything(action).implied = true;
        }
        let cloud = view.tables();
        // The row as this value has it: a role's or user's policies may have changed since the signature was checked.
        let principal = cloud.principals.get_arc(&caller.principal.id);
        let compiled = principal.and_then(|principal| self.of(cloud, &principal));
        let Some(compiled) = compiled else {
            return Err(unauthorised(action.service, "A policy of the caller can't be read.".into()).into());
        };
        let session = caller.session.as_deref();
        let managed = session.map(|session| self.narrowing.of(cloud, session)).unwrap_or_default();
        let narrowing = session.filter(|session| session.is_limited()).map(|session| {
            let own = session.policies().iter().map(|policy| Attached { label: "SessionPolicy", policy });
            own.chain(managed.iter().map(|(label, policy)| Attached { label, policy })).collect::<Vec<_>>()
        });
        let identity: Vec<_> = compiled.identity.iter().map(|(label, policy)| Attached { label, policy }).collect();
        // Whom a provider vouches for isn't the role yet, and has no policies.
        let is_vouched = caller.vouched.is_some();
        let identity = if is_free || is_vouched { &[][..] } else { &identity };
        let boundary =
            compiled.boundary.as_ref().filter(|_| !is_vouched).map(|(label, policy)| Attached { label, policy });
        let policy = gate.map(|gate| self.of_endpoint(gate, action)).transpose()?;
        let endpoint = gate.zip(policy.as_deref()).map(|(gate, policy)| Attached { label: &gate.id, policy });
        let set = PolicySet { identity, boundary, session: narrowing.as_deref(), endpoint, ..PolicySet::default() };
        let names = Names::of(caller);
        let who = names.principal(caller);
        let (region, asker) = (demands.region(), demands.account());
        // Only statements look at the context, and refusals tell it: root that nothing narrows has neither.
        let is_plain_root = compiled.principal.kind == PrincipalKind::Root
            && session.is_none()
            && identity.is_empty()
            && endpoint.is_none();
        let mut common = None;
        let list = demands.into_list();
        let last = list.len().saturating_sub(1);
        for (number, mut demand) in list.into_iter().enumerate() {
            if !is_plain_root || demand.owned.is_some() {
                let known = common.take().unwrap_or_else(|| circumstances::common(caller, view, region, &who));
                if number < last {
                    common = Some(known.clone());
                }
                // What a demand says of itself holds: a second factor that was shown with this very call.
                demand.context.complete(known);
                if let Some(owner) = circumstances::owner(&demand, asker) {
                    demand.context.set("aws:ResourceAccount", owner);
                }
            }
            if demand.owned.as_ref().is_some_and(|owned| !standing::serves_owner(cloud, caller, &owned.owner)) {
                let who = caller.arn();
                let why = "because the account of the resource is not served";
                let message = format!(
                    "User: {who} is not authorized to perform: {} on resource: {} {why}",
                    demand.action, demand.resource
                );
                return Err(unauthorised(action.service, message).into());
            }
            let granted = || {
                let granted = granted(cloud, caller, &demand)?;
                Some((self.documents.read(&granted.policy).ok()?, granted.owner))
            };
            if let Err(error) = self.ask(action.service, &set, &who, &demand, granted) {
                return Err(Denial { error, demand: Some(Box::new(demand)) });
            }
        }
        Ok(())
    }

    fn of_endpoint(&self, gate: &EndpointGate, action: Action) -> Result<Arc<Policy>, ApiError> {
        let policy = self.documents.read(&gate.policy);
        policy.map_err(|_| unauthorised(action.service, format!("The policy of {} can't be read.", gate.id)))
    }

    /// Evaluates one demand of a call to `service`, which refuses in its own words whatever the demand is of.
    fn ask(
        &self,
        service: &str,
        set: &PolicySet<'_>,
        who: &PrincipalRef<'_>,
        demand: &Demand,
        granted: impl FnOnce() -> Option<(Arc<Policy>, Option<String>)>,
    ) -> Result<(), ApiError> {
        let context = &demand.context;
        let request = Request { principal: *who, action: &demand.action, resource: &demand.resource, context };
        let refuse = |verdict: &Verdict<'_>| {
            if let Some(veil) = &demand.veil {
                let who = who.arn().unwrap_or_default();
                return unauthorised(service, veil.sentence(who, &demand.action, &demand.resource));
            }
            let mut sentence = denial(verdict, &request);
            if service == "ec2" {
                let detail = detail(verdict, &request).to_string();
                let sealed = self.vault.issue(MESSAGES, who.account().unwrap_or_default(), detail.as_bytes());
                sentence = format!("{sentence}. Encoded authorization failure message: {sealed}");
            }
            unauthorised(service, sentence)
        };
        let Some(Owned { policy, owner, required }) = &demand.owned else {
            let verdict = evaluate(set, &request);
            let is_gated = verdict.kind == PolicyKind::Endpoint;
            let is_implied = demand.implied && verdict.decision != Decision::ExplicitDeny && !is_gated;
            return if verdict.is_allowed() || is_implied { Ok(()) } else { Err(refuse(&verdict)) };
        };
        let Ok(policy) = self.documents.read_bound(policy) else {
            return Err(unauthorised("", "The resource's policy can't be read.".into()));
        };
        let gate = if *required { Gate::Required } else { Gate::Optional };
        let attached = Attached { label: "ResourcePolicy", policy: &policy };
        let set = PolicySet { resource: Some(ResourcePolicy { attached, owner, gate }), ..*set };
        let verdict = evaluate(&set, &request);
        if verdict.is_allowed() {
            return Ok(());
        }
        // A grant counts as the key's own policy does, and as little against a deny.
        if verdict.decision == Decision::ImplicitDeny
            && let Some((policy, issuer)) = granted()
        {
            let attached = Attached { label: "Grant", policy: &policy };
            let owner = issuer.as_deref().unwrap_or(owner);
            let set = PolicySet { resource: Some(ResourcePolicy { attached, owner, gate }), ..set };
            if evaluate(&set, &request).is_allowed() {
                return Ok(());
            }
        }
        Err(refuse(&verdict))
    }
}

/// What a grant lets a caller do.
struct Granted {
    /// As a policy of the key.
    policy: String,
    /// The account for which the grant speaks, where that isn't the key's.
    owner: Option<String>,
}

/// What a grant lets a caller do, as a policy of the key. One that the caller's own account trusts counts as if the key
/// were that account's.
fn granted(cloud: &Cloud, caller: &Caller, demand: &Demand) -> Option<Granted> {
    let asked = demand.grantable.as_ref()?;
    let principal = &caller.principal;
    let account = principal.account;
    let holder = Holder { account, id: principal.id.clone(), arn: caller.arn(), root: UniqueId::root(account) };
    let Allowance { word, is_trusted } = grant::allowing(cloud, asked, &holder)?;
    // Naming the session, the principal or its account is worth as much here as in a policy.
    let named = match word {
        word if word == holder.root.to_string() => account.to_string(),
        word if word == holder.id.to_string() => principal.arn().to_string(),
        _ => holder.arn,
    };
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": { "AWS": named }, "Action": "kms:*", "Resource": "*",
    });
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    Some(Granted { policy, owner: is_trusted.then(|| account.to_string()) })
}

/// A policy that allows everything.
const ANYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Refuses a key's policy that wouldn't let its maker change it again. The maker's own policies are taken to allow it:
/// they can be changed.
pub(crate) fn locks_out(caller: &Caller, view: &View<'_>, document: &str) -> Result<(), ApiError> {
    let refuse = || {
        let message = "The new key policy will not allow you to update the key policy in the future.";
        ApiError::new("MalformedPolicyDocumentException", message)
    };
    let (policy, anything) = (Policy::parse(document), Policy::parse(ANYTHING));
    let (Ok(policy), Ok(anything)) = (policy, anything) else { return Err(refuse()) };
    let names = Names::of(caller);
    let who = names.principal(caller);
    let context = circumstances::common(caller, view, view.scope().region, &who);
    let context = context.with("kms:CallerAccount", names.account.as_str());
    let owner = view.scope().account.to_string();
    let attached = Attached { label: "ResourcePolicy", policy: &policy };
    let identity = [Attached { label: "identity", policy: &anything }];
    let set = PolicySet {
        identity: &identity,
        resource: Some(ResourcePolicy { attached, owner: &owner, gate: Gate::Required }),
        ..PolicySet::default()
    };
    let request = Request { principal: who, action: "kms:PutKeyPolicy", resource: "*", context: &context };
    if evaluate(&set, &request).is_allowed() { Ok(()) } else { Err(refuse()) }
}

/// Whether a resource's policy would keep its maker from that action. The maker's own policies are taken to allow it: they can
/// be changed.
pub(crate) fn locks_out_of(caller: &Caller, view: &View<'_>, document: &str, action: &str, resource: &str) -> bool {
    let Ok(policy) = Policy::parse(document) else { return true };
    let Ok(anything) = Policy::parse(ANYTHING) else { return true };
    let names = Names::of(caller);
    let who = names.principal(caller);
    let context = circumstances::common(caller, view, view.scope().region, &who);
    let owner = view.scope().account.to_string();
    let attached = Attached { label: "ResourcePolicy", policy: &policy };
    let identity = [Attached { label: "identity", policy: &anything }];
    let set = PolicySet {
        identity: &identity,
        resource: Some(ResourcePolicy { attached, owner: &owner, gate: Gate::Optional }),
        ..PolicySet::default()
    };
    !evaluate(&set, &Request { principal: who, action, resource, context: &context }).is_allowed()
}

/// A denied call, under the code of its service.
fn unauthorised(service: &str, sentence: String) -> ApiError {
    match service {
        "ec2" => {
            let message = format!("You are not authorized to perform this operation. {sentence}");
            ApiError::new("UnauthorizedOperation", message).with_status(403)
        }
        "kms" | "ssm" | "secretsmanager" | "cloudtrail" => ApiError::new("AccessDeniedException", sentence),
        "dlm" | "ebs" | "elasticfilesystem" => ApiError::new("AccessDeniedException", sentence).with_status(403),
        _ => ApiError::new("AccessDenied", sentence).with_status(403),
    }
}
