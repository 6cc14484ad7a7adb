//! ec2:GetTransitGatewayRouteTableAssociations. Lists the attachments that are routed by a route table.

use landfall_model::TransitGatewayRouteTableId;
use serde::{Deserialize, Serialize};

use super::shape::transit_attachment::{TieShape, tie};
use super::shape::transit_table::tied;
use crate::filter::FilterNames;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetTransitGatewayRouteTableAssociations {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetTransitGatewayRouteTableAssociationsResult {
    associations: Vec<TieShape>,
}

impl Read for GetTransitGatewayRouteTableAssociations {
    const ACTION: Action = Action::ec2("GetTransitGatewayRouteTableAssociations");
    const FILTERS: FilterNames =
        FilterNames { known: &["resource-id", "resource-type", "transit-gateway-attachment-id"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = GetTransitGatewayRouteTableAssociationsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetTransitGatewayRouteTableAssociationsResult, ApiError> {
        let (id, selection) = (self.transit_gateway_route_table_id, self.filter.select(Self::FILTERS)?);
        let rows = tied(look, id, &selection, |row| row.association == Some(id))?;
        Ok(GetTransitGatewayRouteTableAssociationsResult {
            associations: rows.into_iter().map(|row| tie(row, None, "associated")).collect(),
        })
    }
}
