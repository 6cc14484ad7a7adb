//! iam:GetContextKeysForPrincipalPolicy. Lists the condition keys that the policies of a user, group or role look at.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::demand::entity_demand;
use super::shape::simulation::{Whose, given, keys};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetContextKeysForPrincipalPolicy {
    policy_source_arn: String,
    #[serde(default)]
    policy_input_list: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetContextKeysForPrincipalPolicyResult {
    context_key_names: Vec<String>,
}

impl Read for GetContextKeysForPrincipalPolicy {
    const ACTION: Action = Action::iam("GetContextKeysForPrincipalPolicy");
    type Output<'v> = GetContextKeysForPrincipalPolicyResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        entity_demand(view, demands, Self::ACTION, &self.policy_source_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetContextKeysForPrincipalPolicyResult, ApiError> {
        let mut sources = Whose::need(&look.view, &self.policy_source_arn)?.sources(&look.view)?;
        sources.extend(given("PolicyInputList", &self.policy_input_list)?);
        Ok(GetContextKeysForPrincipalPolicyResult { context_key_names: keys(&sources) })
    }
}
