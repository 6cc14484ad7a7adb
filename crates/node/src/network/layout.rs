//! Links, addresses, neighbours, routes and rules that a namespace is to have: plain data, made from the plan, and the
//! steps that lead there from what is found.
//!
//! What is Landfall's is known by what it hangs on (links by their names, routes and rules by the protocol number that
//! they carry), never by memory. All else in the namespace is left alone. A kernel without IPv6 gets what is of IPv4.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;

use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac};
use rtnetlink::packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage as Message};

use super::netlink::Netlink;
use super::sysctl;

/// The number that our routes and rules carry as the protocol that made them.
const OURS: u8 = 76;

/// The main routing table.
pub const MAIN: u32 = 254;

/// The place of our policy rules: after the local table, before the main one.
const RULE_PRIORITY: u32 = 1000;

/// Says of a packet that the namespace sends itself that its mark is a way; that of one that it passes on says more there
/// (see [`super::judge::UNKNOWN_SENDER`]). Rules look past it.
pub const ANSWER: u32 = 0x8000_0000;

/// What a namespace is to have.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Links that are there already, with the hardware address and the largest packet that they are to have; they are
    /// brought up.
    pub links: BTreeMap<String, (Option<Mac>, Option<u16>)>,
    /// Addresses, by link. Each stands alone, but for link-local ones of IPv6, which are part of their network.
    pub addresses: BTreeSet<(String, IpAddr)>,
    /// Neighbours that needn't be asked for, by link.
    pub neighbours: BTreeMap<(String, IpAddr), Mac>,
    /// Routes, by table and destination.
    pub routes: BTreeMap<(u32, Cidr), Hop>,
    /// Marks that choose the routing table of the same number.
    pub rules: BTreeSet<u32>,
    /// Whether answers that no socket sends are marked as what they answer is: refusals, echoes, complaints. The way of what
    /// is complained of is not the way back, so these go by the main table unless the mark says [`ANSWER`]. In IPv4 alone.
    pub marked_answers: bool,
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
        via: Option<IpAddr>,
        /// What local programs are to be seen as.
        source: Option<IpAddr>,
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

/// Every address of the namespace with its prefix length, by the number of its link.
pub fn addresses(netlink: &mut Netlink) -> io::Result<BTreeSet<(u32, IpAddr, u8)>> {
    let mut found = BTreeSet::new();
    for family in families() {
        let mut request = AddressMessage::default();
        request.header.family = family;
        for message in netlink.dump(Message::GetAddress(request))? {
            let Message::NewAddress(message) = message else { continue };
            // One of IPv6 that is no end of a link has no local part of its own.
            let local = message.attributes.iter().find_map(|attribute| match attribute {
                AddressAttribute::Local(address) => Some(*address),
                _ => None,
            });
            let whole = message.attributes.iter().find_map(|attribute| match attribute {
                AddressAttribute::Address(address) => Some(*address),
                _ => None,
            });
            let address = local.or(whole);
            found.extend(address.map(|address| (message.header.index, address, message.header.prefix_len)));
        }
    }
    Ok(found)
}

/// The families that this kernel speaks.
pub(super) fn families() -> impl Iterator<Item = AddressFamily> {
    let ipv6 = has_ipv6().then_some(AddressFamily::Inet6);
    [Some(AddressFamily::Inet), ipv6].into_iter().flatten()
}

/// Whether this kernel speaks IPv6.
pub fn has_ipv6() -> bool {
    std::path::Path::new("/proc/sys/net/ipv6").exists()
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet }
}

/// How many bits of an address of ours are its network's.
fn prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(address) if address.is_unicast_link_local() => 64,
        IpAddr::V6(_) => 128,
    }
}

