//! Entries of network ACLs as requests say them.

use landfall_cloud::security_group::port_range;
use landfall_cloud::{Tx, View, network_acl};
use landfall_model::plan::AclRulePlan;
use landfall_model::{Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, NetworkAclId, RuleDirection};
use serde::Deserialize;

use super::{Done, network_demand};
use crate::{Action, ApiError, Demands};

/// `Icmp`: the type and the code, −1 for any.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct IcmpIn {
    r#type: Option<i32>,
    code: Option<i32>,
}

/// `PortRange`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PortRangeIn {
    from: Option<i32>,
    to: Option<i32>,
}

/// An entry, as the two operations that put one are given it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EntryRequest {
    network_acl_id: NetworkAclId,
    rule_number: i32,
    protocol: String,
    rule_action: String,
    egress: bool,
    cidr_block: Option<Ipv4Cidr>,
    ipv6_cidr_block: Option<Ipv6Cidr>,
    icmp: Option<IcmpIn>,
    port_range: Option<PortRangeIn>,
}

impl EntryRequest {
    /// What the caller must be allowed.
    pub fn demand(&self, view: &View<'_>, demands: &mut Demands, action: Action) {
        network_demand::acl(view, demands, action, self.network_acl_id);
    }

    /// Puts the entry under its number, which must be free, or in the place of the one that has it.
    pub fn put(&self, tx: &mut Tx<'_, '_>, replace: bool) -> Result<Done, ApiError> {
        network_acl::put_entry(tx, self.network_acl_id, direction(self.egress), self.to_rule()?, replace)?;
        Ok(Done::OK)
    }

    /// The entry that is meant. What is said of ports or types that the protocol hasn't got counts for nothing, as AWS
    /// documents: the entry is for all of it.
    fn to_rule(&self) -> Result<AclRulePlan, ApiError> {
        let protocol = IpProtocol::parse(&self.protocol).ok_or_else(|| {
            ApiError::invalid("protocol", &self.protocol, "It is a number of a protocol, or -1 for all.")
        })?;
        let allow = match self.rule_action.as_str() {
            "allow" => true,
            "deny" => false,
            other => return Err(ApiError::invalid("ruleAction", other, "It is 'allow' or 'deny'.")),
        };
        let cidr = match (self.cidr_block, self.ipv6_cidr_block) {
            (Some(block), None) => Cidr::V4(block),
            (None, Some(block)) => Cidr::V6(block),
            (None, None) => return Err(ApiError::missing("cidrBlock or ipv6CidrBlock")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination("cidrBlock and ipv6CidrBlock can't both be given."));
            }
        };
        let (from, to) = if protocol.is_icmp() {
            let icmp = self.icmp.ok_or_else(|| ApiError::missing("icmpTypeCode"))?;
            (icmp.r#type, icmp.code)
        } else if protocol.has_ports() {
            let ports = self.port_range.ok_or_else(|| ApiError::missing("portRange"))?;
            (ports.from, ports.to)
        } else {
            (None, None)
        };
        let ports = port_range(protocol, from, to)?;
        Ok(AclRulePlan { number: number(self.rule_number)?, allow, protocol, ports, cidr })
    }
}

/// A rule's number, as far as it is one at all.
pub fn number(number: i32) -> Result<u16, ApiError> {
    u16::try_from(number).map_err(|_| ApiError::invalid("ruleNumber", number, "Rule numbers go from 1 to 32766."))
}

/// Which entries `Egress` means.
pub fn direction(egress: bool) -> RuleDirection {
    if egress { RuleDirection::Egress } else { RuleDirection::Ingress }
}
