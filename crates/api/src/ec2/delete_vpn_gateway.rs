//! ec2:DeleteVpnGateway. Deletes a VPN gateway that is attached to nothing and that no VPN ends at.

use landfall_cloud::{Tx, View, vpn_gateway};
use landfall_model::VpnGatewayId;
use serde::Deserialize;

use super::shape::Done;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpnGateway {
    vpn_gateway_id: VpnGatewayId,
}

impl Write for DeleteVpnGateway {
    const ACTION: Action = Action::ec2("DeleteVpnGateway");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpn_gateway::delete(tx, self.vpn_gateway_id)?;
        Ok(Done::OK)
    }
}
