//! Security groups, compiled.
//!
//! Interfaces that are in the same groups share one chain and its sets, so that the size of a ruleset grows with the
//! rules and not with the interfaces. A chain looks into a handful of sets, however many rules there are.
//!
//! All sets have the same kinds of fields. For ICMP, type and code are the first sixteen bits of its header, where TCP and
//! UDP have the source port; so "type 8, any code" is the range 2048-2303 of `th sport`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::IpAddr;

use landfall_model::plan::{GroupRulePlan, HostPlan, PeerPlan};
use landfall_model::{IpProtocol, PortRange, RuleDirection, SecurityGroupId, VpcId};

use super::family::Family;
use super::ruleset::write_elements;
use super::span::{Area, Label, Show, Span, layers, union};
use super::untracked;

/// The addresses of the interfaces in each group.
pub type Members = BTreeMap<SecurityGroupId, BTreeSet<IpAddr>>;

/// A packet whose sender came by a router, a gateway or from outside is nobody's that a group could have.
const UNKNOWN_SENDER_DROPS: &str = "\t\tmeta mark and 0x80000000 != 0 drop\n";
/// A receiver is known within the network and over a peering, unless a NAT gateway is in between.
const UNKNOWN_RECEIVER_DROPS: &str = "\t\tmeta mark and 0x7fffffff != 0 meta mark and 0x70000000 != 0x30000000 drop
\t\tct mark and 0xf0000000 == 0x20000000 drop\n";

/// Who is in which group of a network or of one that it is peered with, on this host or another.
pub fn members(plan: &HostPlan, vpc: VpcId) -> Members {
    let peered = plan.peerings().filter(|peering| peering.vpcs.contains(&vpc)).flat_map(|peering| peering.vpcs);
    let networks: BTreeSet<VpcId> = peered.chain([vpc]).collect();
    let mut members = Members::new();
    for port in plan.ports().filter(|port| networks.contains(&port.vpc)) {
        for group in &port.groups {
            let addresses = port.addresses.iter().map(|address| IpAddr::V4(*address));
            let addresses = addresses.chain(port.ipv6.iter().map(|address| IpAddr::V6(*address)));
            members.entry(*group).or_default().extend(addresses);
        }
    }
    members
}

/// By what way the members of a group come, or are gone to, as a condition on packets: empty where their addresses tell
/// them from all others, `None` where no way leads there.
pub type Way<'w> = &'w dyn Fn(SecurityGroupId, RuleDirection) -> Option<String>;

/// What a combination of groups is called: after the one group that it is, or by a digest of their ids.
pub fn name(groups: &BTreeSet<SecurityGroupId>) -> String {
    let ids: Vec<_> = groups.iter().map(ToString::to_string).collect();
    match ids.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        several => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, several.join(" ").as_bytes());
            let digits: String = digest.as_ref().iter().take(10).map(|byte| format!("{byte:02x}")).collect();
            format!("sgs-{digits}")
        }
    }
}

/// Writes the sets and the chain of that name. What a rule allows goes on; all else is dropped. Rules that name a group
/// come last: they hold only where the other end's interface is known. `answers` are the rules of the other direction.
pub fn write_chain(
    text: &mut String,
    (name, comment): (&str, &str),
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
    answers: &[&GroupRulePlan],
    way: Way<'_>,
) -> fmt::Result {
    let mut lines = String::new();
    untracked::write_marks(text, &mut lines, name, direction, rules, answers)?;
    write_rules(text, &mut lines, name, direction, rules)?;
    let mut known = String::new();
    write_named(text, &mut known, name, direction, rules, way)?;
    if !known.is_empty() {
        lines.push_str(match direction {
            RuleDirection::Ingress => UNKNOWN_SENDER_DROPS,
            RuleDirection::Egress => UNKNOWN_RECEIVER_DROPS,
        });
        lines.push_str(&known);
    }
    writeln!(text, "\tchain {name} {{\n\t\tcomment \"{comment}\"\n{lines}\t\tdrop\n\t}}")
}

/// Writes the sets of the members of those groups, by family. They are plain addresses, apart from what rules say of them:
/// so a member more or less is one element, in a set that the kernel finds it in at once.
pub fn write_members(text: &mut String, groups: &BTreeSet<SecurityGroupId>, members: &Members) -> fmt::Result {
    for group in groups {
        for family in Family::BOTH {
            let addresses = members.get(group).into_iter().flatten().filter(|address| Family::of(**address) == family);
            let addresses: Vec<_> = addresses.map(ToString::to_string).collect();
            let kind = format!("type {}_addr", family.protocol());
            write_elements(text, &format!("set members_{group}_{}", family.tag()), &kind, &addresses)?;
        }
    }
    Ok(())
}

