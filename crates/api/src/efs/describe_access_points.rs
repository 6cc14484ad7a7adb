//! elasticfilesystem:DescribeAccessPoints. Lists access points: all, those of a file system, or one.

use landfall_cloud::View;
use landfall_cloud::value::AccessPoints;
use landfall_model::AccessPoint;
use serde::{Deserialize, Serialize};

use super::shape::access_point::{AccessPointShape, shown};
use super::shape::{access_point, bad, demand, demand_point, file_system};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccessPoints {
    access_point_id: Option<String>,
    file_system_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAccessPointsResponse<'v> {
    access_points: Vec<AccessPointShape<'v>>,
}

impl Read for DescribeAccessPoints {
    const ACTION: Action = Action::efs("DescribeAccessPoints");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeAccessPointsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match (&self.access_point_id, &self.file_system_id) {
            (Some(text), _) => _ = demand_point(view, demands, Self::ACTION, text),
            (None, Some(text)) => _ = demand(view, demands, Self::ACTION, text),
            (None, None) => _ = demands.anything(Self::ACTION),
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeAccessPointsResponse<'v>, ApiError> {
        let view = look.view;
        look.page.bound(Self::PAGE_LIMIT);
        let rows: Vec<&AccessPoint> = match (&self.access_point_id, &self.file_system_id) {
            (Some(_), Some(_)) => return Err(bad("Give one of AccessPointId and FileSystemId.")),
            (Some(text), None) => vec![access_point(&view, text)?],
            (None, Some(text)) => {
                let id = file_system(&view, text)?.id;
                let mut rows: Vec<&AccessPoint> = view.access_points_of(id).collect();
                rows.sort_by_key(|row| row.id);
                look.page.take(rows, |row| row.id)?
            }
            (None, None) => {
                let start = look.page.start()?;
                look.page.take(view.from::<AccessPoints, _>(start), |row| row.id)?
            }
        };
        Ok(DescribeAccessPointsResponse { access_points: rows.into_iter().map(|row| shown(&view, row)).collect() })
    }
}
