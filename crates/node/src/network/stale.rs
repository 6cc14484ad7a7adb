//! Connections that the kernel remembers though an address of theirs is gone, or stands for another now.
//!
//! What an interface, a public address or a NAT gateway had let pass must not go on under their names when somebody else
//! has them. Which connections those are is seen from the connections themselves: an address that has left its port, or a
//! translation that is none of the plan's any more. Nothing else is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_model::Ipv4Cidr;
use landfall_model::plan::{HostPlan, VpcPlan};
use rtnetlink::packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use rtnetlink::sys::Socket;

use super::advance::take;
use super::again;
use super::judge::{self, Routers};
use super::line::Line;
use super::ruleset::public_addresses;
use super::target::{Targets, is_nat_gateway};

/// Messages of the kernel's table of connections (`nfnetlink_conntrack.h`).
const NEW: u16 = 1 << 8;
const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;
const DONE: u16 = 3;
const ERROR: u16 = 2;
/// Its attributes.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const MARK: u16 = 8;
const ID: u16 = 12;
const ZONE: u16 = 18;
const LABELS: u16 = 22;
const LABELS_MASK: u16 = 23;
/// Those of a tuple, and of its addresses.
const ADDRESSES: u16 = 1;
const SOURCES: [u16; 2] = [1, 3];
const KIND: u16 = 0x3fff;
const AF_INET: u8 = 2;
/// A message's own header, and that of the packet filter's messages.
const HEADERS: usize = 20;

/// The translations that a network has: who may be seen as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translations {
    /// Public addresses, with the private ones that they stand for.
    public: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// All addresses of the NAT gateways that translate here.
    gateways: BTreeSet<Ipv4Addr>,
    /// The network's own blocks.
    blocks: Vec<Ipv4Cidr>,
    /// The routers here, by the label of what each let pass.
    pub routers: Routers,
}

impl Translations {
    /// Those of a network on this host.
    pub fn of(plan: &HostPlan, vpc: &VpcPlan, targets: &Targets<'_>) -> Self {
        let gateways = targets.nat_gateways.values().flat_map(|(_, gateway)| &gateway.addresses);
        let gateways = gateways.flat_map(|(private, public)| [Some(*private), *public]).flatten().collect();
        let routers = judge::routers_by_label(plan, vpc);
        let again = again::addresses(plan, vpc).into_iter().map(|(own, public)| (public, own));
        let public = public_addresses(plan, vpc).into_iter().chain(again).collect();
        Self { public, gateways, blocks: vpc.cidrs.clone(), routers }
    }

    /// The labels that mean nothing now, or somebody else than `before`: what one router let pass, the next one in its
    /// place wasn't asked about.
    fn stale_labels(&self, before: Option<&Routers>) -> u128 {
        let same = |label: &u8| {
            let now = self.routers.get(label);
            now.is_some() && before.is_none_or(|before| before.get(label) == now)
        };
        let stale = judge::router_labels().filter(|label| !same(label));
        stale.fold(0, |labels, label| labels | 0b11 << label)
    }

    /// Takes on what two parts of it don't have alike.
    pub fn take(&mut self, before: &Translations, after: &Translations) {
        take(&mut self.public, &before.public, &after.public);
    }

    /// Whether all that was translated is as it was: then no connection became stale.
    pub fn is_more_than(&self, before: &Self) -> bool {
        let stays = |(public, private): (&Ipv4Addr, &Ipv4Addr)| self.public.get(public) == Some(private);
        (&self.blocks, &self.routers) == (&before.blocks, &before.routers)
            && self.gateways.is_superset(&before.gateways)
            && before.public.iter().all(stays)
    }

    /// Whether all that isn't of single ports is alike.
    pub fn is_beside(&self, other: &Translations) -> bool {
        (&self.gateways, &self.blocks, &self.routers) == (&other.gateways, &other.blocks, &other.routers)
    }

    fn is_inside(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.blocks.iter().any(|block| block.contains(address)))
    }
}

/// A connection's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    /// Who began it, and to whom.
    original: [IpAddr; 2],
    /// Who answers, and to whom.
    reply: [IpAddr; 2],
    /// Whether a NAT gateway translates it.
    by_gateway: bool,
}

