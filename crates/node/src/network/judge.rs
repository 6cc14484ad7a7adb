//! What each interface has let pass of a flow, where routers are among the interfaces of a network.
//!
//! Security groups remember flows per interface. Where every interface speaks for itself alone, that a connection is
//! established says it all: both ends were asked. A router (an interface whose check is off) breaks this. It may answer in
//! another's name, with an accomplice at the other end, and so establish what the one named has never seen; and question
//! and answer may take different ways, past different interfaces. So each connection carries labels that say who was asked
//! about it: the interface that has the original source, the one that has the original destination, and each router. Whoever
//! wasn't is asked, whatever state the connection is in.
//!
//! What is translated is in a table of its own (see [`super::prerouting`]), where labels of the other aren't seen. An
//! interface that lets through what may come back that way is remembered for an hour by the flow's addresses and ports.
//! A flow that is halved so looks invalid to connection tracking: it is judged by those memories and by rules alone.
//! There is room for so many of them in a network, and no interface takes more than a quarter of it, be it by what it asks
//! or by what it is asked: what it is asked beyond its share, its groups are asked about again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::Ipv6Addr;

use landfall_model::plan::{HostPlan, PortLocation, PortPlan, VpcPlan};
use landfall_model::{InterfaceId, RuleDirection};

use super::connection::{PEERINGS, VPNS};
use super::overlay::DEVICE;
use super::prerouting::TRANSLATED;
use super::ruleset::{Rules, UPLINK, has_overlay, local_ports, write_elements};
use super::untracked::{self, BY_DESTINATION, BY_SOURCE};
use crate::metadata::names::port_device;

/// Set where the interface of the original source was asked.
const SOURCE: u8 = 0;
/// Set where the interface of the original destination was asked.
const DESTINATION: u8 = 1;
/// Set where anybody was asked. A connection without it is from before there was a router.
const JUDGED: u8 = 2;
/// The first of the labels of routers. Each has two: set where what flows from the original source, and what flows to it,
/// answers what the router let pass before. What comes to a router and what it sends on is the same packet, and is asked
/// about twice.
const FIRST: u8 = 3;
/// How many routers there are labels for.
const ROUTERS: u8 = 61;

/// How many flows of each kind a network remembers.
const MEMORIES: u32 = 262_144;
/// How many of them an interface may add at once, as sender and as receiver each, and again within the hour that they
/// last: so that it never has more than an eighth as either.
const SHARE: u32 = MEMORIES / 16;

/// The mark of packets whose sender's interface isn't known by their source: rules that name a group don't hold for them.
pub const UNKNOWN_SENDER: u32 = 0x8000_0000;
/// The hardware address that such packets are handed on from, to another network or host.
pub const UNKNOWN_SENDER_MAC: &str = "02:00:00:00:00:07";

/// Whether a port passes on what isn't its own.
pub fn is_router(port: &PortPlan) -> bool {
    !port.source_dest_check && port.location != PortLocation::Service
}

/// Whether a network has a router, on whatever host.
pub fn has_routers(plan: &HostPlan, vpc: &VpcPlan) -> bool {
    plan.ports().any(|port| port.vpc == vpc.id && is_router(port))
}

/// The address by which a link knows a port in IPv6; none of one that doesn't speak it. A router of a network that does
/// passes it on though it has no address of its own: then it is the link-local one that its hardware address makes (RFC 4291,
/// appendix A).
pub fn ipv6_name(port: &PortPlan, vpc: &VpcPlan) -> Option<Ipv6Addr> {
    let of_router = || {
        let [a, b, c, d, e, f] = port.mac.0.map(u16::from);
        let parts = [(a ^ 0x02) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f];
        Ipv6Addr::new(0xfe80, 0, 0, 0, parts[0], parts[1], parts[2], parts[3])
    };
    let passes_on = is_router(port) && !vpc.ipv6.is_empty();
    port.ipv6.first().copied().or_else(|| passes_on.then(of_router))
}

