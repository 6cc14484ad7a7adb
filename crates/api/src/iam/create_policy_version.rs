//! iam:CreatePolicyVersion. Makes a version of a managed policy, which may be the one that holds from now on.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::policy_demand;
use super::shape::policy::{VersionShape, version};
use super::shape::policy_arn;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreatePolicyVersion {
    policy_arn: String,
    policy_document: String,
    #[serde(default)]
    set_as_default: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatePolicyVersionResult<'t> {
    policy_version: VersionShape<'t>,
}

impl Write for CreatePolicyVersion {
    const ACTION: Action = Action::iam("CreatePolicyVersion");
    type Output<'t> = CreatePolicyVersionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreatePolicyVersionResult<'t>, ApiError> {
        let arn = policy_arn(&self.policy_arn)?;
        let number = managed_policy::add_version(tx, &arn, &self.policy_document, self.set_as_default)?;
        let view = tx.view();
        let row = managed_policy::need_own(&view, &arn)?;
        let policy_version = version(managed_policy::need_version(row, number)?, row.default_version);
        Ok(CreatePolicyVersionResult { policy_version })
    }
}
