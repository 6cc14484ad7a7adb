//! ec2:RevokeSecurityGroupIngress. Removes rules that say what may come in, by what they allow or by their ids.

use landfall_cloud::{Tx, View};
use landfall_model::{Ipv4Cidr, RuleDirection, SecurityGroupId, SecurityGroupRuleId};
use serde::Deserialize;

use super::shape::permission::{GroupRef, IpPermissionIn, SingleRule, single_rule};
use super::shape::revoke::{Revoked, revoke};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RevokeSecurityGroupIngress {
    group_id: Option<SecurityGroupId>,
    group_name: Option<String>,
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

impl RevokeSecurityGroupIngress {
    fn group(&self) -> GroupRef<'_> {
        GroupRef { id: self.group_id, name: self.group_name.as_deref() }
    }

    fn single(&self) -> SingleRule<'_> {
        single_rule!(self)
    }
}

impl Write for RevokeSecurityGroupIngress {
    const ACTION: Action = Action::ec2("RevokeSecurityGroupIngress");
    type Output<'t> = Revoked;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.group().demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Revoked, ApiError> {
        let group = self.group().find(&tx.view())?;
        revoke(tx, group, RuleDirection::Ingress, &self.ip_permissions, &self.single(), &self.security_group_rule_id)
    }
}
