//! A VPN on this host: a namespace of its own, in which the daemon ends its tunnels (see [`crate::vpn`]).
//!
//! It has the tunnels' addresses outside on a link to the machine, and a link to the network or transit gateway that the
//! VPN is for. What comes by that link goes into the tunnels, what comes out of them goes to that link, and nothing goes
//! another way. A namespace for each VPN, because tunnels of several VPNs claim the same blocks, which one daemon that
//! encrypts by itself can't tell apart; and because what strangers on the internet speak with is then in no network.
//!
//! Where packets go when they are to be encrypted is the daemon's own routing table, chosen by a mark. So after a change
//! of tunnels, or a new daemon, nothing is to be done here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::plan::{HostPlan, Place, VpcPlan, VpnPlan};
use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac, TransitGatewayId, VpnConnectionId, VpnGatewayId};

use super::filter::{self, Loaded};
use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
use super::ruleset::{TABLE, UPLINK};
use super::{connection, inside, outside, overlay, sysctl};

/// The mark of what is to be encrypted, by which the daemon's routing table is chosen.
pub const ENCRYPT: u32 = 1;
/// The mark of what goes to the network, and the number of the routing table that leads there.
const INWARDS: u32 = 2;
/// The device that the daemon takes packets from and gives them to.
pub const TUNNELS: &str = "ipsec0";
/// The lowest number that VPNs' hardware addresses begin with: local ones, which no interface has.
const MAC_START: u8 = 0x0a;

/// The VPNs of a plan that end here and are to.
pub fn here(plan: &HostPlan) -> impl Iterator<Item = &VpnPlan> {
    plan.vpns().filter(|vpn| vpn.place == Place::Here && vpn.wanted)
}

/// The VPNs of a network that end on other hosts, with their addresses on the underlay.
pub fn away<'p>(plan: &'p HostPlan, vpc: &VpcPlan) -> impl Iterator<Item = (&'p VpnPlan, Ipv4Addr)> {
    let id = vpc.id;
    let of_network = plan.vpns().filter(move |vpn| vpn.gateway.is_some_and(|(_, vpc)| vpc == id));
    of_network.filter_map(|vpn| match vpn.place {
        Place::Remote { address, .. } if vpn.wanted => Some((vpn, address)),
        _ => None,
    })
}

/// The VPNs of a transit gateway that end on other hosts, with their addresses on the underlay.
pub fn away_from_gateway(plan: &HostPlan, id: TransitGatewayId) -> impl Iterator<Item = (&VpnPlan, Ipv4Addr)> {
    let of_gateway = plan.vpns().filter(move |vpn| vpn.transit.is_some_and(|(gateway, _)| gateway == id));
    of_gateway.filter_map(|vpn| match vpn.place {
        Place::Remote { address, .. } if vpn.wanted => Some((vpn, address)),
        _ => None,
    })
}

/// The hardware address that a VPN is known by on the underlay.
pub fn mac(id: VpnConnectionId) -> Mac {
    let [.., a, b, c, d, e] = id.bits().to_be_bytes();
    Mac([MAC_START, a, b, c, d, e])
}

/// What other hosts call a VPN that ends on one: our address within its first tunnel, which no other VPN of the gateway has.
pub fn name_there(vpn: &VpnPlan) -> Ipv4Addr {
    vpn.tunnels.first().and_then(|tunnel| tunnel.inside.nth(1)).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// The ways from a network to what lies behind the VPNs of a gateway. Of two with the same block one that is up has it,
/// and of those the one with the higher id.
pub fn ways(plan: &HostPlan, vpc: &VpcPlan, gateway: VpnGatewayId) -> Vec<(Ipv4Cidr, Hop)> {
    let mut vpns: Vec<_> = plan.vpns().filter(|vpn| vpn.wanted && vpn.gateway == Some((gateway, vpc.id))).collect();
    vpns.sort_by_key(|vpn| (vpn.up, vpn.id));
    let mut known = BTreeSet::new();
    let mut ways = Vec::new();
    for vpn in vpns.into_iter().rev() {
        let hop = match vpn.place {
            Place::Here => connection::hops(&connection::vpn_device(vpn.id)).swap_remove(0),
            Place::Remote { .. } => {
                Hop::Link { link: overlay::DEVICE.into(), via: Some(IpAddr::V4(name_there(vpn))), source: None }
            }
        };
        let blocks = vpn.routes.iter().filter_map(|block| match block {
            Cidr::V4(block) => Some(*block),
            Cidr::V6(_) => None,
        });
        ways.extend(blocks.filter(|block| known.insert(*block)).map(|block| (block, hop.clone())));
    }
    ways
}

/// The name of the link between a VPN and what it is for.
pub fn link(plan: &HostPlan, vpn: &VpnPlan) -> Option<String> {
    match (vpn.gateway, vpn.transit) {
        (Some((_, vpc)), _) => plan.vpc(vpc).map(|_| connection::vpn_device(vpn.id)),
        (None, Some((gateway, attachment))) => {
            plan.transit_gateway(gateway).map(|_| connection::transit_device(attachment))
        }
        (None, None) => None,
    }
}

/// The numbers of the two namespaces that this link connects, the one first whose end is the first.
pub fn pair(plan: &HostPlan, vpn: &VpnPlan) -> Option<[u32; 2]> {
    match (vpn.gateway, vpn.transit) {
        (Some((_, vpc)), _) => Some([plan.vpc(vpc)?.number, vpn.number]),
        (None, Some((gateway, _))) => Some([vpn.number, plan.transit_gateway(gateway)?.number]),
        (None, None) => None,
    }
}

/// What a VPN is known by outside.
pub fn outside_addresses(vpn: &VpnPlan) -> BTreeSet<Cidr> {
    vpn.tunnels.iter().map(|tunnel| Cidr::host(IpAddr::V4(tunnel.outside))).collect()
}

/// A VPN's namespace as it is to be.
pub struct Room {
    /// Its packet filter.
    pub ruleset: String,
    /// Its links and routes.
    pub layout: Layout,
}

/// Plans one.
pub fn plan(plan: &HostPlan, vpn: &VpnPlan, mtu: u16) -> Room {
    let mut layout = Layout::default();
    let lo = || "lo".to_owned();
    layout.links.insert(lo(), (None, None));
    layout.links.insert(UPLINK.into(), (Some(outside::INNER_MAC), Some(mtu)));
    for tunnel in &vpn.tunnels {
        layout.addresses.insert((UPLINK.into(), IpAddr::V4(tunnel.outside)));
        layout.addresses.extend(tunnel.inside.nth(1).map(|own| (lo(), IpAddr::V4(own))));
    }
    let out = Hop::Link { link: UPLINK.into(), via: Some(IpAddr::V4(outside::OUTER)), source: None };
    layout.neighbours.insert((UPLINK.into(), IpAddr::V4(outside::OUTER)), outside::OUTER_MAC);
    layout.routes.insert((MAIN, Cidr::V4(Ipv4Cidr::ALL)), out);
    layout.routes.insert((MAIN, Cidr::V6(Ipv6Cidr::ALL)), Hop::Blackhole);
    let link = link(plan, vpn);
    if let Some(link) = &link {
        connection::lay(&mut layout, link, vpn.gateway.is_none(), mtu);
        for (all, hop) in [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)].into_iter().zip(connection::hops(link)) {
            layout.routes.insert((INWARDS, all), hop);
        }
        layout.rules.insert(INWARDS);
    }
    layout.without_ipv6();
    let mut ruleset = String::new();
    // Writing to a string doesn't fail.
    let _ = write(&mut ruleset, vpn, link.as_deref());
    Room { ruleset, layout }
}

