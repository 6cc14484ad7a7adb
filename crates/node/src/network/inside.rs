//! The inside of a virtual network on this machine: its namespace with a TAP for each port.
//!
//! No bridge, no broadcast domain. Every address is a route to its TAP; the namespace answers ARP for whatever it has a
//! route to, and the gateway's, the resolver's and the other service addresses are its own. An address that nobody has
//! isn't answered for, as on EC2, because the default route drops.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::plan::{HostPlan, PortLocation, VpcPlan};
use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac};

use super::advance::{self, Indexes, index_of};
use super::filter::{self, Loaded};
use super::judge::{self, Routers};
use super::layout::{self, Hop, Layout, MAIN};
use super::line::Line;
use super::netlink::Netlink;
use super::ruleset::{
    self, CLOCK, CLOCK_V6, GATEWAY_V6, METADATA, METADATA_V6, RESOLVER, RESOLVER_V6, TABLE, UPLINK, local_ports,
};
use super::stale::{self, Translations};
use super::target::Targets;
use super::{NetworkConfig, again, allowance, connection, outside, overlay, sysctl, tap};
use crate::metadata::names::port_device;

/// The hardware address of every gateway, the same on every port, so that a guest that moves keeps what it learned.
pub const GATEWAY_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 1]);

/// What a network is to be on this machine.
pub struct Inside {
    /// Its packet filter.
    pub ruleset: String,
    /// Its links, addresses and routes.
    pub layout: Layout,
    /// The TAPs among the links.
    pub ports: BTreeSet<String>,
    /// Hardware addresses of what other hosts have of it, with their address on the underlay.
    pub forwarding: BTreeMap<Mac, Ipv4Addr>,
    /// Whether it speaks IPv6.
    pub ipv6: bool,
    /// Its translations.
    pub translations: Translations,
}

/// Plans the inside of a network.
pub fn plan(plan: &HostPlan, vpc: &VpcPlan, config: &NetworkConfig) -> Inside {
    let NetworkConfig { mtu, api, allowance, .. } = *config;
    let mut layout = Layout { marked_answers: true, ..Layout::default() };
    let ipv6 = !vpc.ipv6.is_empty();
    let lo = || "lo".to_owned();
    layout.links.insert(lo(), (None, None));
    layout.links.insert(UPLINK.into(), (Some(outside::INNER_MAC), Some(mtu)));
    let base = vpc.cidrs.first().and_then(|cidr| cidr.nth(2));
    let own = [Some(METADATA), Some(RESOLVER), Some(CLOCK), base, api.map(|api| *api.ip())];
    layout.addresses.extend(own.into_iter().flatten().map(|address| (lo(), IpAddr::V4(address))));
    if ipv6 {
        let own = [METADATA_V6, RESOLVER_V6, CLOCK_V6];
        layout.addresses.extend(own.into_iter().map(|address| (lo(), IpAddr::V6(address))));
    }
    let ports = lay_ports(&mut layout, plan, vpc, mtu);
    // What a gateway or an endpoint has of addresses is the network's own on the host that serves it.
    let away = overlay::forwarding(plan, vpc);
    for port in plan.ports().filter(|port| port.vpc == vpc.id && port.location == PortLocation::Service) {
        if !away.contains_key(&port.mac) {
            layout.addresses.extend(port.addresses.iter().map(|address| (lo(), IpAddr::V4(*address))));
        }
    }
    overlay::lay(&mut layout, plan, vpc, mtu);
    again::lay(&mut layout, plan, vpc, mtu);
    for all in [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)] {
        layout.routes.insert((MAIN, all), Hop::Blackhole);
    }
    for (via, mac) in [(IpAddr::V4(outside::OUTER), outside::OUTER_MAC), (outside::OUTER_V6.into(), outside::OUTER_MAC)]
    {
        layout.neighbours.insert((UPLINK.into(), via), mac);
    }
    for (link, first) in connection::of_vpc(plan, vpc) {
        connection::lay(&mut layout, &link, first, mtu);
    }
    let targets = Targets::of(plan, vpc);
    targets.lay(&mut layout);
    if !ipv6 {
        layout.without_ipv6();
    }
    let translations = Translations::of(plan, vpc, &targets);
    let ruleset = ruleset::with_targets(plan, vpc, api, targets) + &allowance::table(allowance);
    Inside { ruleset, layout, ports, forwarding: away, ipv6, translations }
}

