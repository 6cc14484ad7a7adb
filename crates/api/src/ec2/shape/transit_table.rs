//! Route tables of transit gateways as answers show them: the tables, their routes, and who is tied to them.

use landfall_cloud::transit_gateway::TableRoute;
use landfall_cloud::transit_table::resource_id;
use landfall_cloud::value::{TransitAttachments, TransitGateways, TransitTables};
use landfall_cloud::{Fault, View};
use landfall_model::{
    Cidr, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRoute,
    TransitGatewayRouteTable, TransitGatewayRouteTableId,
};
use landfall_wire::Time;
use serde::Serialize;

use super::{Tag, tag_set, time};
use crate::filter::{Values, one, shown};
use crate::{ApiError, Look};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableShape<'v> {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    transit_gateway_id: TransitGatewayId,
    state: &'static str,
    default_association_route_table: bool,
    default_propagation_route_table: bool,
    creation_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// The answer of actions that show a table.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableResult<'v> {
    transit_gateway_route_table: TableShape<'v>,
}

/// The table of that id as it is now.
pub fn result(view: View<'_>, id: TransitGatewayRouteTableId) -> Result<TableResult<'_>, Fault> {
    Ok(TableResult { transit_gateway_route_table: table(&view, view.need::<TransitTables, _>(id)?) })
}

/// The table as its owner sees it.
pub fn table<'v>(view: &View<'v>, row: &'v TransitGatewayRouteTable) -> TableShape<'v> {
    let [association, propagation] = defaults(view, row);
    TableShape {
        transit_gateway_route_table_id: row.id,
        transit_gateway_id: row.gateway,
        state: row.state.name(),
        default_association_route_table: association,
        default_propagation_route_table: propagation,
        creation_time: time(row.created_at),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

/// Whether a table is its gateway's default for associations and for propagations.
pub fn defaults(view: &View<'_>, row: &TransitGatewayRouteTable) -> [bool; 2] {
    let gateway = view.find::<TransitGateways, _>(row.gateway);
    let is = |table: Option<TransitGatewayRouteTableId>| table == Some(row.id);
    [
        is(gateway.and_then(|gateway| gateway.association_table)),
        is(gateway.and_then(|gateway| gateway.propagation_table)),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteShape {
    destination_cidr_block: Cidr,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_attachments: Option<[RouteAttachment; 1]>,
    r#type: &'static str,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteAttachment {
    resource_id: String,
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    resource_type: &'static str,
}

/// The answer of actions that show a route.
#[derive(Serialize)]
pub struct RouteResult {
    route: RouteShape,
}

/// A route as it holds, or in the state that an action leaves it in.
pub fn route(view: &View<'_>, route: &TableRoute, state: Option<&'static str>) -> RouteShape {
    let attachment = route.attachment.and_then(|id| view.find::<TransitAttachments, _>(id));
    RouteShape {
        destination_cidr_block: route.destination,
        transit_gateway_attachments: attachment.map(|row| {
            [RouteAttachment {
                resource_id: resource_id(&row.resource),
                transit_gateway_attachment_id: row.id,
                resource_type: row.resource.kind(),
            }]
        }),
        r#type: route.kind.name(),
        state: state.unwrap_or_else(|| route_state(route)),
    }
}

/// The same as an answer.
pub fn route_result(view: &View<'_>, given: &TableRoute, state: Option<&'static str>) -> RouteResult {
    RouteResult { route: route(view, given, state) }
}

/// The state of a route.
pub fn route_state(route: &TableRoute) -> &'static str {
    if route.is_active { "active" } else { "blackhole" }
}

/// The route that a request asks for: by an attachment, or by none where it says so.
pub fn asked(
    destination: Cidr,
    attachment: Option<TransitGatewayAttachmentId>,
    blackhole: Option<bool>,
) -> Result<TransitGatewayRoute, ApiError> {
    match (attachment, blackhole.unwrap_or(false)) {
        (Some(_), true) => Err(ApiError::combination("A blackhole route cannot have a TransitGatewayAttachmentId.")),
        (None, false) => Err(ApiError::missing("TransitGatewayAttachmentId")),
        (attachment, _) => Ok(TransitGatewayRoute { destination, attachment }),
    }
}

/// A page of the attachments that are tied to a table and that filters select.
pub fn tied<'v>(
    look: &mut Look<'v, '_>,
    id: TransitGatewayRouteTableId,
    selection: &crate::filter::Selection,
    is_tied: impl Fn(&TransitGatewayAttachment) -> bool,
) -> Result<Vec<&'v TransitGatewayAttachment>, ApiError> {
    let view = look.view;
    view.need::<TransitTables, _>(id)?;
    let rows =
        view.tied_attachments(id).filter(|row| is_tied(row) && selection.matches(None, |name| tie_field(row, name)));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| row.id);
    look.page.take(rows, |row| row.id)
}

fn tie_field<'v>(row: &TransitGatewayAttachment, name: &str) -> Values<'v> {
    match name {
        "resource-id" => shown(resource_id(&row.resource)),
        "resource-type" => one(row.resource.kind()),
        "transit-gateway-attachment-id" => shown(row.id),
        _ => Vec::new(),
    }
}
