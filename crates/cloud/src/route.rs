//! Routes of a VPC's route tables: which targets a route may have, and what overrides what.
//!
//! The routes within the VPC follow from its blocks and are in no row, but for those whose target was replaced. Those
//! that a VPN gateway propagates follow from its connections.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use landfall_model::{
    Cidr, Destination, InstanceId, InterfaceId, InterfacePurpose, Ipv4Cidr, Ipv6Cidr, Route, RouteTable, RouteTableId,
    RouteTarget, VpcId, VpnGatewayId,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{
    EgressOnlyGateways, Endpoints, Instances, Interfaces, InternetGateways, NatGateways, PrefixLists, RouteTables,
    Vpcs, VpnGateways,
};
use crate::view::View;

/// Where a route came from, in AWS's words.
pub const ORIGIN_TABLE: &str = "CreateRouteTable";
/// The same, for a route that somebody made.
pub const ORIGIN_ROUTE: &str = "CreateRoute";

/// Adds a route to a table.
pub fn create(
    tx: &mut Tx<'_, '_>,
    table: RouteTableId,
    destination: Destination,
    target: RouteTarget,
) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    check(&view, row, destination, target)?;
    if row.routes.iter().any(|route| route.destination == destination) || view.is_local(row.vpc, destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(Fault::Taken { code: "RouteAlreadyExists", message });
    }
    let limit = u64::from(view.quotas().routes_per_table);
    let taken: u64 = row.routes.iter().map(|route| weight(&view, route)).sum();
    let new = Route { destination, target, origin: ORIGIN_ROUTE.into() };
    if taken + weight(&view, &new) > limit {
        return Err(Fault::Quota(QuotaKind::Of("RouteLimitExceeded", "routes"), limit));
    }
    let key = row.key();
    tx.update::<RouteTables, _>(&key, |row| row.routes.push(new));
    Ok(())
}

/// Gives a route another target. A local route may lead to an interface, and back to the VPC itself
/// ([`RouteTarget::Local`]).
pub fn replace(
    tx: &mut Tx<'_, '_>,
    table: RouteTableId,
    destination: Destination,
    target: RouteTarget,
) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    let (key, is_local) = (row.key(), view.is_local(row.vpc, destination));
    let old = row.routes.iter().position(|route| route.destination == destination);
    match (target, old) {
        (RouteTarget::Local, _) if !is_local => {
            return Err(Fault::Refused(format!("The route to {destination} is no local route.")));
        }
        (RouteTarget::Local, _) => {
            tx.update::<RouteTables, _>(&key, |row| row.routes.retain(|route| route.destination != destination));
            return Ok(());
        }
        (_, None) if !is_local => {
            return Err(Fault::Refused(format!(
                "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
            )));
        }
        (_, Some(index)) if matches!(row.routes[index].target, RouteTarget::Endpoint(_)) => {
            return Err(of_endpoint());
        }
        _ => {}
    }
    check(&view, row, destination, target)?;
    tx.update::<RouteTables, _>(&key, |row| match old {
        Some(index) => row.routes[index].target = target,
        None => row.routes.push(Route { destination, target, origin: ORIGIN_TABLE.into() }),
    });
    Ok(())
}

/// Removes a route that somebody made.
pub fn delete(tx: &mut Tx<'_, '_>, table: RouteTableId, destination: Destination) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.need::<RouteTables, _>(table)?;
    if view.is_local(row.vpc, destination) {
        return Err(Fault::Refused(format!("cannot remove local route {destination} in route table {table}")));
    }
    let Some(route) = row.routes.iter().find(|route| route.destination == destination) else {
        if view.propagated(row).iter().any(|(block, _)| Destination::Cidr(*block) == destination) {
            return Err(Fault::Refused(format!("cannot remove propagated route {destination} in route table {table}")));
        }
        return Err(Fault::NoSuchRoute { destination, table });
    };
    if matches!(route.target, RouteTarget::Endpoint(_)) {
        return Err(Fault::Refused(format!("cannot remove VPC endpoint route {destination} in route table {table}")));
    }
    let key = row.key();
    tx.update::<RouteTables, _>(&key, |row| row.routes.retain(|route| route.destination != destination));
    Ok(())
}

/// The only interface of an instance: what a route to an instance leads to.
pub fn only_interface(view: &View<'_>, instance: InstanceId) -> Result<InterfaceId, Fault> {
    view.need::<Instances, _>(instance)?;
    let mut interfaces = view.interfaces_of(instance);
    let message = match (interfaces.next(), interfaces.next()) {
        (Some(only), None) => return Ok(only.id),
        (None, _) => format!("There is no interface attached to instance '{instance}'."),
        _ => format!(
            "There are multiple interfaces attached to instance '{instance}'. Please specify an interface ID for the operation instead."
        ),
    };
    Err(Fault::Taken { code: "InvalidInstanceID", message })
}

