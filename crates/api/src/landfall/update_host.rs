//! landfall:UpdateHost. Says whether a machine takes new instances, and which zone it serves.

use landfall_cloud::{Tx, View, host};
use landfall_model::{HostId, ZoneName};
use serde::{Deserialize, Serialize};

use super::{check_operator, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateHost {
    host_name: String,
    /// Whether new instances may be placed on it. Those that are there stay.
    schedulable: Option<bool>,
    /// The zone that it serves. It changes only while nothing is on the host.
    availability_zone: Option<ZoneName>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateHostResponse {
    host_id: HostId,
}

impl Write for UpdateHost {
    const ACTION: Action = Action::landfall("UpdateHost");
    type Output<'t> = UpdateHostResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.host_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<UpdateHostResponse, ApiError> {
        check_operator(&tx.view())?;
        let host_id = host::update(tx, &self.host_name, self.schedulable, self.availability_zone)?;
        Ok(UpdateHostResponse { host_id })
    }
}