impl Ends {
    fn is_stale(&self, gone: &BTreeSet<IpAddr>, translations: &Translations) -> bool {
        let Self { original: [from, to], reply: [by, back], by_gateway } = *self;
        if [from, to, by, back].iter().any(|address| gone.contains(address)) {
            return true;
        }
        let stands_for = |public: IpAddr, private: IpAddr| match (public, private) {
            (IpAddr::V4(public), IpAddr::V4(private)) => translations.public.get(&public) == Some(&private),
            _ => false,
        };
        let is_gateway =
            |address: IpAddr| matches!(address, IpAddr::V4(address) if translations.gateways.contains(&address));
        // What else is translated within a network isn't judged here.
        let is_public = |public: IpAddr, private: IpAddr| {
            public != private && translations.is_inside(private) && !translations.is_inside(public)
        };
        if by_gateway {
            return !is_gateway(back);
        }
        (is_public(to, by) && !stands_for(to, by)) || (is_public(back, from) && !stands_for(back, from))
    }
}

/// What is to be done about a connection that is remembered: the kind of message, the family, and what it says.
type Remedy = (u16, u8, Vec<u8>);

/// Removes what is stale from the table of the namespace that the line leads to, and takes labels off that meant others
/// (`before` has the routers from before, where they are known). Returns how many connections there were.
pub fn forget(
    gone: &BTreeSet<IpAddr>,
    translations: &Translations,
    before: Option<&Routers>,
    line: &Line,
) -> io::Result<usize> {
    let labels = translations.stale_labels(before);
    let socket = line.socket();
    let mut stale = Vec::new();
    send(socket, GET, NLM_F_REQUEST | NLM_F_DUMP, 0, &[])?;
    'dump: loop {
        let (bytes, _) = socket.recv_from_full()?;
        for (kind, message) in messages(&bytes) {
            match kind {
                DONE => break 'dump,
                ERROR => return Err(failure(message)),
                _ => stale.extend(look_at(message, gone, translations, labels)),
            }
        }
    }
    for (kind, family, attributes) in &stale {
        send(socket, *kind, NLM_F_REQUEST | NLM_F_ACK, *family, attributes)?;
        let (bytes, _) = socket.recv_from_full()?;
        for (kind, message) in messages(&bytes) {
            let error = failure(message);
            // One that has ended meanwhile is gone too.
            if kind == ERROR && error.raw_os_error().is_some_and(|code| code != 0 && code != libc::ENOENT) {
                return Err(error);
            }
        }
    }
    Ok(stale.len())
}

/// What is to be done about a connection, if anything in it is stale.
fn look_at(message: &[u8], gone: &BTreeSet<IpAddr>, translations: &Translations, labels: u128) -> Option<Remedy> {
    let family = *message.first()?;
    let all = message.get(4..)?;
    let of = |kind: u16| attributes(all).find(|(found, _)| *found == kind).map(|(_, value)| value);
    let mark = of(MARK).and_then(|mark| mark.try_into().ok()).map_or(0, u32::from_be_bytes);
    let by_gateway = family == AF_INET && is_nat_gateway(mark);
    let ends = Ends { original: addresses(of(ORIGINAL)?)?, reply: addresses(of(REPLY)?)?, by_gateway };
    // The kernel has them as one number of its own byte order.
    let labelled = of(LABELS).and_then(|labels| labels.try_into().ok()).map_or(0, u128::from_ne_bytes);
    let is_stale = ends.is_stale(gone, translations);
    if !is_stale && labelled & labels == 0 {
        return None;
    }
    // Without its number another that has the same addresses by now could be meant.
    let mut name = Vec::new();
    let (nothing, mask) = ([0; 16], labels.to_ne_bytes());
    let (nothing, mask) = if is_stale { (None, None) } else { (Some(&nothing[..]), Some(&mask[..])) };
    let parts = [(ORIGINAL, of(ORIGINAL)), (ID, of(ID)), (ZONE, of(ZONE)), (LABELS, nothing), (LABELS_MASK, mask)];
    for (kind, value) in parts {
        let Some(value) = value else { continue };
        let nested = if kind == ORIGINAL { 0x8000 } else { 0 };
        let length = u16::try_from(4 + value.len()).ok()?;
        name.extend(length.to_ne_bytes());
        name.extend((kind | nested).to_ne_bytes());
        name.extend(value);
        name.resize(name.len().next_multiple_of(4), 0);
    }
    Some((if is_stale { DELETE } else { NEW }, family, name))
}

