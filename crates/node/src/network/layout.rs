//! Links, addresses, neighbours, routes and rules that a namespace is to have: plain data, made from the plan, and the
//! steps that lead there from what is found.
//!
//! What is Landfall's is known by what it hangs on (links by their names, routes and rules by the protocol number that
//! they carry), never by memory. All else in the namespace is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::{Ipv4Cidr, Mac};
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage as Message};

use super::netlink::Netlink;

/// The number that our routes and rules carry as the protocol that made them.
const OURS: u8 = 76;

/// The main routing table.
pub const MAIN: u32 = 254;

/// The place of our policy rules: after the local table, before the main one.
const RULE_PRIORITY: u32 = 1000;

/// What a namespace is to have.
#[derive(Debug, Default)]
pub struct Layout {
    /// Links that are there already, with the hardware address and the largest packet that they are to have; they are
    /// brought up.
    pub links: BTreeMap<String, (Option<Mac>, Option<u16>)>,
    /// Addresses, by link.
    pub addresses: BTreeSet<(String, Ipv4Addr)>,
    /// Neighbours that needn't be asked for, by link.
    pub neighbours: BTreeMap<(String, Ipv4Addr), Mac>,
    /// Routes, by table and destination.
    pub routes: BTreeMap<(u32, Ipv4Cidr), Hop>,
    /// Marks that choose the routing table of the same number.
    pub rules: BTreeSet<u32>,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Dropped in silence.
    Blackhole,
    /// Refused aloud.
    Unreachable,
    /// Out of a link.
    Link {
        /// Which.
        link: String,
        /// To whom there; nobody for the destination itself.
        via: Option<Ipv4Addr>,
        /// What local programs are to be seen as.
        source: Option<Ipv4Addr>,
    },
}

/// A link as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Whether it is up.
    pub up: bool,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// The size of its largest packet, in bytes.
    pub mtu: u32,
}

/// All links of the namespace, by name.
pub fn links(netlink: &mut Netlink) -> io::Result<BTreeMap<String, Link>> {
    let mut links = BTreeMap::new();
    for message in netlink.dump(Message::GetLink(LinkMessage::default()))? {
        let Message::NewLink(message) = message else { continue };
        let mut name = None;
        let up = message.header.flags.contains(LinkFlags::Up);
        let mut link = Link { index: message.header.index, up, mac: None, mtu: 0 };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(text) => name = Some(text),
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok().map(Mac),
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                _ => {}
            }
        }
        links.extend(name.map(|name| (name, link)));
    }
    Ok(links)
}

/// Every IPv4 address of the namespace with its prefix length, by the number of its link.
pub fn addresses(netlink: &mut Netlink) -> io::Result<BTreeSet<(u32, Ipv4Addr, u8)>> {
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet;
    let mut found = BTreeSet::new();
    for message in netlink.dump(Message::GetAddress(request))? {
        let Message::NewAddress(message) = message else { continue };
        let local = message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Local(IpAddr::V4(address)) => Some(*address),
            _ => None,
        });
        found.extend(local.map(|address| (message.header.index, address, message.header.prefix_len)));
    }
    Ok(found)
}

/// The link of the default route in the main table, the most preferred one.
pub fn default_link(netlink: &mut Netlink) -> io::Result<Option<u32>> {
    let mut best: Option<(u32, u32)> = None;
    for route in routes(netlink)? {
        if route.table == MAIN
            && route.destination == Ipv4Cidr::ALL
            && let Some(link) = route.link
            && best.is_none_or(|(priority, _)| route.priority < priority)
        {
            best = Some((route.priority, link));
        }
    }
    Ok(best.map(|(_, link)| link))
}

/// Removes a link.
pub fn remove_link(netlink: &mut Netlink, index: u32) -> io::Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    netlink.change(Message::DelLink(message))
}

impl Layout {
    /// Makes the calling thread's namespace so. `ours` tells the links that are Landfall's by their names; `unlinked`
    /// the destinations of routes that lead nowhere and may be Landfall's.
    pub fn converge(
        &self,
        netlink: &mut Netlink,
        ours: impl Fn(&str) -> bool,
        unlinked: impl Fn(Ipv4Cidr) -> bool,
    ) -> io::Result<()> {
        let found = links(netlink)?;
        for (name, (mac, mtu)) in &self.links {
            let link = found.get(name).ok_or_else(|| io::Error::other(format!("there is no link {name}")))?;
            ensure_link(netlink, link, *mac, *mtu)?;
        }
        let index = |name: &String| {
            found.get(name).map(|link| link.index).ok_or_else(|| io::Error::other(format!("there is no link {name}")))
        };
        let owned: BTreeSet<u32> = found.iter().filter(|(name, _)| ours(name)).map(|(_, link)| link.index).collect();
        self.ensure_addresses(netlink, &owned, index)?;
        self.ensure_neighbours(netlink, &owned, index)?;
        self.ensure_routes(netlink, &owned, unlinked, index)?;
        self.ensure_rules(netlink)
    }

