//! Site-to-site VPNs: each has two tunnels, with an address of the public pool on this side, a link of four link-local
//! addresses, and a shared key, which is sealed before it comes here.
//!
//! AWS speaks BGP in a VPN's tunnels unless it was told that routes are static; Landfall doesn't. A VPN that wants BGP is
//! made and its tunnels come up, but no route is learnt: it is shown as AWS shows one whose other side speaks none.

use std::net::Ipv4Addr;

use landfall_model::agent::VpnSeen;
use landfall_model::{
    Cidr, CustomerGatewayId, Ipv4Cidr, LinkState, Scoped, TransitGatewayId, VpnConnection, VpnConnectionId,
    VpnGatewayId, VpnSide, VpnTunnel,
};

use crate::fault::Fault;
use crate::transit_gateway::{check_count, invalid_state};
use crate::tunnel::{self, Asked};
use crate::tx::Tx;
use crate::value::VpnConnections;
use crate::view::View;
use crate::{address, placement, transit_attachment, vpc, vpn_gateway};

/// Tunnels of a VPN.
pub const TUNNELS: usize = 2;

/// What a VPN is to end at on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A VPN gateway.
    Gateway(VpnGatewayId),
    /// A transit gateway.
    Transit(TransitGatewayId),
}

/// What a new VPN is to be.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// The other side's device.
    pub customer_gateway: CustomerGatewayId,
    /// This side.
    pub side: Side,
    /// Whether its routes are static.
    pub static_routes_only: bool,
    /// What the other side may reach.
    pub local: Ipv4Cidr,
    /// What this side may reach there.
    pub remote: Ipv4Cidr,
    /// Its two tunnels, each with a key.
    pub tunnels: Vec<Asked>,
}

/// Makes a VPN.
pub fn create(tx: &mut Tx<'_, '_>, new: NewConnection) -> Result<VpnConnectionId, Fault> {
    let view = tx.view();
    vpn_gateway::need_customer(&view, new.customer_gateway)?;
    let live = view.all::<VpnConnections, _>().filter(|row| row.state.is_live()).count();
    let quotas = &view.quotas();
    check_count(live, quotas.vpn_connections, "VpnConnectionLimitExceeded", "VPN connections")?;
    if let Side::Gateway(gateway) = new.side {
        let live = tx.vpn_connections.by_gateway(&gateway).filter(|row| row.state.is_live()).count();
        let limit = quotas.connections_per_vpn_gateway;
        check_count(live, limit, "VpnConnectionLimitExceeded", "VPN connections of a virtual private gateway")?;
    }
    let id = tx.new_id();
    let gateway = end_at(tx, id, new.side)?;
    let mut tunnels: Vec<VpnTunnel> = Vec::with_capacity(TUNNELS);
    for asked in new.tunnels {
        tunnel::check(&asked.options)?;
        let besides: Vec<_> = tunnels.iter().map(|tunnel| tunnel.inside).collect();
        let inside = inside(tx, gateway, id, asked.inside, &besides)?;
        let taken: Vec<_> = tunnels.iter().map(|tunnel| tunnel.outside).collect();
        let (outside, since) = (address::free_public(tx, &taken)?, tx.now());
        address::forget_release(tx, outside);
        let (key, options) = (asked.key.unwrap_or_default(), asked.options);
        let message = DOWN.to_owned();
        tunnels.push(VpnTunnel { outside, inside, key, key_version: 1, options, up: false, since, message });
    }
    let (scope, now) = (tx.scope(), tx.now());
    tx.put::<VpnConnections>(VpnConnection {
        scope,
        id,
        customer_gateway: new.customer_gateway,
        gateway,
        static_routes_only: new.static_routes_only,
        local: new.local,
        remote: new.remote,
        routes: vec![],
        tunnels,
        state: LinkState::Pending,
        created_at: now,
        expires_at: None,
        host: None,
        number: 0,
    });
    place(tx, scope.key(id));
    Ok(id)
}