/// The labels of routers, each made from its id, so that another's coming or going doesn't move it. Beyond as many as
/// there are labels some share one: then a flow that one let pass counts as asked about for the other.
fn labels<'p>(routers: impl Iterator<Item = &'p PortPlan>) -> BTreeMap<InterfaceId, u8> {
    let (mut labels, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for port in routers {
        let mut place = u8::try_from(port.id.bits() % u128::from(ROUTERS)).unwrap_or(0);
        while taken.len() < usize::from(ROUTERS) && !taken.insert(place) {
            place = (place + 1) % ROUTERS;
        }
        labels.insert(port.id, FIRST + 2 * place);
    }
    labels
}

/// All labels that routers may have, the first of each pair.
pub fn router_labels() -> impl Iterator<Item = u8> {
    (0..ROUTERS).map(|place| FIRST + 2 * place)
}

/// Routers' devices by their labels, the first of each pair.
pub type Routers = BTreeMap<u8, BTreeSet<String>>;

/// The routers of a network on this host.
pub fn routers_by_label(plan: &HostPlan, vpc: &VpcPlan) -> Routers {
    let ports = local_ports(plan, vpc).into_iter().map(|(port, _)| port);
    let mut by_label = Routers::new();
    for (id, label) in labels(ports.filter(|port| is_router(port))) {
        by_label.entry(label).or_default().insert(port_device(id));
    }
    by_label
}

/// The routers that loaded rules know, from the chains that [`write_router`] writes, as `nft` shows them. One that isn't
/// understood is left out: then what it let pass is asked about once more.
pub fn loaded_routers(rules: &str) -> Routers {
    let mut by_label = Routers::new();
    for line in rules.lines() {
        let Some((label, device)) = line.trim().strip_prefix("ct direction original ct label ").and_then(|rest| {
            let (label, device) = rest.split_once(" goto passed_")?;
            Some((label.parse().ok()?, device.to_owned()))
        }) else {
            continue;
        };
        by_label.entry(label).or_default().insert(device);
    }
    by_label
}

/// A port's addresses of both families, as conditions on a field.
fn own(port: &PortPlan, field: &str) -> Vec<String> {
    let v4: Vec<_> = port.addresses.iter().map(ToString::to_string).collect();
    let v6: Vec<_> = port.ipv6.iter().map(ToString::to_string).collect();
    let families = [("ip", v4.join(", ")), ("ip6", v6.join(", "))];
    families
        .into_iter()
        .filter(|(_, own)| !own.is_empty())
        .map(|(tag, own)| format!("{tag} {field} {{ {own} }}"))
        .collect()
}

impl Rules<'_> {
    fn routers(&self) -> impl Iterator<Item = &PortPlan> {
        self.ports.iter().map(|(port, _)| *port).filter(|port| is_router(port))
    }

    /// Writes the set of the routers' devices.
    pub(super) fn write_routers(&self, text: &mut String) -> fmt::Result {
        let names: Vec<_> = self.routers().map(|port| format!("\"{}\"", port_device(port.id))).collect();
        write_elements(text, "set routers", "type ifname", &names)
    }

    /// Writes the chains that ask groups unless they were asked, and the rules of the forward hook that lead there.
    pub(super) fn write_judges(&self, text: &mut String, rules: &mut String) -> fmt::Result {
        write_memories(text)?;
        for direction in [RuleDirection::Egress, RuleDirection::Ingress] {
            write_side(text, direction)?;
        }
        let labels = labels(self.routers());
        for port in self.routers() {
            write_router(text, port, labels.get(&port.id).copied().unwrap_or(FIRST))?;
        }
        for (map, ordinary, prefix) in [("senders", "sender", "by"), ("receivers", "receiver", "at")] {
            let of_port = self.ports.iter().map(|(port, _)| {
                let name = port_device(port.id);
                if is_router(port) {
                    format!("\"{name}\" : jump {prefix}_{name}")
                } else {
                    format!("\"{name}\" : jump {ordinary}")
                }
            });
            write_elements(text, &format!("map {map}"), "type ifname : verdict", &of_port.collect::<Vec<_>>())?;
        }
        let overlay = has_overlay(self.plan, self.vpc);
        let halved = if overlay { format!(" iifname != \"{DEVICE}\" oifname != \"{DEVICE}\"") } else { String::new() };
        let tracked = untracked::tracked();
        write!(
            rules,
            "\t\tct state related accept
\t\tct state established ct label ! {JUDGED} {tracked} accept
\t\tct state invalid iifname \"{UPLINK}\" drop
\t\tct state invalid oifname \"{UPLINK}\" drop
\t\tct state invalid iifname != @routers oifname != @routers{halved} drop
"
        )?;
        self.write_uplink(rules)?;
        rules.push_str("\t\tiifname vmap @senders\n\t\toifname vmap @receivers\n");
        rules.push_str("\t\tct state established iifname != @ports oifname != @ports accept\n");
        if overlay {
            writeln!(rules, "\t\toifname \"{DEVICE}\" jump unknown_sender")?;
        }
        for link in self.links.keys().filter(|link| link.starts_with(PEERINGS)) {
            writeln!(rules, "\t\toifname \"{link}\" jump unknown_sender")?;
        }
        Ok(())
    }

    /// The chain that marks what has no sender that groups could name: what came from outside, through a transit gateway,
    /// a VPN, a NAT gateway or a router, here or where it was before.
    pub(super) fn write_unknown_sender(&self, text: &mut String) -> fmt::Result {
        let set = format!("meta mark set meta mark or {UNKNOWN_SENDER:#x}");
        let peerings = self.mark_peerings();
        writeln!(text, "\tchain unknown_sender {{\n{peerings}\t\tiifname \"{UPLINK}\" {set}")?;
        for entry in self.entries() {
            writeln!(text, "\t\tiifname \"{}\" {set}", entry.link)?;
        }
        if self.has_vpns() {
            writeln!(text, "\t\tiifname \"{VPNS}*\" {set}")?;
        }
        if !self.targets.nat_gateways.is_empty() {
            writeln!(text, "\t\tct mark != 0 meta nfproto ipv4 {set}")?;
        }
        let peerings = self.links.keys().filter(|link| link.starts_with(PEERINGS));
        let overlay = has_overlay(self.plan, self.vpc).then(|| DEVICE.to_owned());
        for link in peerings.cloned().chain(overlay) {
            writeln!(text, "\t\tiifname \"{link}\" ether saddr {UNKNOWN_SENDER_MAC} {set}")?;
        }
        for port in self.routers() {
            let name = port_device(port.id);
            for own in own(port, "saddr") {
                writeln!(text, "\t\tiifname \"{name}\" {} {set}", own.replace("saddr {", "saddr != {"))?;
            }
            for (field, protocol) in [("ip", "ipv4"), ("ip6", "ipv6")] {
                if !own(port, "saddr").iter().any(|own| own.starts_with(&format!("{field} "))) {
                    writeln!(text, "\t\tiifname \"{name}\" meta nfproto {protocol} {set}")?;
                }
            }
        }
        writeln!(text, "\t}}")
    }
}

