//! The machine's end of virtual networks: a pair of links for each, routes to public addresses, and the one table.
//!
//! The pairs have no network of their own: each end knows the other's hardware address and a link-local address that
//! stands for it, the same for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::path::Path;

use landfall_model::{Cidr, Mac};
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};

use super::advance::{self, Indexes, index_of};
use super::filter::{self, Loaded};
use super::layout::{self, Hop, Layout, MAIN};
use super::machine::{self, Machine};
use super::netlink::Netlink;
use super::ruleset::UPLINK;
use super::{NetworkConfig, namespace, sysctl};
use crate::crash::crash_point;

/// What a network calls the machine.
pub const OUTER: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 1);
/// The same in IPv6.
pub const OUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
/// What the machine calls a network.
const INNER: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 2);
/// The same in IPv6.
const INNER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3);
/// The hardware address of the machine's end.
pub const OUTER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 2]);
/// The hardware address of the network's end.
pub const INNER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 3]);

/// Makes the pair of links between the machine and a namespace unless it is there. An end whose other end is gone, or in
/// a namespace that lost its name, is made anew.
pub fn ensure_pair(name: &str) -> io::Result<()> {
    let inner = namespace::within(name, || find(UPLINK))?;
    let netlink = &mut Netlink::open()?;
    match (layout::links(netlink)?.get(name), inner) {
        (Some(_), Some(_)) => return Ok(()),
        (Some(outer), None) => layout::remove_link(netlink, outer.index)?,
        (None, Some(inner)) => namespace::within(name, || layout::remove_link(&mut Netlink::open()?, inner))?,
        (None, None) => {}
    }
    let inside = File::open(namespace::path(name))?;
    let mut peer = LinkMessage::default();
    peer.attributes = vec![
        LinkAttribute::IfName(UPLINK.into()),
        LinkAttribute::Address(INNER_MAC.0.to_vec()),
        LinkAttribute::NetNsFd(inside.as_raw_fd()),
    ];
    let mut pair = LinkMessage::default();
    pair.attributes = vec![
        LinkAttribute::IfName(name.into()),
        LinkAttribute::Address(OUTER_MAC.0.to_vec()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]),
    ];
    netlink.create(Message::NewLink(pair))
}

/// The number of the link of that name in the calling thread's namespace.
fn find(name: &str) -> io::Result<Option<u32>> {
    Ok(layout::links(&mut Netlink::open()?)?.get(name).map(|link| link.index))
}

/// Removes a pair of links, if it is there.
pub fn remove_pair(name: &str) -> io::Result<()> {
    let netlink = &mut Netlink::open()?;
    match layout::links(netlink)?.get(name) {
        Some(link) => layout::remove_link(netlink, link.index),
        None => Ok(()),
    }
}

/// What the machine's side is to serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The addresses that each of our links' networks is known by outside.
    pub public: BTreeMap<String, BTreeSet<Cidr>>,
    /// Addresses of networks that are nobody's outside.
    pub shut: BTreeSet<Cidr>,
    /// Whether that is of all networks of the plan.
    pub whole: bool,
}

impl Wish {
    fn speaks_ipv6(&self) -> bool {
        self.public.values().flatten().any(|block| block.is_ipv6())
    }
}

/// The machine's side as it was left.
#[derive(Default)]
pub struct Made {
    /// Its packet filter.
    pub filter: Option<Loaded>,
    settled: Option<Settled>,
}

struct Settled {
    wish: Wish,
    found: Found,
    layout: Layout,
    indexes: Indexes,
}

/// What the machine was found to be like, which decides over its packet filter too.
struct Found {
    blocked: Vec<Cidr>,
    guarded: Option<String>,
    guarded_ipv6: bool,
}

