//! kms:GetKeyPolicy. Shows a key's policy as it was given. Whoever it names that is gone stands there by the unique id.

use std::borrow::Cow;

use landfall_cloud::View;
use landfall_cloud::identity::speaking;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::policy_name::{DEFAULT, check};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetKeyPolicy {
    key_id: String,
    policy_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyResponse<'v> {
    policy: Cow<'v, str>,
    policy_name: &'static str,
}

impl Read for GetKeyPolicy {
    const ACTION: Action = Action::kms("GetKeyPolicy");
    type Output<'v> = GetKeyPolicyResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetKeyPolicyResponse<'v>, ApiError> {
        let row = own(&look.view, &self.key_id)?;
        check(self.policy_name.as_deref())?;
        Ok(GetKeyPolicyResponse { policy: speaking::shown(&look.view, &row.policy), policy_name: DEFAULT })
    }
}
