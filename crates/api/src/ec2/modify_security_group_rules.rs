//! ec2:ModifySecurityGroupRules. Replaces what rules allow, their ids kept.

use landfall_cloud::security_group::{self, NewRule, port_range};
use landfall_cloud::{Tx, View};
use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr, Peer, PrefixListId, SecurityGroupId, SecurityGroupRuleId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::permission::{check_description, demand_group, protocol};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifySecurityGroupRules {
    group_id: SecurityGroupId,
    security_group_rule: Vec<RuleUpdate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleUpdate {
    security_group_rule_id: SecurityGroupRuleId,
    security_group_rule: Option<RuleIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleIn {
    ip_protocol: Option<String>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    cidr_ipv4: Option<Ipv4Cidr>,
    cidr_ipv6: Option<Ipv6Cidr>,
    prefix_list_id: Option<PrefixListId>,
    referenced_group_id: Option<SecurityGroupId>,
    description: Option<String>,
}

impl Write for ModifySecurityGroupRules {
    const ACTION: Action = Action::ec2("ModifySecurityGroupRules");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_group(view, demands, Self::ACTION, self.group_id);
        for update in &self.security_group_rule {
            demands.ec2(view, Self::ACTION, update.security_group_rule_id);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        if self.security_group_rule.is_empty() {
            return Err(ApiError::missing("SecurityGroupRules"));
        }
        for update in &self.security_group_rule {
            let rule = update.security_group_rule.as_ref().ok_or_else(|| ApiError::missing("SecurityGroupRule"))?;
            security_group::modify(tx, self.group_id, update.security_group_rule_id, rule.to_rule()?)?;
        }
        Ok(Done::OK)
    }
}

impl RuleIn {
    fn to_rule(&self) -> Result<NewRule, ApiError> {
        let mut peers = Vec::new();
        peers.extend(self.cidr_ipv4.map(|block| Peer::Cidr(Cidr::V4(block))));
        peers.extend(self.cidr_ipv6.map(|block| Peer::Cidr(Cidr::V6(block))));
        peers.extend(self.prefix_list_id.map(Peer::PrefixList));
        peers.extend(self.referenced_group_id.map(Peer::Group));
        let peer = match peers.len() {
            0 => return Err(ApiError::missing("CidrIpv4, CidrIpv6, PrefixListId or ReferencedGroupId")),
            1 => peers.remove(0),
            _ => {
                return Err(ApiError::combination(
                    "Only one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId can be used",
                ));
            }
        };
        let protocol = protocol(self.ip_protocol.as_deref())?;
        Ok(NewRule {
            protocol,
            ports: port_range(protocol, self.from_port, self.to_port)?,
            peer,
            description: check_description(self.description.as_deref())?,
        })
    }
}
