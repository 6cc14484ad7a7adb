//! landfall:DeregisterHost. Forgets a machine on which nothing is left: its agent gets nothing any more.

use landfall_cloud::{Tx, View, host};
use landfall_model::HostId;
use serde::{Deserialize, Serialize};

use super::{check_operator, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeregisterHost {
    host_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeregisterHostResponse {
    host_id: HostId,
}

impl Write for DeregisterHost {
    const ACTION: Action = Action::landfall("DeregisterHost");
    const FREES: bool = true;
    type Output<'t> = DeregisterHostResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.host_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeregisterHostResponse, ApiError> {
        check_operator(&tx.view())?;
        Ok(DeregisterHostResponse { host_id: host::deregister(tx, &self.host_name)? })
    }
}
