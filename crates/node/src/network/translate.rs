//! Translation of addresses: public ones one to one, and many to one by NAT gateways.
//!
//! A flow that a NAT gateway translates carries the gateway's mark in connection tracking. So the way back is known by it:
//! it goes by the routes of the gateway's subnet, and meets that subnet's network ACL.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use super::ruleset::{UPLINK, write_elements};
use super::target::Targets;

/// Flows to one destination that a NAT gateway has ports for, for each of its addresses. Source: AWS's "NAT gateway
/// basics".
const FLOWS: usize = 55_000;
/// The lists that the flows to one destination are counted in, by their hash: the kernel goes through a whole list for what
/// is added to it.
const LISTS: usize = 16;
/// How many more flows than their part may be in a list, in percent: no hash shares them out evenly. There are ports for
/// all of them.
const UNEVEN_PERCENT: usize = 8;

/// What a flow's address is chosen by, of those with ports and of all others.
const FLOW_KEYS: [(&str, &str); 2] =
    [("meta l4proto { tcp, udp } ", "ip saddr . th sport . ip daddr . th dport"), ("", "ip saddr . ip daddr")];

/// Writes the chains. `public` has the public addresses of ports on this host, with the private ones they stand for;
/// `again` the private addresses of NAT gateways in whose names routers send on, with their public ones.
pub fn write(
    text: &mut String,
    public: &BTreeMap<Ipv4Addr, Ipv4Addr>,
    again: &[(Ipv4Addr, Ipv4Addr)],
    targets: &Targets<'_>,
    internet_gateway: bool,
) -> fmt::Result {
    let inwards: Vec<_> = public.iter().map(|(public, private)| format!("{public} : {private}")).collect();
    // A private address with several public ones speaks as the first.
    let mut outwards = BTreeMap::new();
    for (public, private) in public {
        outwards.entry(*private).or_insert(*public);
    }
    outwards.extend(again.iter().copied());
    let senders: Vec<_> = outwards.keys().map(Ipv4Addr::to_string).collect();
    let outwards: Vec<_> = outwards.iter().map(|(private, public)| format!("{private} : {public}")).collect();
    write_elements(text, "map public_in", "type ipv4_addr : ipv4_addr", &inwards)?;
    write_elements(text, "map public_out", "type ipv4_addr : ipv4_addr", &outwards)?;
    write_elements(text, "set translated", "type ipv4_addr", &senders)?;
    let mut gateways = Vec::new();
    for (mark, gateway) in targets.nat_gateways.values() {
        let private: Vec<_> = gateway.addresses.iter().map(|(private, _)| *private).collect();
        let public: Vec<_> = gateway.addresses.iter().filter_map(|(_, public)| *public).collect();
        write_gateway(text, *mark, &private, if internet_gateway { &public } else { &[] })?;
        gateways.push(format!("{mark:#x} : jump nat_{mark:x}"));
    }
    let mut rules = String::new();
    if !gateways.is_empty() {
        write_elements(text, "map nat_out", "type mark : verdict", &gateways)?;
        rules.push_str("\t\tct mark vmap @nat_out\n");
    }
    writeln!(
        text,
        "\tchain translate_in {{
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tiifname \"{UPLINK}\" dnat ip to ip daddr map @public_in
\t}}
\tchain translate_out {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
{rules}\t\toifname \"{UPLINK}\" snat ip to ip saddr map @public_out
\t}}"
    )
}

/// The name of the counter of flows that a gateway had no ports for.
pub fn exhausted(mark: u32) -> String {
    format!("nat_exhausted_{mark:x}")
}

/// A gateway's chain. Flows beyond what its ports can tell apart at one destination are counted and dropped, as they are
/// where AWS counts `ErrorPortAllocation`. Of several addresses flows are spread over all, also those to one destination:
/// only so are there as many ports as are counted.
fn write_gateway(text: &mut String, mark: u32, private: &[Ipv4Addr], public: &[Ipv4Addr]) -> fmt::Result {
    let flows = FLOWS * private.len().max(1) * (100 + UNEVEN_PERCENT) / 100 / LISTS;
    let counter = exhausted(mark);
    writeln!(
        text,
        "\tcounter {counter} {{ }}
\tset nat_flows_{mark:x} {{
\t\ttype ipv4_addr . inet_proto . inet_service . classid
\t\tsize 1048576
\t\tflags dynamic
\t}}
\tchain nat_{mark:x} {{
\t\tmeta priority set symhash mod {LISTS}
\t\tmeta l4proto {{ tcp, udp }} add @nat_flows_{mark:x} \
         {{ ip daddr . meta l4proto . th dport . meta priority ct count over {flows} }} counter name {counter} drop
\t\tmeta priority set 0"
    )?;
    for (way, addresses) in [(format!("oifname \"{UPLINK}\" "), public), (String::new(), private)] {
        match addresses {
            [] => writeln!(text, "\t\t{way}drop")?,
            [only] => writeln!(text, "\t\t{way}snat ip to {only}")?,
            several => {
                let choices: Vec<_> =
                    several.iter().enumerate().map(|(index, address)| format!("{index} : {address}")).collect();
                let (count, choices) = (several.len(), choices.join(", "));
                for (kind, flow) in FLOW_KEYS {
                    writeln!(text, "\t\t{way}{kind}snat ip to jhash {flow} mod {count} map {{ {choices} }}")?;
                }
            }
        }
    }
    writeln!(text, "\t}}")
}
