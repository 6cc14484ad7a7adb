//! Security groups: their names, their rules, and what keeps one from being deleted.

use landfall_model::{
    Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, Peer, PortRange, RuleDirection, SecurityGroup, SecurityGroupId,
    SecurityGroupRule, SecurityGroupRuleId, VpcId,
};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{SecurityGroupRules, SecurityGroups, Vpcs};
use crate::view::View;

/// What a rule allows: a rule before it has an id.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRule {
    /// Of which protocol.
    pub protocol: IpProtocol,
    /// To which ports.
    pub ports: PortRange,
    /// From or to whom.
    pub peer: Peer,
    /// What it is for.
    pub description: Option<String>,
}

/// Makes a security group, with the rule that lets everything out.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, description: &str, vpc: VpcId) -> Result<SecurityGroupId, Fault> {
    tx.view().need::<Vpcs, _>(vpc)?;
    let scope = tx.scope();
    let limit = tx.provider().quotas.security_groups;
    if tx.security_groups.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::SecurityGroups, u64::from(limit)));
    }
    if tx.security_groups.by_vpc(&vpc).any(|group| group.name == name) {
        return Err(Fault::Exists { kind: ExistsKind::SecurityGroup, what: format!("{name}' for VPC '{vpc}") });
    }
    let id = tx.new_id();
    tx.put::<SecurityGroups>(SecurityGroup { scope, id, name: name.into(), description: description.into(), vpc });
    add(tx, id, RuleDirection::Egress, open_rule(Peer::Cidr(Cidr::V4(Ipv4Cidr::ALL))));
    if tx.view().need::<Vpcs, _>(vpc)?.ipv6.is_empty() {
        return Ok(id);
    }
    add(tx, id, RuleDirection::Egress, open_rule(Peer::Cidr(Cidr::V6(Ipv6Cidr::ALL))));
    Ok(id)
}

/// The rules that a VPC's default group starts with: in from itself, out to everywhere.
pub(crate) fn add_default_rules(tx: &mut Tx<'_, '_>, group: SecurityGroupId) {
    add(tx, group, RuleDirection::Ingress, open_rule(Peer::Group(group)));
    add(tx, group, RuleDirection::Egress, open_rule(Peer::Cidr(Cidr::V4(Ipv4Cidr::ALL))));
}

/// Lets IPv6 out of a group whose rules outwards are as they came, now that its VPC has a block of it.
pub(crate) fn add_ipv6_egress(tx: &mut Tx<'_, '_>, group: SecurityGroupId) {
    let view = tx.view();
    let mut egress = view.rules_of(group).filter(|rule| rule.direction == RuleDirection::Egress);
    let v4 = Peer::Cidr(Cidr::V4(Ipv4Cidr::ALL));
    let first = egress.next().is_some_and(|rule| rule.protocol == IpProtocol::All && rule.peer == v4);
    let untouched = first && egress.next().is_none();
    drop(egress);
    if untouched {
        add(tx, group, RuleDirection::Egress, open_rule(Peer::Cidr(Cidr::V6(Ipv6Cidr::ALL))));
    }
}

fn open_rule(peer: Peer) -> NewRule {
    NewRule { protocol: IpProtocol::All, ports: PortRange::ANY, peer, description: None }
}

fn add(tx: &mut Tx<'_, '_>, group: SecurityGroupId, direction: RuleDirection, rule: NewRule) -> SecurityGroupRuleId {
    let (scope, id) = (tx.scope(), tx.new_id());
    let NewRule { protocol, ports, peer, description } = rule;
    tx.put::<SecurityGroupRules>(SecurityGroupRule { scope, id, group, direction, protocol, ports, peer, description });
    id
}

/// Adds rules to a group: all of them, or none where one is there already, is no rule, or is one too many.
pub fn authorize(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    rules: Vec<NewRule>,
) -> Result<Vec<SecurityGroupRuleId>, Fault> {
    let vpc = tx.view().need::<SecurityGroups, _>(group)?.vpc;
    let limit = tx.provider().quotas.rules_per_group;
    let mut ids = Vec::with_capacity(rules.len());
    for rule in rules {
        check(&tx.view(), vpc, &rule)?;
        if find_same(&tx.view(), group, direction, &rule).is_some() {
            return Err(Fault::DuplicateRule(describe(&rule, direction)));
        }
        let count = tx.view().rules_of(group).filter(|r| r.direction == direction).count();
        if count >= limit as usize {
            return Err(Fault::Quota(QuotaKind::RulesPerGroup, u64::from(limit)));
        }
        ids.push(add(tx, group, direction, rule));
    }
    Ok(ids)
}

