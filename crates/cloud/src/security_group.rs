//! Security groups: their names, their rules, and what keeps one from being deleted.

use landfall_model::{
    Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, Peer, PeeredGroup, Peering, PeeringId, PeeringState, PortRange,
    RuleDirection, SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, VpcId,
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
    let limit = tx.quotas().security_groups;
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
    let peered = tx.view().peered(group, &rule.peer);
    let NewRule { protocol, ports, peer, description } = rule;
    tx.put::<SecurityGroupRules>(SecurityGroupRule {
        scope,
        id,
        group,
        direction,
        protocol,
        ports,
        peer,
        description,
        peered,
    });
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
    let mut ids = Vec::with_capacity(rules.len());
    for rule in rules {
        check(&tx.view(), vpc, &rule)?;
        if find_same(&tx.view(), group, direction, &rule).is_some() {
            return Err(Fault::DuplicateRule(describe(&rule, direction)));
        }
        ids.push(add(tx, group, direction, rule));
        check_room(&tx.view(), group, direction)?;
    }
    Ok(ids)
}

/// That a group's rules of a direction are no more than its quota. It holds for each family: a rule that names a group
/// counts for both, one that names a prefix list as often as the list may have entries. Source: "Amazon VPC quotas".
pub(crate) fn check_room(view: &View<'_>, group: SecurityGroupId, direction: RuleDirection) -> Result<(), Fault> {
    let limit = u64::from(view.quotas().rules_per_group);
    let (mut v4, mut v6) = (0, 0);
    for rule in view.rules_of(group).filter(|rule| rule.direction == direction) {
        let (more_v4, more_v6) = match rule.peer {
            Peer::Cidr(Cidr::V4(_)) => (1, 0),
            Peer::Cidr(Cidr::V6(_)) => (0, 1),
            Peer::Group(_) => (1, 1),
            Peer::PrefixList(id) => match view.prefix_list(id) {
                Ok(list) if list.ipv6 => (0, u64::from(list.max_entries)),
                Ok(list) => (u64::from(list.max_entries), 0),
                Err(_) => (0, 0),
            },
        };
        v4 += more_v4;
        v6 += more_v6;
    }
    if v4.max(v6) > limit { Err(Fault::Quota(QuotaKind::RulesPerGroup, limit)) } else { Ok(()) }
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
    let (peered, direction) = (tx.view().peered(group, &rule.peer), before.direction);
    let NewRule { protocol, ports, peer, description } = rule;
    tx.put::<SecurityGroupRules>(SecurityGroupRule { protocol, ports, peer, description, peered, ..before });
    check_room(&tx.view(), group, direction)
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
    // A rule across a peering doesn't keep the group: it goes stale.
    let names_it = |rule: &SecurityGroupRule| rule.group != id && rule.peered.is_none();
    let used = tx.interfaces.by_group.count(&id) > 0 || tx.security_group_rules.by_peer(&id).any(names_it);
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
    match rule.peer {
        Peer::Group(peer) => {
            view.group_from(vpc, peer)?;
        }
        Peer::PrefixList(list) => {
            view.prefix_list(list)?;
        }
        Peer::Cidr(_) => {}
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
    /// The group of that id, as a rule in a VPC can name it: one of the same VPC, or of one that it is peered with, in the
    /// same region, whoever has that.
    pub fn group_from(&self, vpc: VpcId, id: SecurityGroupId) -> Result<&'a SecurityGroup, Fault> {
        let found = self.tables().security_groups.by_id(&id).next();
        let row = found.filter(|row| row.scope == self.scope() || self.peering_to(vpc, row).is_some());
        let row = row.ok_or_else(|| Fault::no_such(id))?;
        if row.vpc == vpc || self.peering_to(vpc, row).is_some() {
            return Ok(row);
        }
        Err(Fault::Mismatch(format!(
            "You have specified two resources that belong to different networks: {id} is in {}, not {vpc}",
            row.vpc
        )))
    }

    /// The peering that leads from a VPC to a group's.
    fn peering_to(&self, vpc: VpcId, group: &SecurityGroup) -> Option<PeeringId> {
        let leads = |row: &&Peering| {
            row.across(vpc).is_some_and(|side| side.vpc == group.vpc && side.scope.region == self.scope().region)
        };
        self.tables().peerings.by_vpc(&vpc).find(leads).map(|row| row.id)
    }

    /// Where a rule's peer is, if it is a group of a peered VPC.
    fn peered(&self, group: SecurityGroupId, peer: &Peer) -> Option<PeeredGroup> {
        let Peer::Group(peer) = peer else { return None };
        let vpc = self.find::<SecurityGroups, _>(group)?.vpc;
        let row = self.group_from(vpc, *peer).ok().filter(|row| row.vpc != vpc)?;
        let peering = self.peering_to(vpc, row)?;
        Some(PeeredGroup { owner: row.scope.account, vpc: row.vpc, peering })
    }

    /// The state of the peering that a rule's group is reached by; `deleted` once nothing is known of it.
    pub fn peering_status(&self, peered: &PeeredGroup) -> &'static str {
        let row = self.tables().peerings.by_id(&peered.peering).next();
        row.map_or(PeeringState::Deleted, |row| row.state).name()
    }

    /// Whether a rule names a group that is no more, or no more within reach.
    pub fn is_stale(&self, rule: &SecurityGroupRule) -> bool {
        let (Some(peered), Peer::Group(group)) = (rule.peered, &rule.peer) else { return false };
        let row = self.tables().peerings.by_id(&peered.peering).next();
        let reached = row.is_some_and(|row| row.across(peered.vpc).is_some());
        !reached || self.tables().security_groups.by_id(group).next().is_none()
    }

    /// Whether a group has a stale rule that names that group.
    pub fn names_stale(&self, group: SecurityGroupId, named: SecurityGroupId) -> bool {
        self.rules_of(group).any(|rule| rule.peer == Peer::Group(named) && self.is_stale(rule))
    }

    /// The groups of a VPC.
    pub fn groups_of(&self, vpc: VpcId) -> impl Iterator<Item = &'a SecurityGroup> {
        self.tables().security_groups.by_vpc(&vpc)
    }

    /// The rules of a group.
    pub fn rules_of(&self, group: SecurityGroupId) -> impl Iterator<Item = &'a SecurityGroupRule> {
        self.tables().security_group_rules.by_group(&group)
    }
}