/// Adds the TAPs of this host's ports, and the ways to their addresses.
fn lay_ports(layout: &mut Layout, plan: &HostPlan, vpc: &VpcPlan, mtu: u16) -> BTreeSet<String> {
    let mut ports = BTreeSet::new();
    for (port, subnet) in local_ports(plan, vpc) {
        let name = port_device(port.id);
        layout.links.insert(name.clone(), (Some(GATEWAY_MAC), Some(mtu)));
        layout.addresses.extend(subnet.cidr.nth(1).map(|gateway| ("lo".to_owned(), IpAddr::V4(gateway))));
        if let Some(address) = judge::ipv6_name(port, vpc) {
            layout.addresses.insert((name.clone(), IpAddr::V6(GATEWAY_V6)));
            layout.neighbours.insert((name.clone(), IpAddr::V6(address)), port.mac);
        }
        let addresses = port.addresses.iter().map(|a| IpAddr::V4(*a)).chain(port.ipv6.iter().map(|a| IpAddr::V6(*a)));
        for address in addresses {
            let to = Hop::Link { link: name.clone(), via: None, source: None };
            layout.routes.insert((MAIN, Cidr::host(address)), to);
            layout.neighbours.insert((name.clone(), address), port.mac);
        }
        ports.insert(name);
    }
    ports
}

/// Whether a link in a network's namespace is a port, by its name.
fn is_port(name: &str) -> bool {
    name.strip_prefix("lf").is_some_and(|digits| digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a link in a network's namespace is one that Landfall makes and takes away.
fn comes_and_goes(name: &str) -> bool {
    is_port(name) || connection::is_connection(name) || name == overlay::DEVICE || again::is_end(name)
}

/// The inside of a network as it was left. It spares looking at all of it for a small change.
#[derive(Default)]
pub struct Made {
    /// Its packet filter.
    pub filter: Option<Loaded>,
    settled: Option<Settled>,
    /// Whose the labels are that connections carry, whatever went wrong since they were looked through.
    labelled: Option<Routers>,
}

struct Settled {
    layout: Layout,
    indexes: Indexes,
    forwarding: BTreeMap<Mac, Ipv4Addr>,
    ipv6: bool,
    translations: Translations,
}

/// What was left of what isn't rules.
struct Left<'s> {
    layout: &'s Layout,
    forwarding: &'s BTreeMap<Mac, Ipv4Addr>,
    translations: &'s Translations,
}

impl Settled {
    fn left(&self) -> Left<'_> {
        Left { layout: &self.layout, forwarding: &self.forwarding, translations: &self.translations }
    }
}

impl Made {
    /// Whether a link was there.
    pub fn has_link(&self, name: &str) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled.layout.links.contains_key(name))
    }
}

impl Inside {
    /// Makes the calling thread's namespace so. Rules come before a port is up, and a port goes before its rules do.
    /// Unless everything is to be looked at, what was left there is taken to be there still: only what differs is done.
    pub fn apply(self, made: &mut Made, look: bool) -> io::Result<()> {
        let netlink = &mut Netlink::open()?;
        let before = made.settled.take();
        if made.labelled.is_none() && !self.translations.routers.is_empty() {
            // By whoever was here before this process.
            made.labelled = Some(judge::loaded_routers(&filter::list_rules("inet", TABLE)?));
        }
        let labelled = made.labelled.take();
        let labelled = labelled.as_ref();
        made.labelled = labelled.cloned();
        if labelled.is_some_and(|before| *before != self.translations.routers) {
            // Nobody's until all went well. And once before the rules say otherwise, so that whoever goes on after a kill
            // and reads them doesn't take what the one before let pass for the next one's.
            made.labelled = Some(Routers::new());
            forget(&BTreeSet::new(), &self.translations, labelled, made.filter.as_ref())?;
        }
        let before = before.filter(|_| !look);
        let before = before.filter(|it| it.ipv6 == self.ipv6 && self.layout.is_advance_of(&it.layout));
        let filter = &mut made.filter;
        let advanced: Option<io::Result<Indexes>> = before.map(|mut before| {
            let mut indexes = std::mem::take(&mut before.indexes);
            let load = |indexes: &Indexes| filter::ensure(&self.ruleset, self.hooked(indexes), filter);
            let gone = self.advance(netlink, &before.left(), &mut indexes, load)?;
            gone.map_or(Ok(()), |gone| forget(&gone, &self.translations, labelled, filter.as_ref())).map(|()| indexes)
        });
        let indexes = match advanced {
            Some(Ok(indexes)) => indexes,
            Some(Err(error)) => {
                tracing::debug!(%error, "a namespace isn't as it was left; all of it is looked at");
                self.converge(netlink, filter, labelled)?
            }
            None => self.converge(netlink, filter, labelled)?,
        };
        let Self { layout, forwarding, ipv6, translations, .. } = self;
        made.labelled = Some(translations.routers.clone());
        made.settled = Some(Settled { layout, indexes, forwarding, ipv6, translations });
        Ok(())
    }

