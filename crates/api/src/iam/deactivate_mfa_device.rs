//! iam:DeactivateMFADevice. Takes a device from its user: from the caller, if none is named.

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use landfall_model::UniqueId;
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::whom_demand;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeactivateMFADevice {
    user_name: Option<String>,
    serial_number: String,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

impl Write for DeactivateMFADevice {
    const ACTION: Action = Action::iam("DeactivateMFADevice");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = whom(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?.clone();
        mfa::disable(tx, &row, &self.serial_number)?;
        Ok(Nothing {})
    }
}