/// The group that a rule names.
pub fn named(rule: &GroupRulePlan) -> Option<SecurityGroupId> {
    match rule.peer {
        PeerPlan::Group(group) => Some(group),
        PeerPlan::Cidr(_) => None,
    }
}

/// Writes the sets of what rules say of the members of each group that they name, and into `lines` what looks into them.
fn write_named(
    text: &mut String,
    lines: &mut String,
    name: &str,
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
    way: Way<'_>,
) -> fmt::Result {
    let side = side(direction);
    let groups: BTreeSet<SecurityGroupId> = rules.iter().filter_map(|rule| named(rule)).collect();
    for group in groups {
        let Some(way) = way(group, direction) else { continue };
        let of_class = |class: Class| {
            let rules = rules.iter().filter(|rule| named(rule) == Some(group));
            union(rules.filter_map(|rule| keys(rule.protocol, rule.ports, class)).collect())
        };
        let others = of_class(Class::Other);
        let mut conditions = Vec::new();
        if others.contains(&Span::new(0, 255)) {
            conditions.push(String::new());
        } else {
            let numbers = others.into_iter().flat_map(|span| span.first..=span.last);
            conditions.extend(numbers.map(|number| format!("meta l4proto {number} ")));
            for (kind, field, protocols) in KINDS {
                let mut elements = Vec::new();
                for protocol in protocols {
                    let IpProtocol::Number(number) = protocol else { continue };
                    let spans = of_class(Class::Only(protocol));
                    elements.extend(spans.into_iter().map(|keys| format!("{number} . {}", Show(keys))));
                }
                if !elements.is_empty() {
                    let set = format!("{name}_{group}_{kind}");
                    write_set(text, &set, "inet_proto . inet_service", elements.into_iter())?;
                    conditions.push(format!("meta l4proto . th {field} @{set} "));
                }
            }
        }
        for tag in Family::BOTH.map(Family::tag) {
            for condition in &conditions {
                writeln!(lines, "\t\t{way}{tag} {side} @members_{group}_{tag} {condition}return")?;
            }
        }
    }
    Ok(())
}

/// Protocols that look further than their own number, with the field that they look at.
const KINDS: [(&str, &str, [IpProtocol; 2]); 2] =
    [("port", "dport", [IpProtocol::TCP, IpProtocol::UDP]), ("icmp", "sport", [IpProtocol::ICMP, IpProtocol::ICMPV6])];

/// Which of a packet's addresses is the other end's.
fn side(direction: RuleDirection) -> &'static str {
    match direction {
        RuleDirection::Ingress => "saddr",
        RuleDirection::Egress => "daddr",
    }
}

/// Writes the sets of the rules that name blocks, and into `lines` what looks into them.
fn write_rules(
    text: &mut String,
    lines: &mut String,
    name: &str,
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
) -> fmt::Result {
    let side = side(direction);
    for family in Family::BOTH {
        let tag = family.tag();
        let any = layers(&areas(rules, family, Class::Other));
        if any.values().any(|layer| layer.contains(&Area { addresses: family.everything(), keys: Span::new(0, 255) })) {
            writeln!(lines, "\t\tmeta nfproto {} return", family.protocol())?;
            continue;
        }
        for (label, layer) in &any {
            let set = format!("{name}_{tag}_any_{label}");
            let elements = layer.iter().map(|area| format!("{} . {}", family.show(area.addresses), Show(area.keys)));
            write_set(text, &set, &format!("{}_addr . inet_proto", family.protocol()), elements)?;
            writeln!(lines, "\t\t{tag} {side} . meta l4proto @{set} return")?;
        }
        for (kind, field, protocols) in KINDS {
            let mut sets: BTreeMap<Label, Vec<String>> = BTreeMap::new();
            for protocol in protocols {
                let IpProtocol::Number(number) = protocol else { continue };
                for (label, layer) in layers(&areas(rules, family, Class::Only(protocol))) {
                    let show =
                        |area: &Area| format!("{} . {number} . {}", family.show(area.addresses), Show(area.keys));
                    sets.entry(label).or_default().extend(layer.iter().map(show));
                }
            }
            for (label, elements) in sets {
                let set = format!("{name}_{tag}_{kind}_{label}");
                let fields = format!("{}_addr . inet_proto . inet_service", family.protocol());
                write_set(text, &set, &fields, elements.into_iter())?;
                writeln!(lines, "\t\t{tag} {side} . meta l4proto . th {field} @{set} return")?;
            }
        }
    }
    Ok(())
}

