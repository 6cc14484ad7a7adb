//! iam:GetPolicyVersion. Shows a version of a managed policy with its document.

use landfall_cloud::View;
use landfall_cloud::identity::IdentityFault;
use landfall_cloud::identity::managed_policy::{self, Managed};
use serde::{Deserialize, Serialize};

use super::shape::demand::policy_demand;
use super::shape::policy::{VersionShape, number, provided_version, whole_version};
use super::shape::policy_arn;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPolicyVersion {
    policy_arn: String,
    version_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPolicyVersionResult<'v> {
    policy_version: VersionShape<'v>,
}

impl Read for GetPolicyVersion {
    const ACTION: Action = Action::iam("GetPolicyVersion");
    type Output<'v> = GetPolicyVersionResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetPolicyVersionResult<'v>, ApiError> {
        let (arn, number) = (policy_arn(&self.policy_arn)?, number(&self.version_id)?);
        let policy_version = match managed_policy::need(&look.view, &arn)? {
            Managed::Own(row) => whole_version(managed_policy::need_version(row, number)?, row.default_version),
            Managed::Provided(policy) if number == 1 => provided_version(Some(&policy.document)),
            Managed::Provided(_) => {
                let message = format!("Policy {arn} version v{number} does not exist or is not attachable.");
                return Err(landfall_cloud::Fault::from(IdentityFault::NoSuch(message)).into());
            }
        };
        Ok(GetPolicyVersionResult { policy_version })
    }
}
