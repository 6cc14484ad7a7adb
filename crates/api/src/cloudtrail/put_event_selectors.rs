//! cloudtrail:PutEventSelectors. Says which events a trail delivers: management events of calls that look, that change, or
//! both. Data events, and selectors of the advanced form, are refused by name.

use landfall_cloud::{Tx, View, trail};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::{SelectorShape, demand};
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

/// Source: the CloudTrail API Reference.
const MOST: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutEventSelectors {
    trail_name: String,
    #[serde(default)]
    event_selectors: Vec<SelectorShape>,
    advanced_event_selectors: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutEventSelectorsResponse {
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    event_selectors: Vec<SelectorShape>,
}

impl Write for PutEventSelectors {
    const ACTION: Action = Action::cloudtrail("PutEventSelectors");
    type Output<'t> = PutEventSelectorsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.trail_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<PutEventSelectorsResponse, ApiError> {
        refuse_parameters!(self; advanced_event_selectors);
        if self.event_selectors.is_empty() || self.event_selectors.len() > MOST {
            let message = format!("The event selectors are not valid: a trail has 1 to {MOST} of them.");
            return Err(ApiError::new("InvalidEventSelectorsException", message));
        }
        let selectors = self.event_selectors.into_iter().map(SelectorShape::read).collect::<Result<_, _>>()?;
        let row = trail::select(tx, &self.trail_name, selectors)?;
        Ok(PutEventSelectorsResponse { trail_arn: row.arn(), event_selectors: SelectorShape::of(&row) })
    }
}
