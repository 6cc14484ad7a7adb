//! Anti-spoofing: what a guest may put on its link at all, decided where the frame enters the machine; and what may come
//! from other hosts.
//!
//! A guest speaks with its own hardware address, and IP from its own addresses, ARP about them, and DHCP before it has
//! one. With IPv6 it also speaks from a link-local address, but to nobody except its gateway, and only to find its
//! neighbours, to ask for routers and for an address. It complains (in ICMP) about what it was sent itself and nothing else:
//! connection tracking takes a complaint for part of the flow that it quotes, whoever says it, and lets it pass all groups.
//! Everything else is dropped by not being listed: other protocols, tagged frames, router advertisements, redirects,
//! answers of DHCP.
//!
//! From the machine nothing comes that claims to be of the network itself, or of one that it is connected with.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::plan::{HostPlan, PortPlan, VpcPlan};
use landfall_model::{Cidr, InterfaceId, Ipv6Cidr};

use super::family::Family;
use super::judge::{self, UNKNOWN_SENDER, UNKNOWN_SENDER_MAC};
use super::namesake;
use super::overlay::DEVICE;
use super::ruleset::{GATEWAY_V6, Rules, TABLE, UPLINK, write_elements};
use super::scope::connected;
use super::span::{Span, union};
use super::target::{self, INTERNET, NEVER, NEVER_V6};
use crate::metadata::names::port_device;

// The kernel looks for ports in later fragments too, where there are none: a rule that means ports must say so.

/// Sources that no packet has which is under way between machines.
const NO_SOURCES: &str = "{ 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3 }";
/// The same of IPv6, and the addresses of a network's own services.
const NO_SOURCES_V6: &str = "{ ::/8, fd00:ec2::/32, fe80::/10, ff00::/8 }";
/// What the chains of all ports look into. A set without a name in each of them would be one more that the kernel goes
/// through, in a list, for every other set that it makes or looks for.
const SETS: [(&str, &str, &str); 5] = [
    // What complains about a packet, and quotes it.
    ("errors", "type icmp_type", "destination-unreachable, source-quench, time-exceeded, parameter-problem"),
    ("errors_ip6", "type icmpv6_type", "destination-unreachable, packet-too-big, time-exceeded, parameter-problem"),
    // What routers say.
    ("routers_ip6", "type icmpv6_type", "nd-router-advert, nd-redirect"),
    // How a guest finds out who is there.
    ("questions_ip6", "type icmpv6_type", "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert"),
    // Whom a guest may speak to from a link-local address: its gateway, all routers, all servers of DHCP, and those who
    // may have an address that it looks for.
    ("near_ip6", "type ipv6_addr\n\t\tflags interval", "fe80::1, ff02::2, ff02::1:2, ff02::1:ff00:0/104"),
];

/// So many tables have the ports' chains. The kernel goes through all chains of a table, rule by rule, whenever one of them
/// gets a rule, which takes it a microsecond for each port.
const PORT_TABLES: u128 = 16;

/// The number of the table that has a port's chain.
pub fn port_table(port: InterfaceId) -> u128 {
    port.bits() % PORT_TABLES
}

/// The hardware address that packets have between hosts which are to leave by the internet gateway.
const OUTWARDS_MAC: &str = "02:00:00:00:00:08";

/// How many link-local addresses a guest may have within an hour.
const LINK_LOCALS: u8 = 8;
/// In how many names a router may look for its gateway within an hour.
const ASKERS: u8 = 64;

/// Writes the tables, with one chain for each port. `overlay` says whether there are other hosts, and `handed_on` has the
/// links by which packets go to other networks and hosts; `said` are chains of what packets say of their zones.
pub fn write_table(
    text: &mut String,
    rules: &Rules<'_>,
    overlay: bool,
    handed_on: &[String],
    said: &str,
) -> fmt::Result {
    // The marks of what takes packets that aren't addressed to it, by the hardware address that other hosts use for it.
    let routers = rules.targets.by_mac(rules.plan);
    write_ports(text, rules)?;
    writeln!(text, "table netdev {TABLE}\ndelete table netdev {TABLE}\ntable netdev {TABLE} {{")?;
    write_uplink(text, rules.plan, rules.vpc)?;
    if overlay {
        let rule = if routers.is_empty() {
            String::new()
        } else {
            let marks: Vec<_> = routers.iter().map(|(mac, mark)| format!("{mac} : {mark:#x}")).collect();
            format!("\t\tmeta mark set ether daddr map {{ {} }}\n", marks.join(", "))
        };
        // What a router elsewhere sent on goes out by the internet gateway here, where its sender's interface is.
        let rule = if rules.vpc.internet_gateway && judge::has_routers(rules.plan, rules.vpc) {
            format!("{rule}\t\tether type ip ether saddr {OUTWARDS_MAC} meta mark set {INTERNET:#x}\n")
        } else {
            rule
        };
        // The receiver is known by its own hardware address, which isn't the device's.
        writeln!(
            text,
            "\tchain overlay {{
\t\ttype filter hook ingress device \"{DEVICE}\" priority -500; policy drop;
\t\tmeta mark set 0
{rule}\t\tether type {{ ip, ip6 }} meta pkttype set host accept
\t}}"
        )?;
    }
    // What has no sender that groups could name says so to the network or host that it is handed on to; so does what is to
    // leave by the internet gateway there, and what came over a peering.
    for link in handed_on {
        let outwards = if link == DEVICE && !rules.targets.homes.is_empty() {
            format!("\t\t{} ether saddr set {OUTWARDS_MAC}\n", target::goes_home())
        } else {
            String::new()
        };
        let peerings = if link == DEVICE { namesake::said(rules.plan, rules.vpc) } else { String::new() };
        writeln!(
            text,
            "\tchain out_{link} {{
\t\ttype filter hook egress device \"{link}\" priority 0; policy accept;
{peerings}\
\t\tmeta mark and {UNKNOWN_SENDER:#x} != 0 ether saddr set {UNKNOWN_SENDER_MAC}
{outwards}\t}}"
        )?;
    }
    text.push_str(said);
    writeln!(text, "}}")
}