/// The sets of flows that interfaces let pass, each as the interface sees it: its own end first.
fn write_memories(text: &mut String) -> fmt::Result {
    let ports = "type ifname . ipv4_addr . inet_service . ipv4_addr . inet_service";
    for (name, kind) in [("tcp", ports), ("udp", ports), ("echo", "type ifname . ipv4_addr . ipv4_addr")] {
        let kind = format!("{kind}\n\t\tsize {MEMORIES}");
        writeln!(text, "\tset let_{name} {{\n\t\t{kind}\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t}}")?;
    }
    for name in ["sender", "receiver"] {
        // It outlives what is remembered, so that nobody's share begins anew before.
        let kind = "type ifname . inet_proto\n\t\tsize 65535";
        writeln!(text, "\tset share_{name} {{\n\t\t{kind}\n\t\tflags dynamic,timeout\n\t\ttimeout 2h\n\t}}")?;
    }
    Ok(())
}

/// The chains of ports that speak for themselves alone, as senders or as receivers.
fn write_side(text: &mut String, direction: RuleDirection) -> fmt::Result {
    let (name, link, map, [own, other], [first, second]) = match direction {
        RuleDirection::Egress => ("sender", "iifname", "groups_from", ["s", "d"], [SOURCE, DESTINATION]),
        RuleDirection::Ingress => ("receiver", "oifname", "groups_to", ["d", "s"], [DESTINATION, SOURCE]),
    };
    let flow = |tag: &str| format!("{link} . ip {own}addr . {tag} {own}port . ip {other}addr . {tag} {other}port");
    let pair = format!("{link} . ip {own}addr . ip {other}addr");
    let known = match direction {
        RuleDirection::Egress => String::new(),
        RuleDirection::Ingress => "\t\tjump unknown_sender\n".to_owned(),
    };
    let away = match direction {
        RuleDirection::Egress => "oifname",
        RuleDirection::Ingress => "iifname",
    };
    let (untracked, untracked_reply) = match direction {
        RuleDirection::Egress => (BY_SOURCE, BY_DESTINATION),
        RuleDirection::Ingress => (BY_DESTINATION, BY_SOURCE),
    };
    // What is known already is only kept.
    write!(
        text,
        "\tchain remember_{name} {{
\t\tmeta l4proto tcp {} @let_tcp update @let_tcp {{ {} }} return
\t\tmeta l4proto udp {} @let_udp update @let_udp {{ {} }} return
\t\ticmp type echo-request {pair} @let_echo update @let_echo {{ {pair} }} return
\t\tmeta l4proto {{ tcp, udp, icmp }} update @share_{name} {{ {link} . meta l4proto \
         limit rate over {SHARE}/hour burst {SHARE} packets }} return
\t\tmeta l4proto tcp add @let_tcp {{ {} }}
\t\tmeta l4proto udp add @let_udp {{ {} }}
\t\ticmp type echo-request add @let_echo {{ {pair} }}
\t}}
\tchain passed_{name} {{
\t\tct direction original ct label set {first}
\t\tct direction reply ct label set {second}
\t\tct label set {JUDGED}
\t\tct label {untracked} return
\t\tmeta nfproto ipv4 ct zone {TRANSLATED} ct state new jump remember_{name}
\t\tmeta nfproto ipv4 ct state new,invalid {away} @routers jump remember_{name}
\t\tmeta nfproto ipv4 ct state new,invalid {away} \"{DEVICE}\" jump remember_{name}
\t}}
\tchain {name} {{
\t\tct direction original ct label {first} ct label ! {untracked} return
\t\tct direction reply ct label {second} ct label ! {untracked_reply} return
\t\tmeta nfproto ipv4 meta l4proto tcp {} @let_tcp goto passed_{name}
\t\tmeta nfproto ipv4 meta l4proto udp {} @let_udp goto passed_{name}
\t\ticmp type echo-reply {pair} @let_echo goto passed_{name}
{known}\t\t{link} vmap @{map}
\t\tgoto passed_{name}
\t}}
",
        flow("tcp"),
        flow("tcp"),
        flow("udp"),
        flow("udp"),
        flow("tcp"),
        flow("udp"),
        flow("tcp"),
        flow("udp"),
    )
}

/// A router's chains: it is an end of what has its own address there, and in between of all else.
fn write_router(text: &mut String, port: &PortPlan, label: u8) -> fmt::Result {
    let (name, [onward, back]) = (port_device(port.id), [label, label + 1]);
    write!(
        text,
        "\tchain passed_{name} {{
\t\tct direction original ct label set {back}
\t\tct direction reply ct label set {onward}
\t\tct label set {JUDGED}
\t}}
"
    )?;
    for (prefix, field, end, link, map) in
        [("by", "saddr", "sender", "iifname", "groups_from"), ("at", "daddr", "receiver", "oifname", "groups_to")]
    {
        let own: String = own(port, field).iter().map(|own| format!("\t\t{own} goto {end}\n")).collect();
        let known = if prefix == "at" { "\t\tjump unknown_sender\n" } else { "" };
        write!(
            text,
            "\tchain {prefix}_{name} {{
{own}\t\tct direction original ct label {onward} goto passed_{name}
\t\tct direction reply ct label {back} goto passed_{name}
{known}\t\t{link} vmap @{map}
\t\tgoto passed_{name}
\t}}
"
        )?;
    }
    Ok(())
}
