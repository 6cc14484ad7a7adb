//! ec2:DeleteTransitGatewayRouteTable. Deletes a transit gateway's route table that nothing is routed by.

use landfall_cloud::{Tx, View, transit_table};
use landfall_model::TransitGatewayRouteTableId;
use serde::Deserialize;

use super::shape::transit_gateway::demand_table;
use super::shape::transit_table::{TableResult, result};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTransitGatewayRouteTable {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
}

impl Write for DeleteTransitGatewayRouteTable {
    const ACTION: Action = Action::ec2("DeleteTransitGatewayRouteTable");
    const FREES: bool = true;
    type Output<'t> = TableResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<TableResult<'t>, ApiError> {
        transit_table::delete(tx, self.transit_gateway_route_table_id)?;
        Ok(result(tx.view(), self.transit_gateway_route_table_id)?)
    }
}