    /// Leads a part of the calling thread's namespace from what it was to this, and leaves all else as it was left. False
    /// where it doesn't fit what was left: then nothing was done. After an error nothing is known of what was left.
    pub fn apply_part(&self, before: &Inside, made: &mut Made) -> io::Result<bool> {
        let Some(mut settled) = made.settled.take() else { return Ok(false) };
        let is_beside = settled.ipv6 == self.ipv6
            && before.ipv6 == self.ipv6
            && before.translations.is_beside(&self.translations)
            && self.layout.is_advance_of(&before.layout)
            && settled.layout.fits(&before.layout, &self.layout);
        let rules = filter::Part::of(&before.ruleset, &self.ruleset, made.filter.as_ref()).filter(|_| is_beside);
        let Some(rules) = rules else {
            made.settled = Some(settled);
            return Ok(false);
        };
        settled.translations.take(&before.translations, &self.translations);
        let gone = before.layout.links.keys().filter(|name| !self.layout.links.contains_key(*name));
        let filter = &mut made.filter;
        let load = |indexes: &Indexes| rules.load(gone, self.hooked(indexes), filter);
        let netlink = &mut Netlink::open()?;
        let gone = self.advance(netlink, &before.left(), &mut settled.indexes, load)?;
        if let Some(gone) = gone {
            // Routers are no part: they are as they were.
            let known = &settled.translations;
            forget(&gone, known, Some(&known.routers), filter.as_ref())?;
        }
        settled.layout.take(&before.layout, &self.layout);
        advance::take(&mut settled.forwarding, &before.forwarding, &self.forwarding);
        made.settled = Some(settled);
        Ok(true)
    }

    fn left(&self) -> Left<'_> {
        Left { layout: &self.layout, forwarding: &self.forwarding, translations: &self.translations }
    }

    /// Does what differs from before. Returns addresses that are gone, if there may be connections to forget.
    fn advance(
        &self,
        netlink: &mut Netlink,
        before: &Left<'_>,
        indexes: &mut Indexes,
        load: impl FnOnce(&Indexes) -> io::Result<()>,
    ) -> io::Result<Option<BTreeSet<IpAddr>>> {
        let gone = self.gone(before.layout.housed());
        for name in before.layout.links.keys().filter(|name| !self.layout.links.contains_key(*name)) {
            if let Some(index) = indexes.remove(name).filter(|_| comes_and_goes(name)) {
                layout::remove_link(netlink, index)?;
            }
        }
        for name in self.layout.links.keys().filter(|name| !before.layout.links.contains_key(*name)) {
            if self.ports.contains(name) {
                create_tap(name)?;
            }
            set_link(name)?;
            indexes.insert(name.clone(), index_of(name)?);
        }
        load(indexes)?;
        self.layout.advance(netlink, before.layout, indexes)?;
        if let Some(device) = indexes.get(overlay::DEVICE) {
            overlay::change_forwarding(netlink, *device, before.forwarding, &self.forwarding)?;
        }
        Ok((!gone.is_empty() || !self.translations.is_more_than(before.translations)).then_some(gone))
    }

    /// Of addresses and the links that they were behind, those that aren't there any more.
    fn gone<'l>(&self, housed: impl Iterator<Item = (IpAddr, &'l str)>) -> BTreeSet<IpAddr> {
        housed.filter(|(address, link)| self.layout.home(*address) != Some(link)).map(|(address, _)| address).collect()
    }

    /// Looks at all that is there, and does what is missing.
    fn converge(
        &self,
        netlink: &mut Netlink,
        filter: &mut Option<Loaded>,
        labelled: Option<&Routers>,
    ) -> io::Result<Indexes> {
        prepare(self.ipv6)?;
        sysctl::ensure(&format!("ipv4/conf/{UPLINK}/rp_filter"), "0")?;
        let found = layout::links(netlink)?;
        let housed = layout::housed(netlink)?;
        let names: BTreeMap<u32, &str> = found.iter().map(|(name, link)| (link.index, name.as_str())).collect();
        let named = |(address, index): (&IpAddr, &u32)| Some((*address, *names.get(index)?));
        let gone = self.gone(housed.iter().filter_map(named));
        // Once before their addresses go, so that it is done if this is cut off, and once when nothing can come any more.
        if !gone.is_empty() {
            forget(&gone, &self.translations, labelled, filter.as_ref())?;
        }
        for (name, link) in &found {
            if comes_and_goes(name) && !self.layout.links.contains_key(name) {
                layout::remove_link(netlink, link.index)?;
            }
        }
        for name in self.layout.links.keys().filter(|name| comes_and_goes(name)) {
            if self.ports.contains(name) && !found.contains_key(name) {
                create_tap(name)?;
            }
            set_link(name)?;
        }
        let indexes = advance::indexes(netlink)?;
        filter::ensure(&self.ruleset, self.hooked(&indexes), filter)?;
        allowance::ensure_timeouts()?;
        self.layout.converge(netlink, |name| name == "lo" || name == UPLINK || comes_and_goes(name), |_| true)?;
        overlay::ensure_forwarding(netlink, &self.forwarding)?;
        forget(&gone, &self.translations, labelled, filter.as_ref())?;
        Ok(indexes)
    }

    /// What the filter hangs on by the link itself.
    fn hooked(&self, indexes: &Indexes) -> Indexes {
        let hooked = self.layout.links.keys().filter(|name| comes_and_goes(name) || *name == UPLINK);
        hooked.filter_map(|name| Some((name.clone(), *indexes.get(name)?))).collect()
    }
}

