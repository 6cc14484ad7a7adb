//! ec2:DeleteVpnConnectionRoute. Removes a static route of a VPN.

use landfall_cloud::{Tx, View, vpn};
use landfall_model::{Ipv4Cidr, VpnConnectionId};
use serde::Deserialize;

use super::shape::Done;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpnConnectionRoute {
    destination_cidr_block: Ipv4Cidr,
    vpn_connection_id: VpnConnectionId,
}

impl Write for DeleteVpnConnectionRoute {
    const ACTION: Action = Action::ec2("DeleteVpnConnectionRoute");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_connection_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpn::remove_route(tx, self.vpn_connection_id, self.destination_cidr_block)?;
        Ok(Done::OK)
    }
}
