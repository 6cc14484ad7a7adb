//! Demands: what a caller must be allowed for a call to go on. [`crate::authorise`] evaluates them.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::kms::grant::Asked;
use landfall_model::id::{Id, Kind};
use landfall_model::{Arn, ImageKind, Region, Scope, SnapshotKind, TrustPolicy};
use landfall_policy::Context;

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
    /// The policy of the resource, where it has one.
    pub owned: Option<Owned>,
    /// What grants of a key may allow it.
    pub grantable: Option<Asked>,
    /// Whether it is allowed unless a policy denies it.
    pub implied: bool,
    /// What is said where it is denied, if the caller is not to learn what on and why.
    pub veil: Option<Veil>,
}

/// The words of a denial that tell nobody of another account whether what he named is there, what it is called by its owner,
/// and which policy decided: they are the same whether it is or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Veil {
    /// Of the key that a ciphertext names: not even which key it is.
    Ciphertext,
    /// Of a key.
    Key,
    /// Of what a request calls so, as if no policy of its let the caller.
    Named(String),
    /// Of a role.
    Role,
    /// Of a role that is asked for by a token.
    WebIdentity,
}

/// What is said of the key of a ciphertext.
pub(crate) const HIDDEN_KEY: &str = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";

impl Veil {
    /// The sentence of a denied call. Sources: the KMS Developer Guide, "Troubleshooting key access", and what STS says.
    pub fn sentence(&self, who: &str, action: &str, resource: &str) -> String {
        let refused = format!("User: {who} is not authorized to perform: {action}");
        match self {
            Self::Ciphertext => HIDDEN_KEY.to_owned(),
            Self::Key => format!(
                "{refused} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
            ),
            Self::Named(name) => {
                format!("{refused} on resource: {name} because no resource-based policy allows the {action} action")
            }
            Self::Role => format!("{refused} on resource: {resource}"),
            Self::WebIdentity => format!("Not authorized to perform {action}"),
        }
    }
}

/// A resource's own policy.
#[derive(Debug)]
pub struct Owned {
    /// The policy, with those whom it names.
    pub policy: TrustPolicy,
    /// The account that owns the resource.
    pub owner: String,
    /// Whether it must allow the call whatever the caller's policies say.
    pub required: bool,
}

/// The demands of one request, gathered by its operation.
#[derive(Debug)]
pub struct Demands {
    scope: Scope,
    list: Vec<Demand>,
    /// Where those of the call's parts begin, if it has any.
    parts: Option<usize>,
}

impl Demands {
    /// None yet, for a request in that scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope, list: Vec::new(), parts: None }
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
            owned: None,
            grantable: None,
            implied: false,
            veil: None,
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
        self.tagging_as(action, arn, tags);
    }

    /// The same of snapshots, whose ARNs have no account.
    pub fn tagging_snapshots(&mut self, action: Action, tags: &BTreeMap<String, String>) {
        if !tags.is_empty() {
            self.tagging_as(action, Arn::ec2_public_any::<SnapshotKind>(self.scope), tags);
        }
    }

    /// The same of images.
    pub fn tagging_images(&mut self, action: Action, tags: &BTreeMap<String, String>) {
        if !tags.is_empty() {
            self.tagging_as(action, Arn::ec2_public_any::<ImageKind>(self.scope), tags);
        }
    }

    fn tagging_as(&mut self, action: Action, arn: Arn, tags: &BTreeMap<String, String>) {
        let demand = self.resource(Action::ec2("CreateTags"), arn);
        demand.request_tags(tags);
        demand.context.set("ec2:CreateAction", action.name);
    }

    /// What was gathered.
    pub fn list(&self) -> &[Demand] {
        &self.list
    }

    /// Begins with what the call's parts demand, each of which is a call by itself.
    pub(crate) fn begin_parts(&mut self) {
        self.parts.get_or_insert(self.list.len());
    }

    /// What was gathered for the call as a whole.
    pub(crate) fn whole(&self) -> &[Demand] {
        &self.list[..self.parts.unwrap_or(self.list.len())]
    }

    /// What was gathered since there were so many.
    pub fn since(&mut self, count: usize) -> &mut [Demand] {
        self.list.get_mut(count..).unwrap_or_default()
    }

    /// What was gathered, to be evaluated.
    pub(crate) fn into_list(self) -> Vec<Demand> {
        self.list
    }

    /// The region of the request.
    pub(crate) fn region(&self) -> Region {
        self.scope.region
    }

    /// The account of the request.
    pub fn account(&self) -> landfall_model::AccountId {
        self.scope.account
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

    /// That a service makes this call of another's in its caller's name. Source: the IAM User Guide, "Forward access
    /// sessions".
    pub fn via(&mut self, service: &str) -> &mut Self {
        let principal = format!("{service}.amazonaws.com");
        self.context.set_many("aws:CalledVia", [principal.as_str()]);
        self.with("aws:CalledViaFirst", &principal)
            .with("aws:CalledViaLast", &principal)
            .with("aws:ViaAWSService", true)
    }

    /// One more condition key.
    pub fn with(&mut self, key: &str, value: impl ToString) -> &mut Self {
        self.context.set(key, value.to_string());
        self
    }
}
