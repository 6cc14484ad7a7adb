//! iam:DeleteVirtualMFADevice. Deletes a virtual device that is nobody's.

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::mfa_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVirtualMFADevice {
    serial_number: String,
}

impl Write for DeleteVirtualMFADevice {
    const ACTION: Action = Action::iam("DeleteVirtualMFADevice");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        mfa_demand(view, demands, Self::ACTION, &self.serial_number);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        mfa::delete(tx, &self.serial_number)?;
        Ok(Nothing {})
    }
}
