//! iam:GetContextKeysForCustomPolicy. Lists the condition keys that given policies look at.

use serde::{Deserialize, Serialize};

use super::shape::simulation::{given, keys};
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetContextKeysForCustomPolicy {
    policy_input_list: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetContextKeysForCustomPolicyResult {
    context_key_names: Vec<String>,
}

impl Read for GetContextKeysForCustomPolicy {
    const ACTION: Action = Action::iam("GetContextKeysForCustomPolicy");
    type Output<'v> = GetContextKeysForCustomPolicyResult;

    fn run<'v>(self, _: &mut Look<'v, '_>) -> Result<GetContextKeysForCustomPolicyResult, ApiError> {
        let sources = given("PolicyInputList", &self.policy_input_list)?;
        Ok(GetContextKeysForCustomPolicyResult { context_key_names: keys(&sources) })
    }
}
