//! ec2:DisableImageDeregistrationProtection. Protects an image no more, at once or after a cool-down of a day.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableImageDeregistrationProtection {
    image_id: ImageId,
}

impl Write for DisableImageDeregistrationProtection {
    const ACTION: Action = Action::ec2("DisableImageDeregistrationProtection");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::unprotect(tx, self.image_id)?;
        Ok(Done::OK)
    }
}
