//! ec2:UpdateSecurityGroupRuleDescriptionsIngress. Says anew what rules inwards are for.

use landfall_cloud::{Tx, View};
use landfall_model::RuleDirection;
use serde::Deserialize;

use super::shape::Done;
use super::shape::rule_description::DescriptionsRequest;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(transparent)]
pub struct UpdateSecurityGroupRuleDescriptionsIngress(DescriptionsRequest);

impl Write for UpdateSecurityGroupRuleDescriptionsIngress {
    const ACTION: Action = Action::ec2("UpdateSecurityGroupRuleDescriptionsIngress");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.0.demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        self.0.update(tx, RuleDirection::Ingress)
    }
}
