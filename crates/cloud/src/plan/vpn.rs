//! Pieces of VPNs: what the host that ends one's tunnels needs to know, and the other hosts of its network, or of those that
//! are attached to its transit gateway, which send to that one what is for the other side.

use std::net::Ipv4Addr;

use landfall_model::plan::{Place, TunnelPlan, VpnPlan};
use landfall_model::{
    AccountId, HostId, Ipv4Cidr, LinkState, TransitGatewayId, VpcId, VpnConnection, VpnConnectionId, VpnSide, VpnTunnel,
};

use super::network::place;
use super::presence::Presence;
use crate::value::Cloud;

/// A VPN that has a host: on that host, and on those that have the network that it is for.
pub(super) fn vpn(cloud: &Cloud, presence: &Presence<'_>, host: HostId, row: &VpnConnection) -> Option<VpnPlan> {
    let place = place(cloud, host, row.host?)?;
    let wanted = is_working(cloud, row);
    let gateway = match row.gateway {
        VpnSide::Gateway(id) if wanted => network(cloud, row).map(|vpc| (id, vpc)),
        _ => None,
    };
    let transit = match row.gateway {
        VpnSide::Transit(id, attachment) if wanted => Some((id, attachment)),
        _ => None,
    };
    let concerns = match place {
        Place::Here => row.state != LinkState::Deleted,
        Place::Remote { .. } => {
            let gateway = transit.is_some_and(|(id, _)| ends_one_of(cloud, host, id));
            wanted && (gateway || networks(cloud, row).into_iter().any(|vpc| presence.is_present(vpc)))
        }
    };
    let peer = cloud.customer_gateways.get(&row.scope.key(row.customer_gateway)).map(|row| row.address);
    concerns.then(|| VpnPlan {
        id: row.id,
        number: row.number,
        wanted,
        gateway,
        transit,
        // The other side's row may go before the last of this one does.
        peer: peer.unwrap_or(Ipv4Addr::UNSPECIFIED),
        local: row.local,
        remote: row.remote,
        routes: row.routes.clone(),
        tunnels: row.tunnels.iter().map(tunnel).collect(),
        place,
        up: row.is_up(),
    })
}

/// What a VPN that went away may have left on a host that has yet to say that there is nothing. Where the host has another
/// part in it meanwhile, that is its piece, which has the tunnels taken down as well; it is asked for its word after that.
pub(super) fn remains(cloud: &Cloud, host: HostId, id: VpnConnectionId) -> Option<VpnPlan> {
    let row = cloud.vpn_remains.get(&id).filter(|row| row.hosts.contains(&host))?;
    Some(VpnPlan {
        id,
        number: row.number,
        wanted: false,
        gateway: None,
        transit: None,
        peer: Ipv4Addr::UNSPECIFIED,
        local: Ipv4Cidr::ALL,
        remote: Ipv4Cidr::ALL,
        routes: Vec::new(),
        tunnels: Vec::new(),
        place: Place::Here,
        up: false,
    })
}

fn tunnel(row: &VpnTunnel) -> TunnelPlan {
    TunnelPlan { outside: row.outside, inside: row.inside, options: row.options.clone(), key_version: row.key_version }
}

/// The network that a VPN's gateway is attached to.
fn network(cloud: &Cloud, row: &VpnConnection) -> Option<VpcId> {
    let VpnSide::Gateway(id) = row.gateway else { return None };
    let vpc = cloud.vpn_gateways.get(&row.scope.key(id)).filter(|row| row.state.is_live())?.vpc?;
    (cloud.vpcs.by_id.count(&vpc) > 0).then_some(vpc)
}

/// The networks that a VPN leads to: that of its gateway, or those that are attached to its transit gateway.
pub(super) fn networks(cloud: &Cloud, row: &VpnConnection) -> Vec<VpcId> {
    match row.gateway {
        VpnSide::Gateway(_) => network(cloud, row).into_iter().collect(),
        VpnSide::Transit(gateway, _) => {
            let attached = cloud.transit_attachments.by_gateway(&gateway).filter(|row| row.state.is_live());
            let vpcs = attached.filter_map(|row| row.resource.vpc());
            vpcs.filter(|vpc| cloud.vpcs.by_id.count(vpc) > 0).collect()
        }
    }
}

/// The VPNs that lead to a network.
pub(super) fn of_network(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = &VpnConnection> {
    let gateways_here = cloud.vpn_gateways.by_vpc(&vpc).filter(|row| row.state.is_live());
    let by_gateway = gateways_here.flat_map(|row| cloud.vpn_connections.by_gateway(&row.id));
    let gateways = cloud.transit_attachments.by_vpc(&vpc).filter(|row| row.state.is_live()).map(|row| row.gateway);
    by_gateway.chain(gateways.flat_map(|gateway| cloud.vpn_connections.by_transit(&gateway)))
}

/// Whether a VPN's host works for it: nobody speaks with the outside for an account that was stopped.
pub(super) fn is_working(cloud: &Cloud, row: &VpnConnection) -> bool {
    row.state.is_live() && is_served(cloud, row.scope.account)
}

/// Whether what an account has runs: it wasn't stopped because the account was suspended or closed.
pub(super) fn is_served(cloud: &Cloud, account: AccountId) -> bool {
    cloud.accounts.get(&account).is_none_or(|row| !row.standing.is_stopped)
}

/// Whether a host ends a VPN of a transit gateway: then it has the gateway, though no network of its own be attached.
pub(super) fn ends_one_of(cloud: &Cloud, host: HostId, gateway: TransitGatewayId) -> bool {
    cloud.vpn_connections.by_transit(&gateway).any(|row| row.host == Some(host) && is_working(cloud, row))
}
