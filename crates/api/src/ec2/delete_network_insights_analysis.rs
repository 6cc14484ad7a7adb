//! ec2:DeleteNetworkInsightsAnalysis. Deletes an analysis of reachability.

use landfall_cloud::{Tx, View, insights};
use landfall_model::InsightsAnalysisId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNetworkInsightsAnalysis {
    network_insights_analysis_id: InsightsAnalysisId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteNetworkInsightsAnalysisResult {
    network_insights_analysis_id: InsightsAnalysisId,
}

impl Write for DeleteNetworkInsightsAnalysis {
    const ACTION: Action = Action::ec2("DeleteNetworkInsightsAnalysis");
    const FREES: bool = true;
    type Output<'t> = DeleteNetworkInsightsAnalysisResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.network_insights_analysis_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteNetworkInsightsAnalysisResult, ApiError> {
        let network_insights_analysis_id = self.network_insights_analysis_id;
        insights::delete_analysis(tx, network_insights_analysis_id)?;
        Ok(DeleteNetworkInsightsAnalysisResult { network_insights_analysis_id })
    }
}
