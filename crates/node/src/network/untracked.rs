//! Flows that EC2 doesn't track: they live by the rules of each moment, and end with the rule that let them in.
//!
//! Where a rule lets TCP or UDP through from or to everywhere, and the rules of the other direction let all of it through
//! to everywhere, answers need no memory, and EC2 keeps none. So whoever takes that rule away cuts such a flow at once,
//! while others, which were let in by less, go on. Source: "Untracked connections" in the EC2 User Guide's "Security group
//! connection tracking". What passes a NAT gateway, a gateway for outgoing IPv6 or a transit gateway is always tracked, as
//! is ICMP.
//!
//! Each side judges for itself, so a connection has a label for each: set with its first packet, where the groups of that
//! side let it through so. A connection with such a label isn't accepted for being established: those groups are asked
//! about each of its packets.

use std::fmt::{self, Write};

use landfall_model::plan::{GroupRulePlan, PeerPlan};
use landfall_model::{IpProtocol, RuleDirection};

use super::connection::TRANSIT;
use super::family::Family;
use super::group::{Class, keys, write_set};
use super::judge::UNKNOWN_SENDER;
use super::ruleset::UPLINK;
use super::span::{Show, Span, union};

/// Set where the interface of the original source doesn't track the flow.
pub const BY_SOURCE: u8 = 125;
/// Set where the interface of the original destination doesn't.
pub const BY_DESTINATION: u8 = 126;

/// What tells the connections that both sides track.
pub fn tracked() -> String {
    format!("ct label ! {BY_SOURCE} ct label ! {BY_DESTINATION}")
}

/// The label of the side that is asked about what goes in a direction, where that is a connection's original one.
fn label(direction: RuleDirection) -> u8 {
    match direction {
        RuleDirection::Egress => BY_SOURCE,
        RuleDirection::Ingress => BY_DESTINATION,
    }
}

/// Writes the chains that groups jump to where what they are asked about isn't tracked, if it is new. `routers` tells
/// whether there are any: what they pass on isn't their own.
pub fn write_chains(text: &mut String, routers: bool) -> fmt::Result {
    for direction in [RuleDirection::Egress, RuleDirection::Ingress] {
        let (link, through) = match direction {
            RuleDirection::Egress => ("iifname", format!("\t\toifname \"{TRANSIT}*\" return\n")),
            RuleDirection::Ingress => {
                ("oifname", format!("\t\tiifname != \"{UPLINK}\" meta mark and {UNKNOWN_SENDER:#x} != 0 return\n"))
            }
        };
        let routers = if routers { format!("\t\t{link} @routers return\n") } else { String::new() };
        write!(
            text,
            "\tchain {} {{\n\t\tct state != new return\n\t\tct mark != 0 return\n{through}{routers}\t\tct label set {}\n\t}}\n",
            chain(direction),
            label(direction)
        )?;
    }
    Ok(())
}

fn chain(direction: RuleDirection) -> &'static str {
    match direction {
        RuleDirection::Egress => "untracked_from",
        RuleDirection::Ingress => "untracked_to",
    }
}

/// Writes the chains that ask the groups of either end, where there are no routers: about what is new, and what that end
/// doesn't track.
pub fn write_asking(text: &mut String) -> fmt::Result {
    for (name, question, [original, reply]) in [
        ("ask_sender", "iifname vmap @groups_from", [BY_SOURCE, BY_DESTINATION]),
        ("ask_receiver", "oifname vmap @groups_to", [BY_DESTINATION, BY_SOURCE]),
    ] {
        write!(
            text,
            "\tchain {name} {{
\t\tct state established ct direction original ct label ! {original} return
\t\tct state established ct direction reply ct label ! {reply} return
\t\t{question}
\t}}
"
        )?;
    }
    Ok(())
}