    fn ensure_addresses(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let message = |link: u32, address: Ipv4Addr| {
            let mut message = AddressMessage::default();
            message.header.family = AddressFamily::Inet;
            message.header.prefix_len = 32;
            message.header.index = link;
            message.header.scope = AddressScope::Universe;
            message.attributes =
                vec![AddressAttribute::Local(address.into()), AddressAttribute::Address(address.into())];
            message
        };
        let mut stale: BTreeSet<_> = addresses(netlink)?
            .into_iter()
            .filter(|(link, address, prefix)| owned.contains(link) && *prefix == 32 && !address.is_loopback())
            .map(|(link, address, _)| (link, address))
            .collect();
        for (link, address) in &self.addresses {
            let link = index(link)?;
            if !stale.remove(&(link, *address)) {
                netlink.put(Message::NewAddress(message(link, *address)))?;
            }
        }
        for (link, address) in stale {
            netlink.change(Message::DelAddress(message(link, address)))?;
        }
        Ok(())
    }

    fn ensure_neighbours(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let message = |link: u32, address: Ipv4Addr| {
            let mut message = NeighbourMessage::default();
            message.header.family = AddressFamily::Inet;
            message.header.ifindex = link;
            message.header.state = NeighbourState::Permanent;
            message.attributes = vec![NeighbourAttribute::Destination(NeighbourAddress::Inet(address))];
            message
        };
        let mut stale = neighbours(netlink)?;
        stale.retain(|(link, _), _| owned.contains(link));
        for ((link, address), mac) in &self.neighbours {
            let link = index(link)?;
            if stale.remove(&(link, *address)) != Some(*mac) {
                let mut message = message(link, *address);
                message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
                netlink.put(Message::NewNeighbour(message))?;
            }
        }
        for (link, address) in stale.into_keys() {
            netlink.change(Message::DelNeighbour(message(link, address)))?;
        }
        Ok(())
    }

    fn ensure_routes(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        unlinked: impl Fn(Ipv4Cidr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let mut stale: BTreeMap<(u32, Ipv4Cidr), Route> = routes(netlink)?
            .into_iter()
            .filter(|route| {
                route.ours && route.link.map_or_else(|| unlinked(route.destination), |link| owned.contains(&link))
            })
            .map(|route| ((route.table, route.destination), route))
            .collect();
        for ((table, destination), hop) in &self.routes {
            let mut wish = Route { table: *table, destination: *destination, ours: true, ..Route::default() };
            match hop {
                Hop::Blackhole => wish.kind = RouteType::BlackHole,
                Hop::Unreachable => wish.kind = RouteType::Unreachable,
                Hop::Link { link, via, source } => {
                    (wish.link, wish.via, wish.source) = (Some(index(link)?), *via, *source);
                }
            }
            if stale.remove(&(*table, *destination)).as_ref() != Some(&wish) {
                netlink.put(Message::NewRoute(wish.message()))?;
            }
        }
        for route in stale.into_values() {
            netlink.change(Message::DelRoute(route.message()))?;
        }
        Ok(())
    }

    fn ensure_rules(&self, netlink: &mut Netlink) -> io::Result<()> {
        let mut request = RuleMessage::default();
        request.header.family = AddressFamily::Inet;
        let mut stale = BTreeSet::new();
        for message in netlink.dump(Message::GetRule(request))? {
            let Message::NewRule(message) = message else { continue };
            let ours = message.attributes.contains(&RuleAttribute::Protocol(RouteProtocol::Other(OURS)));
            let mark = message.attributes.iter().find_map(|attribute| match attribute {
                RuleAttribute::FwMark(mark) => Some(*mark),
                _ => None,
            });
            stale.extend(mark.filter(|_| ours));
        }
        for mark in &self.rules {
            if !stale.remove(mark) {
                netlink.create(Message::NewRule(rule(*mark)))?;
            }
        }
        for mark in stale {
            netlink.change(Message::DelRule(rule(mark)))?;
        }
        Ok(())
    }
}

/// Gives a link its hardware address and its packets' size without touching what is right.
pub fn ensure_link(netlink: &mut Netlink, link: &Link, mac: Option<Mac>, mtu: Option<u16>) -> io::Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = link.index;
    message.attributes.extend(mac.filter(|_| link.mac != mac).map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    message.attributes.extend(mtu.map(u32::from).filter(|mtu| link.mtu != *mtu).map(LinkAttribute::Mtu));
    if !link.up {
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
    }
    if link.up && message.attributes.is_empty() { Ok(()) } else { netlink.change(Message::SetLink(message)) }
}

fn rule(mark: u32) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.action = RuleAction::ToTable;
    message.attributes = vec![
        RuleAttribute::Priority(RULE_PRIORITY),
        RuleAttribute::FwMark(mark),
        RuleAttribute::Table(mark),
        RuleAttribute::Protocol(RouteProtocol::Other(OURS)),
    ];
    message
}

