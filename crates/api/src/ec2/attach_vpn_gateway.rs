//! ec2:AttachVpnGateway. Attaches a VPN gateway to a VPC.

use landfall_cloud::{Tx, View, vpn_gateway};
use landfall_model::{VpcId, VpnGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::vpn_gateway::{VpnGatewayAttachment, attaching};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachVpnGateway {
    vpc_id: VpcId,
    vpn_gateway_id: VpnGatewayId,
}

#[derive(Serialize)]
pub struct AttachVpnGatewayResult {
    attachment: VpnGatewayAttachment,
}

impl Write for AttachVpnGateway {
    const ACTION: Action = Action::ec2("AttachVpnGateway");
    type Output<'t> = AttachVpnGatewayResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_gateway_id);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AttachVpnGatewayResult, ApiError> {
        vpn_gateway::attach(tx, self.vpn_gateway_id, self.vpc_id)?;
        Ok(AttachVpnGatewayResult { attachment: attaching(self.vpc_id) })
    }
}
