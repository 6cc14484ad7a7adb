//! Anti-spoofing: what a guest may put on its link at all, decided where the frame enters the machine.
//!
//! A guest speaks with its own hardware address, and IPv4 from its own addresses, ARP about them, and DHCP before it has
//! one. Everything else is dropped by not being listed: other protocols, tagged frames, and IPv6, of which no interface
//! has an address yet; so neighbour discovery and router advertisements reach nobody.

use std::fmt::{self, Write};

use landfall_model::plan::{PortPlan, SubnetPlan};

use super::ruleset::TABLE;
use crate::metadata::names::port_device;

// The kernel looks for ports in later fragments too, where there are none: a rule that means ports must say so.

/// Sources that no packet has which is under way between machines.
const NO_SOURCES: &str = "{ 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3 }";

/// Writes the table, with one chain for each port.
pub fn write_table(text: &mut String, ports: &[(&PortPlan, &SubnetPlan)]) -> fmt::Result {
    writeln!(text, "table netdev {TABLE}\ndelete table netdev {TABLE}\ntable netdev {TABLE} {{")?;
    for (port, _) in ports {
        write_port(text, port)?;
    }
    writeln!(text, "}}")
}

fn write_port(text: &mut String, port: &PortPlan) -> fmt::Result {
    let (name, mac) = (port_device(port.id), port.mac);
    let own: Vec<_> = port.addresses.iter().map(ToString::to_string).collect();
    let own = own.join(", ");
    writeln!(
        text,
        "\tchain {name} {{
\t\tcomment \"{}\"
\t\ttype filter hook ingress device \"{name}\" priority -500; policy drop;
\t\tether saddr != {mac} counter drop",
        port.id
    )?;
    if !own.is_empty() {
        write!(
            text,
            "\t\tether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether {mac} \
             arp saddr ip {{ 0.0.0.0, {own} }} accept
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
    writeln!(text, "\t\tcounter drop\n\t}}")
}
