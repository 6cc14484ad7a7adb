//! iam:GetUser. Shows a user: the caller, if none is named.

use landfall_cloud::View;
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::user::{UserShape, shown, whom};
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetUser {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUserResult<'v> {
    user: UserShape<'v>,
}

impl Read for GetUser {
    const ACTION: Action = Action::iam("GetUser");
    type Output<'v> = GetUserResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetUserResult<'v>, ApiError> {
        let view = look.view;
        let row = whom(&view, self.user_name.as_deref(), self.caller.as_ref())?;
        Ok(GetUserResult { user: shown(&view, row) })
    }
}
