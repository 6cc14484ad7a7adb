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
use super::span::{Area, Label, Show, Span, apart, layers};

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
/// come last: they hold only where the other end's interface is known.
pub fn write_chain(
    text: &mut String,
    name: &str,
    comment: &str,
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
    members: &Members,
) -> fmt::Result {
    let mut lines = String::new();
    let (named, plain): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| matches!(rule.peer, PeerPlan::Group(_)));
    write_rules(text, &mut lines, name, direction, &plain, members, layers)?;
    let mut known = String::new();
    write_rules(text, &mut known, &format!("{name}_named"), direction, &named, members, apart)?;
    if !known.is_empty() {
        lines.push_str(match direction {
            RuleDirection::Ingress => UNKNOWN_SENDER_DROPS,
            RuleDirection::Egress => UNKNOWN_RECEIVER_DROPS,
        });
        lines.push_str(&known);
    }
    writeln!(text, "\tchain {name} {{\n\t\tcomment \"{comment}\"\n{lines}\t\tdrop\n\t}}")
}

/// Writes the sets of some rules, and into `lines` what looks into them. `cut` makes their areas disjoint: those of members
/// [`apart`], so that a member more or less is an element more or less.
fn write_rules(
    text: &mut String,
    lines: &mut String,
    name: &str,
    direction: RuleDirection,
    rules: &[&GroupRulePlan],
    members: &Members,
    cut: impl Fn(&[Area]) -> BTreeMap<Label, Vec<Area>>,
) -> fmt::Result {
    let side = match direction {
        RuleDirection::Ingress => "saddr",
        RuleDirection::Egress => "daddr",
    };
    for family in Family::BOTH {
        let tag = family.tag();
        let any = cut(&areas(rules, members, family, Class::Other));
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
        let kinds = [
            ("port", "dport", [IpProtocol::TCP, IpProtocol::UDP]),
            ("icmp", "sport", [IpProtocol::ICMP, IpProtocol::ICMPV6]),
        ];
        for (kind, field, protocols) in kinds {
            let mut sets: BTreeMap<Label, Vec<String>> = BTreeMap::new();
            for protocol in protocols {
                let IpProtocol::Number(number) = protocol else { continue };
                for (label, layer) in cut(&areas(rules, members, family, Class::Only(protocol))) {
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

fn write_set(text: &mut String, name: &str, kind: &str, elements: impl Iterator<Item = String>) -> fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{")?;
    for element in elements {
        writeln!(text, "\t\t\t{element},")?;
    }
    writeln!(text, "\t\t}}\n\t}}")
}

/// Which rules go into a set together.
#[derive(Clone, Copy)]
enum Class {
    /// Those of TCP, UDP or ICMP, which look further than the protocol.
    Only(IpProtocol),
    /// All others, keyed by the protocol's number.
    Other,
}

fn areas(rules: &[&GroupRulePlan], members: &Members, family: Family, class: Class) -> Vec<Area> {
    let mut areas = Vec::new();
    for rule in rules {
        let Some(keys) = keys(rule.protocol, rule.ports, class) else { continue };
        match &rule.peer {
            PeerPlan::Cidr(cidr) => areas.extend(family.span(*cidr).map(|addresses| Area { addresses, keys })),
            PeerPlan::Group(group) => {
                let addresses = members.get(group).into_iter().flatten().filter(|a| Family::of(**a) == family);
                areas.extend(addresses.map(|address| {
                    let number = Family::number(*address);
                    Area { addresses: Span::new(number, number), keys }
                }));
            }
        }
    }
    areas
}

/// The keys that a rule names within a class; `None` where it isn't of that class or names none.
fn keys(protocol: IpProtocol, ports: PortRange, class: Class) -> Option<Span<u16>> {
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
