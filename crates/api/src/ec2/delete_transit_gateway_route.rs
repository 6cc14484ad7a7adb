//! ec2:DeleteTransitGatewayRoute. Removes a static route of a transit gateway's route table.

use landfall_cloud::{Tx, View, transit_table};
use landfall_model::TransitGatewayRouteTableId;
use serde::Deserialize;

use super::shape::block::block;
use super::shape::transit_gateway::demand_table;
use super::shape::transit_table::{RouteResult, route_result};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTransitGatewayRoute {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    destination_cidr_block: String,
}

impl Write for DeleteTransitGatewayRoute {
    const ACTION: Action = Action::ec2("DeleteTransitGatewayRoute");
    const FREES: bool = true;
    type Output<'t> = RouteResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<RouteResult, ApiError> {
        let destination = block("DestinationCidrBlock", &self.destination_cidr_block)?;
        let route = transit_table::delete_route(tx, self.transit_gateway_route_table_id, destination)?;
        Ok(route_result(&tx.view(), &route, Some("deleted")))
    }
}
