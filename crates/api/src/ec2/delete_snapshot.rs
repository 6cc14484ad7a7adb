//! ec2:DeleteSnapshot. Deletes a snapshot. Other snapshots of the same volume, and volumes made of it, lose nothing.

use landfall_cloud::{Tx, View, snapshot};
use landfall_model::SnapshotId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::snapshot::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteSnapshot {
    snapshot_id: SnapshotId,
}

impl Write for DeleteSnapshot {
    const ACTION: Action = Action::ec2("DeleteSnapshot");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.snapshot_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        snapshot::delete(tx, self.snapshot_id)?;
        Ok(Done::OK)
    }
}
