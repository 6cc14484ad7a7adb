//! ec2:AssociateTransitGatewayRouteTable. Routes what comes from an attachment by a route table.

use landfall_cloud::value::TransitAttachments;
use landfall_cloud::{Tx, View, transit_table};
use landfall_model::{TransitGatewayAttachmentId, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::transit_attachment::{TieShape, tie};
use super::shape::transit_gateway::{demand_attachment, demand_table};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateTransitGatewayRouteTable {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
}

#[derive(Serialize)]
pub struct AssociateTransitGatewayRouteTableResult {
    association: TieShape,
}

impl Write for AssociateTransitGatewayRouteTable {
    const ACTION: Action = Action::ec2("AssociateTransitGatewayRouteTable");
    type Output<'t> = AssociateTransitGatewayRouteTableResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
        demand_attachment(view, demands, Self::ACTION, self.transit_gateway_attachment_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssociateTransitGatewayRouteTableResult, ApiError> {
        let (table, attachment) = (self.transit_gateway_route_table_id, self.transit_gateway_attachment_id);
        transit_table::associate(tx, table, attachment)?;
        let view = tx.view();
        let row = view.need::<TransitAttachments, _>(attachment)?;
        Ok(AssociateTransitGatewayRouteTableResult { association: tie(row, Some(table), "associating") })
    }
}
