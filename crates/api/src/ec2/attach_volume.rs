//! ec2:AttachVolume. Gives a volume to an instance, while it runs or is stopped.

use landfall_cloud::value::Volumes;
use landfall_cloud::volume::attachment;
use landfall_cloud::{Tx, View};
use landfall_model::{InstanceId, VolumeId};
use serde::Deserialize;

use super::shape::block_device::check_device;
use super::shape::change::demand_one;
use super::shape::ebs::demand_use_by_machine;
use super::shape::volume::{AttachmentOut, attachment as shown, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachVolume {
    device: String,
    instance_id: InstanceId,
    volume_id: VolumeId,
    #[serde(default)]
    ebs_card_index: u32,
}

impl Write for AttachVolume {
    const ACTION: Action = Action::ec2("AttachVolume");
    type Output<'t> = AttachmentOut;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_one(view, demands, Self::ACTION, self.instance_id);
        demand(view, demands, Self::ACTION, self.volume_id);
        let row = view.find::<Volumes, _>(self.volume_id);
        if let Some(key) = row.and_then(|row| row.data_key.as_ref()) {
            demand_use_by_machine(view, demands, key.kms_key.as_str(), Some(self.volume_id));
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AttachmentOut, ApiError> {
        if self.ebs_card_index > 0 {
            let why = "The instance has one card for volumes, of index 0.";
            return Err(ApiError::invalid("EbsCardIndex", self.ebs_card_index, why));
        }
        check_device(&self.device)?;
        attachment::attach(tx, self.volume_id, self.instance_id, &self.device)?;
        let view = tx.view();
        let row = view.need::<Volumes, _>(self.volume_id)?;
        let attached = row.attachment.as_ref().ok_or_else(|| landfall_cloud::Fault::no_such(self.volume_id))?;
        Ok(shown(row.id, attached))
    }
}
