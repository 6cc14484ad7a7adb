//! A transit gateway on this host: a namespace that routes between the networks attached to it.
//!
//! It has no address and answers nobody. What comes from an attachment goes by the table that the attachment is
//! associated with; what that has no route for, or one that drops, goes nowhere. Networks are attached on every host that
//! has them, and what is for an interface elsewhere crosses the underlay in its own network. A VPN is attached on the host
//! that ends it: what is for it crosses the underlay in the gateway's own VXLAN.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::plan::{AttachmentPlan, AttachmentTo, HostPlan, PortLocation, TransitGatewayPlan};
use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac, TransitGatewayAttachmentId, ZoneName};

use super::connection::{self, TRANSIT};
use super::family::Family;
use super::filter::{self, Loaded};
use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
use super::overlay::{self, DEVICE};
use super::route::flatten;
use super::ruleset::{TABLE, UPLINK, write_elements};
use super::tables::Tables;
use super::target::{self, Mark};
use super::{advance, entry, inside, sysctl, vpn};

/// What the marks of attachments begin with.
const ATTACHMENTS: Mark = 0x1000_0000;

/// A transit gateway's namespace as it is to be.
pub struct Transit {
    /// Its packet filter.
    pub ruleset: String,
    /// Its links and routes.
    pub layout: Layout,
    /// Hardware addresses of the VPNs that end on other hosts, with their address on the underlay.
    forwarding: BTreeMap<Mac, Ipv4Addr>,
}

/// Whether a gateway's VPNs are reached from other hosts than those that end them.
pub fn has_overlay(plan: &HostPlan, gateway: &TransitGatewayPlan) -> bool {
    if vpn::away_from_gateway(plan, gateway.id).next().is_some() {
        return true;
    }
    let mut here = vpn::here(plan).filter_map(|vpn| vpn.transit);
    let attached: BTreeSet<_> = gateway.attachments.iter().filter_map(|attachment| network(&attachment.to)).collect();
    let is_away = |location: PortLocation| matches!(location, PortLocation::Remote { .. });
    here.any(|(id, _)| id == gateway.id)
        && plan.ports().any(|port| attached.contains(&port.vpc) && is_away(port.location))
}

fn network(to: &AttachmentTo) -> Option<landfall_model::VpcId> {
    match to {
        AttachmentTo::Vpc { vpc, .. } => Some(*vpc),
        AttachmentTo::Vpn(_) => None,
    }
}

/// Adds the ways to the VPNs that end on other hosts.
fn lay_overlay(
    layout: &mut Layout,
    plan: &HostPlan,
    gateway: &TransitGatewayPlan,
    marks: &BTreeMap<TransitGatewayAttachmentId, Mark>,
    mtu: u16,
) -> BTreeMap<Mac, Ipv4Addr> {
    layout.links.insert(DEVICE.into(), (None, Some(mtu)));
    let mut forwarding = BTreeMap::new();
    for (vpn, address) in vpn::away_from_gateway(plan, gateway.id) {
        let via = IpAddr::V4(vpn::name_there(vpn));
        layout.neighbours.insert((DEVICE.into(), via), vpn::mac(vpn.id));
        forwarding.insert(vpn::mac(vpn.id), address);
        if let Some(mark) = vpn.transit.and_then(|(_, attachment)| marks.get(&attachment)) {
            let hop = Hop::Link { link: DEVICE.into(), via: Some(via), source: None };
            layout.routes.insert((*mark, Cidr::V4(Ipv4Cidr::ALL)), hop);
            layout.routes.insert((*mark, Cidr::V6(Ipv6Cidr::ALL)), Hop::Blackhole);
        }
    }
    forwarding
}

