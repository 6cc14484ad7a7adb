//! ec2:GetConsoleOutput. Asks the instance's host for the last 64 KiB that the guest wrote to its console.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::agent::{Answer, Ask};
use landfall_model::{InstanceId, InstanceState};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use super::shape::time;
use crate::{Action, ApiError, Demands, Inquire, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetConsoleOutput {
    instance_id: InstanceId,
    /// Without effect: what is given out is always the latest.
    #[serde(default, rename = "Latest")]
    _latest: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetConsoleOutputResult {
    instance_id: InstanceId,
    timestamp: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

impl Inquire for GetConsoleOutput {
    const ACTION: Action = Action::ec2("GetConsoleOutput");
    type Output = GetConsoleOutputResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
    }

    async fn inquire<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Self::Output, ApiError> {
        let row = view.need::<Instances, _>(self.instance_id)?;
        // What is gone has left no console, and what was never placed has none yet.
        let host = row.status.host.filter(|_| row.status.state != InstanceState::Terminated);
        let shown = |output, at| GetConsoleOutputResult { instance_id: self.instance_id, timestamp: time(at), output };
        let Some(host) = host else { return Ok(shown(None, row.status.since)) };
        let Answer::Console { output, at } = outside.ask(host, Ask::Console { instance: row.id }).await?;
        Ok(shown(Some(output).filter(|output| !output.is_empty()), at))
    }
}