/// Makes the machine's side so. Unless everything is to be looked at, only what differs from before is done.
pub fn apply(config: &NetworkConfig, state: &Path, wish: Wish, made: &mut Made, look: bool) -> io::Result<()> {
    let netlink = &mut Netlink::open()?;
    let layout = layout(config, &wish.public);
    let is_advance = |before: &Settled| {
        let as_before = wish.whole && before.wish.whole && wish.speaks_ipv6() == before.wish.speaks_ipv6();
        let some = !wish.public.is_empty() && !before.wish.public.is_empty();
        as_before && some && layout.is_advance_of(&before.layout)
    };
    let before = made.settled.take().filter(|before| !look && is_advance(before));
    let (found, indexes) = match before {
        Some(before) if before.wish == wish => {
            made.settled = Some(before);
            return Ok(());
        }
        Some(before) => {
            let Settled { found, layout: old, mut indexes, .. } = before;
            ensure_filter(config, &wish, &found, &mut made.filter)?;
            for name in layout.links.keys().filter(|name| !old.links.contains_key(*name)) {
                set_link(name, wish.speaks_ipv6())?;
                indexes.insert(name.clone(), index_of(name)?);
            }
            layout.advance(netlink, &old, &indexes)?;
            (found, indexes)
        }
        None => {
            let found = look_around(config, state, &wish, netlink)?;
            ensure_filter(config, &wish, &found, &mut made.filter)?;
            for name in wish.public.keys() {
                set_link(name, wish.speaks_ipv6())?;
            }
            forward_ipv6(state, wish.speaks_ipv6())?;
            let pool = Cidr::V4(config.pool);
            layout.converge(netlink, |name| wish.public.contains_key(name), |destination| destination == pool)?;
            (found, advance::indexes(netlink)?)
        }
    };
    made.settled = Some(Settled { wish, found, layout, indexes });
    Ok(())
}

/// Public addresses, by the machine's link to their network.
type Public = BTreeMap<String, BTreeSet<Cidr>>;

/// Leads a part of the machine's side from what it was to what it is to be: `before` and `after` have the addresses of some
/// networks that come and go, each besides one of that network that stays. False where it doesn't fit what was left: then
/// nothing was done. After an error nothing is known of what was left.
pub fn apply_part(config: &NetworkConfig, before: &Public, after: &Public, made: &mut Made) -> io::Result<bool> {
    let Some(mut settled) = made.settled.take() else { return Ok(false) };
    let [old, new] = [before, after].map(|public| layout(config, public));
    let [lost, won] = [before, after].map(|public| text(config, public, &settled.wish.shut, &settled.found));
    let is_known = |(name, _): (&String, _)| settled.wish.public.get(name).is_some_and(|known| !known.is_empty());
    let fits = settled.wish.whole && before.iter().all(is_known) && new.is_advance_of(&old);
    let fits = fits && settled.layout.fits(&old, &new);
    let rules = filter::Part::of(&lost, &won, made.filter.as_ref()).filter(|_| fits);
    let Some(rules) = rules else {
        made.settled = Some(settled);
        return Ok(false);
    };
    rules.load([].iter(), Indexes::new(), &mut made.filter)?;
    new.advance(&mut Netlink::open()?, &old, &settled.indexes)?;
    settled.layout.take(&old, &new);
    for (name, public) in &mut settled.wish.public {
        if let (Some(lost), Some(won)) = (before.get(name), after.get(name)) {
            lost.difference(won).for_each(|address| _ = public.remove(address));
            public.extend(won.difference(lost));
        }
    }
    made.settled = Some(settled);
    Ok(true)
}

