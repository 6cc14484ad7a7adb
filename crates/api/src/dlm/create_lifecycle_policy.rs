//! dlm:CreateLifecyclePolicy. Makes a policy, which acts in the name of a role that the caller passes.

use std::collections::BTreeMap;

use landfall_cloud::lifecycle::{self, PolicyChange};
use landfall_cloud::{Tx, View};
use landfall_model::LifecyclePolicyId;
use serde::{Deserialize, Serialize};

use super::shape::{DetailsIn, demand_role, refuse_on};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateLifecyclePolicy {
    execution_role_arn: String,
    description: String,
    state: Settable,
    policy_details: Option<DetailsIn>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    default_policy: Option<Unsupported>,
    create_interval: Option<Unsupported>,
    retain_interval: Option<Unsupported>,
    copy_tags: Option<bool>,
    extend_deletion: Option<bool>,
    #[serde(default)]
    cross_region_copy_targets: Vec<serde::de::IgnoredAny>,
    exclusions: Option<Unsupported>,
}

/// What somebody can have a policy be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Settable {
    Enabled,
    Disabled,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateLifecyclePolicyResponse {
    policy_id: LifecyclePolicyId,
}

impl Write for CreateLifecyclePolicy {
    const ACTION: Action = Action::dlm("CreateLifecyclePolicy");
    type Output<'t> = CreateLifecyclePolicyResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION).request_tags(&self.tags);
        demand_role(view, demands, &self.execution_role_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<CreateLifecyclePolicyResponse, ApiError> {
        refuse_parameters!(self; default_policy, create_interval, retain_interval, exclusions);
        refuse_on("copy_tags", self.copy_tags)?;
        refuse_on("extend_deletion", self.extend_deletion)?;
        if !self.cross_region_copy_targets.is_empty() {
            return Err(ApiError::unsupported("the parameter CrossRegionCopyTargets"));
        }
        let asked = PolicyChange {
            role: Some(role(&self.execution_role_arn)?),
            description: Some(self.description),
            is_enabled: Some(self.state == Settable::Enabled),
            details: self.policy_details.map(DetailsIn::read).transpose()?,
        };
        Ok(CreateLifecyclePolicyResponse { policy_id: lifecycle::create(tx, asked, &self.tags)? })
    }
}

/// A role's ARN.
pub(super) fn role(text: &str) -> Result<landfall_model::Arn, ApiError> {
    text.parse().map_err(|_| ApiError::invalid("ExecutionRoleArn", text, "It is the ARN of a role."))
}
