//! ec2:DeleteFlowLogs. Ends the recording of traffic; what was recorded stays.

use landfall_cloud::value::FlowLogs;
use landfall_cloud::{Tx, View, flow_log};
use landfall_model::FlowLogId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

/// Flow logs of one call. Source: the EC2 API Reference on DeleteFlowLogs.
const MAX_IDS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteFlowLogs {
    flow_log_id: Vec<FlowLogId>,
}

#[derive(Serialize)]
pub struct DeleteFlowLogsResult {
    /// What can't be deleted is refused as a whole.
    unsuccessful: [(); 0],
}

impl Write for DeleteFlowLogs {
    const ACTION: Action = Action::ec2("DeleteFlowLogs");
    const FREES: bool = true;
    type Output<'t> = DeleteFlowLogsResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for &id in &self.flow_log_id {
            demands.ec2(view, Self::ACTION, id);
        }
        if self.flow_log_id.is_empty() {
            demands.anything(Self::ACTION);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteFlowLogsResult, ApiError> {
        match self.flow_log_id.len() {
            0 => return Err(ApiError::missing("FlowLogId")),
            1..=MAX_IDS => {}
            count => {
                let message = format!("A request names at most {MAX_IDS} flow logs, not {count}.");
                return Err(ApiError::new("InvalidParameterValue", message));
            }
        }
        let view = tx.view();
        let missing: Vec<_> = self
            .flow_log_id
            .iter()
            .filter(|id| view.find::<FlowLogs, _>(**id).is_none())
            .map(ToString::to_string)
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "These flow log ids in the input list are not found: [TotalCount: {}] {}",
                missing.len(),
                missing.join(" ")
            );
            return Err(ApiError::not_found("InvalidFlowLogId.NotFound", message));
        }
        for id in self.flow_log_id {
            // One that is named twice is gone the second time.
            if tx.view().find::<FlowLogs, _>(id).is_some() {
                flow_log::delete(tx, id)?;
            }
        }
        Ok(DeleteFlowLogsResult { unsuccessful: [] })
    }
}
