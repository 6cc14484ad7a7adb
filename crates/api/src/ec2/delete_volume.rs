//! ec2:DeleteVolume. Destroys a volume that nothing has.

use landfall_cloud::{Tx, View, volume};
use landfall_model::VolumeId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::volume::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVolume {
    volume_id: VolumeId,
}

impl Write for DeleteVolume {
    const ACTION: Action = Action::ec2("DeleteVolume");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.volume_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        volume::delete(tx, self.volume_id)?;
        Ok(Done::OK)
    }
}