/// Plans one. Only attachments of networks that are here, and of VPNs that end here, have a link.
pub fn plan(plan: &HostPlan, gateway: &TransitGatewayPlan, mtu: u16) -> Transit {
    let mut layout = Layout::default();
    layout.links.insert("lo".into(), (None, None));
    for all in [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)] {
        layout.routes.insert((MAIN, all), Hop::Blackhole);
    }
    let linked = |attachment: &&AttachmentPlan| match &attachment.to {
        AttachmentTo::Vpc { vpc, .. } => plan.vpc(*vpc).is_some(),
        AttachmentTo::Vpn(id) => vpn::here(plan).any(|vpn| vpn.id == *id),
    };
    let (attachments, others): (Vec<_>, Vec<_>) = gateway.attachments.iter().partition(linked);
    let away: BTreeSet<_> = vpn::away_from_gateway(plan, gateway.id).filter_map(|(vpn, _)| vpn.transit).collect();
    let others = others.into_iter().filter(|attachment| away.contains(&(gateway.id, attachment.id)));
    // Within one namespace a number for each in order would do; one from the id stays when another goes.
    let (mut marks, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for attachment in attachments.iter().copied().chain(others) {
        let mark = target::mark(ATTACHMENTS, attachment.id.bits(), &mut taken);
        marks.insert(attachment.id, mark);
        layout.rules.insert(mark);
    }
    for attachment in &attachments {
        let mark = marks[&attachment.id];
        let link = connection::transit_device(attachment.id);
        connection::lay(&mut layout, &link, false, mtu);
        for (all, hop) in [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)].into_iter().zip(connection::hops(&link)) {
            layout.routes.insert((mark, all), hop);
        }
    }
    let overlay = has_overlay(plan, gateway);
    let forwarding = if overlay { lay_overlay(&mut layout, plan, gateway, &marks, mtu) } else { BTreeMap::new() };
    let mut ruleset = String::new();
    // Writing to a string doesn't fail.
    let zones = if entry::is_zoned(gateway) { zones(plan, &attachments) } else { BTreeSet::new() };
    let _ = write_edges(&mut ruleset, &attachments, &zones, &overlay.then(|| ends(plan, gateway, &marks)));
    let _ = write(&mut ruleset, plan, &attachments, &marks, &zones);
    Transit { ruleset, layout, forwarding }
}

/// The VPNs of a gateway that end here: the marks of their attachments, by the hardware address that other hosts send to
/// them by.
fn ends(
    plan: &HostPlan,
    gateway: &TransitGatewayPlan,
    marks: &BTreeMap<TransitGatewayAttachmentId, Mark>,
) -> BTreeMap<Mac, Mark> {
    let here = vpn::here(plan).filter_map(|vpn| Some((vpn.id, vpn.transit?)));
    let here = here.filter(|(_, (id, _))| *id == gateway.id);
    here.filter_map(|(id, (_, attachment))| Some((vpn::mac(id), *marks.get(&attachment)?))).collect()
}

/// The zones that senders may be in.
fn zones(plan: &HostPlan, attachments: &[&AttachmentPlan]) -> BTreeSet<ZoneName> {
    let networks: BTreeSet<_> = attachments
        .iter()
        .filter_map(|attachment| match &attachment.to {
            AttachmentTo::Vpc { vpc, .. } => Some(*vpc),
            AttachmentTo::Vpn(_) => None,
        })
        .collect();
    plan.subnets().filter(|subnet| networks.contains(&subnet.vpc)).filter_map(|subnet| subnet.zone).collect()
}

/// What packets say of their zones as they go on to a network, and what comes from other hosts: for the VPNs that end here,
/// and for nobody else.
fn write_edges(
    text: &mut String,
    attachments: &[&AttachmentPlan],
    zones: &BTreeSet<ZoneName>,
    ends: &Option<BTreeMap<Mac, Mark>>,
) -> fmt::Result {
    writeln!(text, "table netdev {TABLE}\ndelete table netdev {TABLE}\ntable netdev {TABLE} {{")?;
    if let Some(ends) = ends {
        let marks: Vec<_> = ends.iter().map(|(mac, mark)| format!("{mac} : {mark:#x}")).collect();
        let rules = match marks.is_empty() {
            true => String::new(),
            false => format!(
                "\t\tmeta mark set ether daddr map {{ {} }}\n\t\tether type ip meta mark != 0 meta pkttype set host accept\n",
                marks.join(", ")
            ),
        };
        writeln!(
            text,
            "\tchain overlay {{
\t\ttype filter hook ingress device \"{DEVICE}\" priority -500; policy drop;
\t\tmeta mark set 0
{rules}\t}}"
        )?;
    }
    for attachment in attachments {
        text.push_str(&entry::egress_chain(&connection::transit_device(attachment.id), zones.iter().copied()));
    }
    writeln!(text, "}}")
}

