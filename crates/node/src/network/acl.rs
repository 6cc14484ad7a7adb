//! Network ACLs, compiled: stateless rules of a subnet, the lowest number decides.
//!
//! Their order has a meaning that sets can't keep, and there are forty of them at most, so they stay lines. They are asked
//! for every packet that enters or leaves the subnet, whatever connection tracking knows of it. The default ACL, which
//! lets everything through, becomes nothing at all.

use std::fmt::{self, Write};

use landfall_model::plan::{AclRulePlan, SubnetPlan};
use landfall_model::{Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, PortRange, RuleDirection};

/// The rules of one direction, or `None` where they let everything through. A subnet without a block of IPv6 has no
/// traffic of it.
pub fn rules(subnet: &SubnetPlan, direction: RuleDirection) -> Option<Vec<&AclRulePlan>> {
    let rules = match direction {
        RuleDirection::Ingress => &subnet.acl_ingress,
        RuleDirection::Egress => &subnet.acl_egress,
    };
    let mut rules: Vec<_> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.number);
    let opens = |all: Cidr| {
        let first = rules.iter().find(|rule| rule.cidr.is_ipv6() == all.is_ipv6());
        first.is_some_and(|rule| rule.allow && rule.protocol == IpProtocol::All && rule.cidr == all)
    };
    let open = opens(Cidr::V4(Ipv4Cidr::ALL)) && (subnet.ipv6.is_none() || opens(Cidr::V6(Ipv6Cidr::ALL)));
    (!open).then_some(rules)
}

/// Writes the chain of that name: what a rule allows returns, and what stays within the subnet if that is `exempt`; all
/// else is dropped. Nothing is exempt on its way to a transit gateway.
pub fn write_chain(
    text: &mut String,
    name: &str,
    subnet: &SubnetPlan,
    exempt: bool,
    direction: RuleDirection,
    rules: &[&AclRulePlan],
) -> fmt::Result {
    let side = match direction {
        RuleDirection::Ingress => "saddr",
        RuleDirection::Egress => "daddr",
    };
    writeln!(text, "\tchain {name} {{\n\t\tcomment \"{}\"", subnet.id)?;
    if exempt {
        writeln!(text, "\t\tip {side} {} return", subnet.cidr)?;
    }
    if let Some(block) = subnet.ipv6.filter(|_| exempt) {
        writeln!(text, "\t\tip6 {side} {block} return")?;
    }
    for rule in rules {
        text.push_str("\t\t");
        match rule.cidr {
            Cidr::V4(block) if block.prefix() == 0 => text.push_str("meta nfproto ipv4"),
            Cidr::V6(block) if block.prefix() == 0 => text.push_str("meta nfproto ipv6"),
            Cidr::V4(block) => write!(text, "ip {side} {block}")?,
            Cidr::V6(block) => write!(text, "ip6 {side} {block}")?,
        }
        write_protocol(text, rule.protocol, rule.ports)?;
        writeln!(text, " {}", if rule.allow { "return" } else { "drop" })?;
    }
    writeln!(text, "\t\tdrop\n\t}}")
}

fn write_protocol(text: &mut String, protocol: IpProtocol, ports: PortRange) -> fmt::Result {
    let IpProtocol::Number(number) = protocol else { return Ok(()) };
    write!(text, " meta l4proto {number}")?;
    if protocol.has_ports() && ports != PortRange::ANY {
        write!(text, " th dport {}-{}", ports.from.clamp(0, 65535), ports.to.clamp(0, 65535))?;
    }
    if protocol.is_icmp() && ports.from >= 0 {
        // Type and code are where TCP has the source port.
        let kind = ports.from.clamp(0, 255) << 8;
        match ports.to {
            0..=255 => write!(text, " th sport {}", kind | ports.to)?,
            _ => write!(text, " th sport {kind}-{}", kind | 255)?,
        }
    }
    Ok(())
}
