//! Security groups and network ACLs, each as the plain list of rules that its user wrote.
//!
//! A group's rule that names another group is about interfaces, known by their private addresses: it holds only where
//! the other end's interface is known, which it isn't behind a router, a NAT gateway or the internet ("Security group
//! rules" in AWS's guide).

use landfall_model::plan::AclRulePlan;
use landfall_model::reachability::Packet;
use landfall_model::{
    Cidr, NetworkAcl, NetworkInterface, Peer, PrefixListId, RuleDirection, SecurityGroupRule, SubnetId,
};

use crate::value::Cloud;

/// The rule of an interface's groups that lets a packet pass. `other` is the interface at the other end, if known.
pub(super) fn group_rule<'c>(
    cloud: &'c Cloud,
    interface: &NetworkInterface,
    direction: RuleDirection,
    packet: Packet,
    other: Option<&NetworkInterface>,
) -> Option<&'c SecurityGroupRule> {
    let address = match direction {
        RuleDirection::Ingress => packet.source,
        RuleDirection::Egress => packet.destination,
    };
    let rules = interface.groups.iter().flat_map(|group| cloud.security_group_rules.by_group(group));
    rules.filter(|rule| rule.direction == direction && packet.is_of(rule.protocol, rule.ports)).find(|rule| match &rule
        .peer
    {
        Peer::Cidr(cidr) => cidr.contains(address),
        Peer::PrefixList(list) => prefixes(cloud, *list).any(|cidr| cidr.contains(address)),
        Peer::Group(group) => {
            other.is_some_and(|row| row.groups.contains(group) && row.all_addresses().any(|own| own == address))
        }
    })
}

/// Whether an interface's groups have any rule of a direction.
pub(super) fn has_rules(cloud: &Cloud, interface: &NetworkInterface, direction: RuleDirection) -> bool {
    let mut rules = interface.groups.iter().flat_map(|group| cloud.security_group_rules.by_group(group));
    rules.any(|rule| rule.direction == direction)
}

/// The ACL of a subnet and the rule of it that decides about a packet: the lowest that names it; `None` denies.
pub(super) fn acl_rule(
    cloud: &Cloud,
    subnet: SubnetId,
    direction: RuleDirection,
    packet: Packet,
) -> (Option<&NetworkAcl>, Option<&AclRulePlan>) {
    let Some(acl) = cloud.network_acls.by_subnet(&subnet).next() else { return (None, None) };
    let (rules, address) = match direction {
        RuleDirection::Ingress => (&acl.ingress, packet.source),
        RuleDirection::Egress => (&acl.egress, packet.destination),
    };
    let named = rules.iter().filter(|rule| packet.is_of(rule.protocol, rule.ports) && rule.cidr.contains(address));
    (Some(acl), named.min_by_key(|rule| rule.number))
}

/// The blocks of a prefix list, whoever owns it.
pub(super) fn prefixes(cloud: &Cloud, id: PrefixListId) -> impl Iterator<Item = Cidr> + '_ {
    cloud.prefix_lists.by_id(&id).flat_map(|row| row.entries()).map(|entry| entry.cidr)
}
