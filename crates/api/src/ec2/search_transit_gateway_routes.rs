//! ec2:SearchTransitGatewayRoutes. Finds routes of a transit gateway's route table as they hold, by where they lead and
//! by what they cover.

use landfall_cloud::View;
use landfall_cloud::transit_gateway::TableRoute;
use landfall_cloud::transit_table::{need_available, resource_id};
use landfall_cloud::value::TransitAttachments;
use landfall_model::{Cidr, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::block::block;
use super::shape::transit_gateway::demand_table;
use super::shape::transit_table::{RouteShape, route, route_state};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Demands, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SearchTransitGatewayRoutes {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchTransitGatewayRoutesResult {
    route_set: Vec<RouteShape>,
    additional_routes_available: bool,
}

/// The filters that compare blocks rather than texts.
const SEARCHES: &str = "route-search.";

impl Read for SearchTransitGatewayRoutes {
    const ACTION: Action = Action::ec2("SearchTransitGatewayRoutes");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "attachment.resource-id",
            "attachment.resource-type",
            "attachment.transit-gateway-attachment-id",
            "prefix-list-id",
            "route-search.exact-match",
            "route-search.longest-prefix-match",
            "route-search.subnet-of-match",
            "route-search.supernet-of-match",
            "state",
            "type",
        ],
        refused: &[],
    };
    /// AWS answers no more than this many, and says whether there are more.
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = SearchTransitGatewayRoutesResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_table(view, demands, Self::ACTION, self.transit_gateway_route_table_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<SearchTransitGatewayRoutesResult, ApiError> {
        let view = look.view;
        if self.filter.is_empty() {
            return Err(ApiError::missing("Filters"));
        }
        let (searches, rest) = self.filter.split(|name| name.starts_with(SEARCHES));
        let selection = rest.select(Self::FILTERS)?;
        let table = need_available(&view, self.transit_gateway_route_table_id)?.id;
        let mut routes = view.transit_routes(table);
        for (name, values) in searches {
            search(&mut routes, &name, &values)?;
        }
        routes.retain(|route| selection.matches(None, |name| field(&view, route, name)));
        look.page.bound(Self::PAGE_LIMIT);
        let page = look.page.take(routes, |route| route.destination)?;
        Ok(SearchTransitGatewayRoutesResult {
            route_set: page.iter().map(|each| route(&view, each, None)).collect(),
            additional_routes_available: look.page.next().is_some(),
        })
    }
}

/// Keeps the routes that one of the searches finds.
fn search(routes: &mut Vec<TableRoute>, name: &str, values: &[String]) -> Result<(), ApiError> {
    let mut found: Vec<Cidr> = Vec::new();
    for text in values {
        let held = |wanted: Cidr, is_found: fn(Cidr, Cidr) -> bool| {
            let destinations = routes.iter().map(|route| route.destination);
            destinations.filter(|destination| is_found(*destination, wanted)).collect::<Vec<_>>()
        };
        match name.trim_start_matches(SEARCHES) {
            "exact-match" => found.extend(held(block(name, text)?, |destination, wanted| destination == wanted)),
            "subnet-of-match" => {
                found.extend(held(block(name, text)?, |destination, wanted| wanted.covers(destination)))
            }
            "supernet-of-match" => found.extend(held(block(name, text)?, Cidr::covers)),
            "longest-prefix-match" => {
                found.extend(held(address_or_block(name, text)?, Cidr::covers).into_iter().max_by_key(|d| d.prefix()));
            }
            _ => return Err(ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid"))),
        }
    }
    routes.retain(|route| found.contains(&route.destination));
    Ok(())
}

/// What the longest prefix is wanted for: a block, or one address.
fn address_or_block(name: &str, text: &str) -> Result<Cidr, ApiError> {
    if text.contains('/') {
        return block(name, text);
    }
    let length = if text.contains(':') { 128 } else { 32 };
    block(name, &format!("{text}/{length}"))
}

fn field<'v>(view: &View<'v>, route: &TableRoute, name: &str) -> Values<'v> {
    let attachment = || route.attachment.and_then(|id| view.find::<TransitAttachments, _>(id));
    match name {
        "attachment.resource-id" => many(attachment().map(|row| resource_id(&row.resource))),
        "attachment.resource-type" => many(attachment().map(|row| row.resource.kind())),
        "attachment.transit-gateway-attachment-id" => many(route.attachment),
        "state" => one(route_state(route)),
        "type" => shown(route.kind.name()),
        // No route refers to a prefix list.
        _ => Vec::new(),
    }
}
