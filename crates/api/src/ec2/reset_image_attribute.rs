//! ec2:ResetImageAttribute. Lets nobody but its owner launch from an image any more.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResetImageAttribute {
    attribute: String,
    image_id: ImageId,
}

impl Write for ResetImageAttribute {
    const ACTION: Action = Action::ec2("ResetImageAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id).with("ec2:Attribute", &self.attribute);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        if self.attribute != "launchPermission" {
            return Err(ApiError::invalid("Attribute", &self.attribute, "Only 'launchPermission' can be reset."));
        }
        change::unshare(tx, self.image_id)?;
        Ok(Done::OK)
    }
}
