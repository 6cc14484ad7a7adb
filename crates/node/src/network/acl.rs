//! Network ACLs, compiled: stateless rules of a subnet, the lowest number decides.
//!
//! Their order has a meaning that sets can't keep, and there are forty of them at most, so they stay lines. They are asked
//! for every packet that enters or leaves the subnet, whatever connection tracking knows of it. The default ACL, which
//! lets everything through, becomes nothing at all.

use std::fmt::{self, Write};

use landfall_model::plan::{AclRulePlan, SubnetPlan};
use landfall_model::{Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, PortRange, RuleDirection};

use super::connection::TRANSIT;
use super::judge::UNKNOWN_SENDER_MAC;
use super::overlay::DEVICE;

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

/// What stays within its subnet, and isn't asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// Nothing: it is on its way to a transit gateway.
    Nothing,
    /// What has an address of the subnet at the other end.
    ByAddress,
    /// The same, unless it comes from a transit gateway, here or on another host: what is behind one may say that it has
    /// such an address.
    Within,
}

/// Writes the chain of that name: what a rule allows returns, and what is exempt; all else is dropped.
pub fn write_chain(
    text: &mut String,
    name: &str,
    subnet: &SubnetPlan,
    exempt: Exempt,
    direction: RuleDirection,
    rules: &[&AclRulePlan],
) -> fmt::Result {
    let side = match direction {
        RuleDirection::Ingress => "saddr",
        RuleDirection::Egress => "daddr",
    };
    writeln!(text, "\tchain {name} {{\n\t\tcomment \"{}\"", subnet.id)?;
    let within = [
        format!("iifname != \"{TRANSIT}*\" iifname != \"{DEVICE}\" "),
        format!("iifname \"{DEVICE}\" ether saddr != {UNKNOWN_SENDER_MAC} "),
    ];
    let by_address = [String::new()];
    let conditions: &[String] = match exempt {
        Exempt::Nothing => &[],
        Exempt::Within if direction == RuleDirection::Ingress => &within,
        Exempt::ByAddress | Exempt::Within => &by_address,
    };
    for condition in conditions {
        writeln!(text, "\t\t{condition}ip {side} {} return", subnet.cidr)?;
        if let Some(block) = subnet.ipv6 {
            writeln!(text, "\t\t{condition}ip6 {side} {block} return")?;
        }
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