/// Keys are spoken about over UDP with the other side alone, and packets come that way too. Where a packet is too large
/// for the tunnel, its sender is told so. What is sent another way by its mark is still taken for what goes out of the
/// first link, so that the output chain asks for the mark.
fn write(text: &mut String, vpn: &VpnPlan, link: Option<&str>) -> fmt::Result {
    let peer = vpn.peer;
    let ours: Vec<_> = vpn.tunnels.iter().filter_map(|tunnel| tunnel.inside.nth(1)).map(|a| a.to_string()).collect();
    let links: Vec<_> = vpn.tunnels.iter().map(|tunnel| tunnel.inside.to_string()).collect();
    let (ours, links) = (ours.join(", "), links.join(", "));
    let (mut route, mut local, mut forward) = (String::new(), String::new(), String::new());
    if let Some(link) = link {
        writeln!(route, "\t\tiifname \"{link}\" meta mark set {ENCRYPT:#x}")?;
        writeln!(route, "\t\tiifname \"{TUNNELS}\" meta mark set {INWARDS:#x}")?;
        writeln!(local, "\t\tmeta l4proto icmp ip daddr != {peer} meta mark set {INWARDS:#x}")?;
        writeln!(forward, "\t\tip daddr {{ {links} }} drop")?;
        writeln!(forward, "\t\ttcp flags syn / syn,rst tcp option maxseg size set rt mtu")?;
        writeln!(forward, "\t\tiifname \"{link}\" oifname \"{TUNNELS}\" accept")?;
        writeln!(forward, "\t\tiifname \"{TUNNELS}\" oifname \"{link}\" accept")?;
    }
    writeln!(
        text,
        "table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
\tchain route {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tmeta mark set 0
{route}\t}}
\tchain local {{
\t\ttype route hook output priority mangle; policy accept;
{local}\t\tip saddr {{ {ours} }} meta mark set {ENCRYPT:#x}
\t}}
\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
{forward}\t}}
\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname \"{UPLINK}\" ip saddr {peer} udp dport {{ 500, 4500 }} accept
\t\tiifname \"{TUNNELS}\" ip daddr {{ {ours} }} icmp type echo-request accept
\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy drop;
\t\toifname \"{UPLINK}\" ip daddr {peer} udp sport {{ 500, 4500 }} accept
\t\tmeta l4proto icmp meta mark {{ {ENCRYPT:#x}, {INWARDS:#x} }} accept
\t}}
}}"
    )
}

impl Room {
    /// Makes the calling thread's namespace so.
    pub fn apply(&self, loaded: &mut Option<Loaded>) -> io::Result<()> {
        inside::prepare(false)?;
        let netlink = &mut Netlink::open()?;
        for (name, link) in layout::links(netlink)? {
            if connection::is_connection(&name) && !self.layout.links.contains_key(&name) {
                layout::remove_link(netlink, link.index)?;
            }
        }
        for name in self.layout.links.keys().filter(|name| *name != "lo") {
            sysctl::ensure(&format!("ipv4/conf/{name}/rp_filter"), "0")?;
        }
        filter::ensure(&self.ruleset, BTreeMap::new(), loaded)?;
        let ours = |name: &str| name == "lo" || name == UPLINK || connection::is_connection(name);
        self.layout.converge(netlink, ours, |_| true)
    }
}
