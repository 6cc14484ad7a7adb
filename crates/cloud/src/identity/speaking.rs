//! What speaks on a principal's requests: its policies and its groups', its boundary, and a role's trust policy as it is
//! to be read today.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_model::{Arn, Principal, TrustPolicy, UniqueId};
use landfall_policy::{
    Attached, Context, DocumentKind, Gate, Policy, PolicySet, PrincipalRef, Request, ResourcePolicy, evaluate,
    rename_principals,
};

use super::fault::IdentityFault;
use super::managed_policy;
use crate::fault::Fault;
use crate::value::Cloud;
use crate::view::View;

/// Documents by the names that a verdict refers to them by.
pub type Documents<'a> = Vec<(&'a str, &'a str)>;

/// What a principal is allowed, by documents: its own inline and managed policies and those of its groups. `None` where
/// a policy is attached and isn't there: then nothing is known of what it denies.
pub fn identity<'a>(cloud: &'a Cloud, principal: &'a Principal) -> Option<Documents<'a>> {
    let mut documents = inline(&principal.policies);
    let groups = principal.user().into_iter().flat_map(|user| &user.groups);
    let groups: Vec<_> = groups.filter_map(|id| cloud.groups.get(id)).collect();
    let mut attached: Vec<_> = principal.attached.iter().collect();
    for group in groups {
        documents.extend(inline(&group.policies));
        attached.extend(&group.attached);
    }
    for arn in attached {
        documents.push((arn.as_str(), managed_policy::of_account(cloud, principal.account, arn)?.document()));
    }
    Some(documents)
}

fn inline(policies: &std::collections::BTreeMap<String, String>) -> Documents<'_> {
    policies.iter().map(|(name, document)| (name.as_str(), document.as_str())).collect()
}

/// The document that bounds a principal, where one does. The error says that it isn't there.
pub fn boundary<'a>(cloud: &'a Cloud, principal: &'a Principal) -> Result<Option<(&'a str, &'a str)>, Fault> {
    let Some(arn) = &principal.boundary else { return Ok(None) };
    let policy = managed_policy::of_account(cloud, principal.account, arn)
        .ok_or_else(|| IdentityFault::NoSuch(format!("Policy {arn} was not found.")))?;
    Ok(Some((arn.as_str(), policy.document())))
}

/// A resource's policy as it is shown today: whoever it names that is gone stands there by the unique id, and who is called
/// otherwise by now, by that. For people only: what counts is [`bound`].
pub fn shown<'a>(view: &View<'_>, policy: &'a TrustPolicy) -> Cow<'a, str> {
    let today = |id: &UniqueId| match view.tables().principals.get(id) {
        Some(row) => row.arn().to_string(),
        None => id.to_string(),
    };
    let named = policy.named.iter().map(|(arn, id)| (arn, today(id)));
    let changed: Vec<_> = named.filter(|(arn, now)| arn.as_str() != now).collect();
    if changed.is_empty() {
        return Cow::Borrowed(&policy.document);
    }
    let rename = |name: &str| changed.iter().find(|(arn, _)| arn.as_str() == name).map(|(_, now)| now.clone());
    rename_principals(&policy.document, rename)
}

/// A resource's policy, where the users and roles that it names are those that they were when it was written.
pub fn bound(compiled: &Policy, named: &BTreeMap<Arn, UniqueId>) -> Policy {
    compiled.bound(|name| Some(named.get(&name.parse::<Arn>().ok()?)?.to_string()))
}

/// Whether a role's trust policy lets a service of the cloud, such as `ec2.amazonaws.com`, take it.
pub fn admits_service(row: &Principal, service: &str) -> bool {
    admits(row, service, Context::new())
}

/// The same where the service acts for something that it has, at which trust policies may look. Source: the IAM User Guide,
/// "The confused deputy problem".
pub fn admits_service_for(row: &Principal, service: &str, source: &Arn) -> bool {
    let owner = source.account().map(|account| account.to_string()).unwrap_or_default();
    let context = Context::new().with("aws:SourceArn", source.as_str()).with("aws:SourceAccount", owner);
    admits(row, service, context)
}

fn admits(row: &Principal, service: &str, context: Context) -> bool {
    let Some(role) = row.role() else { return false };
    // Services have no ids to be bound to.
    let Ok(policy) = Policy::parse_as(DocumentKind::Trust, &role.trust.document) else { return false };
    let (arn, owner) = (row.arn().to_string(), row.account.to_string());
    let principal = PrincipalRef::Service { name: service };
    let context = context.with_principal(&principal);
    let attached = Attached { label: "TrustPolicy", policy: &policy };
    let resource = Some(ResourcePolicy { attached, owner: &owner, gate: Gate::Required });
    let request = Request { principal, action: "sts:AssumeRole", resource: &arn, context: &context };
    evaluate(&PolicySet { resource, ..PolicySet::default() }, &request).is_allowed()
}
