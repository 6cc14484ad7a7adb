//! Route tables of transit gateways: who is routed by which, who tells which its blocks, and the routes that were written.

use landfall_model::{
    AttachedResource, Cidr, LinkState, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId,
    TransitGatewayRoute, TransitGatewayRouteTable, TransitGatewayRouteTableId,
};

use crate::fault::Fault;
use crate::transit_attachment;
use crate::transit_gateway::{self, RouteKind, TableRoute, check_count, invalid_state, routes_of};
use crate::tx::Tx;
use crate::value::{TransitAttachments, TransitGateways, TransitTables};
use crate::view::View;

/// Makes a route table of a gateway.
pub fn create(tx: &mut Tx<'_, '_>, gateway: TransitGatewayId) -> Result<TransitGatewayRouteTableId, Fault> {
    transit_gateway::need_available(&tx.view(), gateway)?;
    let live = tx.transit_tables.by_gateway(&gateway).filter(|row| row.state.is_live()).count();
    let limit = tx.quotas().transit_gateway_tables;
    check_count(live, limit, "TransitGatewayRouteTableLimitExceeded", "route tables of a transit gateway")?;
    Ok(put(tx, gateway))
}

/// Puts an empty table.
pub(crate) fn put(tx: &mut Tx<'_, '_>, gateway: TransitGatewayId) -> TransitGatewayRouteTableId {
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<TransitTables>(TransitGatewayRouteTable {
        scope,
        id,
        gateway,
        routes: vec![],
        state: LinkState::Pending,
        created_at: now,
        expires_at: None,
    });
    id
}

/// Deletes a table that nothing is routed by, which isn't a default one. What propagated to it no longer does.
pub fn delete(tx: &mut Tx<'_, '_>, id: TransitGatewayRouteTableId) -> Result<(), Fault> {
    let row = tx.view().need::<TransitTables, _>(id)?;
    if !row.state.is_live() {
        return Err(invalid_state(id));
    }
    let (key, gateway) = (row.key(), row.gateway);
    if let Some(gateway) = tx.view().find::<TransitGateways, _>(gateway) {
        for (table, what) in [(gateway.association_table, "association"), (gateway.propagation_table, "propagation")] {
            if table == Some(id) {
                let message =
                    format!("{id} is the default {what} route table of {} and cannot be deleted.", gateway.id);
                return Err(Fault::WrongState(message));
            }
        }
    }
    let associated = |row: &&TransitGatewayAttachment| row.association == Some(id);
    let left: Vec<_> = tx.transit_attachments.by_table(&id).filter(associated).map(|row| row.id.to_string()).collect();
    if !left.is_empty() {
        return Err(Fault::WrongState(format!("{id} has non-deleted associations: {}.", left.join(", "))));
    }
    let learnt: Vec<_> = tx.transit_attachments.by_table(&id).map(TransitGatewayAttachment::key).collect();
    for key in learnt {
        tx.update::<TransitAttachments, _>(&key, |row| row.propagations.retain(|table| *table != id));
    }
    tx.update::<TransitTables, _>(&key, |row| {
        row.state = LinkState::Deleting;
        row.routes.clear();
    });
    Ok(())
}

/// A table that can be used and changed.
pub fn need_available<'v>(
    view: &View<'v>,
    id: TransitGatewayRouteTableId,
) -> Result<&'v TransitGatewayRouteTable, Fault> {
    let row = view.need::<TransitTables, _>(id)?;
    if row.state == LinkState::Available { Ok(row) } else { Err(invalid_state(id)) }
}

/// A table and an attachment of the same gateway, both in use.
fn need_pair<'v>(
    view: &View<'v>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
) -> Result<(&'v TransitGatewayRouteTable, &'v TransitGatewayAttachment), Fault> {
    let table = need_available(view, table)?;
    let attachment = transit_attachment::need_available(view, attachment)?;
    if table.gateway != attachment.gateway {
        return Err(Fault::Mismatch(format!(
            "{} and {} belong to different transit gateways.",
            table.id, attachment.id
        )));
    }
    Ok((table, attachment))
}

/// Changes an attachment in what it has to do with a table of its gateway.
fn change(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
    edit: impl FnOnce(&mut TransitGatewayAttachment) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut row = need_pair(&tx.view(), table, attachment)?.1.clone();
    edit(&mut row)?;
    tx.put::<TransitAttachments>(row);
    Ok(())
}

