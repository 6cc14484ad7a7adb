//! ec2:EnableImageDeregistrationProtection. Protects an image from being deregistered.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableImageDeregistrationProtection {
    image_id: ImageId,
    #[serde(default)]
    with_cooldown: bool,
}

impl Write for EnableImageDeregistrationProtection {
    const ACTION: Action = Action::ec2("EnableImageDeregistrationProtection");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::protect(tx, self.image_id, self.with_cooldown)?;
        Ok(Done::OK)
    }
}
