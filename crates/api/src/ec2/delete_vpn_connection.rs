//! ec2:DeleteVpnConnection. Deletes a VPN with its tunnels.

use landfall_cloud::{Tx, View, vpn};
use landfall_model::VpnConnectionId;
use serde::Deserialize;

use super::shape::Done;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpnConnection {
    vpn_connection_id: VpnConnectionId,
}

impl Write for DeleteVpnConnection {
    const ACTION: Action = Action::ec2("DeleteVpnConnection");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_connection_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpn::delete(tx, self.vpn_connection_id)?;
        Ok(Done::OK)
    }
}
