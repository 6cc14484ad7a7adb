//! What the two operations that add rules to a security group share.

use landfall_cloud::{Tx, security_group, tag};
use landfall_model::{RuleDirection, SecurityGroupId, SecurityGroupRuleKind};
use serde::Serialize;

use super::TagSpecifications;
use super::permission::{IpPermissionIn, SingleRule, rules};
use super::security_group::RuleShape;
use crate::{Action, ApiError, Demands};

const KIND: &str = "security-group-rule";

/// The rules that were added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorized<'t> {
    r#return: bool,
    security_group_rule_set: Vec<RuleShape<'t>>,
}

/// That the caller may tag the rules, where tags are given.
pub fn demand(demands: &mut Demands, action: Action, specifications: &TagSpecifications) {
    let tags = specifications.claimed(KIND);
    if !tags.is_empty() {
        demands.new_ec2::<SecurityGroupRuleKind>(action).request_tags(&tags);
    }
    demands.tagging(action, KIND, &tags);
}

/// Adds the rules to a group, each with the tags.
pub fn authorize<'t>(
    tx: &'t mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    permissions: &[IpPermissionIn],
    single: &SingleRule<'_>,
    specifications: &TagSpecifications,
) -> Result<Authorized<'t>, ApiError> {
    specifications.check(&[KIND])?;
    let tags = specifications.of(KIND)?;
    let new = rules(&tx.view(), group, permissions, single)?;
    let ids = security_group::authorize(tx, group, direction, new)?;
    for id in &ids {
        tag::put(tx, KIND, &id.to_string(), &tags)?;
    }
    let view = tx.view();
    let made = ids.iter().filter_map(|id| view.find::<landfall_cloud::value::SecurityGroupRules, _>(*id));
    Ok(Authorized { r#return: true, security_group_rule_set: made.map(|rule| RuleShape::of(&view, rule)).collect() })
}
