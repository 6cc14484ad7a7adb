//! sts:GetCallerIdentity. Says who signed the request. Nobody can be denied it.

use landfall_cloud::View;
use landfall_model::AccountId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetCallerIdentity {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetCallerIdentityResponse {
    user_id: String,
    account: AccountId,
    arn: String,
}

impl Read for GetCallerIdentity {
    const ACTION: Action = Action::sts("GetCallerIdentity");
    type Output<'v> = GetCallerIdentityResponse;

    /// None: AWS answers this to every caller, even one with an explicit deny.
    fn demands(&self, _: &View<'_>, _: &mut Demands) {}

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetCallerIdentityResponse, ApiError> {
        let caller = look.caller;
        Ok(GetCallerIdentityResponse {
            user_id: caller.user_id(),
            account: caller.principal.account,
            arn: caller.arn(),
        })
    }
}
