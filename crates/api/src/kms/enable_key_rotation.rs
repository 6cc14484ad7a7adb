//! kms:EnableKeyRotation. Has a key get new material by itself, again and again.

use landfall_cloud::kms::life::{self, DEFAULT_PERIOD_DAYS};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableKeyRotation {
    key_id: String,
    rotation_period_in_days: Option<u32>,
}

impl Write for EnableKeyRotation {
    const ACTION: Action = Action::kms("EnableKeyRotation");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let period_days = self.period_days();
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:RotationPeriodInDays", period_days);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        life::enable_rotation(tx, &key, self.period_days())?;
        Ok(Nothing {})
    }
}

impl EnableKeyRotation {
    fn period_days(&self) -> u32 {
        self.rotation_period_in_days.unwrap_or(DEFAULT_PERIOD_DAYS)
    }
}
