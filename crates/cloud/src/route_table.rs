//! Route tables: what uses them, and which VPN gateways tell them routes.

use landfall_model::{
    EdgeGateway, Endpoint, EndpointKind, RouteTable, RouteTableAssociationId, RouteTableId, SubnetId, VpcId,
    VpnGatewayId,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{Endpoints, InternetGateways, RouteTables, Subnets, Vpcs, VpnGateways};
use crate::view::View;
use crate::{route, tag};

/// Makes a route table with nothing in it but the way within its VPC.
pub fn create(tx: &mut Tx<'_, '_>, vpc: VpcId) -> Result<RouteTableId, Fault> {
    tx.view().need::<Vpcs, _>(vpc)?;
    let limit = tx.quotas().route_tables_per_vpc;
    if tx.route_tables.by_vpc.count(&vpc) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Of("RouteTableLimitExceeded", "route tables"), u64::from(limit)));
    }
    let (id, scope) = (tx.new_id(), tx.scope());
    tx.put::<RouteTables>(RouteTable {
        scope,
        id,
        vpc,
        routes: vec![],
        main: None,
        associations: vec![],
        gateways: vec![],
        propagating: vec![],
    });
    Ok(id)
}

/// Deletes a route table that nothing uses.
pub fn delete(tx: &mut Tx<'_, '_>, id: RouteTableId) -> Result<(), Fault> {
    let row = tx.view().need::<RouteTables, _>(id)?;
    let (key, vpc) = (row.key(), row.vpc);
    if !row.association_ids().is_empty() {
        let what = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
        return Err(Fault::InUse { what });
    }
    let uses =
        |row: &&Endpoint| matches!(&row.kind, EndpointKind::Gateway { route_tables } if route_tables.contains(&id));
    let endpoints: Vec<_> = tx.endpoints.by_vpc(&vpc).filter(uses).map(Endpoint::key).collect();
    for endpoint in endpoints {
        tx.update::<Endpoints, _>(&endpoint, |row| {
            if let EndpointKind::Gateway { route_tables } = &mut row.kind {
                route_tables.retain(|table| *table != id);
            }
        });
    }
    tx.delete::<RouteTables>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Lets a subnet use a table rather than its VPC's main one. Where it does already, that association stands.
pub fn associate_subnet(
    tx: &mut Tx<'_, '_>,
    table: RouteTableId,
    subnet: SubnetId,
) -> Result<RouteTableAssociationId, Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    let vpc = view.need::<Subnets, _>(subnet)?.vpc;
    if vpc != row.vpc {
        return Err(Fault::Refused(format!("Route table {table} and subnet {subnet} belong to different networks")));
    }
    if let Some((id, _)) = row.associations.iter().find(|(_, other)| *other == subnet) {
        return Ok(*id);
    }
    if view.tables().route_tables.by_subnet.count(&subnet) > 0 {
        return Err(conflict(table));
    }
    let key = row.key();
    let id = tx.new_id();
    tx.update::<RouteTables, _>(&key, |row| row.associations.push((id, subnet)));
    Ok(id)
}

/// Lets a table route what comes into its VPC by a gateway at the VPC's edge.
pub fn associate_gateway(
    tx: &mut Tx<'_, '_>,
    table: RouteTableId,
    gateway: EdgeGateway,
) -> Result<RouteTableAssociationId, Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    check_gateway(&view, row, gateway)?;
    if let Some((id, _)) = row.gateways.iter().find(|(_, other)| *other == gateway) {
        return Ok(*id);
    }
    let has = |other: &RouteTable| other.gateways.iter().any(|(_, other)| *other == gateway);
    if view.tables().route_tables.by_vpc(&row.vpc).any(has) {
        return Err(conflict(table));
    }
    let key = row.key();
    let id = tx.new_id();
    tx.update::<RouteTables, _>(&key, |row| row.gateways.push((id, gateway)));
    Ok(id)
}

fn conflict(table: RouteTableId) -> Fault {
    Fault::AlreadyAssociated(format!(
        "the specified association for route table {table} conflicts with an existing association"
    ))
}