/// Routes what comes from an attachment by a table. It must not be routed by one already.
pub fn associate(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
) -> Result<(), Fault> {
    change(tx, table, attachment, |row| match row.association.replace(table) {
        None => Ok(()),
        Some(other) => Err(Fault::AlreadyAssociated(format!(
            "Transit Gateway Attachment {attachment} is already associated to a route table ({other})"
        ))),
    })
}

/// Ends that.
pub fn disassociate(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
) -> Result<(), Fault> {
    change(tx, table, attachment, |row| match row.association.take() {
        Some(associated) if associated == table => Ok(()),
        _ => Err(Fault::NoSuch {
            code: "InvalidAssociation.NotFound",
            noun: "association",
            id: format!("{table}_{attachment}"),
        }),
    })
}

/// Lets an attachment tell a table its blocks.
pub fn propagate(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
) -> Result<(), Fault> {
    change(tx, table, attachment, |row| {
        if row.propagations.contains(&table) {
            return Err(Fault::Taken {
                code: "TransitGatewayRouteTablePropagation.Duplicate",
                message: format!("Propagation for {attachment} already exists in {table}."),
            });
        }
        row.propagations.push(table);
        Ok(())
    })
}

/// Ends that.
pub fn stop_propagating(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    attachment: TransitGatewayAttachmentId,
) -> Result<(), Fault> {
    change(tx, table, attachment, |row| {
        let before = row.propagations.len();
        row.propagations.retain(|other| *other != table);
        if row.propagations.len() < before {
            return Ok(());
        }
        Err(Fault::NoSuch {
            code: "TransitGatewayRouteTablePropagation.NotFound",
            noun: "propagation",
            id: format!("{table}_{attachment}"),
        })
    })
}

/// Writes a route into a table: a new one, or in the place of one that was written before.
pub fn write_route(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    route: TransitGatewayRoute,
    replace: bool,
) -> Result<TableRoute, Fault> {
    let view = tx.view();
    let row = match route.attachment {
        Some(attachment) => need_pair(&view, table, attachment)?.0,
        None => need_available(&view, table)?,
    };
    let key = row.key();
    let place = row.routes.iter().position(|other| other.destination == route.destination);
    match (place, replace) {
        (Some(_), false) => {
            let message = format!("The route identified by {} already exists in {table}.", route.destination);
            return Err(Fault::Taken { code: "RouteAlreadyExists", message });
        }
        (None, true) => return Err(no_such_route(table, route.destination)),
        (None, false) => {
            let limit = view.quotas().transit_gateway_routes;
            check_count(row.routes.len(), limit, "RouteLimitExceeded", "static routes of a transit gateway")?;
        }
        (Some(_), true) => {}
    }
    tx.update::<TransitTables, _>(&key, |row| match place {
        Some(place) => row.routes[place] = route,
        None => row.routes.push(route),
    });
    Ok(TableRoute {
        destination: route.destination,
        attachment: route.attachment,
        kind: RouteKind::Static,
        is_active: route.attachment.is_some(),
    })
}

/// Removes a route that was written, and returns it as it was.
pub fn delete_route(
    tx: &mut Tx<'_, '_>,
    table: TransitGatewayRouteTableId,
    destination: Cidr,
) -> Result<TableRoute, Fault> {
    let key = need_available(&tx.view(), table)?.key();
    let held = routes_of(tx, table).into_iter().find(|route| route.destination == destination);
    match held {
        Some(route) if route.kind == RouteKind::Static => {
            tx.update::<TransitTables, _>(&key, |row| row.routes.retain(|route| route.destination != destination));
            Ok(route)
        }
        Some(_) => Err(Fault::WrongState(format!("Cannot delete the propagated route {destination} of {table}."))),
        None => Err(no_such_route(table, destination)),
    }
}

fn no_such_route(table: TransitGatewayRouteTableId, destination: Cidr) -> Fault {
    Fault::NoSuch { code: "InvalidRoute.NotFound", noun: "route", id: format!("{table}_{destination}") }
}

/// The id of what is attached.
pub fn resource_id(resource: &AttachedResource) -> String {
    match resource {
        AttachedResource::Vpc { vpc, .. } => vpc.to_string(),
        AttachedResource::Vpn(id) => id.to_string(),
    }
}