/// That a table may have such a route. Source: "Configure route tables" in the Amazon VPC User Guide.
fn check(view: &View<'_>, row: &RouteTable, destination: Destination, target: RouteTarget) -> Result<(), Fault> {
    check_destination(view, destination)?;
    check_target(view, row, target)?;
    check_family(destination, target)?;
    check_within(view, row.vpc, destination, target)?;
    if row.gateways.is_empty() { Ok(()) } else { check_edge(view, row.vpc, destination, target) }
}

/// That a route of a gateway's table leads from outside to something within the VPC.
pub(crate) fn check_edge(
    view: &View<'_>,
    vpc: VpcId,
    destination: Destination,
    target: RouteTarget,
) -> Result<(), Fault> {
    let blocks = view.find::<Vpcs, _>(vpc).map(landfall_model::Vpc::blocks).unwrap_or_default();
    let is_within = matches!(destination, Destination::Cidr(cidr) if blocks.iter().any(|block| block.covers(cidr)));
    if !is_within {
        return Err(Fault::Refused(format!(
            "The destination {destination} of a route table that is associated with a gateway must be within the VPC's CIDR blocks."
        )));
    }
    match target {
        RouteTarget::Interface(_) | RouteTarget::Local => Ok(()),
        _ => Err(unsupported_target()),
    }
}

fn unsupported_target() -> Fault {
    Fault::Refused("Route target is not supported. This route only supports interface and instance targets.".into())
}

/// Link-local blocks of services, within which no route may lead.
fn check_destination(view: &View<'_>, destination: Destination) -> Result<(), Fault> {
    let is_reserved = match destination {
        Destination::PrefixList(id) => {
            view.need::<PrefixLists, _>(id)?;
            false
        }
        Destination::Cidr(Cidr::V4(block)) => {
            let services = Ipv4Cidr::new(std::net::Ipv4Addr::new(169, 254, 168, 0), 22);
            services.is_some_and(|services| services.covers(block))
        }
        Destination::Cidr(Cidr::V6(block)) => {
            let services = Ipv6Cidr::new(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32);
            services.is_some_and(|services| services.covers(block))
        }
    };
    if is_reserved {
        return Err(Fault::Refused(format!(
            "The destination {destination} is reserved for services and can't be routed."
        )));
    }
    Ok(())
}

/// That the target is there, and in reach of the table's VPC.
fn check_target(view: &View<'_>, row: &RouteTable, target: RouteTarget) -> Result<(), Fault> {
    let apart = |noun: &str, id: String| {
        Fault::Refused(format!("route table {} and {noun} {id} belong to different networks", row.id))
    };
    let no_such = |code: &'static str, noun: &'static str, id: String| Fault::NoSuch { code, noun, id };
    let near = |is_near: bool, noun: &str, id: String| if is_near { Ok(()) } else { Err(apart(noun, id)) };
    match target {
        RouteTarget::InternetGateway(id) => {
            let gateway = view.find::<InternetGateways, _>(id);
            let gateway = gateway.ok_or_else(|| no_such("InvalidGatewayID.NotFound", "gateway ID", id.to_string()))?;
            near(gateway.vpc == Some(row.vpc), "network gateway", id.to_string())
        }
        RouteTarget::VpnGateway(id) => {
            let gateway = view.find::<VpnGateways, _>(id).filter(|gateway| gateway.state.is_live());
            let gateway = gateway.ok_or_else(|| no_such("InvalidGatewayID.NotFound", "gateway ID", id.to_string()))?;
            near(gateway.vpc == Some(row.vpc), "network gateway", id.to_string())
        }
        RouteTarget::EgressOnly(id) => {
            let gateway = view.need::<EgressOnlyGateways, _>(id)?;
            near(gateway.vpc == row.vpc, "egress-only internet gateway", id.to_string())
        }
        RouteTarget::NatGateway(id) => {
            let gateway = view.find::<NatGateways, _>(id).filter(|gateway| gateway.state.is_live());
            let absent = || no_such("InvalidNatGatewayID.NotFound", "natGateway ID", id.to_string());
            near(gateway.ok_or_else(absent)?.vpc == row.vpc, "nat gateway", id.to_string())
        }
        RouteTarget::Interface(id) => {
            let interface = view.need::<Interfaces, _>(id)?;
            if interface.purpose != InterfacePurpose::Instance {
                return Err(unsupported_target());
            }
            near(interface.vpc == row.vpc, "interface", id.to_string())
        }
        RouteTarget::Peering(id) => {
            let peering = view.peering(id).filter(|peering| peering.state.is_live());
            let peering = peering.ok_or_else(|| Fault::no_such(id))?;
            let is_side = peering.sides().iter().any(|side| side.vpc == row.vpc);
            near(is_side, "vpc peering connection", id.to_string())
        }
        RouteTarget::TransitGateway(id) => {
            let is_attached = view.is_active(row.vpc, target);
            if is_attached {
                Ok(())
            } else {
                Err(no_such("InvalidTransitGatewayID.NotFound", "transitGateway ID", id.to_string()))
            }
        }
        RouteTarget::Endpoint(id) => {
            view.need::<Endpoints, _>(id)?;
            Err(of_endpoint())
        }
        RouteTarget::Local => Err(Fault::Refused("A route can't be made to the target local.".into())),
    }
}

