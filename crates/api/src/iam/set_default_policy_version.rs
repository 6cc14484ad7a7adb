//! iam:SetDefaultPolicyVersion. Has another version of a managed policy hold.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::policy::number;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetDefaultPolicyVersion {
    policy_arn: String,
    version_id: String,
}

impl Write for SetDefaultPolicyVersion {
    const ACTION: Action = Action::iam("SetDefaultPolicyVersion");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        managed_policy::set_default(tx, &policy_arn(&self.policy_arn)?, number(&self.version_id)?)?;
        Ok(Nothing {})
    }
}
