//! What the two operations that say anew what rules are for share.

use landfall_cloud::{Tx, security_group};
use landfall_model::{RuleDirection, SecurityGroupId, SecurityGroupRuleId};
use serde::Deserialize;

use super::Done;
use super::permission::{IpPermissionIn, SingleRule, check_description, rules};
use crate::ApiError;

/// A rule by its id, and what it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuleDescriptionIn {
    security_group_rule_id: SecurityGroupRuleId,
    description: Option<String>,
}

/// Changes the descriptions of a group's rules, named by what they allow or by their ids.
pub fn update(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    permissions: &[IpPermissionIn],
    by_id: &[RuleDescriptionIn],
) -> Result<Done, ApiError> {
    if !permissions.is_empty() && !by_id.is_empty() {
        return Err(ApiError::combination("SecurityGroupRuleDescriptions cannot be used with IpPermissions"));
    }
    let mut changes = Vec::new();
    for each in by_id {
        changes.push((each.security_group_rule_id, check_description(each.description.as_deref())?));
    }
    if by_id.is_empty() {
        for rule in rules(&tx.view(), group, permissions, &SingleRule::default())? {
            changes.push((security_group::need_same(&tx.view(), group, direction, &rule)?, rule.description));
        }
    }
    for (id, description) in changes {
        security_group::describe_rule(tx, group, direction, id, description)?;
    }
    Ok(Done::OK)
}
