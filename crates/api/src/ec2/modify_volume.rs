//! ec2:ModifyVolume. Makes a volume larger, or of another kind or speed, while it is used.

use landfall_cloud::volume::modification::{self, Asked};
use landfall_cloud::{Tx, View};
use landfall_model::{VolumeId, VolumeKind};
use serde::{Deserialize, Serialize};

use super::shape::attribute::{Given, show_attribute};
use super::shape::volume::demand;
use super::shape::volume_modification::{ModificationOut, modification as shown};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVolume {
    volume_id: VolumeId,
    size: Option<u32>,
    volume_type: Option<VolumeKind>,
    iops: Option<u32>,
    throughput: Option<u32>,
    multi_attach_enabled: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyVolumeResult {
    volume_modification: ModificationOut,
}

impl Write for ModifyVolume {
    const ACTION: Action = Action::ec2("ModifyVolume");
    type Output<'t> = ModifyVolumeResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        show_attribute(demand(view, demands, Self::ACTION, self.volume_id), &self.given());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ModifyVolumeResult, ApiError> {
        if self.multi_attach_enabled == Some(true) {
            return Err(ApiError::unsupported("the value 'true' of the parameter MultiAttachEnabled"));
        }
        let asked =
            Asked { size_gib: self.size, kind: self.volume_type, iops: self.iops, throughput_mib: self.throughput };
        let change = modification::modify(tx, self.volume_id, &asked)?;
        Ok(ModifyVolumeResult { volume_modification: shown(self.volume_id, &change) })
    }
}

impl ModifyVolume {
    fn given(&self) -> Given {
        let text = |value: Option<u32>| value.map(|value| value.to_string());
        vec![
            ("Size", text(self.size)),
            ("VolumeType", self.volume_type.map(|kind| kind.name().to_owned())),
            ("Iops", text(self.iops)),
            ("Throughput", text(self.throughput)),
        ]
    }
}
