//! iam:TagMFADevice. Adds tags to a virtual device, or changes those that it has.

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::mfa_demand;
use super::shape::{Nothing, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagMFADevice {
    serial_number: String,
    tags: Vec<tag::Tag>,
}

impl Write for TagMFADevice {
    const ACTION: Action = Action::iam("TagMFADevice");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        mfa_demand(view, demands, Self::ACTION, &self.serial_number).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let serial = mfa::need(&tx.view(), &self.serial_number)?.serial.clone();
        tag::put(tx, tag::Tagged::Mfa, serial.as_str(), &self.tags)?;
        Ok(Nothing {})
    }
}
