//! A network ACL as answers show it.

use landfall_cloud::View;
use landfall_model::plan::AclRulePlan;
use landfall_model::{AccountId, Cidr, IpProtocol, NetworkAcl, NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use serde::Serialize;

use super::{Tag, tag_set};

/// An ACL with its entries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAclShape<'v> {
    network_acl_id: NetworkAclId,
    vpc_id: VpcId,
    owner_id: AccountId,
    default: bool,
    entry_set: Vec<EntryShape>,
    association_set: Vec<AssociationShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryShape {
    rule_number: u16,
    protocol: String,
    rule_action: &'static str,
    egress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type_code: Option<IcmpTypeCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range: Option<PortRangeShape>,
}

#[derive(Serialize)]
struct IcmpTypeCode {
    code: i32,
    r#type: i32,
}

#[derive(Serialize)]
struct PortRangeShape {
    from: i32,
    to: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationShape {
    network_acl_association_id: NetworkAclAssociationId,
    network_acl_id: NetworkAclId,
    subnet_id: SubnetId,
}

/// That ACL.
pub fn network_acl<'v>(view: &View<'v>, row: &'v NetworkAcl) -> NetworkAclShape<'v> {
    NetworkAclShape {
        network_acl_id: row.id,
        vpc_id: row.vpc,
        owner_id: row.scope.account,
        default: row.is_default,
        entry_set: entries(row).map(|(rule, egress)| entry(rule, egress)).collect(),
        association_set: row.associations.iter().map(|(id, subnet)| association(row, *id, *subnet)).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

/// The entries, those outwards first, each with whether it is one of those.
pub fn entries(row: &NetworkAcl) -> impl Iterator<Item = (&AclRulePlan, bool)> {
    row.egress.iter().map(|rule| (rule, true)).chain(row.ingress.iter().map(|rule| (rule, false)))
}

fn entry(rule: &AclRulePlan, egress: bool) -> EntryShape {
    let (v4, v6) = match rule.cidr {
        Cidr::V4(block) => (Some(block.to_string()), None),
        Cidr::V6(block) => (None, Some(block.to_string())),
    };
    let is_icmp = rule.protocol.is_icmp();
    EntryShape {
        rule_number: rule.number,
        protocol: number(rule.protocol),
        rule_action: action(rule),
        egress,
        cidr_block: v4,
        ipv6_cidr_block: v6,
        icmp_type_code: is_icmp.then_some(IcmpTypeCode { code: rule.ports.to, r#type: rule.ports.from }),
        port_range: rule.protocol.has_ports().then_some(PortRangeShape { from: rule.ports.from, to: rule.ports.to }),
    }
}

fn association(row: &NetworkAcl, id: NetworkAclAssociationId, subnet_id: SubnetId) -> AssociationShape {
    AssociationShape { network_acl_association_id: id, network_acl_id: row.id, subnet_id }
}

/// A protocol's number, which is how network ACLs show it where security groups show names.
pub fn number(protocol: IpProtocol) -> String {
    match protocol {
        IpProtocol::All => "-1".into(),
        IpProtocol::Number(number) => number.to_string(),
    }
}

/// Whether it allows, in a word.
pub fn action(rule: &AclRulePlan) -> &'static str {
    if rule.allow { "allow" } else { "deny" }
}
