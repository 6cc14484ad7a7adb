//! iam:DeletePolicyVersion. Deletes a version of a managed policy that doesn't hold.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::policy::number;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeletePolicyVersion {
    policy_arn: String,
    version_id: String,
}

impl Write for DeletePolicyVersion {
    const ACTION: Action = Action::iam("DeletePolicyVersion");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        managed_policy::delete_version(tx, &policy_arn(&self.policy_arn)?, number(&self.version_id)?)?;
        Ok(Nothing {})
    }
}
