//! dlm:GetLifecyclePolicy. Shows a policy whole.

use landfall_cloud::{Fault, View, lifecycle};
use serde::{Deserialize, Serialize};

use super::shape::{Named, PolicyShape, demand};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(transparent)]
pub struct GetLifecyclePolicy(Named);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetLifecyclePolicyResponse<'v> {
    policy: PolicyShape<'v>,
}

impl Read for GetLifecyclePolicy {
    const ACTION: Action = Action::dlm("GetLifecyclePolicy");
    type Output<'v> = GetLifecyclePolicyResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.0.policy_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetLifecyclePolicyResponse<'v>, ApiError> {
        let id = self.0.policy_id;
        let row = lifecycle::find(&look.view, id).ok_or_else(|| Fault::no_such(id))?;
        Ok(GetLifecyclePolicyResponse { policy: PolicyShape::of(&look.view, row) })
    }
}