fn neighbours(netlink: &mut Netlink) -> io::Result<BTreeMap<(u32, Ipv4Addr), Mac>> {
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Inet;
    let mut found = BTreeMap::new();
    for message in netlink.dump(Message::GetNeighbour(request))? {
        let Message::NewNeighbour(message) = message else { continue };
        if message.header.state != NeighbourState::Permanent {
            continue;
        }
        let (mut address, mut mac) = (None, None);
        for attribute in message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(found)) => address = Some(found),
                NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.try_into().ok().map(Mac),
                _ => {}
            }
        }
        if let (Some(address), Some(mac)) = (address, mac) {
            found.insert((message.header.ifindex, address), mac);
        }
    }
    Ok(found)
}

/// A route as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    table: u32,
    destination: Ipv4Cidr,
    kind: RouteType,
    link: Option<u32>,
    via: Option<Ipv4Addr>,
    source: Option<Ipv4Addr>,
    priority: u32,
    ours: bool,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            table: MAIN,
            destination: Ipv4Cidr::ALL,
            kind: RouteType::Unicast,
            link: None,
            via: None,
            source: None,
            priority: 0,
            ours: false,
        }
    }
}

impl Route {
    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.destination_prefix_length = self.destination.prefix();
        message.header.table = u8::try_from(self.table).unwrap_or_default();
        message.header.protocol = RouteProtocol::Other(OURS);
        message.header.kind = self.kind;
        let direct = self.kind == RouteType::Unicast && self.via.is_none();
        message.header.scope = if direct { RouteScope::Link } else { RouteScope::Universe };
        let inet = RouteAddress::Inet;
        message.attributes.push(RouteAttribute::Table(self.table));
        message.attributes.push(RouteAttribute::Destination(inet(self.destination.first())));
        message.attributes.extend(self.link.map(RouteAttribute::Oif));
        message.attributes.extend(self.source.map(|source| RouteAttribute::PrefSource(inet(source))));
        if let Some(via) = self.via {
            message.header.flags = RouteFlags::Onlink;
            message.attributes.push(RouteAttribute::Gateway(inet(via)));
        }
        message
    }
}

fn routes(netlink: &mut Netlink) -> io::Result<Vec<Route>> {
    let mut request = RouteMessage::default();
    request.header.address_family = AddressFamily::Inet;
    let mut found = Vec::new();
    for message in netlink.dump(Message::GetRoute(request))? {
        let Message::NewRoute(message) = message else { continue };
        let mut destination = Ipv4Addr::UNSPECIFIED;
        let mut route = Route {
            table: message.header.table.into(),
            kind: message.header.kind,
            ours: message.header.protocol == RouteProtocol::Other(OURS),
            ..Route::default()
        };
        for attribute in message.attributes {
            match attribute {
                RouteAttribute::Table(table) => route.table = table,
                RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = address,
                RouteAttribute::Oif(link) => route.link = Some(link),
                RouteAttribute::Gateway(RouteAddress::Inet(via)) => route.via = Some(via),
                RouteAttribute::PrefSource(RouteAddress::Inet(source)) => route.source = Some(source),
                RouteAttribute::Priority(priority) => route.priority = priority,
                _ => {}
            }
        }
        let Some(destination) = Ipv4Cidr::new(destination, message.header.destination_prefix_length) else { continue };
        found.push(Route { destination, ..route });
    }
    Ok(found)
}