/// Gives a VPN a host that ends its tunnels, unless it has one. Where no host of the region takes it, it waits for one.
pub fn place(tx: &mut Tx<'_, '_>, key: Scoped<VpnConnectionId>) {
    let Some(row) = tx.vpn_connections.get(&key).filter(|row| row.state.is_live()) else { return };
    let (region, placed, number) = (row.scope.region, row.host, row.number);
    if placed.is_some_and(|host| tx.hosts.get(&host).is_some()) {
        return;
    }
    let Some(host) = region.zones().find_map(|zone| placement::first_host(tx, zone)) else { return };
    let number = if number == 0 { vpc::free_number(tx) } else { number };
    tx.update::<VpnConnections, _>(&key, |row| (row.host, row.number) = (Some(host), number));
}

/// Gives every VPN a host that has none: when hosts come. Looks across accounts: hosts serve all.
pub fn place_all(tx: &mut Tx<'_, '_>) {
    let waiting: Vec<_> = tx.vpn_connections.iter().map(VpnConnection::key).collect();
    waiting.into_iter().for_each(|key| place(tx, key));
}

/// Takes what a VPN's host says of its tunnels.
pub(crate) fn seen(tx: &mut Tx<'_, '_>, mut row: VpnConnection, seen: &VpnSeen) {
    let (key, before, now) = (row.key(), row.clone(), tx.now());
    if seen.gone && row.state == LinkState::Deleting {
        row.host = None;
    }
    for (tunnel, seen) in row.tunnels.iter_mut().filter_map(|tunnel| {
        let seen = seen.tunnels.iter().find(|seen| seen.outside == tunnel.outside)?;
        Some((tunnel, seen))
    }) {
        if tunnel.up != seen.up {
            (tunnel.up, tunnel.since) = (seen.up, now);
        }
        tunnel.message.clone_from(&seen.message);
    }
    if seen.gone {
        // Its host has been told to take it down, because its account was stopped.
        for tunnel in row.tunnels.iter_mut().filter(|tunnel| tunnel.up) {
            (tunnel.up, tunnel.since, tunnel.message) = (false, now, DOWN.to_owned());
        }
    }
    if row != before {
        tx.update::<VpnConnections, _>(&key, |stored| *stored = row);
    }
}

/// What is said of a tunnel that isn't up.
pub const DOWN: &str = "IPSEC IS DOWN";

/// Makes a VPN end at a gateway: at a transit gateway an attachment stands for it.
fn end_at(tx: &mut Tx<'_, '_>, id: VpnConnectionId, side: Side) -> Result<VpnSide, Fault> {
    match side {
        Side::Gateway(gateway) => Ok(VpnSide::Gateway(vpn_gateway::need(&tx.view(), gateway)?.id)),
        Side::Transit(gateway) => Ok(VpnSide::Transit(gateway, transit_attachment::put_vpn(tx, gateway, id)?)),
    }
}

/// The block of a tunnel's link: the one that was asked for, which no other of the gateway may have, or a free one.
fn inside(
    tx: &mut Tx<'_, '_>,
    side: VpnSide,
    id: VpnConnectionId,
    asked: Option<Ipv4Cidr>,
    besides: &[Ipv4Cidr],
) -> Result<Ipv4Cidr, Fault> {
    let others = tx.view().connections_of(side);
    let others = others.into_iter().filter(|row| row.id != id).flat_map(|row| &row.tunnels);
    let taken: Vec<_> = others.map(|tunnel| tunnel.inside).chain(besides.iter().copied()).collect();
    let Some(block) = asked else { return Ok(tunnel::free_inside(tx, &taken)) };
    tunnel::check_inside(block)?;
    if taken.contains(&block) {
        let why = "Another tunnel of the gateway has it.".into();
        return Err(Fault::Invalid { name: "TunnelInsideCidr", value: block.to_string(), why });
    }
    Ok(block)
}

