//! ec2:CancelImageLaunchPermission. Takes the caller off the list of those whom an image is shared with.
//!
//! AWS says nowhere what it answers about an image that isn't shared with the caller by its number: ours is
//! InvalidParameterValue.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::image::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CancelImageLaunchPermission {
    image_id: ImageId,
}

impl Write for CancelImageLaunchPermission {
    const ACTION: Action = Action::ec2("CancelImageLaunchPermission");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        change::cancel(tx, self.image_id)?;
        Ok(Done::OK)
    }
}
