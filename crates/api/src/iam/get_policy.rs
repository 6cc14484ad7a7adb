//! iam:GetPolicy. Shows a managed policy.

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy;
use serde::{Deserialize, Serialize};

use super::shape::demand::policy_demand;
use super::shape::policy::{PolicyShape, shown};
use super::shape::policy_arn;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPolicy {
    policy_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPolicyResult<'v> {
    policy: PolicyShape<'v>,
}

impl Read for GetPolicy {
    const ACTION: Action = Action::iam("GetPolicy");
    type Output<'v> = GetPolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetPolicyResult<'v>, ApiError> {
        let view = look.view;
        let arn = policy_arn(&self.policy_arn)?;
        let policy = managed_policy::need(&view, &arn)?;
        Ok(GetPolicyResult { policy: shown(&view, arn, policy) })
    }
}