/// Sees what the machine is like, and lets its uplink forward.
fn look_around(config: &NetworkConfig, state: &Path, wish: &Wish, netlink: &mut Netlink) -> io::Result<Found> {
    let found = layout::links(netlink)?;
    let prefix = format!("{}-", config.prefix);
    let uplink = match &config.uplink {
        Some(name) => Some(name.clone()),
        None => {
            let index = layout::default_link(netlink)?;
            found.iter().find(|(_, link)| Some(link.index) == index).map(|(name, _)| name.clone())
        }
    };
    let uplink = uplink.filter(|name| !wish.public.is_empty() && found.contains_key(name));
    let guarded = forward(state, uplink.as_deref())?;
    let guarded_ipv6 = wish_ipv6(state, wish.speaks_ipv6())?;
    let mut blocked = config.blocked.clone();
    if !config.lan_allowed {
        let ours = |name: &str| name.starts_with(&prefix) || name == "lo";
        let own: BTreeSet<u32> = found.iter().filter(|(name, _)| ours(name)).map(|(_, link)| link.index).collect();
        let addresses = layout::addresses(netlink)?;
        let networks = addresses.into_iter().filter(|(link, ..)| !own.contains(link));
        blocked.extend(networks.filter_map(|(_, address, prefix)| Cidr::new(address, prefix)));
    }
    Ok(Found { blocked, guarded, guarded_ipv6 })
}

fn ensure_filter(config: &NetworkConfig, wish: &Wish, found: &Found, loaded: &mut Option<Loaded>) -> io::Result<()> {
    let table = config.table();
    if wish.public.is_empty() && !wish.whole {
        // A network that couldn't be made may have a link from before: what guards the machine stays as it is.
        return Ok(());
    }
    if wish.public.is_empty() {
        return filter::ensure(&format!("table inet {table}\ndelete table inet {table}\n"), Indexes::new(), loaded);
    }
    filter::ensure(&text(config, &wish.public, &wish.shut, found), Indexes::new(), loaded)
}

/// The machine's packet filter.
fn text(config: &NetworkConfig, public: &Public, shut: &BTreeSet<Cidr>, found: &Found) -> String {
    let mut blocked: Vec<_> = found.blocked.iter().chain(shut).copied().collect();
    blocked.sort();
    blocked.dedup();
    machine::ruleset(&Machine {
        table: &config.table(),
        links: &format!("{}-", config.prefix),
        masquerade: config.masquerade.then_some(config.pool),
        pool: Some(config.pool),
        underlay: config.underlay,
        public,
        blocked: &blocked,
        guarded: found.guarded.as_deref(),
        guarded_ipv6: found.guarded_ipv6,
        allowance: config.allowance,
    })
}

/// Settings of the machine's end of a pair. They don't outlive it.
fn set_link(name: &str, speaks_ipv6: bool) -> io::Result<()> {
    // Its addresses are set, and not made up; what a network says of routers is nothing to the machine.
    for (setting, value) in [("addr_gen_mode", "1"), ("accept_ra", "0"), ("accept_redirects", "0")] {
        sysctl::ensure_ipv6(&format!("ipv6/conf/{name}/{setting}"), value)?;
    }
    sysctl::ensure_ipv6(&format!("ipv6/conf/{name}/disable_ipv6"), if speaks_ipv6 { "0" } else { "1" })?;
    for (setting, value) in [("forwarding", "1"), ("rp_filter", "0"), ("send_redirects", "0")] {
        sysctl::ensure(&format!("ipv4/conf/{name}/{setting}"), value)?;
    }
    Ok(())
}

