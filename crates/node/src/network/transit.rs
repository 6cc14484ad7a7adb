//! A transit gateway on this host: a namespace that routes between the networks attached to it.
//!
//! It has no address and answers nobody. What comes from an attachment goes by the table that the attachment is
//! associated with; what that has no route for, or one that drops, goes nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::io;

use landfall_model::plan::{AttachmentPlan, AttachmentTo, HostPlan, TransitGatewayPlan};
use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, TransitGatewayAttachmentId, ZoneName};

use super::connection::{self, TRANSIT};
use super::family::Family;
use super::filter::{self, Loaded};
use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
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
    let attachments: Vec<_> = gateway.attachments.iter().filter(linked).collect();
    // Within one namespace a number for each in order would do; one from the id stays when another goes.
    let (mut marks, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for attachment in &attachments {
        let mark = target::mark(ATTACHMENTS, attachment.id.bits(), &mut taken);
        marks.insert(attachment.id, mark);
        let link = connection::transit_device(attachment.id);
        connection::lay(&mut layout, &link, false, mtu);
        for (all, hop) in [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)].into_iter().zip(connection::hops(&link)) {
            layout.routes.insert((mark, all), hop);
        }
        layout.rules.insert(mark);
    }
    let mut ruleset = String::new();
    // Writing to a string doesn't fail.
    let zones = if entry::is_zoned(gateway) { zones(plan, &attachments) } else { BTreeSet::new() };
    let _ = write_zones(&mut ruleset, &attachments, &zones);
    let _ = write(&mut ruleset, plan, &attachments, &marks, &zones);
    Transit { ruleset, layout }
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

/// What packets say of their zones as they go on to a network.
fn write_zones(text: &mut String, attachments: &[&AttachmentPlan], zones: &BTreeSet<ZoneName>) -> fmt::Result {
    writeln!(text, "table netdev {TABLE}\ndelete table netdev {TABLE}\ntable netdev {TABLE} {{")?;
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
\t\tmeta mark set 0
\t\tiifname vmap @routes_of
\t}}
\tchain hand_over {{
{hand_over}\t\taccept
\t}}
\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
\t\tiifname \"{TRANSIT}*\" oifname \"{TRANSIT}*\" meta mark != 0 jump hand_over
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

impl Transit {
    /// Makes the calling thread's namespace so.
    pub fn apply(&self, loaded: &mut Option<Loaded>) -> io::Result<()> {
        inside::prepare(true)?;
        let netlink = &mut Netlink::open()?;
        for (name, link) in layout::links(netlink)? {
            if connection::is_connection(&name) && !self.layout.links.contains_key(&name) {
                layout::remove_link(netlink, link.index)?;
            }
        }
        for name in self.layout.links.keys().filter(|name| connection::is_connection(name)) {
            sysctl::ensure(&format!("ipv4/conf/{name}/rp_filter"), "0")?;
        }
        let indexes = advance::indexes(netlink)?;
        let hooked = indexes.into_iter().filter(|(name, _)| connection::is_connection(name)).collect();
        filter::ensure(&self.ruleset, hooked, loaded)?;
        let ours = |name: &str| name == "lo" || name == UPLINK || connection::is_connection(name);
        self.layout.converge(netlink, ours, |_| true)
    }
}
