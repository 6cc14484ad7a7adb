//! dlm:UpdateLifecyclePolicy. Changes a policy; what isn't said stays. One that couldn't act goes on once it is enabled again.

use landfall_cloud::lifecycle::{self, PolicyChange};
use landfall_cloud::{Tx, View};
use landfall_model::LifecyclePolicyId;
use serde::Deserialize;

use super::create_lifecycle_policy::{Settable, role};
use super::shape::{DetailsIn, Done, demand, demand_role, refuse_on};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateLifecyclePolicy {
    #[serde(rename = "policyId")]
    policy_id: LifecyclePolicyId,
    execution_role_arn: Option<String>,
    state: Option<Settable>,
    description: Option<String>,
    policy_details: Option<DetailsIn>,
    create_interval: Option<Unsupported>,
    retain_interval: Option<Unsupported>,
    copy_tags: Option<bool>,
    extend_deletion: Option<bool>,
    #[serde(default)]
    cross_region_copy_targets: Vec<serde::de::IgnoredAny>,
    exclusions: Option<Unsupported>,
}

impl Write for UpdateLifecyclePolicy {
    const ACTION: Action = Action::dlm("UpdateLifecyclePolicy");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.policy_id);
        if let Some(role) = &self.execution_role_arn {
            demand_role(view, demands, role);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        refuse_parameters!(self; create_interval, retain_interval, exclusions);
        refuse_on("copy_tags", self.copy_tags)?;
        refuse_on("extend_deletion", self.extend_deletion)?;
        if !self.cross_region_copy_targets.is_empty() {
            return Err(ApiError::unsupported("the parameter CrossRegionCopyTargets"));
        }
        let asked = PolicyChange {
            role: self.execution_role_arn.as_deref().map(role).transpose()?,
            description: self.description,
            is_enabled: self.state.map(|state| state == Settable::Enabled),
            details: self.policy_details.map(DetailsIn::read).transpose()?,
        };
        lifecycle::update(tx, self.policy_id, asked)?;
        Ok(Done {})
    }
}
