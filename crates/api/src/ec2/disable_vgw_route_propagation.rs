//! ec2:DisableVgwRoutePropagation. Ends that a table takes over the routes of a VPN gateway.

use landfall_cloud::{Tx, View, route_table};
use landfall_model::{RouteTableId, VpnGatewayId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableVgwRoutePropagation {
    gateway_id: VpnGatewayId,
    route_table_id: RouteTableId,
}

impl Write for DisableVgwRoutePropagation {
    const ACTION: Action = Action::ec2("DisableVgwRoutePropagation");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
        demands.ec2(view, Self::ACTION, self.gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        route_table::disable_propagation(tx, self.route_table_id, self.gateway_id)?;
        Ok(Done::OK)
    }
}