/// Writes the tables of ports, each with what their chains look into. One that has no port is none.
fn write_ports(text: &mut String, rules: &Rules<'_>) -> fmt::Result {
    let mut tables: BTreeMap<u128, Vec<&PortPlan>> = (0..PORT_TABLES).map(|number| (number, Vec::new())).collect();
    for (port, _) in rules.ports {
        tables.entry(port_table(port.id)).or_default().push(port);
    }
    for (number, ports) in tables {
        let table = format!("netdev {TABLE}_ports_{number:x}");
        writeln!(text, "table {table}\ndelete table {table}")?;
        if ports.is_empty() {
            continue;
        }
        writeln!(text, "table {table} {{")?;
        let speaks_ipv6 = ports.iter().any(|port| judge::ipv6_name(port, rules.vpc).is_some());
        for (name, kind, elements) in SETS.into_iter().filter(|(name, ..)| speaks_ipv6 || !name.ends_with("ip6")) {
            let elements: Vec<_> = elements.split(", ").map(str::to_owned).collect();
            write_elements(text, &format!("set {name}"), kind, &elements)?;
        }
        ports.into_iter().try_for_each(|port| write_port(text, port, rules.vpc))?;
        writeln!(text, "}}")?;
    }
    Ok(())
}

fn write_port(text: &mut String, port: &PortPlan, vpc: &VpcPlan) -> fmt::Result {
    let speaks_ipv6 = judge::ipv6_name(port, vpc).is_some();
    let (name, mac) = (port_device(port.id), port.mac);
    let own: Vec<_> = port.addresses.iter().map(ToString::to_string).collect();
    let own = own.join(", ");
    if speaks_ipv6 {
        write_heard_of(text, &format!("near_{name}"), "ipv6_addr", LINK_LOCALS)?;
    }
    if !port.source_dest_check {
        write_heard_of(text, &format!("behind_{name}"), "ipv4_addr", ASKERS)?;
    }
    writeln!(
        text,
        "\tchain {name} {{
\t\tcomment \"{}\"
\t\ttype filter hook ingress device \"{name}\" priority -500; policy drop;
\t\tether saddr != {mac} counter drop",
        port.id
    )?;
    if !own.is_empty() {
        // A router looks for its gateway also in the name of what is behind it.
        let askers = if port.source_dest_check {
            vec!["0.0.0.0".to_owned(), format!("{{ {own} }}")]
        } else {
            vec![format!("!= {{ 127.0.0.0/8, 224.0.0.0/3 }} add @behind_{name} {{ arp saddr ip }}")]
        };
        for asker in askers {
            writeln!(
                text,
                "\t\tether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether {mac} \
                 arp saddr ip {asker} accept"
            )?;
        }
        write!(
            text,
            "\t\tether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 accept
\t\tether type ip ip frag-off & 0x1fff == 0 udp sport 67 udp dport 68 counter drop
"
        )?;
        if port.source_dest_check {
            let to_itself: Vec<_> =
                port.addresses.iter().map(|address| format!("{:#010x}", u32::from(*address))).collect();
            let to_itself = to_itself.join(", ");
            // What an error quotes was sent to the address that stands 24 bytes into it.
            writeln!(
                text,
                "\t\tether type ip ip saddr {{ {own} }} ip protocol != icmp accept
\t\tether type ip ip saddr {{ {own} }} ip frag-off & 0x1fff != 0 accept
\t\tether type ip ip saddr {{ {own} }} icmp type @errors @th,192,32 {{ {to_itself} }} accept
\t\tether type ip ip saddr {{ {own} }} icmp type != @errors icmp type != redirect accept"
            )?;
        } else {
            // A router: it passes on what others sent, and complains of it.
            writeln!(
                text,
                "\t\tether type ip ip frag-off & 0x1fff == 0 icmp type redirect counter drop
\t\tether type ip ip saddr != {NO_SOURCES} accept"
            )?;
        }
    }
    if speaks_ipv6 {
        write_ipv6(text, port)?;
    }
    writeln!(text, "\t\tcounter drop\n\t}}")
}

