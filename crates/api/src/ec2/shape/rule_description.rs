//! What the two operations that say anew what rules are for share.

use landfall_cloud::{Tx, View, security_group};
use landfall_model::{RuleDirection, SecurityGroupId, SecurityGroupRuleId};
use serde::Deserialize;

use super::Done;
use super::permission::{GroupRef, IpPermissionIn, SingleRule, check_description, rules};
use crate::{Action, ApiError, Demands};

/// What both are asked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescriptionsRequest {
    group_id: Option<SecurityGroupId>,
    group_name: Option<String>,
    #[serde(default)]
    ip_permissions: Vec<IpPermissionIn>,
    #[serde(default)]
    security_group_rule_description: Vec<RuleDescriptionIn>,
}

impl DescriptionsRequest {
    fn group(&self) -> GroupRef<'_> {
        GroupRef { id: self.group_id, name: self.group_name.as_deref() }
    }

    /// What the caller must be allowed.
    pub fn demand(&self, view: &View<'_>, demands: &mut Demands, action: Action) {
        self.group().demand(view, demands, action);
    }

    /// Changes the descriptions of the group's rules of that direction, named by what they allow or by their ids.
    pub fn update(&self, tx: &mut Tx<'_, '_>, direction: RuleDirection) -> Result<Done, ApiError> {
        let group = self.group().find(&tx.view())?;
        update(tx, group, direction, &self.ip_permissions, &self.security_group_rule_description)
    }
}

/// A rule by its id, and what it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuleDescriptionIn {
    security_group_rule_id: SecurityGroupRuleId,
    description: Option<String>,
}

fn update(
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
