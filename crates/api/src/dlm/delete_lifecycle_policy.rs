//! dlm:DeleteLifecyclePolicy. Deletes a policy. What it made stays.

use landfall_cloud::{Tx, View, lifecycle};
use serde::Deserialize;

use super::shape::{Done, Named, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(transparent)]
pub struct DeleteLifecyclePolicy(Named);

impl Write for DeleteLifecyclePolicy {
    const ACTION: Action = Action::dlm("DeleteLifecyclePolicy");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.0.policy_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        lifecycle::delete(tx, self.0.policy_id)?;
        Ok(Done {})
    }
}
