//! ec2:ModifyVolumeAttribute. Says whether a volume goes on by itself after an error of its disk.

use landfall_cloud::{Tx, View, volume};
use landfall_model::VolumeId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::attribute::{ValueIn, show_attribute};
use super::shape::volume::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVolumeAttribute {
    #[serde(rename = "AutoEnableIO")]
    auto_enable_io: Option<ValueIn<bool>>,
    volume_id: VolumeId,
}

impl Write for ModifyVolumeAttribute {
    const ACTION: Action = Action::ec2("ModifyVolumeAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let given = vec![("AutoEnableIO", self.auto_enable_io.map(|it| it.value.to_string()))];
        show_attribute(demand(view, demands, Self::ACTION, self.volume_id), &given);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let ValueIn { value } = self.auto_enable_io.ok_or_else(|| ApiError::missing("AutoEnableIO"))?;
        volume::set_auto_enable_io(tx, self.volume_id, value)?;
        Ok(Done::OK)
    }
}
