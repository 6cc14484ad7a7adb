//! iam:ListMFADeviceTags. Lists the tags of a virtual device.

use landfall_cloud::View;
use landfall_cloud::identity::mfa;
use serde::Deserialize;

use super::shape::demand::mfa_demand;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListMFADeviceTags {
    serial_number: String,
}

impl Read for ListMFADeviceTags {
    const ACTION: Action = Action::iam("ListMFADeviceTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        mfa_demand(view, demands, Self::ACTION, &self.serial_number);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let serial = mfa::need(&look.view, &self.serial_number)?.serial.as_str();
        tag::list(look, serial)
    }
}