fn layout(config: &NetworkConfig, public: &BTreeMap<String, BTreeSet<Cidr>>) -> Layout {
    let mut layout = Layout::default();
    // A public address that nobody has is told so here, and doesn't wander off to the machine's own gateway.
    // Where there are several hosts it may be another's, to which the provider's routers know the way if they know the pool.
    let may_be_anothers = config.underlay.is_some() && !config.masquerade;
    if !public.is_empty() && !may_be_anothers {
        layout.routes.insert((MAIN, Cidr::V4(config.pool)), Hop::Unreachable);
    }
    let source = config.machine_address().map(IpAddr::V4);
    for (name, blocks) in public {
        layout.links.insert(name.clone(), (Some(OUTER_MAC), Some(config.mtu)));
        layout.addresses.extend(source.map(|address| (name.clone(), address)));
        layout.neighbours.insert((name.clone(), IpAddr::V4(INNER)), INNER_MAC);
        if blocks.iter().any(|block| block.is_ipv6()) {
            layout.addresses.insert((name.clone(), IpAddr::V6(OUTER_V6)));
            layout.neighbours.insert((name.clone(), IpAddr::V6(INNER_V6)), INNER_MAC);
        }
        for block in blocks {
            let (via, source) = match block {
                Cidr::V4(_) => (IpAddr::V4(INNER), source),
                Cidr::V6(_) => (IpAddr::V6(INNER_V6), None),
            };
            let hop = Hop::Link { link: name.clone(), via: Some(via), source };
            layout.routes.insert((MAIN, *block), hop);
        }
    }
    layout
}

/// Lets the uplink forward, where it doesn't yet, and lets one forward no longer that isn't used any more. A file
/// remembers that it was Landfall who switched it on. Returns the link that is to be guarded for that reason.
fn forward(state: &Path, uplink: Option<&str>) -> io::Result<Option<String>> {
    let folder = state.join("forwarding");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if Some(name.as_str()) == uplink {
            continue;
        }
        // Whoever switched forwarding on for the whole machine wants it on this link too.
        if sysctl::read("ipv4/conf/all/forwarding")? != "1" {
            match sysctl::ensure(&format!("ipv4/conf/{name}/forwarding"), "0") {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        crash_point!("forwarding:unmark");
        fs::remove_file(entry.path())?;
    }
    let Some(uplink) = uplink else { return Ok(None) };
    let marker = folder.join(uplink);
    let setting = format!("ipv4/conf/{uplink}/forwarding");
    if sysctl::read(&setting)? != "1" {
        crash_point!("forwarding:mark");
        File::create(&marker)?;
        crash_point!("forwarding:on");
        sysctl::ensure(&setting, "1")?;
    }
    let alone = marker.exists() && sysctl::read("ipv4/conf/all/forwarding")? != "1";
    Ok(alone.then(|| uplink.to_owned()))
}

/// Whether the machine is to forward IPv6, and whether Landfall alone wants it to: a file remembers that it was Landfall
/// who switched it on.
fn wish_ipv6(state: &Path, wanted: bool) -> io::Result<bool> {
    let marker = state.join(IPV6_MARKER);
    let Ok(now) = sysctl::read(IPV6_FORWARDING) else { return Ok(false) };
    if wanted && now != "1" {
        crash_point!("forwarding-ipv6:mark");
        File::create(&marker)?;
    }
    Ok(wanted && marker.exists())
}

/// Lets the machine forward IPv6, or no more. There is one setting for all links, and a machine that forwards doesn't
/// listen to routers, by which it may know its own way out: its links are told to do both.
fn forward_ipv6(state: &Path, wanted: bool) -> io::Result<()> {
    let marker = state.join(IPV6_MARKER);
    if !marker.exists() {
        return Ok(());
    }
    if wanted {
        for entry in fs::read_dir("/proc/sys/net/ipv6/conf")? {
            let setting = format!("ipv6/conf/{}/accept_ra", entry?.file_name().to_string_lossy());
            // A link may go while this is read.
            if sysctl::read(&setting).is_ok_and(|value| value == "1") {
                sysctl::ensure_ipv6(&setting, "2")?;
            }
        }
        crash_point!("forwarding-ipv6:on");
        return sysctl::ensure_ipv6(IPV6_FORWARDING, "1");
    }
    sysctl::ensure_ipv6(IPV6_FORWARDING, "0")?;
    crash_point!("forwarding-ipv6:unmark");
    fs::remove_file(&marker)
}

const IPV6_FORWARDING: &str = "ipv6/conf/all/forwarding";
const IPV6_MARKER: &str = "forwarding-ipv6";