/// Writes a set of ranges.
pub fn write_set(text: &mut String, name: &str, kind: &str, elements: impl Iterator<Item = String>) -> fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{")?;
    for element in elements {
        writeln!(text, "\t\t\t{element},")?;
    }
    writeln!(text, "\t\t}}\n\t}}")
}

/// Which rules go into a set together.
#[derive(Clone, Copy)]
pub enum Class {
    /// Those of TCP, UDP or ICMP, which look further than the protocol.
    Only(IpProtocol),
    /// All others, keyed by the protocol's number.
    Other,
}

/// Blocks that rules name, with what they let through of a class.
fn areas(rules: &[&GroupRulePlan], family: Family, class: Class) -> Vec<Area> {
    let area = |rule: &&GroupRulePlan| {
        let PeerPlan::Cidr(block) = rule.peer else { return None };
        Some(Area { addresses: family.span(block)?, keys: keys(rule.protocol, rule.ports, class)? })
    };
    rules.iter().filter_map(area).collect()
}

/// The keys that a rule names within a class; `None` where it isn't of that class or names none.
pub fn keys(protocol: IpProtocol, ports: PortRange, class: Class) -> Option<Span<u16>> {
    let special = protocol.has_ports() || protocol.is_icmp();
    match class {
        Class::Only(only) if only != protocol => None,
        Class::Other if special => None,
        Class::Other => Some(match protocol {
            IpProtocol::All => Span::new(0, 255),
            IpProtocol::Number(number) => Span::new(u16::from(number), u16::from(number)),
        }),
        Class::Only(_) if protocol.is_icmp() => {
            let Ok(kind) = u8::try_from(ports.from) else { return Some(Span::new(0, u16::MAX)) };
            let kind = u16::from(kind) << 8;
            Some(match u8::try_from(ports.to) {
                Ok(code) => Span::new(kind | u16::from(code), kind | u16::from(code)),
                Err(_) => Span::new(kind, kind | 255),
            })
        }
        Class::Only(_) if ports == PortRange::ANY => Some(Span::new(0, u16::MAX)),
        Class::Only(_) => {
            let first = u16::try_from(ports.from.max(0)).ok()?;
            let last = u16::try_from(ports.to.min(i32::from(u16::MAX))).ok()?;
            (first <= last).then(|| Span::new(first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_the_keys_that_ec2_says_they_do() {
        let number = IpProtocol::Number;
        let cases = [
            (IpProtocol::TCP, (22, 22), Class::Only(IpProtocol::TCP), Some((22, 22))),
            (IpProtocol::TCP, (0, 65535), Class::Only(IpProtocol::TCP), Some((0, 65535))),
            (IpProtocol::TCP, (-1, -1), Class::Only(IpProtocol::TCP), Some((0, 65535))),
            (IpProtocol::TCP, (22, 22), Class::Only(IpProtocol::UDP), None),
            (IpProtocol::TCP, (22, 22), Class::Other, None),
            (IpProtocol::TCP, (90, 80), Class::Only(IpProtocol::TCP), None),
            (IpProtocol::ICMP, (-1, -1), Class::Only(IpProtocol::ICMP), Some((0, 65535))),
            (IpProtocol::ICMP, (8, -1), Class::Only(IpProtocol::ICMP), Some((0x800, 0x8ff))),
            (IpProtocol::ICMP, (3, 4), Class::Only(IpProtocol::ICMP), Some((0x304, 0x304))),
            (IpProtocol::ICMPV6, (255, 255), Class::Only(IpProtocol::ICMPV6), Some((0xffff, 0xffff))),
            (number(50), (-1, -1), Class::Other, Some((50, 50))),
            (IpProtocol::All, (-1, -1), Class::Other, Some((0, 255))),
            (IpProtocol::All, (-1, -1), Class::Only(IpProtocol::TCP), None),
        ];
        for (protocol, (from, to), class, expected) in cases {
            let found = keys(protocol, PortRange { from, to }, class).map(|span| (span.first, span.last));
            assert_eq!(found, expected, "{protocol} {from} {to}");
        }
    }
}
