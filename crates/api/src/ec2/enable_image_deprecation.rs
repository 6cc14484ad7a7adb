//! ec2:EnableImageDeprecation. Has an image be deprecated from a moment on.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::{ImageId, Timestamp};
use landfall_wire::Time;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableImageDeprecation {
    image_id: ImageId,
    deprecate_at: Time,
}

impl Write for EnableImageDeprecation {
    const ACTION: Action = Action::ec2("EnableImageDeprecation");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::deprecate(tx, self.image_id, Some(Timestamp(self.deprecate_at.0)))?;
        Ok(Done::OK)
    }
}