/// Moves a VPN to another gateway on either side.
pub fn modify(
    tx: &mut Tx<'_, '_>,
    id: VpnConnectionId,
    customer_gateway: Option<CustomerGatewayId>,
    side: Option<Side>,
) -> Result<(), Fault> {
    let mut row = need_available(&tx.view(), id)?.clone();
    if let Some(gateway) = customer_gateway {
        row.customer_gateway = vpn_gateway::need_customer(&tx.view(), gateway)?.id;
    }
    if let Some(side) = side.filter(|side| !is_at(row.gateway, *side)) {
        let old = row.gateway;
        row.gateway = end_at(tx, id, side)?;
        for n in 0..row.tunnels.len() {
            inside(tx, row.gateway, id, Some(row.tunnels[n].inside), &[])?;
        }
        if let VpnSide::Transit(_, attachment) = old {
            transit_attachment::end(tx, attachment);
        }
        // Static routes belong to a VPN gateway; a transit gateway has route tables of its own.
        row.routes.clear();
    }
    row.state = LinkState::Modifying;
    tx.put::<VpnConnections>(row);
    Ok(())
}

fn is_at(gateway: VpnSide, side: Side) -> bool {
    match (gateway, side) {
        (VpnSide::Gateway(id), Side::Gateway(other)) => id == other,
        (VpnSide::Transit(id, _), Side::Transit(other)) => id == other,
        _ => false,
    }
}

/// Changes what either side may reach.
pub fn modify_blocks(
    tx: &mut Tx<'_, '_>,
    id: VpnConnectionId,
    local: Option<Ipv4Cidr>,
    remote: Option<Ipv4Cidr>,
) -> Result<(), Fault> {
    let key = need_available(&tx.view(), id)?.key();
    tx.update::<VpnConnections, _>(&key, |row| {
        row.local = local.unwrap_or(row.local);
        row.remote = remote.unwrap_or(row.remote);
        row.state = LinkState::Modifying;
    });
    Ok(())
}

/// Changes what is asked of a tunnel, which is named by its address on this side.
pub fn modify_tunnel(tx: &mut Tx<'_, '_>, id: VpnConnectionId, outside: Ipv4Addr, asked: Asked) -> Result<(), Fault> {
    let row = need_available(&tx.view(), id)?;
    let (key, gateway) = (row.key(), row.gateway);
    let place = row.tunnels.iter().position(|tunnel| tunnel.outside == outside).ok_or_else(|| Fault::Invalid {
        name: "VpnTunnelOutsideIpAddress",
        value: outside.to_string(),
        why: format!("It is not the address of a tunnel of {id}."),
    })?;
    let mut tunnel = row.tunnels[place].clone();
    if let Some(block) = asked.inside.filter(|block| *block != tunnel.inside) {
        let besides: Vec<_> = row.tunnels.iter().map(|tunnel| tunnel.inside).collect();
        tunnel.inside = inside(tx, gateway, id, Some(block), &besides)?;
    }
    if let Some(key) = asked.key {
        tunnel.key = key;
        tunnel.key_version += 1;
    }
    tunnel.options = merge(tunnel.options, asked.options);
    tunnel::check(&tunnel.options)?;
    tx.update::<VpnConnections, _>(&key, |row| {
        row.tunnels[place] = tunnel;
        row.state = LinkState::Modifying;
    });
    Ok(())
}

/// Options with those that are given in the place of what they were.
fn merge(
    mut options: landfall_model::TunnelOptions,
    given: landfall_model::TunnelOptions,
) -> landfall_model::TunnelOptions {
    macro_rules! take {
        (some: $($one:ident)*; lists: $($list:ident)*) => {
            $(if given.$one.is_some() { options.$one = given.$one; })*
            $(if !given.$list.is_empty() { options.$list = given.$list; })*
        };
    }
    take!(
        some: phase1_lifetime_s phase2_lifetime_s rekey_margin_s rekey_fuzz_percent replay_window dpd_timeout_s
            dpd_action startup_action;
        lists: phase1_encryption phase2_encryption phase1_integrity phase2_integrity phase1_groups phase2_groups
            ike_versions
    );
    options
}