/// A set of the sources that a port was heard with lately. The kernel remembers a neighbour for each, in a table that all
/// networks of the machine share, and that a guest could fill.
fn write_heard_of(text: &mut String, name: &str, kind: &str, most: u8) -> fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\ttype {kind}\n\t\tsize {most}\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t}}")
}

/// What a guest may say in IPv6. A header that stands before the message hides it, so a message that is only spoken on a
/// link must follow at once; a fragment's later parts have none, and go only from the guest's own addresses.
fn write_ipv6(text: &mut String, port: &PortPlan) -> fmt::Result {
    let name = port_device(port.id);
    let own: Vec<_> = port.ipv6.iter().map(ToString::to_string).collect();
    let own = own.join(", ");
    writeln!(
        text,
        "\t\tether type ip6 ip6 daddr fe80::/10 ip6 daddr != {GATEWAY_V6} counter drop
\t\tether type ip6 icmpv6 type @routers_ip6 counter drop
\t\tether type ip6 udp sport 547 udp dport 546 counter drop
\t\tether type ip6 ip6 saddr :: ip6 daddr ff02::1:ff00:0/104 ip6 nexthdr icmpv6 icmpv6 type nd-neighbor-solicit accept
\t\tether type ip6 ip6 saddr :: ip6 daddr ff02::2 ip6 nexthdr icmpv6 icmpv6 type nd-router-solicit accept
\t\tether type ip6 ip6 saddr fe80::/10 ip6 saddr != {GATEWAY_V6} ip6 daddr @near_ip6 ip6 nexthdr icmpv6 icmpv6 type \
         @questions_ip6 add @near_{name} {{ ip6 saddr }} accept
\t\tether type ip6 ip6 saddr fe80::/10 ip6 saddr != {GATEWAY_V6} ip6 daddr @near_ip6 ip6 nexthdr udp udp sport 546 \
         udp dport 547 add @near_{name} {{ ip6 saddr }} accept"
    )?;
    if !port.source_dest_check {
        return writeln!(text, "\t\tether type ip6 ip6 saddr != {NO_SOURCES_V6} accept");
    }
    let to_itself: Vec<_> = port.ipv6.iter().map(|address| format!("{:#034x}", address.to_bits())).collect();
    let to_itself = to_itself.join(", ");
    // What an error quotes was sent to the address that stands 32 bytes into it.
    writeln!(
        text,
        "\t\tether type ip6 ip6 saddr {{ {own} }} meta l4proto != ipv6-icmp accept
\t\tether type ip6 ip6 saddr {{ {own} }} frag frag-off > 0 accept
\t\tether type ip6 ip6 saddr {{ {own} }} icmpv6 type @errors_ip6 @th,256,128 {{ {to_itself} }} accept
\t\tether type ip6 ip6 saddr {{ {own} }} icmpv6 type != @errors_ip6 accept"
    )
}

/// What comes from the machine: from the internet, from other networks, or from the machine. Groups know members by their
/// addresses, and nobody there has one of this network's or of one that it is connected with. An address of IPv6 may be
/// another network's all the same: such networks reach each other that way too. Whether it really is, the machine asks by
/// the link that it came by, unless other hosts have guests that are known by their own addresses outside.
fn write_uplink(text: &mut String, plan: &HostPlan, vpc: &VpcPlan) -> fmt::Result {
    let mut connected = connected(plan, vpc.id);
    connected.insert(vpc.id);
    let mut lines = String::new();
    for family in Family::BOTH {
        let mut spans: Vec<Span<u128>> = match family {
            Family::V4 => NEVER.iter().map(|&(first, last)| Span::new(first.into(), last.into())).collect(),
            Family::V6 => {
                let blocks = NEVER_V6.iter().filter_map(|&(first, prefix)| Ipv6Cidr::new(first, prefix));
                blocks.filter_map(|block| family.span(Cidr::V6(block))).collect()
            }
        };
        let networks = plan.vpcs().filter(|network| connected.contains(&network.id));
        spans.extend(networks.flat_map(|network| &network.cidrs).filter_map(|block| family.span(Cidr::V4(*block))));
        spans.extend(vpc.ipv6.iter().filter_map(|block| family.span(Cidr::V6(*block))));
        let elements: Vec<_> = union(spans).into_iter().map(|span| family.show(span)).collect();
        writeln!(lines, "\t\t{} saddr {{ {} }} counter drop", family.tag(), elements.join(", "))?;
    }
    writeln!(
        text,
        "\tchain uplink {{\n\t\ttype filter hook ingress device \"{UPLINK}\" priority -500; policy accept;\n{lines}\t}}"
    )
}
