//! iam:UntagMFADevice. Removes tags of a virtual device.

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::mfa_demand;
use super::shape::{Nothing, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagMFADevice {
    serial_number: String,
    tag_keys: Vec<String>,
}

impl Write for UntagMFADevice {
    const ACTION: Action = Action::iam("UntagMFADevice");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = mfa_demand(view, demands, Self::ACTION, &self.serial_number);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let serial = mfa::need(&tx.view(), &self.serial_number)?.serial.clone();
        tag::remove(tx, tag::Tagged::Mfa, serial.as_str(), &self.tag_keys)?;
        Ok(Nothing {})
    }
}
