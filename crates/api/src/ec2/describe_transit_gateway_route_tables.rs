//! ec2:DescribeTransitGatewayRouteTables. Lists route tables of transit gateways, those that were deleted a while ago
//! included.

use landfall_cloud::View;
use landfall_cloud::value::TransitTables;
use landfall_model::{TransitGatewayRouteTable, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::transit_table::{TableShape, defaults, table};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTransitGatewayRouteTables {
    #[serde(default)]
    transit_gateway_route_table_ids: Vec<TransitGatewayRouteTableId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTransitGatewayRouteTablesResult<'v> {
    transit_gateway_route_tables: Vec<TableShape<'v>>,
}

impl Read for DescribeTransitGatewayRouteTables {
    const ACTION: Action = Action::ec2("DescribeTransitGatewayRouteTables");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "default-association-route-table",
            "default-propagation-route-table",
            "state",
            "tag-key",
            "transit-gateway-id",
            "transit-gateway-route-table-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeTransitGatewayRouteTablesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTransitGatewayRouteTablesResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.transit_gateway_route_table_ids);
        let rows = listing::<TransitTables, _>(look, ids, &self.filter, Self::FILTERS, field)?;
        Ok(DescribeTransitGatewayRouteTablesResult {
            transit_gateway_route_tables: rows.into_iter().map(|row| table(&view, row)).collect(),
        })
    }
}

fn field<'v>(view: &View<'v>, row: &TransitGatewayRouteTable, name: &str) -> Values<'v> {
    match name {
        "default-association-route-table" => shown(defaults(view, row)[0]),
        "default-propagation-route-table" => shown(defaults(view, row)[1]),
        "state" => one(row.state.name()),
        "transit-gateway-id" => shown(row.gateway),
        "transit-gateway-route-table-id" => shown(row.id),
        _ => Vec::new(),
    }
}