/// Adds a static route: a block that lies behind the other side.
pub fn add_route(tx: &mut Tx<'_, '_>, id: VpnConnectionId, block: Ipv4Cidr) -> Result<(), Fault> {
    let row = need_available(&tx.view(), id)?;
    let refused = |why: &str| Err(Fault::Combination(format!("The VPN connection '{id}' {why}.")));
    if !row.static_routes_only {
        return refused("is not one of static routes only");
    }
    if matches!(row.gateway, VpnSide::Transit(..)) {
        return refused("ends at a transit gateway, whose route tables have its static routes");
    }
    let (key, block) = (row.key(), Cidr::V4(block));
    if row.routes.contains(&block) {
        return Ok(());
    }
    let limit = tx.quotas().routes_per_vpn;
    check_count(row.routes.len(), limit, "RouteLimitExceeded", "static routes of a VPN connection")?;
    tx.update::<VpnConnections, _>(&key, |row| row.routes.push(block));
    Ok(())
}

/// Removes a static route.
pub fn remove_route(tx: &mut Tx<'_, '_>, id: VpnConnectionId, block: Ipv4Cidr) -> Result<(), Fault> {
    let row = need_available(&tx.view(), id)?;
    let (key, block) = (row.key(), Cidr::V4(block));
    if !row.routes.contains(&block) {
        return Err(Fault::NoSuch { code: "InvalidRoute.NotFound", noun: "route", id: format!("{id}, {block}") });
    }
    tx.update::<VpnConnections, _>(&key, |row| row.routes.retain(|route| *route != block));
    Ok(())
}

/// Deletes a VPN: once its host has said that nothing of it is left. Its addresses stay its own for as long as it is shown,
/// and for as long as a host that it went away from hasn't said so (see [`crate::vpn_remains`]).
pub fn delete(tx: &mut Tx<'_, '_>, id: VpnConnectionId) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    let (key, gateway) = (row.key(), row.gateway);
    if let VpnSide::Transit(_, attachment) = gateway {
        transit_attachment::end(tx, attachment);
    }
    let now = tx.now();
    tx.update::<VpnConnections, _>(&key, |row| {
        row.state = LinkState::Deleting;
        for tunnel in row.tunnels.iter_mut().filter(|tunnel| tunnel.up) {
            (tunnel.up, tunnel.since, tunnel.message) = (false, now, DOWN.to_owned());
        }
    });
    Ok(())
}

/// A VPN that is there.
pub fn need<'v>(view: &View<'v>, id: VpnConnectionId) -> Result<&'v VpnConnection, Fault> {
    let row = view.need::<VpnConnections, _>(id)?;
    if row.state.is_live() { Ok(row) } else { Err(Fault::no_such(id)) }
}

/// A VPN that can be changed.
fn need_available<'v>(view: &View<'v>, id: VpnConnectionId) -> Result<&'v VpnConnection, Fault> {
    let row = need(view, id)?;
    if row.state == LinkState::Pending { Err(invalid_state(id)) } else { Ok(row) }
}

/// The context that keys of a scope's tunnels are sealed under: moved to another account's row, one doesn't open.
pub fn key_context(scope: landfall_model::Scope) -> String {
    format!("vpn-tunnel-key/{scope}")
}

impl<'a> View<'a> {
    /// The VPNs that end at a gateway, in whatever state.
    fn connections_of(&self, side: VpnSide) -> Vec<&'a VpnConnection> {
        match side {
            VpnSide::Gateway(id) => self.tables().vpn_connections.by_gateway(&id).collect(),
            VpnSide::Transit(gateway, _) => self.tables().vpn_connections.by_transit(&gateway).collect(),
        }
    }
}
