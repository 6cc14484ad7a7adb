//! ec2:GetTransitGatewayRouteTablePropagations. Lists the attachments that tell a route table their blocks.

use landfall_model::TransitGatewayRouteTableId;
use serde::{Deserialize, Serialize};

use super::shape::transit_attachment::{TieShape, tie};
use super::shape::transit_table::tied;
use crate::filter::FilterNames;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetTransitGatewayRouteTablePropagations {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetTransitGatewayRouteTablePropagationsResult {
    transit_gateway_route_table_propagations: Vec<TieShape>,
}

impl Read for GetTransitGatewayRouteTablePropagations {
    const ACTION: Action = Action::ec2("GetTransitGatewayRouteTablePropagations");
    const FILTERS: FilterNames =
        FilterNames { known: &["resource-id", "resource-type", "transit-gateway-attachment-id"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = GetTransitGatewayRouteTablePropagationsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetTransitGatewayRouteTablePropagationsResult, ApiError> {
        let (id, selection) = (self.transit_gateway_route_table_id, self.filter.select(Self::FILTERS)?);
        let rows = tied(look, id, &selection, |row| row.propagations.contains(&id))?;
        Ok(GetTransitGatewayRouteTablePropagationsResult {
            transit_gateway_route_table_propagations: rows.into_iter().map(|row| tie(row, None, "enabled")).collect(),
        })
    }
}