/// That a gateway is at the edge of a table's VPC, and that the table has only routes that fit one.
fn check_gateway(view: &View<'_>, row: &RouteTable, gateway: EdgeGateway) -> Result<(), Fault> {
    let (vpc, id) = match gateway {
        EdgeGateway::Internet(id) => (view.need::<InternetGateways, _>(id)?.vpc, id.to_string()),
        EdgeGateway::Vpn(id) => (view.need::<VpnGateways, _>(id)?.vpc, id.to_string()),
    };
    if vpc != Some(row.vpc) {
        return Err(Fault::Refused(format!(
            "Route table {} and network gateway {id} belong to different networks",
            row.id
        )));
    }
    if !row.propagating.is_empty() {
        return Err(Fault::Refused(format!(
            "Route table {} has route propagation enabled and can't be associated with a gateway.",
            row.id
        )));
    }
    row.routes.iter().try_for_each(|route| route::check_edge(view, row.vpc, route.destination, route.target))
}

/// Ends an association; the subnet uses its VPC's main table from then on.
pub fn disassociate(tx: &mut Tx<'_, '_>, id: RouteTableAssociationId) -> Result<(), Fault> {
    let row = tx.view().associated_table(id)?;
    if row.main == Some(id) {
        return Err(Fault::Refused(format!("cannot disassociate the main route table association {id}")));
    }
    let key = row.key();
    tx.update::<RouteTables, _>(&key, |row| {
        row.associations.retain(|(other, _)| *other != id);
        row.gateways.retain(|(other, _)| *other != id);
    });
    Ok(())
}

/// Moves an association to another table of the same VPC, the main one too. The association gets a new id.
pub fn reassociate(
    tx: &mut Tx<'_, '_>,
    id: RouteTableAssociationId,
    table: RouteTableId,
) -> Result<RouteTableAssociationId, Fault> {
    let view = tx.view();
    let (old, new) = (view.associated_table(id)?, view.need::<RouteTables, _>(table)?);
    if old.vpc != new.vpc {
        return Err(Fault::Refused(format!(
            "Route table {} and route table {table} belong to different networks",
            old.id
        )));
    }
    if old.id == new.id {
        return Ok(id);
    }
    let is_main = old.main == Some(id);
    let subnet = old.associations.iter().find(|(other, _)| *other == id).map(|(_, subnet)| *subnet);
    let gateway = old.gateways.iter().find(|(other, _)| *other == id).map(|(_, gateway)| *gateway);
    if let Some(gateway) = gateway {
        check_gateway(&view, new, gateway)?;
    }
    let (old, new) = (old.key(), new.key());
    let fresh = tx.new_id();
    tx.update::<RouteTables, _>(&old, |row| {
        row.main = row.main.filter(|main| *main != id);
        row.associations.retain(|(other, _)| *other != id);
        row.gateways.retain(|(other, _)| *other != id);
    });
    tx.update::<RouteTables, _>(&new, |row| {
        if is_main {
            row.main = Some(fresh);
        }
        row.associations.extend(subnet.map(|subnet| (fresh, subnet)));
        row.gateways.extend(gateway.map(|gateway| (fresh, gateway)));
    });
    Ok(fresh)
}

/// Lets a table take over the routes of a VPN gateway of its VPC.
pub fn enable_propagation(tx: &mut Tx<'_, '_>, table: RouteTableId, gateway: VpnGatewayId) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    if view.need::<VpnGateways, _>(gateway)?.vpc != Some(row.vpc) {
        return Err(Fault::NotAttached(format!("resource {gateway} is not attached to network {}", row.vpc)));
    }
    if !row.gateways.is_empty() {
        return Err(Fault::Refused(format!(
            "Route table {table} is associated with a gateway and can't have route propagation enabled."
        )));
    }
    let key = row.key();
    if !row.propagating.contains(&gateway) {
        tx.update::<RouteTables, _>(&key, |row| row.propagating.push(gateway));
    }
    Ok(())
}

/// Ends that.
pub fn disable_propagation(tx: &mut Tx<'_, '_>, table: RouteTableId, gateway: VpnGatewayId) -> Result<(), Fault> {
    let view = tx.view();
    let key = view.need::<RouteTables, _>(table)?.key();
    view.need::<VpnGateways, _>(gateway)?;
    tx.update::<RouteTables, _>(&key, |row| row.propagating.retain(|other| *other != gateway));
    Ok(())
}

impl<'a> View<'a> {
    /// The table that has an association.
    pub fn associated_table(&self, id: RouteTableAssociationId) -> Result<&'a RouteTable, Fault> {
        let tables = self.tables().route_tables.by_association(&id);
        self.own(tables, |row| row.scope).next().ok_or_else(|| Fault::no_such(id))
    }
}
