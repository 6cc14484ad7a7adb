//! ec2:DeregisterImage. Forgets an image of the caller's; with the snapshots that only it has, if that is asked for.
//!
//! Whoever may not delete the snapshots gets none of it done, where AWS deregisters the image all the same.

use landfall_cloud::{Tx, View, image};
use landfall_model::{ImageId, SnapshotId};
use serde::{Deserialize, Serialize};

use super::shape::image::demand;
use super::shape::snapshot;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeregisterImage {
    image_id: ImageId,
    #[serde(default)]
    delete_associated_snapshots: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeregisterImageResult {
    r#return: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_snapshot_result_set: Option<Vec<Deleted>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    snapshot_id: SnapshotId,
    return_code: &'static str,
}

impl Write for DeregisterImage {
    const ACTION: Action = Action::ec2("DeregisterImage");
    const FREES: bool = true;
    type Output<'t> = DeregisterImageResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
        let image = view.own_image(self.image_id).filter(|_| self.delete_associated_snapshots);
        for id in image.into_iter().flat_map(landfall_model::OwnImage::snapshots) {
            snapshot::demand(view, demands, Action::ec2("DeleteSnapshot"), id);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeregisterImageResult, ApiError> {
        let deleted = image::change::deregister(tx, self.image_id, self.delete_associated_snapshots)?;
        let shown = deleted.into_iter().map(|(snapshot_id, is_gone)| Deleted {
            snapshot_id,
            return_code: if is_gone { "success" } else { "skipped" },
        });
        let shown: Vec<_> = shown.collect();
        let delete_snapshot_result_set = self.delete_associated_snapshots.then_some(shown);
        Ok(DeregisterImageResult { r#return: true, delete_snapshot_result_set })
    }
}
