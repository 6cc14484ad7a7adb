//! ec2:DisableImage. Switches an image off: nothing is launched from it, and nobody else sees it any more.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableImage {
    image_id: ImageId,
}

impl Write for DisableImage {
    const ACTION: Action = Action::ec2("DisableImage");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::set_disabled(tx, self.image_id, true)?;
        Ok(Done::OK)
    }
}
