//! What may be left of VPNs on hosts that they went away from.
//!
//! A VPN that moves away, or ends while its host doesn't answer, doesn't wait for that host. But as long as the host hasn't
//! taken the tunnels down it may answer at their addresses: an address that somebody else got meanwhile would lead to two
//! places, and what is sent to the new owner could reach whom the old one connected. So the addresses are held, longer than
//! a deleted VPN is shown if need be, until the host has said that nothing is left ([`crate::report`]) or the provider has
//! removed it. Its plan names the VPN for so long.
//!
//! Elastic addresses aren't held like that, those of NAT gateways neither: they go from one interface to another at once, and
//! no host is waited for.
//!
//! Looks across accounts: hosts serve all.

use landfall_model::{HostId, VpnConnection, VpnConnectionId, VpnRemains};

use crate::tx::Tx;
use crate::value::VpnRemainsTable;

/// Notes that a VPN goes away from the host that it has, to that other one or to none.
pub(crate) fn note(tx: &mut Tx<'_, '_>, row: &VpnConnection, to: Option<HostId>) {
    let outside = || row.tunnels.iter().map(|tunnel| tunnel.outside).collect();
    let new = || VpnRemains { id: row.id, number: row.number, outside: outside(), hosts: Default::default() };
    let mut remains = tx.vpn_remains.get(&row.id).cloned().unwrap_or_else(new);
    remains.hosts.extend(row.host);
    if let Some(to) = to {
        remains.hosts.remove(&to);
    }
    put(tx, remains);
}

/// Takes a host's word that nothing of a VPN is left on it.
pub(crate) fn gone(tx: &mut Tx<'_, '_>, host: HostId, id: VpnConnectionId) {
    let Some(mut remains) = tx.vpn_remains.get(&id).cloned() else { return };
    if remains.hosts.remove(&host) {
        put(tx, remains);
    }
}

/// Takes the provider's word that a host is no more.
pub(crate) fn host_gone(tx: &mut Tx<'_, '_>, host: HostId) {
    let ids: Vec<_> = tx.vpn_remains.by_host(&host).map(|row| row.id).collect();
    ids.into_iter().for_each(|id| gone(tx, host, id));
}

fn put(tx: &mut Tx<'_, '_>, remains: VpnRemains) {
    if remains.hosts.is_empty() {
        tx.delete::<VpnRemainsTable>(&remains.id);
    } else {
        tx.put::<VpnRemainsTable>(remains);
    }
}
