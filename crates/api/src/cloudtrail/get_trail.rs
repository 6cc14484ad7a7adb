//! cloudtrail:GetTrail. Shows a trail that the region sees.

use landfall_cloud::{View, trail};
use serde::{Deserialize, Serialize};

use super::shape::{TrailShape, demand};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetTrail {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetTrailResponse<'v> {
    trail: TrailShape<'v>,
}

impl Read for GetTrail {
    const ACTION: Action = Action::cloudtrail("GetTrail");
    type Output<'v> = GetTrailResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetTrailResponse<'v>, ApiError> {
        Ok(GetTrailResponse { trail: TrailShape::new(trail::seen(&look.view, &self.name)?) })
    }
}
