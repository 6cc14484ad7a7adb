//! The inside of a virtual network on this machine: its namespace with a TAP for each port.
//!
//! No bridge, no broadcast domain. Every address is a route to its TAP; the namespace answers ARP for whatever it has a
//! route to, and the gateway's, the resolver's and the other service addresses are its own. An address that nobody has
//! isn't answered for, as on EC2, because the default route drops.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use landfall_model::plan::{HostPlan, VpcPlan};
use landfall_model::{Ipv4Cidr, Mac};

use super::filter::{self, Loaded};
use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
use super::ruleset::{self, CLOCK, METADATA, RESOLVER, UPLINK, local_ports};
use super::{outside, route, sysctl, tap};
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
}

/// Plans the inside of a network.
pub fn plan(plan: &HostPlan, vpc: &VpcPlan, mtu: u16, api: Option<SocketAddrV4>) -> Inside {
    let mut layout = Layout::default();
    let mut ports = BTreeSet::new();
    let lo = || "lo".to_owned();
    layout.links.insert(lo(), (None, None));
    layout.links.insert(UPLINK.into(), (Some(outside::INNER_MAC), Some(mtu)));
    let base = vpc.cidrs.first().and_then(|cidr| cidr.nth(2));
    let own = [Some(METADATA), Some(RESOLVER), Some(CLOCK), base, api.map(|api| *api.ip())];
    layout.addresses.extend(own.into_iter().flatten().map(|address| (lo(), address)));
    for (port, subnet) in local_ports(plan, vpc) {
        let name = port_device(port.id);
        layout.links.insert(name.clone(), (Some(GATEWAY_MAC), Some(mtu)));
        layout.addresses.extend(subnet.cidr.nth(1).map(|gateway| (lo(), gateway)));
        for address in &port.addresses {
            let to = Hop::Link { link: name.clone(), via: None, source: None };
            layout.routes.extend(host(*address).map(|host| ((MAIN, host), to)));
            layout.neighbours.insert((name.clone(), *address), port.mac);
        }
        ports.insert(name);
    }
    layout.routes.insert((MAIN, Ipv4Cidr::ALL), Hop::Blackhole);
    let machine = Hop::Link { link: UPLINK.into(), via: Some(outside::OUTER), source: None };
    layout.routes.insert((route::INTERNET, Ipv4Cidr::ALL), machine);
    layout.neighbours.insert((UPLINK.into(), outside::OUTER), outside::OUTER_MAC);
    layout.rules.insert(route::INTERNET);
    for (mark, port) in route::targets(plan, vpc).into_values() {
        let to = Hop::Link { link: port_device(port.id), via: port.addresses.first().copied(), source: None };
        layout.routes.insert((mark, Ipv4Cidr::ALL), to);
        layout.rules.insert(mark);
    }
    Inside { ruleset: ruleset::ruleset(plan, vpc, api), layout, ports }
}

/// The block of one address.
pub fn host(address: Ipv4Addr) -> Option<Ipv4Cidr> {
    Ipv4Cidr::new(address, 32)
}

/// Whether a link in a network's namespace is a port, by its name.
fn is_port(name: &str) -> bool {
    name.strip_prefix("lf").is_some_and(|digits| digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Inside {
    /// Makes the calling thread's namespace so. Rules come before a port is up, and a port goes before its rules do.
    pub fn apply(&self, loaded: &mut Option<Loaded>) -> io::Result<()> {
        prepare()?;
        sysctl::ensure(&format!("ipv4/conf/{UPLINK}/rp_filter"), "0")?;
        let netlink = &mut Netlink::open()?;
        let found = layout::links(netlink)?;
        for (name, link) in &found {
            if is_port(name) && !self.ports.contains(name) {
                layout::remove_link(netlink, link.index)?;
            }
        }
        for name in &self.ports {
            if !found.contains_key(name) {
                tap::create(name).map_err(|error| io::Error::new(error.kind(), format!("TAP {name}: {error}")))?;
            }
            sysctl::ensure(&format!("ipv4/conf/{name}/rp_filter"), "0")?;
            sysctl::ensure(&format!("ipv4/conf/{name}/proxy_arp"), "1")?;
            sysctl::ensure(&format!("ipv4/neigh/{name}/proxy_delay"), "0")?;
        }
        let links: BTreeMap<_, _> = layout::links(netlink)?;
        let indexes = self.ports.iter().filter_map(|name| links.get(name)).map(|link| link.index).collect();
        filter::ensure(&self.ruleset, indexes, loaded)?;
        self.layout.converge(netlink, |name| name == "lo" || name == UPLINK || is_port(name), |_| true)
    }
}

/// Settings of the calling thread's namespace, for before there is any link in it: a link takes them over when it is made,
/// and a namespace as new has those of the machine.
pub fn prepare() -> io::Result<()> {
    for scope in ["all", "default"] {
        sysctl::ensure_ipv6(&format!("ipv6/conf/{scope}/disable_ipv6"), "1")?;
        for name in NOT_WANTED {
            sysctl::ensure(&format!("ipv4/conf/{scope}/{name}"), "0")?;
        }
    }
    sysctl::ensure("ipv4/ip_forward", "1")?;
    Ok(())
}

/// What people set on machines and what would break a network of routes.
const NOT_WANTED: [&str; 7] =
    ["rp_filter", "send_redirects", "accept_redirects", "accept_local", "route_localnet", "arp_ignore", "arp_filter"];
