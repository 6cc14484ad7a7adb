//! What the operations on policies of users, groups and roles share: they differ in a name.

use std::collections::BTreeSet;

use landfall_cloud::View;
use landfall_cloud::identity::holder::{Holder, HolderKind};
use landfall_cloud::identity::managed_policy;
use landfall_model::Arn;
use serde::Serialize;

use crate::{ApiError, Look};

/// The names of inline policies.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyNames<'v> {
    policy_names: Vec<&'v str>,
}

/// A page of the names of a holder's inline policies.
pub fn list_inline<'v>(look: &mut Look<'v, '_>, kind: HolderKind, name: &str) -> Result<PolicyNames<'v>, ApiError> {
    let holder = Holder::need(&look.view, kind, name)?;
    let names = holder.policies().keys().map(String::as_str);
    Ok(PolicyNames { policy_names: look.page.take(names, |name| (*name).to_owned())? })
}

/// Managed policies that are attached.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicies<'v> {
    attached_policies: Vec<AttachedShape<'v>>,
}

/// A managed policy that is attached.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedShape<'v> {
    policy_name: &'v str,
    policy_arn: &'v Arn,
}

/// All managed policies of a list.
pub fn attached<'v>(view: &View<'v>, arns: &'v BTreeSet<Arn>) -> Vec<AttachedShape<'v>> {
    let name = |arn| managed_policy::find(view, arn).map(managed_policy::Managed::name);
    arns.iter().filter_map(|arn| Some(AttachedShape { policy_name: name(arn)?, policy_arn: arn })).collect()
}

/// A page of the managed policies that a holder has, below a path.
pub fn list_attached<'v>(
    look: &mut Look<'v, '_>,
    kind: HolderKind,
    name: &str,
    below: &str,
) -> Result<AttachedPolicies<'v>, ApiError> {
    let holder = Holder::need(&look.view, kind, name)?;
    let below = format!("policy{below}");
    let rows = holder.attached().iter().filter(|arn| arn.resource().starts_with(&below)).filter_map(|arn| {
        let policy_name = managed_policy::find(&look.view, arn)?.name();
        Some(AttachedShape { policy_name, policy_arn: arn })
    });
    Ok(AttachedPolicies { attached_policies: look.page.take(rows, |row| row.policy_arn.to_string())? })
}
