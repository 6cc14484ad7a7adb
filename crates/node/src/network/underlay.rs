//! The network between hosts: who may speak VXLAN to this one, and what this one has of it.
//!
//! The kernel takes VXLAN from anybody as soon as a device of it is there, so the filter comes before the first device and
//! goes after the last one. It is a table of its own, before connection tracking, which has no part in what goes between
//! hosts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::plan::{HostPlan, Piece, Place, PortLocation};

use super::layout;
use super::netlink::Netlink;
use super::overlay::{OVERHEAD, Underlay};

/// The smallest packet size that a network may have: IPv6 needs it (RFC 8200).
const LEAST_MTU: u16 = 1280;

/// The other hosts that a plan has something on: all that any network's forwarding entries name, and maybe more.
pub fn peers(plan: &HostPlan) -> BTreeSet<Ipv4Addr> {
    let ports = plan.ports().filter_map(|port| match port.location {
        PortLocation::Remote { address, .. } => Some(address),
        PortLocation::Here(_) | PortLocation::Service => None,
    });
    let gateways = plan.nat_gateways().filter_map(|gateway| match gateway.place {
        Place::Remote { address, .. } => Some(address),
        Place::Here => None,
    });
    let vpns = plan.vpns().filter_map(|vpn| match vpn.place {
        Place::Remote { address, .. } if vpn.wanted => Some(address),
        _ => None,
    });
    ports.chain(gateways).chain(vpns).collect()
}

/// The name of the filter's table.
pub fn table(machine: &str) -> String {
    format!("{machine}_underlay")
}

/// The filter as text for `nft -f -`: VXLAN from the plan's hosts and from nobody else; nor does anybody become one of them by
/// its word alone: it comes by the way that leads back to them.
pub fn ruleset(machine: &str, underlay: Underlay, peers: &BTreeSet<Ipv4Addr>) -> String {
    let (table, port) = (table(machine), underlay.port);
    let peers: Vec<_> = peers.iter().map(Ipv4Addr::to_string).collect();
    let mut text = String::new();
    // Writing to a string doesn't fail.
    let _ = write!(
        text,
        "table inet {table}
delete table inet {table}
table inet {table} {{
\tset peers {{
\t\ttype ipv4_addr
\t\telements = {{ {} }}
\t}}
\tchain prerouting {{
\t\ttype filter hook prerouting priority raw; policy accept;
\t\tudp dport {port} fib daddr type local ip saddr != @peers counter drop
\t\tudp dport {port} fib daddr type local meta nfproto ipv6 counter drop
\t\tudp dport {port} fib daddr type local fib saddr . iif oif missing counter drop
\t\tudp dport {port} ip daddr {} notrack
\t}}
\tchain output {{
\t\ttype filter hook output priority raw; policy accept;
\t\tudp dport {port} ip saddr {} ip daddr @peers notrack
\t}}
}}
",
        peers.join(", "),
        underlay.address,
        underlay.address,
    );
    text
}

/// The text that takes the filter away, also where there is none.
pub fn nothing(machine: &str) -> String {
    let table = table(machine);
    format!("table inet {table}\ndelete table inet {table}\n")
}

/// The plan as a host without an underlay can follow it: without what is on other hosts. A network must not be lost because
/// of what can't be reached.
pub fn alone(plan: &HostPlan) -> Cow<'_, HostPlan> {
    if peers(plan).is_empty() {
        return Cow::Borrowed(plan);
    }
    tracing::warn!("the plan names other hosts and this one has no underlay: what is there isn't reached");
    let mut plan = plan.clone();
    let elsewhere: BTreeSet<_> = plan
        .nat_gateways()
        .filter(|gateway| matches!(gateway.place, Place::Remote { .. }))
        .map(|gateway| gateway.interface)
        .collect();
    plan.pieces.retain(|_, piece| match piece {
        Piece::Port(port) => !matches!(port.location, PortLocation::Remote { .. }) && !elsewhere.contains(&port.id),
        Piece::NatGateway(gateway) => gateway.place == Place::Here,
        Piece::Vpn(vpn) => vpn.place == Place::Here,
        _ => true,
    });
    Cow::Owned(plan)
}

/// The size of the largest packet that fits through the underlay, in bytes: what the link that has that address carries,
/// less what VXLAN takes.
pub fn mtu(address: Ipv4Addr) -> io::Result<u16> {
    let netlink = &mut Netlink::open()?;
    let found = layout::addresses(netlink)?.into_iter().find(|(_, found, _)| *found == IpAddr::V4(address));
    let missing = || io::Error::new(io::ErrorKind::AddrNotAvailable, format!("no link of this machine has {address}"));
    let (index, ..) = found.ok_or_else(missing)?;
    let link = layout::links(netlink)?.into_values().find(|link| link.index == index).ok_or_else(missing)?;
    let carried = u16::try_from(link.mtu).unwrap_or(u16::MAX).saturating_sub(OVERHEAD);
    if carried < LEAST_MTU {
        let why = format!("the link with {address} carries packets of {} bytes, and {LEAST_MTU} must fit", link.mtu);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(carried)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plans_hosts_are_let_in() {
        let underlay = Underlay { address: [10, 9, 0, 1].into(), port: 4789 };
        let text = ruleset("landfall", underlay, &[[10, 9, 0, 2].into(), [10, 9, 0, 3].into()].into());
        assert!(text.starts_with("table inet landfall_underlay\ndelete table inet landfall_underlay\n"), "{text}");
        assert!(text.contains("elements = { 10.9.0.2, 10.9.0.3 }"), "{text}");
        let drops = text.find("ip saddr != @peers counter drop").unwrap();
        assert!(drops < text.find("notrack").unwrap(), "nobody else's packet gets further: {text}");
    }
}
