//! cloudtrail:PutInsightSelectors. Nothing looks for what is unusual here: only to have no insights can be asked for.

use landfall_cloud::{Tx, View, trail};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::demand;
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutInsightSelectors {
    trail_name: String,
    insight_selectors: Vec<InsightSelector>,
    event_data_store: Option<Unsupported>,
    insights_destination: Option<Unsupported>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InsightSelector {
    insight_type: Option<String>,
    #[serde(default)]
    event_categories: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutInsightSelectorsResponse {
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    insight_selectors: Vec<InsightSelector>,
}

impl Write for PutInsightSelectors {
    const ACTION: Action = Action::cloudtrail("PutInsightSelectors");
    type Output<'t> = PutInsightSelectorsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.trail_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<PutInsightSelectorsResponse, ApiError> {
        refuse_parameters!(self; event_data_store, insights_destination);
        if let Some(selector) = self.insight_selectors.first() {
            let kind = selector.insight_type.as_deref().unwrap_or("no type");
            let of = selector.event_categories.join(", ");
            return Err(ApiError::unsupported(format_args!("insights ({kind} {of})")));
        }
        let trail_arn = trail::seen(&tx.view(), &self.trail_name)?.arn();
        Ok(PutInsightSelectorsResponse { trail_arn, insight_selectors: self.insight_selectors })
    }
}
