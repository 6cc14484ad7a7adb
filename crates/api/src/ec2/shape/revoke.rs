//! What the two operations that remove rules from a security group share.

use landfall_cloud::{Tx, security_group};
use landfall_model::{RuleDirection, SecurityGroupId, SecurityGroupRuleId};
use serde::Serialize;

use super::permission::{IpPermissionIn, SingleRule, rules};
use super::security_group::RevokedRule;
use crate::ApiError;

/// The rules that were removed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    r#return: bool,
    revoked_security_group_rule_set: Vec<RevokedRule>,
}

/// Removes rules of a group, named by what they allow or by their ids.
pub fn revoke(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    permissions: &[IpPermissionIn],
    single: &SingleRule<'_>,
    ids: &[SecurityGroupRuleId],
) -> Result<Revoked, ApiError> {
    let by_content = !permissions.is_empty() || single.is_sent();
    let gone = match (by_content, ids.is_empty()) {
        (true, false) => {
            return Err(ApiError::combination("SecurityGroupRuleIds cannot be used with IpPermissions"));
        }
        (false, false) => security_group::revoke_ids(tx, group, direction, ids)?,
        (_, true) => {
            let rules = rules(&tx.view(), group, permissions, single)?;
            security_group::revoke(tx, group, direction, &rules)?
        }
    };
    Ok(Revoked { r#return: true, revoked_security_group_rule_set: gone.into_iter().map(RevokedRule::from).collect() })
}
