//! ec2:ModifyVpnConnection. Moves a VPN to another gateway on either side.

use landfall_cloud::{Tx, View, vpn};
use landfall_model::{CustomerGatewayId, TransitGatewayId, VpnConnectionId, VpnGatewayId};
use serde::Deserialize;

use super::create_vpn_connection::side;
use super::shape::vpn::{VpnConnectionResult, result};
use crate::{Action, ApiError, Call, Demands, Outside, Vault};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpnConnection {
    vpn_connection_id: VpnConnectionId,
    transit_gateway_id: Option<TransitGatewayId>,
    customer_gateway_id: Option<CustomerGatewayId>,
    vpn_gateway_id: Option<VpnGatewayId>,
}

impl Call for ModifyVpnConnection {
    const ACTION: Action = Action::ec2("ModifyVpnConnection");
    type Made = Vault;
    type Output<'t> = VpnConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demands.ec2(view, Self::ACTION, self.vpn_connection_id);
        demand.with("ec2:AuthenticationType", "Pre-shared-key");
        let given = [
            ("CustomerGatewayId", self.customer_gateway_id.map(|id| id.to_string())),
            ("TransitGatewayId", self.transit_gateway_id.map(|id| id.to_string())),
            ("VpnGatewayId", self.vpn_gateway_id.map(|id| id.to_string())),
        ];
        super::shape::attribute::show_attribute(demand, &given.to_vec());
    }

    async fn effect<'a>(&'a self, outside: &'a Outside, _: View<'a>) -> Result<Vault, ApiError> {
        Ok(outside.vault.clone())
    }

    fn run<'t>(self, vault: Vault, tx: &'t mut Tx<'_, '_>) -> Result<VpnConnectionResult<'t>, ApiError> {
        let side = side(self.vpn_gateway_id, self.transit_gateway_id)?;
        if side.is_none() && self.customer_gateway_id.is_none() {
            return Err(ApiError::missing("CustomerGatewayId, VpnGatewayId or TransitGatewayId"));
        }
        vpn::modify(tx, self.vpn_connection_id, self.customer_gateway_id, side)?;
        result(tx.view(), &vault, self.vpn_connection_id)
    }
}
