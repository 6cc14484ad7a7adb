//! Anti-spoofing: what a guest may put on its link at all, decided where the frame enters the machine; and what may come
//! from other hosts.
//!
//! A guest speaks with its own hardware address, and IP from its own addresses, ARP about them, and DHCP before it has
//! one. With IPv6 it also speaks from a link-local address, but to nobody except its gateway, and only to find its
//! neighbours, to ask for routers and for an address. Everything else is dropped by not being listed: other protocols,
//! tagged frames, router advertisements, redirects, answers of DHCP.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::Mac;
use landfall_model::plan::{PortPlan, SubnetPlan};

use super::judge::{UNKNOWN_SENDER, UNKNOWN_SENDER_MAC};
use super::overlay::DEVICE;
use super::ruleset::{GATEWAY_V6, TABLE};
use super::target::Mark;
use crate::metadata::names::port_device;

// The kernel looks for ports in later fragments too, where there are none: a rule that means ports must say so.

/// Sources that no packet has which is under way between machines.
const NO_SOURCES: &str = "{ 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3 }";
/// The same of IPv6, and the addresses of a network's own services.
const NO_SOURCES_V6: &str = "{ ::/8, fd00:ec2::/32, fe80::/10, ff00::/8 }";
/// Whom a guest may speak to from a link-local address: its gateway, all routers, all servers of DHCP, and those who may
/// have an address that it looks for.
const LINK_LOCAL_PEERS: &str = "ff02::2, ff02::1:2, ff02::1:ff00:0/104";

/// How many link-local addresses a guest may have within an hour.
const LINK_LOCALS: u8 = 8;
/// In how many names a router may look for its gateway within an hour.
const ASKERS: u8 = 64;

/// Writes the table, with one chain for each port. `routers` has the marks of what takes packets that aren't addressed to
/// it, by the hardware address that other hosts send them by; `overlay` says whether there are other hosts, and `handed_on`
/// has the links by which packets go to other networks and hosts; `said` are chains of what packets say of their zones.
pub fn write_table(
    text: &mut String,
    ports: &[(&PortPlan, &SubnetPlan)],
    routers: &BTreeMap<Mac, Mark>,
    overlay: bool,
    handed_on: &[String],
    said: &str,
) -> fmt::Result {
    writeln!(text, "table netdev {TABLE}\ndelete table netdev {TABLE}\ntable netdev {TABLE} {{")?;
    for (port, _) in ports {
        write_port(text, port)?;
    }
    if overlay {
        let rule = if routers.is_empty() {
            String::new()
        } else {
            let marks: Vec<_> = routers.iter().map(|(mac, mark)| format!("{mac} : {mark:#x}")).collect();
            format!("\t\tmeta mark set ether daddr map {{ {} }}\n", marks.join(", "))
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
    // What has no sender that groups could name says so to the network or host that it is handed on to.
    for link in handed_on {
        writeln!(
            text,
            "\tchain out_{link} {{
\t\ttype filter hook egress device \"{link}\" priority 0; policy accept;
\t\tmeta mark and {UNKNOWN_SENDER:#x} != 0 ether saddr set {UNKNOWN_SENDER_MAC}
\t}}"
        )?;
    }
    text.push_str(said);
    writeln!(text, "}}")
}

fn write_port(text: &mut String, port: &PortPlan) -> fmt::Result {
    let (name, mac) = (port_device(port.id), port.mac);
    let own: Vec<_> = port.addresses.iter().map(ToString::to_string).collect();
    let own = own.join(", ");
    if !port.ipv6.is_empty() {
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
            format!("{{ 0.0.0.0, {own} }}")
        } else {
            format!("!= {{ 127.0.0.0/8, 224.0.0.0/3 }} add @behind_{name} {{ arp saddr ip }}")
        };
        write!(
            text,
            "\t\tether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether {mac} \
             arp saddr ip {askers} accept
\t\tether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 accept
\t\tether type ip ip frag-off & 0x1fff == 0 udp sport 67 udp dport 68 counter drop
"
        )?;
        if port.source_dest_check {
            writeln!(text, "\t\tether type ip ip saddr {{ {own} }} accept")?;
        } else {
            // A router: it passes on what others sent.
            writeln!(text, "\t\tether type ip ip saddr != {NO_SOURCES} accept")?;
        }
    }
    if !port.ipv6.is_empty() {
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
    let peers = format!("{{ {GATEWAY_V6}, {LINK_LOCAL_PEERS} }}");
    writeln!(
        text,
        "\t\tether type ip6 icmpv6 type {{ nd-router-advert, nd-redirect }} counter drop
\t\tether type ip6 udp sport 547 udp dport 546 counter drop
\t\tether type ip6 ip6 saddr :: ip6 daddr ff02::1:ff00:0/104 ip6 nexthdr icmpv6 icmpv6 type nd-neighbor-solicit accept
\t\tether type ip6 ip6 saddr :: ip6 daddr ff02::2 ip6 nexthdr icmpv6 icmpv6 type nd-router-solicit accept
\t\tether type ip6 ip6 saddr fe80::/10 ip6 saddr != {GATEWAY_V6} ip6 daddr {peers} ip6 nexthdr icmpv6 icmpv6 type \
         {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} add @near_{name} {{ ip6 saddr }} accept
\t\tether type ip6 ip6 saddr fe80::/10 ip6 saddr != {GATEWAY_V6} ip6 daddr {peers} ip6 nexthdr udp udp sport 546 \
         udp dport 547 add @near_{name} {{ ip6 saddr }} accept"
    )?;
    if port.source_dest_check {
        writeln!(text, "\t\tether type ip6 ip6 saddr {{ {own} }} accept")
    } else {
        writeln!(text, "\t\tether type ip6 ip6 saddr != {NO_SOURCES_V6} accept")
    }
}
