//! ec2:DescribeRouteTables. Lists route tables, with all their routes and who uses each.

use landfall_cloud::View;
use landfall_cloud::value::RouteTables;
use landfall_model::{RouteTable, RouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::route_table::{AssociationShape, RouteShape, RouteTableShape, associations, route_table, routes};
use crate::filter::{FilterNames, Values, many, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeRouteTables {
    #[serde(default)]
    route_table_id: Vec<RouteTableId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeRouteTablesResult<'v> {
    route_table_set: Vec<RouteTableShape<'v>>,
}

impl Read for DescribeRouteTables {
    const ACTION: Action = Action::ec2("DescribeRouteTables");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "association.gateway-id",
            "association.main",
            "association.route-table-association-id",
            "association.route-table-id",
            "association.subnet-id",
            "owner-id",
            "route-table-id",
            "route.destination-cidr-block",
            "route.destination-ipv6-cidr-block",
            "route.destination-prefix-list-id",
            "route.egress-only-internet-gateway-id",
            "route.gateway-id",
            "route.instance-id",
            "route.nat-gateway-id",
            "route.origin",
            "route.state",
            "route.transit-gateway-id",
            "route.vpc-peering-connection-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 100;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeRouteTablesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeRouteTablesResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<RouteTables, _>(look, &self.route_table_id, &self.filter, Self::FILTERS, field)?;
        let shapes = rows.into_iter().map(|row| route_table(&view, row));
        Ok(DescribeRouteTablesResult { route_table_set: shapes.collect() })
    }
}

fn field<'v>(view: &View<'v>, row: &'v RouteTable, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("route.") {
        return routes(view, row).into_iter().flat_map(|route| route_field(&route, name)).collect();
    }
    if let Some(name) = name.strip_prefix("association.") {
        return associations(row).into_iter().flat_map(|each| association_field(&each, name)).collect();
    }
    match name {
        "owner-id" => shown(row.scope.account),
        "route-table-id" => shown(row.id),
        "vpc-id" => shown(row.vpc),
        _ => Vec::new(),
    }
}

fn route_field<'v>(route: &RouteShape<'v>, name: &str) -> Values<'v> {
    match name {
        "destination-cidr-block" => many(&route.destination_cidr_block),
        "destination-ipv6-cidr-block" => many(&route.destination_ipv6_cidr_block),
        "destination-prefix-list-id" => many(route.destination_prefix_list_id),
        "egress-only-internet-gateway-id" => many(route.egress_only_internet_gateway_id),
        "nat-gateway-id" => many(route.nat_gateway_id),
        "transit-gateway-id" => many(route.transit_gateway_id),
        "vpc-peering-connection-id" => many(route.vpc_peering_connection_id),
        "gateway-id" => many(&route.gateway_id),
        "instance-id" => many(route.instance_id),
        "origin" => shown(route.origin),
        "state" => shown(route.state),
        _ => Vec::new(),
    }
}

fn association_field<'v>(each: &AssociationShape, name: &str) -> Values<'v> {
    match name {
        "main" => shown(each.main),
        "route-table-association-id" => shown(each.route_table_association_id),
        "route-table-id" => shown(each.route_table_id),
        "subnet-id" => many(each.subnet_id),
        "gateway-id" => many(&each.gateway_id),
        _ => Vec::new(),
    }
}
