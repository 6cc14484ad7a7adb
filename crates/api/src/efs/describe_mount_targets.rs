//! elasticfilesystem:DescribeMountTargets. Lists the mount targets of a file system, of an access point's, or one.

use landfall_cloud::View;
use landfall_model::MountTarget;
use serde::{Deserialize, Serialize};

use super::shape::mount_target::{MountTargetShape, shown};
use super::shape::{access_point, bad, demand, demand_of_target, demand_point, file_system, mount_target};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeMountTargets {
    file_system_id: Option<String>,
    mount_target_id: Option<String>,
    access_point_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeMountTargetsResponse {
    mount_targets: Vec<MountTargetShape>,
}

impl Read for DescribeMountTargets {
    const ACTION: Action = Action::efs("DescribeMountTargets");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeMountTargetsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        if let Some(text) = &self.file_system_id {
            demand(view, demands, Self::ACTION, text);
        } else if let Some(text) = &self.mount_target_id {
            demand_of_target(view, demands, Self::ACTION, text);
        } else if let Some(text) = &self.access_point_id {
            demand_point(view, demands, Self::ACTION, text);
            if let Ok(row) = access_point(view, text) {
                demand(view, demands, Self::ACTION, &row.file_system.to_string());
            }
        } else {
            demands.anything(Self::ACTION);
        }
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeMountTargetsResponse, ApiError> {
        let view = look.view;
        let file_system = match (&self.file_system_id, &self.mount_target_id, &self.access_point_id) {
            (Some(text), None, None) => file_system(&view, text)?.id,
            (None, None, Some(text)) => access_point(&view, text)?.file_system,
            (None, Some(text), None) => {
                let row = mount_target(&view, text)?;
                return Ok(DescribeMountTargetsResponse { mount_targets: vec![shown(row)] });
            }
            _ => return Err(bad("Give one of FileSystemId, MountTargetId and AccessPointId.")),
        };
        look.page.bound(Self::PAGE_LIMIT);
        let mut rows: Vec<&MountTarget> = view.mount_targets_of(file_system).collect();
        rows.sort_by_key(|row| row.id);
        let rows = look.page.take(rows, |row| row.id)?;
        Ok(DescribeMountTargetsResponse { mount_targets: rows.into_iter().map(shown).collect() })
    }
}
