//! ec2:ReplaceTransitGatewayRoute. Puts a route of a transit gateway's route table in the place of another.

use landfall_cloud::{Tx, View, transit_table};
use landfall_model::{TransitGatewayAttachmentId, TransitGatewayRouteTableId};
use serde::Deserialize;

use super::shape::blank::blank;
use super::shape::block::block;
use super::shape::transit_gateway::{demand_attachment, demand_table};
use super::shape::transit_table::{RouteResult, asked, route_result};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplaceTransitGatewayRoute {
    destination_cidr_block: String,
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    /// Terraform sends it empty for a route that drops.
    #[serde(default, deserialize_with = "blank")]
    transit_gateway_attachment_id: Option<TransitGatewayAttachmentId>,
    blackhole: Option<bool>,
}

impl Write for ReplaceTransitGatewayRoute {
    const ACTION: Action = Action::ec2("ReplaceTransitGatewayRoute");
    type Output<'t> = RouteResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
        if let Some(attachment) = self.transit_gateway_attachment_id {
            demand_attachment(view, demands, Self::ACTION, attachment);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<RouteResult, ApiError> {
        let destination = block("DestinationCidrBlock", &self.destination_cidr_block)?;
        let route = asked(destination, self.transit_gateway_attachment_id, self.blackhole)?;
        let written = transit_table::write_route(tx, self.transit_gateway_route_table_id, route, true)?;
        Ok(route_result(&tx.view(), &written, None))
    }
}
