//! ec2:DetachVolume. Takes a volume from its instance.

use landfall_cloud::value::Volumes;
use landfall_cloud::volume::attachment;
use landfall_cloud::{Tx, View};
use landfall_model::{InstanceId, VolumeId};
use serde::Deserialize;

use super::shape::change::demand_one;
use super::shape::volume::{AttachmentOut, attachment as shown, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetachVolume {
    device: Option<String>,
    #[serde(default)]
    force: bool,
    instance_id: Option<InstanceId>,
    volume_id: VolumeId,
}

impl Write for DetachVolume {
    const ACTION: Action = Action::ec2("DetachVolume");
    const FREES: bool = true;
    type Output<'t> = AttachmentOut;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.volume_id);
        let attached = view.find::<Volumes, _>(self.volume_id).and_then(|row| row.attachment.as_ref());
        if let Some(instance) = self.instance_id.or(attached.map(|attachment| attachment.instance)) {
            demand_one(view, demands, Self::ACTION, instance);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AttachmentOut, ApiError> {
        let device = self.device.as_deref();
        let detached = attachment::detach(tx, self.volume_id, self.instance_id, device, self.force)?;
        Ok(shown(self.volume_id, &detached))
    }
}
