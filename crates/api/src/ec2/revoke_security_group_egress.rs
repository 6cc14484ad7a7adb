//! ec2:RevokeSecurityGroupEgress. Removes rules that say what may go out, by what they allow or by their ids.

use landfall_cloud::{Tx, View};
use landfall_model::{Ipv4Cidr, RuleDirection, SecurityGroupId, SecurityGroupRuleId};
use serde::Deserialize;

use super::shape::permission::{IpPermissionIn, SingleRule, demand_group, single_rule};
use super::shape::revoke::{Revoked, revoke};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RevokeSecurityGroupEgress {
    group_id: SecurityGroupId,
    #[serde(default)]
    ip_permissions: Vec<IpPermissionIn>,
    cidr_ip: Option<Ipv4Cidr>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    ip_protocol: Option<String>,
    source_security_group_name: Option<String>,
    source_security_group_owner_id: Option<String>,
    #[serde(default)]
    security_group_rule_id: Vec<SecurityGroupRuleId>,
}

impl RevokeSecurityGroupEgress {
    fn single(&self) -> SingleRule<'_> {
        single_rule!(self)
    }
}

impl Write for RevokeSecurityGroupEgress {
    const ACTION: Action = Action::ec2("RevokeSecurityGroupEgress");
    type Output<'t> = Revoked;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_group(view, demands, Self::ACTION, self.group_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Revoked, ApiError> {
        self.single().refuse()?;
        revoke(
            tx,
            self.group_id,
            RuleDirection::Egress,
            &self.ip_permissions,
            &self.single(),
            &self.security_group_rule_id,
        )
    }
}
