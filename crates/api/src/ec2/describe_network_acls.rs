//! ec2:DescribeNetworkAcls. Lists network ACLs with their entries, the last one that denies the rest included.

use landfall_cloud::value::NetworkAcls;
use landfall_model::plan::AclRulePlan;
use landfall_model::{Cidr, NetworkAcl, NetworkAclId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::network_acl::{NetworkAclShape, action, entries, network_acl, number};
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
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeNetworkAclsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkAclsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.network_acl_id);
        let rows = listing::<NetworkAcls, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeNetworkAclsResult { network_acl_set: rows.into_iter().map(|row| network_acl(&view, row)).collect() })
    }
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
