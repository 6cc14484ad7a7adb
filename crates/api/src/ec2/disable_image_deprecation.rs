//! ec2:DisableImageDeprecation. Has an image be deprecated no more.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableImageDeprecation {
    image_id: ImageId,
}

impl Write for DisableImageDeprecation {
    const ACTION: Action = Action::ec2("DisableImageDeprecation");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::deprecate(tx, self.image_id, None)?;
        Ok(Done::OK)
    }
}
