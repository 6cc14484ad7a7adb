//! iam:GetLoginProfile. Shows that a user has a password, and since when: the caller, if none is named.

use landfall_cloud::View;
use landfall_cloud::identity::login;
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::login::{LoginShape, shown};
use super::shape::user::whom_user;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetLoginProfile {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetLoginProfileResult<'v> {
    login_profile: LoginShape<'v>,
}

impl Read for GetLoginProfile {
    const ACTION: Action = Action::iam("GetLoginProfile");
    type Output<'v> = GetLoginProfileResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetLoginProfileResult<'v>, ApiError> {
        let row = whom_user(&look.view, self.user_name.as_deref(), self.caller.as_ref())?;
        Ok(GetLoginProfileResult { login_profile: shown(row, login::need(row)?) })
    }
}
