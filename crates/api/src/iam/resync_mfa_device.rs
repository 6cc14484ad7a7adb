//! iam:ResyncMFADevice. Learns from two codes that follow one another how far a device's clock is off.

use landfall_cloud::identity::{mfa, user};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::mfa::{Codes, Found};
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResyncMFADevice {
    user_name: String,
    serial_number: String,
    authentication_code1: String,
    authentication_code2: String,
}

impl Call for ResyncMFADevice {
    const ACTION: Action = Action::iam("ResyncMFADevice");
    type Made = Found;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Found, ApiError> {
        let row = user::need(&view, &self.user_name)?;
        let (device, _) = mfa::need_of(&view, row, &self.serial_number)?;
        Codes { first: &self.authentication_code1, second: &self.authentication_code2 }.find(outside, &view, device)
    }

    fn run(self, found: Found, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = user::need(&tx.view(), &self.user_name)?.clone();
        mfa::resync(tx, &row, &self.serial_number, found.drift_steps, found.last_step)?;
        Ok(Nothing {})
    }
}
