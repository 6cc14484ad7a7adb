//! cloudtrail:GetEventSelectors. Says which events a trail delivers.

use landfall_cloud::{View, trail};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::{SelectorShape, demand};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetEventSelectors {
    trail_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetEventSelectorsResponse {
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    event_selectors: Vec<SelectorShape>,
}

impl Read for GetEventSelectors {
    const ACTION: Action = Action::cloudtrail("GetEventSelectors");
    type Output<'v> = GetEventSelectorsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.trail_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetEventSelectorsResponse, ApiError> {
        let row = trail::seen(&look.view, &self.trail_name)?;
        Ok(GetEventSelectorsResponse { trail_arn: row.arn(), event_selectors: SelectorShape::of(row) })
    }
}