/// Writes the set of what rules of a direction let through without tracking, given those of the other one, and into
/// `lines` what looks into it.
pub fn write_marks(
    text: &mut String,
    lines: &mut String,
    name: &str,
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
    answers: &[&GroupRulePlan],
) -> fmt::Result {
    for family in Family::BOTH {
        let mut elements = Vec::new();
        for protocol in [IpProtocol::TCP, IpProtocol::UDP] {
            let IpProtocol::Number(number) = protocol else { continue };
            if open(answers, family, protocol).contains(&ALL) {
                let spans = open(rules, family, protocol).into_iter();
                elements.extend(spans.map(|ports| format!("{number} . {}", Show(ports))));
            }
        }
        if !elements.is_empty() {
            let set = format!("{name}_{}_open", family.tag());
            write_set(text, &set, "inet_proto . inet_service", elements.into_iter())?;
            let (protocol, chain) = (family.protocol(), chain(direction));
            writeln!(lines, "\t\tmeta nfproto {protocol} meta l4proto . th dport @{set} jump {chain}")?;
        }
    }
    Ok(())
}

const ALL: Span<u16> = Span { first: 0, last: u16::MAX };

/// The ports of a protocol that rules let through from or to everywhere.
fn open(rules: &[&GroupRulePlan], family: Family, protocol: IpProtocol) -> Vec<Span<u16>> {
    let spans = rules.iter().filter_map(|rule| {
        let PeerPlan::Cidr(block) = rule.peer else { return None };
        family.span(block).filter(|span| *span == family.everything())?;
        if rule.protocol == IpProtocol::All {
            Some(ALL)
        } else {
            keys(rule.protocol, rule.ports, Class::Only(protocol))
        }
    });
    union(spans.collect())
}

#[cfg(test)]
mod tests {
    use landfall_model::PortRange;

    use super::*;

    #[test]
    fn what_needs_no_memory_is_not_tracked() {
        let rule = |protocol, (from, to), block: &str| GroupRulePlan {
            protocol,
            ports: PortRange { from, to },
            peer: PeerPlan::Cidr(block.parse().unwrap()),
        };
        let (tcp, all) = (IpProtocol::TCP, IpProtocol::All);
        let everything = rule(all, (-1, -1), "0.0.0.0/0");
        let cases = [
            (vec![everything.clone()], vec![everything.clone()], vec!["6 . 0-65535", "17 . 0-65535"]),
            (vec![rule(tcp, (80, 80), "0.0.0.0/0")], vec![everything.clone()], vec!["6 . 80"]),
            (vec![rule(tcp, (80, 80), "10.0.0.0/8")], vec![everything.clone()], vec![]),
            (vec![rule(tcp, (80, 80), "::/0")], vec![everything.clone()], vec![]),
            (vec![rule(IpProtocol::ICMP, (8, -1), "0.0.0.0/0")], vec![everything.clone()], vec![]),
            (vec![everything.clone()], vec![rule(tcp, (0, 65535), "0.0.0.0/0")], vec!["6 . 0-65535"]),
            (vec![everything.clone()], vec![rule(tcp, (1, 65535), "0.0.0.0/0")], vec![]),
            (
                vec![everything],
                vec![rule(tcp, (0, 1023), "0.0.0.0/0"), rule(tcp, (1024, 65535), "0.0.0.0/0")],
                vec!["6 . 0-65535"],
            ),
        ];
        for (rules, answers, expected) in &cases {
            let (mut text, mut lines) = (String::new(), String::new());
            let [rules, answers] = [rules, answers].map(|rules| rules.iter().collect::<Vec<_>>());
            write_marks(&mut text, &mut lines, "to_x", RuleDirection::Ingress, &rules, &answers).unwrap();
            let elements: Vec<_> = text.lines().filter_map(|line| line.trim().strip_suffix(',')).collect();
            assert_eq!(&elements, expected, "{rules:?} {answers:?}");
            assert_eq!(lines.is_empty(), expected.is_empty());
        }
    }
}
