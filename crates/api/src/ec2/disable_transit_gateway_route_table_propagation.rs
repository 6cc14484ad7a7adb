//! ec2:DisableTransitGatewayRouteTablePropagation. Ends the propagation of an attachment to a route table.

use landfall_cloud::value::TransitAttachments;
use landfall_cloud::{Tx, View, transit_table};
use landfall_model::{TransitGatewayAttachmentId, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::transit_attachment::{TieShape, tie};
use super::shape::transit_gateway::{demand_attachment, demand_table};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableTransitGatewayRouteTablePropagation {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    transit_gateway_attachment_id: Option<TransitGatewayAttachmentId>,
    transit_gateway_route_table_announcement_id: Option<Unsupported>,
}

#[derive(Serialize)]
pub struct DisableTransitGatewayRouteTablePropagationResult {
    propagation: TieShape,
}

impl Write for DisableTransitGatewayRouteTablePropagation {
    const ACTION: Action = Action::ec2("DisableTransitGatewayRouteTablePropagation");
    type Output<'t> = DisableTransitGatewayRouteTablePropagationResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
        if let Some(attachment) = self.transit_gateway_attachment_id {
            demand_attachment(view, demands, Self::ACTION, attachment);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DisableTransitGatewayRouteTablePropagationResult, ApiError> {
        refuse_parameters!(self; transit_gateway_route_table_announcement_id);
        let missing = || ApiError::missing("TransitGatewayAttachmentId");
        let attachment = self.transit_gateway_attachment_id.ok_or_else(missing)?;
        let table = self.transit_gateway_route_table_id;
        transit_table::stop_propagating(tx, table, attachment)?;
        let view = tx.view();
        let row = view.need::<TransitAttachments, _>(attachment)?;
        Ok(DisableTransitGatewayRouteTablePropagationResult { propagation: tie(row, Some(table), "disabled") })
    }
}
