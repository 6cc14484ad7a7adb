//! iam:DeleteLoginProfile. Takes a user's password away: the caller's, if no user is named.

use landfall_cloud::identity::login;
use landfall_cloud::{Tx, View};
use landfall_model::UniqueId;
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::whom_demand;
use super::shape::user::whom_user;
use crate::{Action, ApiError, Caller, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteLoginProfile {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

impl Write for DeleteLoginProfile {
    const ACTION: Action = Action::iam("DeleteLoginProfile");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = whom_user(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?.id.clone();
        login::delete(tx, &id)?;
        Ok(Nothing {})
    }
}
