//! landfall:RegisterHost. Registers a machine that is to join, with the hash of the secret that lets it join once.

use landfall_cloud::{Tx, View, host};
use landfall_model::{HostId, ZoneName};
use serde::{Deserialize, Serialize};

use super::{check_operator, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegisterHost {
    host_name: String,
    /// SHA-256 of the secret, in hexadecimal: whoever registers makes the secret, and nobody else learns it from here.
    invitation_sha256: String,
    /// The zone that it serves; all of the region's if none is said.
    availability_zone: Option<ZoneName>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegisterHostResponse {
    host_id: HostId,
}

impl Write for RegisterHost {
    const ACTION: Action = Action::landfall("RegisterHost");
    type Output<'t> = RegisterHostResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.host_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<RegisterHostResponse, ApiError> {
        check_operator(&tx.view())?;
        let host_id = host::register(tx, &self.host_name, self.availability_zone, &self.invitation_sha256)?;
        Ok(RegisterHostResponse { host_id })
    }
}
