//! Security groups and their rules as answers show them.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::value::SecurityGroups;
use landfall_model::{
    AccountId, Arn, Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, Peer, PeeringId, PortRange, PrefixListId, RuleDirection,
    SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, VpcId,
};
use serde::Serialize;

use super::{Tag, tag_set};

/// A group with its rules.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupShape<'v> {
    group_id: SecurityGroupId,
    ip_permissions_egress: Vec<IpPermission<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    vpc_id: VpcId,
    security_group_arn: Arn,
    owner_id: AccountId,
    group_name: &'v str,
    group_description: &'v str,
    ip_permissions: Vec<IpPermission<'v>>,
}

/// Rules of one protocol and one range of ports.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IpPermission<'v> {
    ip_protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<i32>,
    groups: Vec<UserIdGroupPair<'v>>,
    ip_ranges: Vec<IpRange<'v>>,
    ipv6_ranges: Vec<Ipv6Range<'v>>,
    prefix_list_ids: Vec<PrefixListShape<'v>>,
}

/// A group that a rule names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdGroupPair<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    user_id: AccountId,
    group_id: SecurityGroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_id: Option<VpcId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_peering_connection_id: Option<PeeringId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peering_status: Option<&'static str>,
}

impl<'v> UserIdGroupPair<'v> {
    /// The group that a rule names, if it names one: with its VPC and the way there where that is another.
    pub fn of(view: &View<'_>, rule: &'v SecurityGroupRule) -> Option<Self> {
        let Peer::Group(group_id) = rule.peer else { return None };
        Some(Self {
            description: rule.description.as_deref(),
            user_id: rule.peered.map_or(rule.scope.account, |peered| peered.owner),
            group_id,
            vpc_id: rule.peered.map(|peered| peered.vpc),
            vpc_peering_connection_id: rule.peered.map(|peered| peered.peering),
            peering_status: rule.peered.map(|peered| view.peering_status(&peered)),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IpRange<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    cidr_ip: Ipv4Cidr,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrefixListShape<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    prefix_list_id: PrefixListId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ipv6Range<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    cidr_ipv6: Ipv6Cidr,
}

impl<'v> SecurityGroupShape<'v> {
    /// That group.
    pub fn of(view: &View<'v>, group: &'v SecurityGroup) -> Self {
        let permissions = |direction| {
            let mut together: BTreeMap<(IpProtocol, PortRange), IpPermission<'v>> = BTreeMap::new();
            for rule in view.rules_of(group.id).filter(|rule| rule.direction == direction) {
                let permission = together
                    .entry((rule.protocol, rule.ports))
                    .or_insert_with(|| IpPermission::empty(rule.protocol, rule.ports));
                permission.add(view, rule);
            }
            together.into_values().collect()
        };
        Self {
            group_id: group.id,
            ip_permissions_egress: permissions(RuleDirection::Egress),
            tag_set: tag_set(view, &group.id.to_string()),
            vpc_id: group.vpc,
            security_group_arn: Arn::ec2(group.scope, group.id),
            owner_id: group.scope.account,
            group_name: &group.name,
            group_description: &group.description,
            ip_permissions: permissions(RuleDirection::Ingress),
        }
    }
}

impl<'v> IpPermission<'v> {
    fn empty(protocol: IpProtocol, ports: PortRange) -> Self {
        let shows_ports = protocol.has_ports() || protocol.is_icmp();
        Self {
            ip_protocol: protocol.to_string(),
            from_port: shows_ports.then_some(ports.from),
            to_port: shows_ports.then_some(ports.to),
            groups: Vec::new(),
            ip_ranges: Vec::new(),
            ipv6_ranges: Vec::new(),
            prefix_list_ids: Vec::new(),
        }
    }

    fn add(&mut self, view: &View<'_>, rule: &'v SecurityGroupRule) {
        let description = rule.description.as_deref();
        match rule.peer {
            Peer::Cidr(Cidr::V4(cidr_ip)) => self.ip_ranges.push(IpRange { description, cidr_ip }),
            Peer::Cidr(Cidr::V6(cidr_ipv6)) => self.ipv6_ranges.push(Ipv6Range { description, cidr_ipv6 }),
            Peer::PrefixList(prefix_list_id) => {
                self.prefix_list_ids.push(PrefixListShape { description, prefix_list_id });
            }
            Peer::Group(_) => self.groups.extend(UserIdGroupPair::of(view, rule)),
        }
    }
}

/// A rule with its id.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleShape<'v> {
    security_group_rule_id: SecurityGroupRuleId,
    group_id: SecurityGroupId,
    group_owner_id: AccountId,
    is_egress: bool,
    ip_protocol: String,
    from_port: i32,
    to_port: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv4: Option<Ipv4Cidr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv6: Option<Ipv6Cidr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_list_id: Option<PrefixListId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced_group_info: Option<ReferencedGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    security_group_rule_arn: Arn,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferencedGroup {
    group_id: SecurityGroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    peering_status: Option<&'static str>,
    user_id: AccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_id: Option<VpcId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_peering_connection_id: Option<PeeringId>,
}

impl<'v> RuleShape<'v> {
    /// That rule.
    pub fn of(view: &View<'v>, rule: &'v SecurityGroupRule) -> Self {
        let (cidr_ipv4, cidr_ipv6, group, prefix_list_id) = peers(&rule.peer);
        Self {
            security_group_rule_id: rule.id,
            group_id: rule.group,
            group_owner_id: rule.scope.account,
            is_egress: rule.direction == RuleDirection::Egress,
            ip_protocol: rule.protocol.to_string(),
            from_port: rule.ports.from,
            to_port: rule.ports.to,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_group_info: group.map(|group_id| ReferencedGroup {
                group_id,
                peering_status: rule.peered.map(|peered| view.peering_status(&peered)),
                user_id: rule.peered.map_or(rule.scope.account, |peered| peered.owner),
                vpc_id: match rule.peered {
                    Some(peered) => Some(peered.vpc),
                    None => view.find::<SecurityGroups, _>(group_id).map(|group| group.vpc),
                },
                vpc_peering_connection_id: rule.peered.map(|peered| peered.peering),
            }),
            description: rule.description.as_deref(),
            tag_set: tag_set(view, &rule.id.to_string()),
            security_group_rule_arn: Arn::ec2(rule.scope, rule.id),
        }
    }
}

/// A rule that is gone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedRule {
    security_group_rule_id: SecurityGroupRuleId,
    group_id: SecurityGroupId,
    is_egress: bool,
    ip_protocol: String,
    from_port: i32,
    to_port: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv4: Option<Ipv4Cidr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_ipv6: Option<Ipv6Cidr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_list_id: Option<PrefixListId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced_group_id: Option<SecurityGroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl From<SecurityGroupRule> for RevokedRule {
    fn from(rule: SecurityGroupRule) -> Self {
        let (cidr_ipv4, cidr_ipv6, referenced_group_id, prefix_list_id) = peers(&rule.peer);
        Self {
            security_group_rule_id: rule.id,
            group_id: rule.group,
            is_egress: rule.direction == RuleDirection::Egress,
            ip_protocol: rule.protocol.to_string(),
            from_port: rule.ports.from,
            to_port: rule.ports.to,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_group_id,
            description: rule.description,
        }
    }
}

type Peers = (Option<Ipv4Cidr>, Option<Ipv6Cidr>, Option<SecurityGroupId>, Option<PrefixListId>);

fn peers(peer: &Peer) -> Peers {
    match *peer {
        Peer::Cidr(Cidr::V4(block)) => (Some(block), None, None, None),
        Peer::Cidr(Cidr::V6(block)) => (None, Some(block), None, None),
        Peer::Group(group) => (None, None, Some(group), None),
        Peer::PrefixList(list) => (None, None, None, Some(list)),
    }
}