/// Forgets connections of the calling thread's namespace that lost an address, and labels that meant others `before`.
fn forget(
    gone: &BTreeSet<IpAddr>,
    translations: &Translations,
    before: Option<&Routers>,
    loaded: Option<&Loaded>,
) -> io::Result<()> {
    let forgotten = match loaded.map(Loaded::line).filter(|line| line.leads_here()) {
        Some(line) => stale::forget(gone, translations, before, line),
        None => stale::forget(gone, translations, before, &Line::open()?),
    };
    forgotten.map(drop)
}

fn create_tap(name: &str) -> io::Result<()> {
    tap::create(name).map_err(|error| io::Error::new(error.kind(), format!("TAP {name}: {error}")))
}

/// Settings of a link that comes and goes. They don't outlive it.
fn set_link(name: &str) -> io::Result<()> {
    sysctl::ensure(&format!("ipv4/conf/{name}/rp_filter"), "0")?;
    if is_port(name) {
        sysctl::ensure(&format!("ipv4/conf/{name}/proxy_arp"), "1")?;
        sysctl::ensure(&format!("ipv4/neigh/{name}/proxy_delay"), "0")?;
    }
    Ok(())
}

/// Settings of the calling thread's namespace, for before there is any link in it: a link takes them over when it is made,
/// and a namespace as new has those of the machine.
pub fn prepare(ipv6: bool) -> io::Result<()> {
    for scope in ["all", "default"] {
        for (name, value) in
            [("addr_gen_mode", "1"), ("accept_ra", "0"), ("accept_redirects", "0"), ("forwarding", "1")]
        {
            // The mode of addresses that make themselves can't be set for all links there are.
            if (scope, name) != ("all", "addr_gen_mode") {
                sysctl::ensure_ipv6(&format!("ipv6/conf/{scope}/{name}"), value)?;
            }
        }
        sysctl::ensure_ipv6(&format!("ipv6/conf/{scope}/disable_ipv6"), if ipv6 { "0" } else { "1" })?;
        for name in NOT_WANTED {
            sysctl::ensure(&format!("ipv4/conf/{scope}/{name}"), "0")?;
        }
    }
    sysctl::ensure("ipv4/ip_forward", "1")?;
    // What is called at an endpoint's address is answered by the way that was chosen for it.
    sysctl::ensure("ipv4/tcp_fwmark_accept", "1")?;
    Ok(())
}

/// What people set on machines and what would break a network of routes.
const NOT_WANTED: [&str; 8] = [
    "rp_filter",
    "send_redirects",
    "accept_redirects",
    "accept_source_route",
    "accept_local",
    "route_localnet",
    "arp_ignore",
    "arp_filter",
];