/// The zone that what is handed over says: its sender's, or for an attachment in appliance mode one by the flow's hash,
/// which is the same in both directions.
fn hand_over(plan: &HostPlan, attachments: &[&AttachmentPlan], zones: &BTreeSet<ZoneName>) -> String {
    let known: Vec<_> =
        zones.iter().map(|zone| format!("{} : {:#x}", entry::address(*zone), entry::mark(*zone))).collect();
    if known.is_empty() {
        return String::new();
    }
    let mut rules = format!("\t\tmeta mark set ether saddr map {{ {} }}\n", known.join(", "));
    for attachment in attachments {
        let AttachmentTo::Vpc { subnets, appliance: true, .. } = &attachment.to else { continue };
        let zones = subnets.iter().filter_map(|id| plan.subnet(*id)?.zone);
        let choices: Vec<_> =
            zones.enumerate().map(|(index, zone)| format!("{index} : {:#x}", entry::mark(zone))).collect();
        if choices.len() > 1 {
            let link = connection::transit_device(attachment.id);
            let (count, choices) = (choices.len(), choices.join(", "));
            // Writing to a string doesn't fail.
            let _ = writeln!(rules, "\t\toifname \"{link}\" meta mark set symhash mod {count} map {{ {choices} }}");
        }
    }
    rules
}

fn write(
    text: &mut String,
    plan: &HostPlan,
    attachments: &[&AttachmentPlan],
    marks: &BTreeMap<TransitGatewayAttachmentId, Mark>,
    zones: &BTreeSet<ZoneName>,
) -> fmt::Result {
    let hand_over = hand_over(plan, attachments, zones);
    writeln!(text, "table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{")?;
    let mut tables = Tables::default();
    let mut of_link = Vec::new();
    for attachment in attachments {
        let compiled = Family::BOTH.map(|family| {
            let routes = attachment.routes.iter().filter_map(|(to, by)| {
                // A packet isn't sent back to where it came from.
                let by = by.filter(|by| *by != attachment.id);
                Some((family.span(*to)?, by.and_then(|by| marks.get(&by).copied())))
            });
            flatten(routes.collect(), &[])
        });
        if let Some(chain) = tables.add(attachment.id, compiled) {
            of_link.push(format!("\"{}\" : jump {chain}", connection::transit_device(attachment.id)));
        }
    }
    tables.write(text)?;
    write_elements(text, "map routes_of", "type ifname : verdict", &of_link)?;
    writeln!(
        text,
        "\tchain route {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tiifname != \"{DEVICE}\" meta mark set 0
\t\tiifname vmap @routes_of
\t}}
\tchain hand_over {{
{hand_over}\t\taccept
\t}}
\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
\t\tiifname \"{TRANSIT}*\" oifname \"{TRANSIT}*\" meta mark != 0 jump hand_over
\t\tiifname \"{TRANSIT}*\" oifname \"{DEVICE}\" meta mark != 0 accept
\t\tiifname \"{DEVICE}\" oifname \"{TRANSIT}*\" meta mark != 0 accept
\t}}
\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy drop;
\t}}
}}"
    )
}

/// Whether a link in a gateway's namespace is one that comes and goes.
fn comes_and_goes(name: &str) -> bool {
    connection::is_connection(name) || name == DEVICE
}

impl Transit {
    /// Makes the calling thread's namespace so.
    pub fn apply(&self, loaded: &mut Option<Loaded>) -> io::Result<()> {
        inside::prepare(true)?;
        let netlink = &mut Netlink::open()?;
        for (name, link) in layout::links(netlink)? {
            if comes_and_goes(&name) && !self.layout.links.contains_key(&name) {
                layout::remove_link(netlink, link.index)?;
            }
        }
        for name in self.layout.links.keys().filter(|name| comes_and_goes(name)) {
            sysctl::ensure(&format!("ipv4/conf/{name}/rp_filter"), "0")?;
        }
        let hooked = advance::indexes(netlink)?.into_iter().filter(|(name, _)| comes_and_goes(name)).collect();
        filter::ensure(&self.ruleset, hooked, loaded)?;
        let ours = |name: &str| name == "lo" || name == UPLINK || comes_and_goes(name);
        self.layout.converge(netlink, ours, |_| true)?;
        overlay::ensure_forwarding(netlink, &self.forwarding)
    }
}
