//! ec2:ResetSnapshotAttribute. Shares a snapshot with nobody any more.

use landfall_cloud::{Tx, View, snapshot};
use landfall_model::SnapshotId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::snapshot::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResetSnapshotAttribute {
    attribute: String,
    snapshot_id: SnapshotId,
}

impl Write for ResetSnapshotAttribute {
    const ACTION: Action = Action::ec2("ResetSnapshotAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.snapshot_id).with("ec2:Attribute", &self.attribute);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        if self.attribute != "createVolumePermission" {
            let why = "Only 'createVolumePermission' can be reset.";
            return Err(ApiError::invalid("Attribute", &self.attribute, why));
        }
        snapshot::unshare(tx, self.snapshot_id)?;
        Ok(Done::OK)
    }
}
