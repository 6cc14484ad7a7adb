//! ec2:DeleteNetworkInsightsPath. Deletes a path that has no analyses left.

use landfall_cloud::{Tx, View, insights};
use landfall_model::InsightsPathId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNetworkInsightsPath {
    network_insights_path_id: InsightsPathId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteNetworkInsightsPathResult {
    network_insights_path_id: InsightsPathId,
}

impl Write for DeleteNetworkInsightsPath {
    const ACTION: Action = Action::ec2("DeleteNetworkInsightsPath");
    const FREES: bool = true;
    type Output<'t> = DeleteNetworkInsightsPathResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.network_insights_path_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteNetworkInsightsPathResult, ApiError> {
        let network_insights_path_id = self.network_insights_path_id;
        insights::delete_path(tx, network_insights_path_id)?;
        Ok(DeleteNetworkInsightsPathResult { network_insights_path_id })
    }
}