fn of_endpoint() -> Fault {
    Fault::Refused("Cannot create or replace a prefix list route targeting a VPC Endpoint.".into())
}

/// That the target carries the destination's family.
fn check_family(destination: Destination, target: RouteTarget) -> Result<(), Fault> {
    let Destination::Cidr(cidr) = destination else { return Ok(()) };
    // RFC 6052's well-known prefix: what DNS64 makes of IPv4 addresses.
    let translated = Ipv6Cidr::new(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
    match (cidr, target) {
        (Cidr::V4(block), RouteTarget::EgressOnly(id)) => Err(Fault::Refused(format!(
            "The egress-only internet gateway {id} routes only IPv6, and the destination {block} is of IPv4."
        ))),
        (Cidr::V6(block), RouteTarget::NatGateway(id)) if Some(block) != translated => Err(Fault::Refused(format!(
            "The NAT gateway {id} routes only IPv4 and 64:ff9b::/96, and the destination is {block}."
        ))),
        (Cidr::V6(block), RouteTarget::VpnGateway(id)) => Err(Fault::Refused(format!(
            "The virtual private gateway {id} routes only IPv4, and the destination {block} is of IPv6."
        ))),
        _ => Ok(()),
    }
}

/// A route within the VPC's own blocks leads to a middlebox: an interface, or a NAT gateway for a whole subnet.
fn check_within(view: &View<'_>, vpc: VpcId, destination: Destination, target: RouteTarget) -> Result<(), Fault> {
    let Destination::Cidr(cidr) = destination else { return Ok(()) };
    let blocks = view.find::<Vpcs, _>(vpc).map(landfall_model::Vpc::blocks).unwrap_or_default();
    if !blocks.iter().any(|block| block.covers(cidr)) {
        return Ok(());
    }
    match target {
        RouteTarget::Interface(_) => {}
        RouteTarget::NatGateway(_) if !blocks.contains(&cidr) => {}
        _ => return Err(unsupported_target()),
    }
    let is_subnet = |subnet: &landfall_model::Subnet| {
        Cidr::V4(subnet.cidr) == cidr || subnet.ipv6.is_some_and(|(_, block)| Cidr::V6(block) == cidr)
    };
    if !blocks.contains(&cidr) && !view.subnets_of(vpc).any(is_subnet) {
        return Err(Fault::Refused(format!(
            "The destination CIDR block {cidr} is more specific than one of this VPC's CIDR blocks and must match the entire CIDR block of a subnet."
        )));
    }
    Ok(())
}

/// That the routes of a table are no more than its quota, now that a prefix list has grown.
pub(crate) fn check_room(view: &View<'_>, row: &RouteTable) -> Result<(), Fault> {
    let limit = u64::from(view.quotas().routes_per_table);
    let taken: u64 = row.routes.iter().map(|route| weight(view, route)).sum();
    if taken > limit { Err(Fault::Quota(QuotaKind::Of("RouteLimitExceeded", "routes"), limit)) } else { Ok(()) }
}

/// What a route counts against the limit: a prefix list as many as it may have entries, what the table has by itself
/// nothing.
fn weight(view: &View<'_>, route: &Route) -> u64 {
    match (route.destination, route.target) {
        (_, RouteTarget::Endpoint(_)) => 0,
        (Destination::PrefixList(id), _) => {
            view.find::<PrefixLists, _>(id).map_or(1, |list| u64::from(list.max_entries))
        }
        _ if route.origin == ORIGIN_TABLE => 0,
        _ => 1,
    }
}

impl<'a> View<'a> {
    /// Whether a destination is one of a VPC's own blocks, to which every table has a route.
    pub fn is_local(&self, vpc: VpcId, destination: Destination) -> bool {
        let Destination::Cidr(cidr) = destination else { return false };
        self.find::<Vpcs, _>(vpc).is_some_and(|vpc| vpc.blocks().contains(&cidr))
    }

    /// The routes that a table takes over from VPN gateways: what lies behind their connections. A route that the table
    /// has itself, to the same destination, comes before.
    pub fn propagated(&self, table: &'a RouteTable) -> Vec<(Cidr, VpnGatewayId)> {
        let own: BTreeSet<_> = table.routes.iter().map(|route| route.destination).collect();
        let mut seen = BTreeSet::new();
        let here = |id: &&VpnGatewayId| self.find::<VpnGateways, _>(**id).is_some_and(|row| row.vpc == Some(table.vpc));
        let mut routes = Vec::new();
        for &gateway in table.propagating.iter().filter(here) {
            let connections = self.tables().vpn_connections.by_gateway(&gateway).filter(|row| row.state.is_live());
            for block in connections.flat_map(|row| row.routes.iter().copied()) {
                let destination = Destination::Cidr(block);
                if !own.contains(&destination) && !self.is_local(table.vpc, destination) && seen.insert(block) {
                    routes.push((block, gateway));
                }
            }
        }
        routes
    }
}
