//! Demands: what a caller must be allowed for a call to go on, and their evaluation.
//!
//! Root passes the same evaluation as anybody: with no organisation above it nothing denies it, and that is the policy
//! engine's answer, not a short cut of ours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::View;
use landfall_model::id::{Id, Kind};
use landfall_model::{Arn, Principal, PrincipalKind, Region, Scope, Timestamp};
use landfall_policy::{Attached, Context, Policy, PolicySet, PrincipalRef, Request, denial, evaluate};

use crate::error::ApiError;
use crate::operation::Action;

/// One thing that a caller must be allowed.
#[derive(Debug)]
pub struct Demand {
    /// The action, such as `ec2:RunInstances`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// What conditions may look at, besides what is known of every request.
    pub context: Context,
}

/// The demands of one request, gathered by its operation.
#[derive(Debug)]
pub struct Demands {
    scope: Scope,
    list: Vec<Demand>,
}

impl Demands {
    /// None yet, for a request in that scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope, list: Vec::new() }
    }

    /// The demand of an action that knows no resource.
    pub fn anything(&mut self, action: Action) -> &mut Demand {
        self.resource(action, "*")
    }

    /// The demand of an action on a resource by its ARN.
    pub fn resource(&mut self, action: Action, resource: impl ToString) -> &mut Demand {
        self.list.push(Demand {
            action: format!("{}:{}", action.service, action.name),
            resource: resource.to_string(),
            context: Context::new(),
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// The demand of an action on an EC2 resource by its id, with its tags to look at.
    pub fn ec2<K: Kind>(&mut self, view: &View<'_>, action: Action, id: Id<K>) -> &mut Demand {
        let arn = Arn::ec2(self.scope, id);
        let demand = self.resource(action, arn);
        if let Some(tags) = view.tags(&id.to_string()) {
            demand.resource_tags(tags);
        }
        demand
    }

    /// The demand of an action on an EC2 resource that is yet to be made: its ARN ends in `/*`.
    pub fn new_ec2<K: Kind>(&mut self, action: Action) -> &mut Demand {
        let arn = Arn::new("ec2", self.scope, format_args!("{}/*", K::RESOURCE));
        self.resource(action, arn)
    }

    /// That the caller may tag what the action makes: `ec2:CreateTags` on each kind with its tags.
    pub fn tagging(&mut self, action: Action, kind: &str, tags: &BTreeMap<String, String>) {
        if tags.is_empty() {
            return;
        }
        let arn = Arn::new("ec2", self.scope, format_args!("{kind}/*"));
        let demand = self.resource(Action::ec2("CreateTags"), arn);
        demand.request_tags(tags);
        demand.context.set("ec2:CreateAction", action.name);
    }

    /// What was gathered.
    pub fn list(&self) -> &[Demand] {
        &self.list
    }
}

impl Demand {
    /// Tags that the request sets, for `aws:RequestTag` and `aws:TagKeys`.
    pub fn request_tags(&mut self, tags: &BTreeMap<String, String>) -> &mut Self {
        for (key, value) in tags {
            self.context.set(&format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !tags.is_empty() {
            self.context.set_many("aws:TagKeys", tags.keys().map(String::as_str));
        }
        self
    }

    /// Tags that the resource has.
    pub fn resource_tags(&mut self, tags: &BTreeMap<String, String>) -> &mut Self {
        for (key, value) in tags {
            self.context.set(&format!("aws:ResourceTag/{key}"), value.as_str());
            self.context.set(&format!("ec2:ResourceTag/{key}"), value.as_str());
        }
        self
    }

    /// One more condition key.
    pub fn with(&mut self, key: &str, value: impl ToString) -> &mut Self {
        self.context.set(key, value.to_string());
        self
    }
}

/// Who calls, from where, and when: what every demand is evaluated with.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal.
    pub principal: Arc<Principal>,
    /// The access key's id.
    pub access_key: String,
    /// The address that the call came from.
    pub source: std::net::IpAddr,
    /// Whether the call came over TLS.
    pub secure: bool,
}

/// Compiled policies by document, so that each is parsed once.
#[derive(Debug, Default)]
pub struct Policies(Mutex<std::collections::HashMap<String, Arc<Policy>>>);

/// Documents that are kept compiled.
const CACHED: usize = 4096;

impl Policies {
    fn compiled(&self, document: &str) -> Option<Arc<Policy>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = cache.get(document) {
            return Some(policy.clone());
        }
        let policy = Arc::new(Policy::identity(document).ok()?);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(document.to_owned(), policy.clone());
        Some(policy)
    }

    /// Evaluates all demands; the first that isn't allowed is the error.
    pub fn authorise(&self, caller: &Caller, now: Timestamp, demands: Demands) -> Result<(), ApiError> {
        let principal = &caller.principal;
        let (arn, account) = (principal.arn().to_string(), principal.account.to_string());
        let who = match principal.kind {
            PrincipalKind::Root => PrincipalRef::Root { arn: &arn, account: &account },
            PrincipalKind::User => PrincipalRef::User { arn: &arn, account: &account, id: &principal.id },
        };
        // A document that doesn't parse can't have been stored; one that does all the same allows nothing.
        let policies: Vec<_> =
            principal.policies.iter().filter_map(|(name, text)| Some((name.as_str(), self.compiled(text)?))).collect();
        if policies.len() < principal.policies.len() {
            return Err(unauthorised("ec2", "A policy of the caller can't be read.".into()));
        }
        let identity: Vec<_> = policies.iter().map(|(label, policy)| Attached { label, policy }).collect();
        let set = PolicySet { identity: &identity, ..PolicySet::default() };
        let region = demands.scope.region;
        // Only statements look at the context, and refusals tell it: root without a policy has neither.
        let is_told = !identity.is_empty() || principal.kind != PrincipalKind::Root;
        let common = is_told.then(|| common_context(caller, now, region));
        for mut demand in demands.list {
            if let Some(common) = &common {
                common.iter().for_each(|(key, value)| demand.context.set(key, value.as_str()));
                demand.context = demand.context.with_principal(&who);
            }
            let context = demand.context;
            let request =
                Request { principal: who, action: &demand.action, resource: &demand.resource, context: &context };
            let verdict = evaluate(&set, &request);
            if !verdict.is_allowed() {
                let service = demand.action.split(':').next().unwrap_or_default();
                return Err(unauthorised(service, denial(&verdict, &request)));
            }
        }
        Ok(())
    }
}

/// What is known of every request.
fn common_context(caller: &Caller, now: Timestamp, region: Region) -> [(&'static str, String); 6] {
    [
        ("aws:RequestedRegion", region.name().to_owned()),
        ("ec2:Region", region.name().to_owned()),
        ("aws:SourceIp", caller.source.to_string()),
        ("aws:CurrentTime", now.to_string()),
        ("aws:EpochTime", (now.as_millis() / 1000).to_string()),
        ("aws:SecureTransport", caller.secure.to_string()),
    ]
}

/// A denied call, under the code of its service.
fn unauthorised(service: &str, sentence: String) -> ApiError {
    if service == "ec2" {
        let message = format!("You are not authorized to perform this operation. {sentence}");
        ApiError::new("UnauthorizedOperation", message).with_status(403)
    } else {
        ApiError::new("AccessDenied", sentence).with_status(403)
    }
}