/// The source and the destination of a tuple.
fn addresses(tuple: &[u8]) -> Option<[IpAddr; 2]> {
    let (_, inner) = attributes(tuple).find(|(kind, _)| *kind == ADDRESSES)?;
    let (mut source, mut destination) = (None, None);
    for (kind, value) in attributes(inner) {
        let v4 = <[u8; 4]>::try_from(value).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
        let address = v4.or_else(|_| <[u8; 16]>::try_from(value).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok();
        if SOURCES.contains(&kind) { source = address } else { destination = address }
    }
    Some([source?, destination?])
}

fn send(socket: &Socket, kind: u16, flags: u16, family: u8, attributes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEADERS + attributes.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(HEADERS + attributes.len());
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, 0, 0, 0]);
    bytes.extend(attributes);
    socket.send(&bytes, 0).map(drop)
}

/// The kinds of a datagram's messages, with what follows each one's own header.
fn messages(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*rest.first_chunk()?) as usize;
        let kind = u16::from_ne_bytes(rest.get(4..6)?.try_into().ok()?);
        let message = rest.get(16..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, message))
    })
}

fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [a, b, c, d] = *rest.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([c, d]) & KIND, value))
    })
}

/// What an error message says; the number 0 for none.
fn failure(message: &[u8]) -> io::Error {
    let code = message.first_chunk().map_or(libc::EIO, |code| i32::from_ne_bytes(*code).saturating_neg());
    io::Error::from_raw_os_error(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_lost_an_address_is_stale() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let ends = |from, to, by, back| Ends {
            original: [address(from), address(to)],
            reply: [address(by), address(back)],
            by_gateway: false,
        };
        let through = |ends: Ends| Ends { by_gateway: true, ..ends };
        let v4 = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        let translations = Translations {
            public: [(v4("198.18.0.9"), v4("10.0.0.4"))].into(),
            gateways: [v4("10.0.0.7"), v4("198.18.0.7")].into(),
            blocks: vec!["10.0.0.0/16".parse().unwrap()],
            routers: BTreeMap::new(),
        };
        let gone = [address("10.0.0.66"), address("fd00::66")].into();
        for (ends, expected, why) in [
            (ends("10.0.0.4", "10.0.0.5", "10.0.0.5", "10.0.0.4"), false, "within the network"),
            (ends("10.0.0.4", "10.0.0.66", "10.0.0.66", "10.0.0.4"), true, "to an address that is gone"),
            (ends("fd00::66", "fd00::5", "fd00::5", "fd00::66"), true, "of an address that is gone"),
            (ends("10.0.0.4", "8.8.8.8", "8.8.8.8", "198.18.0.9"), false, "as its public address"),
            (ends("10.0.0.5", "8.8.8.8", "8.8.8.8", "198.18.0.9"), true, "as what is another's now"),
            (ends("8.8.8.8", "198.18.0.9", "10.0.0.4", "8.8.8.8"), false, "to a public address"),
            (ends("8.8.8.8", "198.18.0.8", "10.0.0.4", "8.8.8.8"), true, "to one that is gone"),
            (through(ends("10.0.0.5", "8.8.8.8", "8.8.8.8", "198.18.0.7")), false, "through a NAT gateway"),
            (through(ends("10.0.0.5", "8.8.8.8", "8.8.8.8", "198.18.0.6")), true, "through one that is gone"),
            (ends("10.0.0.5", "10.0.0.8", "169.254.1.1", "10.0.0.5"), false, "to what answers for another"),
        ] {
            assert_eq!(ends.is_stale(&gone, &translations), expected, "{why}");
        }
    }

    #[test]
    fn labels_of_routers_that_are_gone_or_others_are_stale() {
        let routers = |list: &[(u8, u128)]| Translations {
            routers: list.iter().map(|(label, id)| (*label, [format!("lf{id}")].into())).collect(),
            ..Translations::default()
        };
        let (one, other) = (routers(&[(3, 1), (5, 2)]), routers(&[(3, 9), (5, 2)]));
        let stale = |now: &Translations, before| now.stale_labels(before);
        assert_eq!(stale(&one, Some(&one.routers)) & 0b0111_1000, 0);
        assert_eq!(stale(&other, Some(&one.routers)) & 0b0111_1000, 0b1_1000, "another has the first one's");
        assert_eq!(stale(&one, None) & 0b0111_1000, 0, "who was there before isn't known");
        assert_eq!(stale(&one, Some(&one.routers)) >> 7 & 0b11, 0b11, "what nobody has");
        assert_eq!(stale(&routers(&[]), Some(&one.routers)) & 0b111, 0, "what isn't a router's stays");
    }
}
