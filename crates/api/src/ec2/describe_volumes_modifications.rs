//! ec2:DescribeVolumesModifications. Lists the last change of each volume that was changed.

use landfall_cloud::value::Volumes;
use landfall_model::{Volume, VolumeId};
use serde::{Deserialize, Serialize};

use super::shape::listing::{listing_of, named};
use super::shape::volume_modification::{ModificationOut, modification, state};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVolumesModifications {
    #[serde(default)]
    volume_id: Vec<VolumeId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVolumesModificationsResult {
    volume_modification_set: Vec<ModificationOut>,
}

impl Read for DescribeVolumesModifications {
    const ACTION: Action = Action::ec2("DescribeVolumesModifications");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "modification-state",
            "original-iops",
            "original-size",
            "original-volume-type",
            "originalMultiAttachEnabled",
            "start-time",
            "target-iops",
            "target-size",
            "target-volume-type",
            "targetMultiAttachEnabled",
            "volume-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 500;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeVolumesModificationsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeVolumesModificationsResult, ApiError> {
        for row in named::<Volumes, _>(&look.view, &self.volume_id)? {
            if row.modification.is_none() {
                let message = format!("Modification for volume '{}' does not exist.", row.id);
                return Err(ApiError::new("InvalidVolumeModification.NotFound", message));
            }
        }
        let is_changed = |row: &Volume| row.modification.is_some();
        let rows = listing_of::<Volumes, _>(
            look,
            &self.volume_id,
            &self.filter,
            Self::FILTERS,
            is_changed,
            |_, row, name| field(row, name),
        )?;
        let shapes = rows.into_iter().filter_map(|row| Some(modification(row.id, row.modification.as_ref()?)));
        Ok(DescribeVolumesModificationsResult { volume_modification_set: shapes.collect() })
    }
}

fn field<'v>(row: &'v Volume, name: &str) -> Values<'v> {
    let Some(change) = &row.modification else { return Vec::new() };
    match name {
        "modification-state" => one(state(change)),
        "original-iops" => many(change.original.iops),
        "original-size" => shown(change.original.size_gib),
        "original-volume-type" => one(change.original.kind.name()),
        "originalMultiAttachEnabled" | "targetMultiAttachEnabled" => one("false"),
        "start-time" => shown(change.started_at),
        "target-iops" => many(change.target.iops),
        "target-size" => shown(change.target.size_gib),
        "target-volume-type" => one(change.target.kind.name()),
        "volume-id" => shown(row.id),
        _ => Vec::new(),
    }
}
