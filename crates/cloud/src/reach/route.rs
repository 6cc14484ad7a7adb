//! Which route of a VPC's route table a packet takes.
//!
//! The longest prefix wins. Of equal ones, a route that was made is before one that names a prefix list, and that before
//! one that was learnt. A local route is before everything learnt, however long; a made one may replace it or be more
//! exact. ("Route priority" in AWS's guide.)

use std::net::IpAddr;

use landfall_model::{
    Cidr, Destination, LinkState, NetworkInterface, PrefixListId, RouteTable, RouteTarget, Subnet, Vpc, VpcId,
};

use super::filter::prefixes;
use crate::value::Cloud;
use landfall_model::reachability::RouteSeen;

/// How routes came to be, the weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Learnt,
    PrefixList,
    Made,
}

/// The route table that a subnet uses: the one that it is associated with, else its network's main one.
pub(super) fn table_of<'c>(cloud: &'c Cloud, subnet: &Subnet) -> Option<&'c RouteTable> {
    let own = cloud.route_tables.by_subnet(&subnet.id).next();
    own.or_else(|| cloud.route_tables.by_vpc(&subnet.vpc).find(|table| table.main.is_some()))
}

/// All blocks of a network.
pub(super) fn blocks(vpc: &Vpc) -> impl Iterator<Item = Cidr> + '_ {
    let v4 = vpc.cidrs.iter().map(|(_, cidr)| Cidr::V4(*cidr));
    v4.chain(vpc.ipv6.iter().map(|(_, cidr)| Cidr::V6(*cidr)))
}

/// The route that a destination takes.
pub(super) fn look_up(cloud: &Cloud, vpc: &Vpc, table: &RouteTable, destination: IpAddr) -> Option<RouteSeen> {
    let mut found: Vec<(u8, Rank, RouteSeen)> = Vec::new();
    let mut add = |rank: Rank, cidr: Cidr, list: Option<PrefixListId>, target: RouteTarget, origin: &str| {
        if cidr.contains(destination) {
            let origin = origin.to_owned();
            found.push((length(cidr), rank, RouteSeen { destination: cidr, prefix_list: list, target, origin }));
        }
    };
    let mut is_local = false;
    for route in &table.routes {
        match route.destination {
            Destination::Cidr(cidr) => add(Rank::Made, cidr, None, route.target, &route.origin),
            Destination::PrefixList(list) => {
                for cidr in prefixes(cloud, list) {
                    add(Rank::PrefixList, cidr, Some(list), route.target, &route.origin);
                }
            }
        }
    }
    for cidr in blocks(vpc) {
        let is_replaced = table.routes.iter().any(|route| route.destination == Destination::Cidr(cidr));
        if !is_replaced {
            is_local |= cidr.contains(destination);
            add(Rank::Made, cidr, None, RouteTarget::Local, "CreateRouteTable");
        }
    }
    if !is_local {
        for gateway in &table.propagating {
            let is_attached = cloud.vpn_gateways.by_vpc(&vpc.id).any(|row| row.id == *gateway);
            let vpns = cloud.vpn_connections.by_gateway(gateway).filter(|row| row.state == LinkState::Available);
            for cidr in vpns.flat_map(|row| row.routes.iter().copied()).filter(|_| is_attached) {
                add(Rank::Learnt, cidr, None, RouteTarget::VpnGateway(*gateway), "EnableVgwRoutePropagation");
            }
        }
    }
    // Of several that are equal in all, the first one made stays the one that is taken.
    let best = found.iter().map(|(length, rank, _)| (*length, *rank)).max()?;
    found.into_iter().find(|(length, rank, _)| (*length, *rank) == best).map(|(.., route)| route)
}

/// How many bits a block fixes.
pub(super) fn length(cidr: Cidr) -> u8 {
    match cidr {
        Cidr::V4(cidr) => cidr.prefix(),
        Cidr::V6(cidr) => cidr.prefix(),
    }
}

/// Whether a subnet holds an address.
pub(super) fn holds(subnet: &Subnet, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => subnet.cidr.contains(address),
        IpAddr::V6(address) => subnet.ipv6.is_some_and(|(_, cidr)| cidr.contains(address)),
    }
}

/// The interface of a network that has an address.
pub(super) fn interface_at(cloud: &Cloud, vpc: VpcId, address: IpAddr) -> Option<&NetworkInterface> {
    match address {
        IpAddr::V4(address) => cloud
            .subnets
            .by_vpc(&vpc)
            .filter(|subnet| subnet.cidr.contains(address))
            .find_map(|subnet| cloud.interfaces.by_address(&(subnet.id, address)).next()),
        IpAddr::V6(address) => cloud.interfaces.by_ipv6(&address).find(|row| row.vpc == vpc),
    }
}
