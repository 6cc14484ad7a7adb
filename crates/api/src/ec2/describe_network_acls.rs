//! ec2:DescribeNetworkAcls. Lists network ACLs with their entries, the last one that denies the rest included.

use landfall_cloud::value::NetworkAcls;
use landfall_model::plan::AclRulePlan;
use landfall_model::{AccountId, Cidr, IpProtocol, NetworkAcl, NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNetworkAcls {
    #[serde(default)]
    network_acl_id: Vec<NetworkAclId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNetworkAclsResult<'v> {
    network_acl_set: Vec<NetworkAclShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkAclShape<'v> {
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

impl Read for DescribeNetworkAcls {
    const ACTION: Action = Action::ec2("DescribeNetworkAcls");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "association.association-id",
            "association.network-acl-id",
            "association.subnet-id",
            "default",
            "entry.cidr",
            "entry.egress",
            "entry.icmp.code",
            "entry.icmp.type",
            "entry.ipv6-cidr",
            "entry.port-range.from",
            "entry.port-range.to",
            "entry.protocol",
            "entry.rule-action",
            "entry.rule-number",
            "network-acl-id",
            "owner-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeNetworkAclsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkAclsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.network_acl_id);
        let rows = listing::<NetworkAcls, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| NetworkAclShape {
            network_acl_id: row.id,
            vpc_id: row.vpc,
            owner_id: row.scope.account,
            default: row.is_default,
            entry_set: entries(row).map(|(rule, egress)| entry(rule, egress)).collect(),
            association_set: row.associations.iter().map(|(id, subnet)| association(row, *id, *subnet)).collect(),
            tag_set: tag_set(&view, &row.id.to_string()),
        });
        Ok(DescribeNetworkAclsResult { network_acl_set: shapes.collect() })
    }
}

/// The entries, those outwards first, each with whether it is one of those.
fn entries(row: &NetworkAcl) -> impl Iterator<Item = (&AclRulePlan, bool)> {
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
fn number(protocol: IpProtocol) -> String {
    match protocol {
        IpProtocol::All => "-1".into(),
        IpProtocol::Number(number) => number.to_string(),
    }
}

fn action(rule: &AclRulePlan) -> &'static str {
    if rule.allow { "allow" } else { "deny" }
}

fn field<'v>(row: &NetworkAcl, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("entry.") {
        return entries(row).flat_map(|(rule, egress)| entry_field(rule, egress, name)).collect();
    }
    match name {
        "association.association-id" => many(row.associations.iter().map(|(id, _)| id)),
        "association.network-acl-id" => many(row.associations.iter().map(|_| row.id)),
        "association.subnet-id" => many(row.associations.iter().map(|(_, subnet)| subnet)),
        "default" => shown(row.is_default),
        "network-acl-id" => shown(row.id),
        "owner-id" => shown(row.scope.account),
        "vpc-id" => shown(row.vpc),
        _ => Vec::new(),
    }
}

fn entry_field<'v>(rule: &AclRulePlan, egress: bool, name: &str) -> Values<'v> {
    match (name, rule.cidr) {
        ("cidr", Cidr::V4(block)) => shown(block),
        ("ipv6-cidr", Cidr::V6(block)) => shown(block),
        ("egress", _) => shown(egress),
        ("icmp.code", _) if rule.protocol.is_icmp() => shown(rule.ports.to),
        ("icmp.type", _) if rule.protocol.is_icmp() => shown(rule.ports.from),
        ("port-range.from", _) if rule.protocol.has_ports() => shown(rule.ports.from),
        ("port-range.to", _) if rule.protocol.has_ports() => shown(rule.ports.to),
        // By name or by number.
        ("protocol", _) => many([rule.protocol.to_string(), number(rule.protocol)]),
        ("rule-action", _) => one(action(rule)),
        ("rule-number", _) => shown(rule.number),
        _ => Vec::new(),
    }
}
