//! Where gateways go when their host is lost, or is being emptied.
//!
//! A NAT gateway translates, and a VPN ends its tunnels, on one host. Neither has anything that couldn't be made anew on
//! another: its addresses are the cloud's, only the flows through it are lost, as they are when AWS replaces one. So they
//! move as soon as it is known that their host doesn't answer or takes nothing new any more, and they don't move back.
//! Should the old host run on unheard, it translates for its own instances until it is heard again; all others have been
//! told of the new one.
//!
//! Looks across accounts: hosts serve all.

use std::collections::BTreeSet;

use landfall_model::{HostId, NatGateway, NatGatewayId, Region, Scoped, VpnConnection, VpnConnectionId, ZoneName};

use crate::tx::Tx;
use crate::value::{Cloud, NatGateways, VpnConnections};
use crate::{placement, vpn_remains};

/// Something that is in one place, and could be in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movable {
    /// A NAT gateway.
    NatGateway(Scoped<NatGatewayId>),
    /// A VPN.
    Vpn(Scoped<VpnConnectionId>),
}

/// What is to move, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// What.
    pub what: Movable,
    /// Where to; nowhere for a VPN that is being deleted and would wait for a word from a host that doesn't answer. What
    /// may be left of it there is remembered ([`vpn_remains`]) until that host comes back and takes it down.
    pub to: Option<HostId>,
}

/// What is to move now, at most so many at once. `lost` has the hosts that don't answer. What no other host could take
/// stays where it is.
pub fn next_moves(cloud: &Cloud, lost: &BTreeSet<HostId>, most: usize) -> Vec<Move> {
    let left = cloud.hosts.iter().filter(|host| !host.schedulable || lost.contains(&host.id)).map(|host| host.id);
    let left: Vec<HostId> = left.collect();
    let gateways = left.iter().flat_map(|host| cloud.nat_gateways.by_host(host)).filter(|row| row.state.is_live());
    let gateways = gateways.filter_map(|row| {
        let to = placement::first_host_besides(cloud, zone(cloud, row)?, lost)?;
        Some(Move { what: Movable::NatGateway(row.key()), to: Some(to) })
    });
    let vpns = left.iter().flat_map(|host| cloud.vpn_connections.by_host(host)).filter(|row| row.state.is_live());
    let vpns = vpns.filter_map(|row| {
        let to = of_region(cloud, row.scope.region, lost)?;
        Some(Move { what: Movable::Vpn(row.key()), to: Some(to) })
    });
    let ending = lost.iter().flat_map(|host| cloud.vpn_connections.by_host(host)).filter(|row| !row.state.is_live());
    let ending = ending.map(|row| Move { what: Movable::Vpn(row.key()), to: None });
    gateways.chain(vpns).chain(ending).take(most).collect()
}

/// A NAT gateway stays in its subnet's zone.
fn zone(cloud: &Cloud, row: &NatGateway) -> Option<ZoneName> {
    cloud.subnets.by_id(&row.subnet).next().map(|subnet| subnet.zone)
}

/// A VPN is a whole region's.
fn of_region(cloud: &Cloud, region: Region, lost: &BTreeSet<HostId>) -> Option<HostId> {
    region.zones().find_map(|zone| placement::first_host_besides(cloud, zone, lost))
}

/// Moves it, unless that was decided on what isn't so any more.
pub fn apply(tx: &mut Tx<'_, '_>, order: &Move) {
    let to = order.to;
    match &order.what {
        Movable::NatGateway(key) => {
            let is_live = |row: &NatGateway| row.state.is_live();
            if to.is_some() && tx.nat_gateways.get(key).is_some_and(is_live) {
                tx.update::<NatGateways, _>(key, |row| row.host = to);
            }
        }
        Movable::Vpn(key) => {
            let is_so = |row: &VpnConnection| row.state.is_live() == to.is_some();
            if let Some(row) = tx.vpn_connections.get(key).filter(|row| is_so(row)).cloned() {
                vpn_remains::note(tx, &row, to);
                tx.update::<VpnConnections, _>(key, |row| row.host = to);
            }
        }
    }
}
