//! ec2:DisassociateTransitGatewayRouteTable. Ends the association of an attachment with a route table.

use landfall_cloud::value::TransitAttachments;
use landfall_cloud::{Tx, View, transit_table};
use landfall_model::{TransitGatewayAttachmentId, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::transit_attachment::{TieShape, tie};
use super::shape::transit_gateway::{demand_attachment, demand_table};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateTransitGatewayRouteTable {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
}

#[derive(Serialize)]
pub struct DisassociateTransitGatewayRouteTableResult {
    association: TieShape,
}

impl Write for DisassociateTransitGatewayRouteTable {
    const ACTION: Action = Action::ec2("DisassociateTransitGatewayRouteTable");
    type Output<'t> = DisassociateTransitGatewayRouteTableResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
        demand_attachment(view, demands, Self::ACTION, self.transit_gateway_attachment_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DisassociateTransitGatewayRouteTableResult, ApiError> {
        let (table, attachment) = (self.transit_gateway_route_table_id, self.transit_gateway_attachment_id);
        transit_table::disassociate(tx, table, attachment)?;
        let view = tx.view();
        let row = view.need::<TransitAttachments, _>(attachment)?;
        Ok(DisassociateTransitGatewayRouteTableResult { association: tie(row, Some(table), "disassociating") })
    }
}
