//! secretsmanager:ValidateResourcePolicy. Says whether a document could be a secret's policy, and whether it would let
//! everybody in.

use landfall_cloud::secret::policy;
use landfall_cloud::{View, secret};
use serde::{Deserialize, Serialize};

use super::shape::{demand, home};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ValidateResourcePolicy {
    secret_id: Option<String>,
    resource_policy: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValidateResourcePolicyResult {
    policy_validation_passed: bool,
    validation_errors: Vec<ValidationError>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ValidationError {
    check_name: &'static str,
    error_message: &'static str,
}

impl Read for ValidateResourcePolicy {
    const ACTION: Action = Action::secretsmanager("ValidateResourcePolicy");
    type Output<'v> = ValidateResourcePolicyResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match &self.secret_id {
            Some(id) => {
                demand(view, demands, Self::ACTION, id);
                demand(view, demands, Action::secretsmanager("PutResourcePolicy"), id);
            }
            None => {
                demands.anything(Self::ACTION);
            }
        }
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<ValidateResourcePolicyResult, ApiError> {
        if let Some(id) = &self.secret_id {
            secret::need_alive(home(&look.view, id).view(), id)?;
        }
        policy::read(look.view.tables(), &self.resource_policy)?;
        let is_public = policy::is_public(&self.resource_policy);
        let public = ValidationError {
            check_name: "PublicPolicyCheck",
            error_message: "The policy allows broad access to the secret.",
        };
        let validation_errors = is_public.then_some(public).into_iter().collect();
        Ok(ValidateResourcePolicyResult { policy_validation_passed: !is_public, validation_errors })
    }
}