/// Replaces what a rule allows and is said to be for, its id kept. Its peer stays of the same kind.
pub fn modify(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    id: SecurityGroupRuleId,
    rule: NewRule,
) -> Result<(), Fault> {
    let vpc = tx.view().need::<SecurityGroups, _>(group)?.vpc;
    let before = tx.view().need::<SecurityGroupRules, _>(id)?.clone();
    if before.group != group {
        return Err(Fault::no_such(id));
    }
    if peer_kind(&before.peer) != peer_kind(&rule.peer) {
        return Err(Fault::Combination(format!(
            "The rule '{id}' has {}; it can't be modified to have {}.",
            peer_kind(&before.peer),
            peer_kind(&rule.peer)
        )));
    }
    check(&tx.view(), vpc, &rule)?;
    if find_same(&tx.view(), group, before.direction, &rule).is_some_and(|other| other != id) {
        return Err(Fault::DuplicateRule(describe(&rule, before.direction)));
    }
    let NewRule { protocol, ports, peer, description } = rule;
    tx.put::<SecurityGroupRules>(SecurityGroupRule { protocol, ports, peer, description, ..before });
    Ok(())
}

fn peer_kind(peer: &Peer) -> &'static str {
    match peer {
        Peer::Cidr(Cidr::V4(_)) => "an IPv4 range",
        Peer::Cidr(Cidr::V6(_)) => "an IPv6 range",
        Peer::Group(_) => "a security group",
        Peer::PrefixList(_) => "a prefix list",
    }
}

/// Changes what a group's rule of that direction is said to be for.
pub fn describe_rule(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    id: SecurityGroupRuleId,
    description: Option<String>,
) -> Result<(), Fault> {
    let rule = tx.view().need::<SecurityGroupRules, _>(id)?.clone();
    if rule.group != group || rule.direction != direction {
        return Err(Fault::no_such(id));
    }
    tx.put::<SecurityGroupRules>(SecurityGroupRule { description, ..rule });
    Ok(())
}

/// The group's rule that allows the same, or that there is none.
pub fn need_same(
    view: &View<'_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    rule: &NewRule,
) -> Result<SecurityGroupRuleId, Fault> {
    find_same(view, group, direction, rule).ok_or_else(|| Fault::NoSuchRule(describe(rule, direction)))
}

/// The ports, or the ICMP type and code, that a rule of a protocol has. TCP and UDP need both; ICMP takes −1 for any, and
/// any type means any code; a rule of another protocol is for all of it, whatever is said of ports.
pub fn port_range(protocol: IpProtocol, from: Option<i32>, to: Option<i32>) -> Result<PortRange, Fault> {
    let invalid = |value: String, why: String| Err(Fault::Invalid { name: "portRange", value, why });
    let text = |port: Option<i32>| port.map_or_else(|| "null".to_owned(), |port| port.to_string());
    if protocol.has_ports() {
        let (Some(from), Some(to)) = (from, to) else {
            return invalid(
                format!("{}:{}", text(from), text(to)),
                "Must specify both from and to ports with TCP/UDP.".into(),
            );
        };
        if let Some(port) = [from, to].into_iter().find(|port| !(0..=65535).contains(port)) {
            return invalid(port.to_string(), format!("TCP/UDP port ({port}) out of range"));
        }
        if from > to {
            return invalid(format!("{from}:{to}"), format!("Invalid TCP/UDP port range ({from}:{to})"));
        }
        return Ok(PortRange { from, to });
    }
    if !protocol.is_icmp() || (protocol == IpProtocol::ICMPV6 && from.is_none() && to.is_none()) {
        return Ok(PortRange::ANY);
    }
    let (Some(kind), Some(code)) = (from, to) else {
        return invalid(format!("{}:{}", text(from), text(to)), "Must specify both type and code with ICMP.".into());
    };
    for (what, value) in [("type", kind), ("code", code)] {
        if !(-1..=255).contains(&value) {
            return invalid(value.to_string(), format!("ICMP {what} ({value}) out of range"));
        }
    }
    if kind == -1 && code != -1 {
        return invalid(format!("{kind}:{code}"), format!("ICMP code ({code}) must be -1 where the type is -1"));
    }
    Ok(PortRange { from: kind, to: code })
}

