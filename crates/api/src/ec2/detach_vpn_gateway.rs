//! ec2:DetachVpnGateway. Detaches a VPN gateway from its VPC.

use landfall_cloud::{Tx, View, vpn_gateway};
use landfall_model::{VpcId, VpnGatewayId};
use serde::Deserialize;

use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetachVpnGateway {
    vpc_id: VpcId,
    vpn_gateway_id: VpnGatewayId,
}

impl Write for DetachVpnGateway {
    const ACTION: Action = Action::ec2("DetachVpnGateway");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_gateway_id);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpn_gateway::detach(tx, self.vpn_gateway_id, self.vpc_id)?;
        Ok(Done::OK)
    }
}
