//! iam:UpdateAccessKey. Switches an access key on or off.

use landfall_cloud::identity::access_key;
use landfall_cloud::{Tx, View};
use landfall_model::UniqueId;
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::whom_demand;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Write};

/// Whether it may be used.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Status {
    Active,
    Inactive,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateAccessKey {
    user_name: Option<String>,
    access_key_id: String,
    status: Status,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

impl Write for UpdateAccessKey {
    const ACTION: Action = Action::iam("UpdateAccessKey");
    type Output<'t> = Nothing;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = whom(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?.clone();
        access_key::set_active(tx, &row, &self.access_key_id, self.status == Status::Active)?;
        Ok(Nothing {})
    }
}
