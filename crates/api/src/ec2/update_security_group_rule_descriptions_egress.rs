//! ec2:UpdateSecurityGroupRuleDescriptionsEgress. Says anew what rules outwards are for.

use landfall_cloud::{Tx, View};
use landfall_model::{RuleDirection, SecurityGroupId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::permission::{GroupRef, IpPermissionIn};
use super::shape::rule_description::{RuleDescriptionIn, update};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateSecurityGroupRuleDescriptionsEgress {
    group_id: Option<SecurityGroupId>,
    group_name: Option<String>,
    #[serde(default)]
    ip_permissions: Vec<IpPermissionIn>,
    #[serde(default)]
    security_group_rule_description: Vec<RuleDescriptionIn>,
}

impl UpdateSecurityGroupRuleDescriptionsEgress {
    fn group(&self) -> GroupRef<'_> {
        GroupRef { id: self.group_id, name: self.group_name.as_deref() }
    }
}

impl Write for UpdateSecurityGroupRuleDescriptionsEgress {
    const ACTION: Action = Action::ec2("UpdateSecurityGroupRuleDescriptionsEgress");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.group().demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let group = self.group().find(&tx.view())?;
        update(tx, group, RuleDirection::Egress, &self.ip_permissions, &self.security_group_rule_description)
    }
}