/// The id of the group's rule that allows the same, if it has one.
pub fn find_same(
    view: &View<'_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    rule: &NewRule,
) -> Option<SecurityGroupRuleId> {
    view.rules_of(group)
        .find(|r| {
            r.direction == direction && r.protocol == rule.protocol && r.ports == rule.ports && r.peer == rule.peer
        })
        .map(|r| r.id)
}

/// Removes rules of a group by what they allow: all of them, or none where one isn't there.
pub fn revoke(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    rules: &[NewRule],
) -> Result<Vec<SecurityGroupRule>, Fault> {
    tx.view().need::<SecurityGroups, _>(group)?;
    let mut ids = Vec::new();
    for rule in rules {
        ids.push(need_same(&tx.view(), group, direction, rule)?);
    }
    revoke_ids(tx, group, direction, &ids)
}

/// Removes rules of a group by their ids, and returns them as they were.
pub fn revoke_ids(
    tx: &mut Tx<'_, '_>,
    group: SecurityGroupId,
    direction: RuleDirection,
    ids: &[SecurityGroupRuleId],
) -> Result<Vec<SecurityGroupRule>, Fault> {
    tx.view().need::<SecurityGroups, _>(group)?;
    let scope = tx.scope();
    let mut gone = Vec::new();
    for &id in ids {
        let rule = tx.view().need::<SecurityGroupRules, _>(id)?.clone();
        if rule.group != group || rule.direction != direction {
            return Err(Fault::no_such(id));
        }
        tx.delete::<SecurityGroupRules>(&scope.key(id));
        crate::tag::forget(tx, &id.to_string());
        gone.push(rule);
    }
    Ok(gone)
}

/// Deletes a group that nothing uses.
pub fn delete(tx: &mut Tx<'_, '_>, id: SecurityGroupId) -> Result<(), Fault> {
    let group = tx.view().need::<SecurityGroups, _>(id)?.clone();
    if group.name == "default" {
        return Err(Fault::Reserved(format!(
            "the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"
        )));
    }
    let used =
        tx.interfaces.by_group.count(&id) > 0 || tx.security_group_rules.by_peer(&id).any(|rule| rule.group != id);
    if used {
        return Err(Fault::InUse { what: format!("resource {id}") });
    }
    let rules: Vec<_> = tx.view().rules_of(id).map(SecurityGroupRule::key).collect();
    for key in rules {
        tx.delete::<SecurityGroupRules>(&key);
        crate::tag::forget(tx, &key.id.to_string());
    }
    tx.delete::<SecurityGroups>(&group.key());
    crate::tag::forget(tx, &id.to_string());
    Ok(())
}

/// Whether a rule is one that a group of that VPC can have.
fn check(view: &View<'_>, vpc: VpcId, rule: &NewRule) -> Result<(), Fault> {
    if let Peer::Group(peer) = rule.peer {
        let peer_vpc = view.need::<SecurityGroups, _>(peer)?.vpc;
        if peer_vpc != vpc {
            return Err(Fault::Mismatch(format!(
                "You have specified two resources that belong to different networks: {peer} is in {peer_vpc}, not {vpc}"
            )));
        }
    }
    let v4_only = matches!(rule.peer, Peer::Cidr(Cidr::V4(_))) && rule.protocol == IpProtocol::ICMPV6;
    if v4_only {
        return Err(Fault::Combination("Invalid value 'icmpv6' for ip protocol with an IPv4 range.".into()));
    }
    Ok(())
}

/// How AWS's messages write a rule: `peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW`.
fn describe(rule: &NewRule, direction: RuleDirection) -> String {
    let peer = match &rule.peer {
        Peer::Cidr(cidr) => cidr.to_string(),
        Peer::Group(group) => group.to_string(),
        Peer::PrefixList(list) => list.to_string(),
    };
    let protocol = match rule.protocol {
        IpProtocol::All => "ALL".to_owned(),
        other => other.to_string().to_ascii_uppercase(),
    };
    let what = if direction == RuleDirection::Egress { "egress, " } else { "" };
    if rule.protocol.has_ports() || rule.protocol.is_icmp() {
        format!("peer: {peer}, {what}{protocol}, from port: {}, to port: {}, ALLOW", rule.ports.from, rule.ports.to)
    } else {
        format!("peer: {peer}, {what}{protocol}, ALLOW")
    }
}

impl<'a> View<'a> {
    /// The rules of a group.
    pub fn rules_of(&self, group: SecurityGroupId) -> impl Iterator<Item = &'a SecurityGroupRule> {
        self.tables().security_group_rules.by_group(&group)
    }
}
