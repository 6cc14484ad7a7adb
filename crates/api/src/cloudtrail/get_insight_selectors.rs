//! cloudtrail:GetInsightSelectors. No trail has insights, which is an error of its own.

use landfall_cloud::{View, trail};
use serde::{Deserialize, Serialize};

use super::shape::demand;
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetInsightSelectors {
    trail_name: Option<String>,
    event_data_store: Option<Unsupported>,
}

/// There is none yet: all calls are refused.
#[derive(Serialize)]
pub struct GetInsightSelectorsResponse {}

impl Read for GetInsightSelectors {
    const ACTION: Action = Action::cloudtrail("GetInsightSelectors");
    type Output<'v> = GetInsightSelectorsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match &self.trail_name {
            Some(name) => {
                demand(view, demands, Self::ACTION, name);
            }
            None => {
                demands.anything(Self::ACTION);
            }
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetInsightSelectorsResponse, ApiError> {
        refuse_parameters!(self; event_data_store);
        let Some(name) = &self.trail_name else {
            let message = "Specify either TrailName or EventDataStore.";
            return Err(ApiError::new("InvalidParameterCombinationException", message));
        };
        let arn = trail::seen(&look.view, name)?.arn();
        let message = format!(
            "Trail {arn} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again."
        );
        Err(ApiError::new("InsightNotEnabledException", message))
    }
}
