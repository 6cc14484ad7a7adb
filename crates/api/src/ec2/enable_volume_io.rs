//! ec2:EnableVolumeIO. Lets a volume be used again that was kept from it because its data may be damaged. None ever is: a
//! damaged file isn't opened, and a full disk lets its guest go on by itself.

use landfall_cloud::value::Volumes;
use landfall_cloud::{Tx, View};
use landfall_model::VolumeId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::volume::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableVolumeIO {
    volume_id: VolumeId,
}

impl Write for EnableVolumeIO {
    const ACTION: Action = Action::ec2("EnableVolumeIO");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.volume_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        tx.view().need::<Volumes, _>(self.volume_id)?;
        Ok(Done::OK)
    }
}