/// The link of the default route in the main table, the most preferred one.
pub fn default_link(netlink: &mut Netlink) -> io::Result<Option<u32>> {
    let mut best: Option<(u32, u32)> = None;
    for route in routes(netlink)? {
        if route.table == MAIN
            && route.destination == Cidr::V4(Ipv4Cidr::ALL)
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
    /// Addresses of its own that are behind a link.
    pub fn housed(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        self.routes.iter().filter_map(|((table, to), hop)| match hop {
            Hop::Link { link, .. } if *table == MAIN && *to == Cidr::host(to.first()) => {
                Some((to.first(), link.as_str()))
            }
            _ => None,
        })
    }

    /// The link that an address of its own is behind.
    pub fn home(&self, address: IpAddr) -> Option<&str> {
        match self.routes.get(&(MAIN, Cidr::host(address))) {
            Some(Hop::Link { link, .. }) => Some(link),
            _ => None,
        }
    }

    /// Takes out all that is of IPv6, for a network that doesn't speak it.
    pub fn without_ipv6(&mut self) {
        self.addresses.retain(|(_, address)| address.is_ipv4());
        self.neighbours.retain(|(_, address), _| address.is_ipv4());
        self.routes.retain(|(_, to), _| !to.is_ipv6());
    }

    /// Makes the calling thread's namespace so. `ours` tells the links that are Landfall's by their names; `unlinked`
    /// the destinations of routes that lead nowhere and may be Landfall's.
    pub fn converge(
        &self,
        netlink: &mut Netlink,
        ours: impl Fn(&str) -> bool,
        unlinked: impl Fn(Cidr) -> bool,
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
        let speaks = if has_ipv6() { |_: IpAddr| true } else { |address: IpAddr| address.is_ipv4() };
        self.ensure_addresses(netlink, &owned, speaks, index)?;
        self.ensure_neighbours(netlink, &owned, speaks, index)?;
        self.ensure_routes(netlink, &owned, speaks, unlinked, index)?;
        families().try_for_each(|family| self.ensure_rules(netlink, family))?;
        if self.marked_answers {
            // Only once there is the rule for those that are no answers to endpoints' callers.
            sysctl::ensure("ipv4/fwmark_reflect", "1")?;
        }
        Ok(())
    }

    fn ensure_addresses(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        speaks: impl Fn(IpAddr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let mut stale: BTreeSet<_> = addresses(netlink)?
            .into_iter()
            .filter(|(link, address, bits)| owned.contains(link) && *bits == prefix(*address) && !address.is_loopback())
            .map(|(link, address, _)| (link, address))
            .collect();
        for (link, address) in self.addresses.iter().filter(|(_, address)| speaks(*address)) {
            let link = index(link)?;
            if !stale.remove(&(link, *address)) {
                netlink.put(Message::NewAddress(address_message(link, *address)))?;
            }
        }
        for (link, address) in stale {
            netlink.change(Message::DelAddress(address_message(link, address)))?;
        }
        Ok(())
    }

    fn ensure_neighbours(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        speaks: impl Fn(IpAddr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let mut stale = neighbours(netlink)?;
        stale.retain(|(link, _), _| owned.contains(link));
        for ((link, address), mac) in self.neighbours.iter().filter(|((_, address), _)| speaks(*address)) {
            let link = index(link)?;
            if stale.remove(&(link, *address)) != Some(*mac) {
                netlink.put(Message::NewNeighbour(neighbour_message(link, *address, Some(*mac))))?;
            }
        }
        for (link, address) in stale.into_keys() {
            netlink.change(Message::DelNeighbour(neighbour_message(link, address, None)))?;
        }
        Ok(())
    }

    fn ensure_routes(
        &self,
        netlink: &mut Netlink,
        owned: &BTreeSet<u32>,
        speaks: impl Fn(IpAddr) -> bool,
        unlinked: impl Fn(Cidr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let mut stale: BTreeMap<(u32, Cidr), Route> = routes(netlink)?
            .into_iter()
            .filter(|route| {
                route.ours && route.link.map_or_else(|| unlinked(route.destination), |link| owned.contains(&link))
            })
            .map(|route| ((route.table, route.destination), route))
            .collect();
        for ((table, destination), hop) in self.routes.iter().filter(|((_, to), _)| speaks(to.first())) {
            let wish = Route::by(*table, *destination, hop, &index)?;
            if stale.remove(&(*table, *destination)).as_ref() != Some(&wish) {
                netlink.put(Message::NewRoute(wish.message()))?;
            }
        }
        for route in stale.into_values() {
            netlink.change(Message::DelRoute(route.message()))?;
        }
        Ok(())
    }

    fn ensure_rules(&self, netlink: &mut Netlink, family: AddressFamily) -> io::Result<()> {
        let mut request = RuleMessage::default();
        request.header.family = family;
        let mut stale = BTreeMap::new();
        for message in netlink.dump(Message::GetRule(request))? {
            let Message::NewRule(message) = message else { continue };
            if message.attributes.contains(&RuleAttribute::Protocol(RouteProtocol::Other(OURS))) {
                stale.insert(Choice::of(&message), message);
            }
        }
        let own = (self.marked_answers && family == AddressFamily::Inet).then(|| own_rule(family));
        for wanted in self.rules.iter().map(|mark| rule(family, *mark)).chain(own) {
            if stale.remove(&Choice::of(&wanted)).is_none() {
                netlink.create(Message::NewRule(wanted))?;
            }
        }
        for message in stale.into_values() {
            netlink.change(Message::DelRule(message))?;
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

/// An address of ours.
pub(super) fn address_message(link: u32, address: IpAddr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = prefix(address);
    message.header.index = link;
    message.header.scope = AddressScope::Universe;
    // Nobody else can have it: there is no need to ask before it is used.
    message.header.flags = AddressHeaderFlags::Nodad;
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

/// A neighbour of ours, or just which one.
pub(super) fn neighbour_message(link: u32, address: IpAddr, mac: Option<Mac>) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = link;
    message.header.state = NeighbourState::Permanent;
    message.attributes = vec![NeighbourAttribute::Destination(match address {
        IpAddr::V4(address) => NeighbourAddress::Inet(address),
        IpAddr::V6(address) => NeighbourAddress::Inet6(address),
    })];
    message.attributes.extend(mac.map(|mac| NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())));
    message
}

/// A rule of ours.
pub(super) fn rule(family: AddressFamily, mark: u32) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = family;
    message.header.action = RuleAction::ToTable;
    message.attributes = vec![
        RuleAttribute::Priority(RULE_PRIORITY),
        RuleAttribute::FwMark(mark),
        RuleAttribute::FwMask(!ANSWER),
        RuleAttribute::Table(mark),
        RuleAttribute::Protocol(RouteProtocol::Other(OURS)),
    ];
    message
}

/// The rule for what the namespace sends itself, before all others of ours.
fn own_rule(family: AddressFamily) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = family;
    message.header.action = RuleAction::ToTable;
    message.attributes = vec![
        RuleAttribute::Priority(RULE_PRIORITY - 1),
        RuleAttribute::Iifname("lo".into()),
        RuleAttribute::FwMark(0),
        RuleAttribute::FwMask(ANSWER),
        RuleAttribute::Table(MAIN),
        RuleAttribute::Protocol(RouteProtocol::Other(OURS)),
    ];
    message
}

/// What tells two rules of ours apart.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Choice {
    mark: u32,
    mask: u32,
    table: u32,
    link: Option<String>,
}

impl Choice {
    fn of(rule: &RuleMessage) -> Self {
        let mut choice = Self { table: rule.header.table.into(), ..Self::default() };
        for attribute in &rule.attributes {
            match attribute {
                RuleAttribute::FwMark(mark) => choice.mark = *mark,
                RuleAttribute::FwMask(mask) => choice.mask = *mask,
                RuleAttribute::Table(table) => choice.table = *table,
                RuleAttribute::Iifname(link) => choice.link = Some(link.clone()),
                _ => {}
            }
        }
        choice
    }
}

fn neighbours(netlink: &mut Netlink) -> io::Result<BTreeMap<(u32, IpAddr), Mac>> {
    let mut found = BTreeMap::new();
    for family in families() {
        let mut request = NeighbourMessage::default();
        request.header.family = family;
        for message in netlink.dump(Message::GetNeighbour(request))? {
            let Message::NewNeighbour(message) = message else { continue };
            if message.header.state != NeighbourState::Permanent {
                continue;
            }
            let (mut address, mut mac) = (None, None);
            for attribute in message.attributes {
                match attribute {
                    NeighbourAttribute::Destination(NeighbourAddress::Inet(found)) => address = Some(found.into()),
                    NeighbourAttribute::Destination(NeighbourAddress::Inet6(found)) => address = Some(found.into()),
                    NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.try_into().ok().map(Mac),
                    _ => {}
                }
            }
            if let (Some(address), Some(mac)) = (address, mac) {
                found.insert((message.header.ifindex, address), mac);
            }
        }
    }
    Ok(found)
}

/// The priority that the kernel gives a route of IPv6 that asks for none.
const IPV6_PRIORITY: u32 = 1024;

/// A route as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    table: u32,
    destination: Cidr,
    kind: RouteType,
    link: Option<u32>,
    via: Option<IpAddr>,
    source: Option<IpAddr>,
    priority: u32,
    ours: bool,
}

impl Route {
    /// A plain route to a destination.
    fn to(destination: Cidr) -> Self {
        Self {
            table: MAIN,
            destination,
            kind: RouteType::Unicast,
            link: None,
            via: None,
            source: None,
            priority: if destination.is_ipv6() { IPV6_PRIORITY } else { 0 },
            ours: false,
        }
    }

    /// The one that a layout asks for.
    pub(super) fn by(
        table: u32,
        destination: Cidr,
        hop: &Hop,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<Self> {
        let mut wish = Self { table, ours: true, ..Self::to(destination) };
        match hop {
            Hop::Blackhole => wish.kind = RouteType::BlackHole,
            Hop::Unreachable => wish.kind = RouteType::Unreachable,
            Hop::Link { link, via, source } => {
                (wish.link, wish.via, wish.source) = (Some(index(link)?), *via, *source);
            }
        }
        Ok(wish)
    }

    pub(super) fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = family(self.destination.first());
        message.header.destination_prefix_length = self.destination.prefix();
        message.header.table = u8::try_from(self.table).unwrap_or_default();
        message.header.protocol = RouteProtocol::Other(OURS);
        message.header.kind = self.kind;
        let direct = self.kind == RouteType::Unicast && self.via.is_none();
        message.header.scope = if direct { RouteScope::Link } else { RouteScope::Universe };
        message.attributes.push(RouteAttribute::Table(self.table));
        message.attributes.push(RouteAttribute::Destination(address(self.destination.first())));
        message.attributes.extend(self.link.map(RouteAttribute::Oif));
        message.attributes.extend(self.source.map(|source| RouteAttribute::PrefSource(address(source))));
        if let Some(via) = self.via {
            message.header.flags = RouteFlags::Onlink;
            message.attributes.push(RouteAttribute::Gateway(address(via)));
        }
        message
    }
}

fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

fn of(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// The addresses that routes of ours lead to a link for, with the number of the link.
pub fn housed(netlink: &mut Netlink) -> io::Result<BTreeMap<IpAddr, u32>> {
    let housed = routes(netlink)?.into_iter().filter(|route| route.ours && route.table == MAIN);
    let alone = housed.filter(|route| route.destination == Cidr::host(route.destination.first()));
    Ok(alone.filter_map(|route| Some((route.destination.first(), route.link?))).collect())
}

fn routes(netlink: &mut Netlink) -> io::Result<Vec<Route>> {
    let mut found = Vec::new();
    for family in families() {
        let everything = match family {
            AddressFamily::Inet6 => Cidr::V6(Ipv6Cidr::ALL),
            _ => Cidr::V4(Ipv4Cidr::ALL),
        };
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        for message in netlink.dump(Message::GetRoute(request))? {
            let Message::NewRoute(message) = message else { continue };
            let mut destination = everything.first();
            let mut route = Route {
                table: message.header.table.into(),
                kind: message.header.kind,
                ours: message.header.protocol == RouteProtocol::Other(OURS),
                ..Route::to(everything)
            };
            for attribute in message.attributes {
                match attribute {
                    RouteAttribute::Table(table) => route.table = table,
                    RouteAttribute::Destination(to) => destination = of(&to).unwrap_or(destination),
                    RouteAttribute::Oif(link) => route.link = Some(link),
                    RouteAttribute::Gateway(via) => route.via = of(&via),
                    RouteAttribute::PrefSource(source) => route.source = of(&source),
                    RouteAttribute::Priority(priority) => route.priority = priority,
                    _ => {}
                }
            }
            // One that leads nowhere hangs on the loopback link in IPv6, which says nothing.
            if route.kind != RouteType::Unicast {
                route.link = None;
            }
            if let Some(destination) = Cidr::new(destination, message.header.destination_prefix_length) {
                found.push(Route { destination, ..route });
            }
        }
    }
    Ok(found)
}
