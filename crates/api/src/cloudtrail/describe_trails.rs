//! cloudtrail:DescribeTrails. Lists the trails that the region sees: its own, and those of all regions.

use landfall_cloud::trail;
use serde::{Deserialize, Serialize};

use super::shape::TrailShape;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DescribeTrails {
    #[serde(default)]
    trail_name_list: Vec<String>,
    include_shadow_trails: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTrailsResponse<'v> {
    trail_list: Vec<TrailShape<'v>>,
}

impl Read for DescribeTrails {
    const ACTION: Action = Action::cloudtrail("DescribeTrails");
    type Output<'v> = DescribeTrailsResponse<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTrailsResponse<'v>, ApiError> {
        let also_others = self.include_shadow_trails.unwrap_or(true);
        if self.trail_name_list.is_empty() {
            let trail_list = trail::all(&look.view, also_others).map(TrailShape::new).collect();
            return Ok(DescribeTrailsResponse { trail_list });
        }
        let mut trail_list = Vec::new();
        for named in &self.trail_name_list {
            // One that isn't there is left out, without an error.
            match trail::seen(&look.view, named) {
                Ok(row) if also_others || row.scope == look.view.scope() => trail_list.push(TrailShape::new(row)),
                Ok(_) => {}
                Err(landfall_cloud::Fault::Taken { code: "TrailNotFoundException", .. }) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(DescribeTrailsResponse { trail_list })
    }
}
