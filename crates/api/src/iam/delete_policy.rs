//! iam:DeletePolicy. Deletes a managed policy that nothing has and whose other versions are gone.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeletePolicy {
    policy_arn: String,
}

impl Write for DeletePolicy {
    const ACTION: Action = Action::iam("DeletePolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        managed_policy::delete(tx, &policy_arn(&self.policy_arn)?)?;
        Ok(Nothing {})
    }
}
