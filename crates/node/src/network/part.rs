//! The part of a network that a change is about.
//!
//! A port adds its own links, routes, chains and elements to its network and leaves those of others as they are. So what
//! leads from one plan of a network to the next is what leads from a part of the one to the same part of the other: the
//! ports and groups that changed, and beside each thing that ports share (the chain of a combination of groups, the table
//! of a subnet, the set of a group's members) one port that has it too and stays, so that it isn't taken for new or gone.
//! A part is a plan like any other; what is made from it grows with the change and not with the ports that there are.
//!
//! What one port has to say about others (routers, gateways, endpoints, targets of routes) is in every part; where such a
//! one changes, or anything else than ports and groups, there is no part. Whoever applies a part compares it with what is
//! there: what doesn't fit is done as a whole.

use std::borrow::Cow;
use std::collections::BTreeSet;

use landfall_model::plan::{
    GroupPlan, GroupRulePlan, HostPlan, Piece, PieceKey, PortLocation, PortPlan, RouteTargetPlan, VpcPlan,
};
use landfall_model::{InterfaceId, RuleDirection, SecurityGroupId, SubnetId, VpcId};

use super::group::named;
use super::scope::connected;
use super::{acl, judge, spoof};

/// A part of a network before and after a change.
pub struct Part {
    /// Before.
    pub before: HostPlan,
    /// After.
    pub after: HostPlan,
}

/// The part of a network that a change of these pieces is about; `None` where that is all of it.
pub fn of(before: &HostPlan, after: &HostPlan, changed: &BTreeSet<PieceKey>, vpc: &VpcPlan) -> Option<Part> {
    let part = Choice::of(before, after, changed, vpc)?;
    Some(Part { before: part.cut(before), after: part.cut(after) })
}

/// The groups of a port, each once and in order: those of whom two have alike share a chain.
type Combination<'p> = Cow<'p, [SecurityGroupId]>;

fn combination(port: &PortPlan) -> Combination<'_> {
    if port.groups.is_sorted_by(|one, next| one < next) {
        return Cow::Borrowed(&port.groups);
    }
    let groups: BTreeSet<SecurityGroupId> = port.groups.iter().copied().collect();
    Cow::Owned(groups.into_iter().collect())
}

/// What ports share, as far as the change is about it: of each, one port that stays is to be found.
#[derive(Default)]
struct Shared<'p> {
    /// Groups whose chains change.
    groups: BTreeSet<SecurityGroupId>,
    combinations: BTreeSet<Combination<'p>>,
    subnets: BTreeSet<SubnetId>,
    /// Tables of ports' chains, and whether it is one of IPv6 that shares it.
    tables: BTreeSet<(u128, bool)>,
    /// Whether a subnet has a network ACL, by direction.
    acls: [bool; 2],
    /// Groups whose sets of members change, or are named by a combination that comes or goes.
    named: BTreeSet<SecurityGroupId>,
    /// Combinations of those groups that were found.
    seen: BTreeSet<Combination<'p>>,
    /// Groups whose members are all to be seen.
    whole: BTreeSet<SecurityGroupId>,
    /// Whether there is to be something on another host.
    is_elsewhere: bool,
}

/// What a part has.
struct Choice {
    vpc: VpcId,
    connected: BTreeSet<VpcId>,
    ports: BTreeSet<InterfaceId>,
    groups: BTreeSet<SecurityGroupId>,
}

impl Choice {
    fn of(before: &HostPlan, after: &HostPlan, changed: &BTreeSet<PieceKey>, vpc: &VpcPlan) -> Option<Self> {
        let connected = connected(after, vpc.id);
        let peered: BTreeSet<VpcId> = after
            .peerings()
            .filter(|peering| peering.vpcs.contains(&vpc.id))
            .flat_map(|peering| peering.vpcs)
            .collect();
        let mut targets = BTreeSet::new();
        for plan in [before, after] {
            let routes = plan.subnets().filter(|subnet| subnet.vpc == vpc.id).flat_map(|subnet| &subnet.routes);
            let own = plan.vpc(vpc.id).into_iter().flat_map(|vpc| vpc.internet_routes.iter().chain(&vpc.vpn_routes));
            targets.extend(routes.chain(own).filter_map(|route| match route.target {
                RouteTargetPlan::Interface(id) => Some(id),
                _ => None,
            }));
        }
        // Where there are routers, what others have of public addresses tells the ways to their hosts (see
        // [`super::target`]), and each of their interfaces may be the one that a way leads by.
        let has_routers = [before, after].iter().any(|plan| judge::has_routers(plan, vpc));
        let is_home = |port: &PortPlan| {
            has_routers && matches!(port.location, PortLocation::Remote { .. }) && !port.public.is_empty()
        };
        let is_special = |port: &PortPlan| {
            let is_named = port.location == PortLocation::Service || targets.contains(&port.id);
            is_named || judge::is_router(port) || is_home(port)
        };
        let mut shared = Shared::default();
        let mut ports = BTreeSet::new();
        for key in changed {
            for plan in [before, after] {
                match plan.pieces.get(key) {
                    Some(Piece::Port(port)) if port.vpc == vpc.id => {
                        if is_special(port) {
                            return None;
                        }
                        shared.add_port(plan, port);
                        ports.insert(port.id);
                    }
                    Some(Piece::Port(port)) if peered.contains(&port.vpc) => {
                        shared.named.extend(&port.groups);
                        ports.insert(port.id);
                    }
                    Some(Piece::Group(group)) if group.vpc == vpc.id => _ = shared.groups.insert(group.id),
                    // A peered network's groups are that one's own affair.
                    Some(Piece::Group(_) | Piece::Port(_) | Piece::Volume(_) | Piece::Instance(_)) | None => {}
                    Some(_) => return None,
                }
            }
        }
        shared.add_groups(before, after, vpc);
        let stay = || {
            let concerned = after.ports().filter(|port| port.vpc == vpc.id || peered.contains(&port.vpc));
            concerned.filter(|port| !changed.contains(&PieceKey::Port(port.id)))
        };
        for port in stay() {
            let is_own = port.vpc == vpc.id;
            if (is_own && is_special(port)) | shared.takes(after, port, is_own) {
                ports.insert(port.id);
            }
        }
        shared.add_lonely(before, after);
        if !shared.whole.is_empty() {
            let is_member = |port: &&PortPlan| port.groups.iter().any(|group| shared.whole.contains(group));
            ports.extend(stay().filter(is_member).map(|port| port.id));
        }
        let groups = ports.iter().flat_map(|id| [before.port(*id), after.port(*id)]).flatten();
        let groups = groups.flat_map(|port| port.groups.iter().copied()).collect();
        Some(Self { vpc: vpc.id, connected, ports, groups })
    }

    /// That part of a plan.
    fn cut(&self, plan: &HostPlan) -> HostPlan {
        let mut part = HostPlan { incarnation: plan.incarnation, revision: plan.revision, ..HostPlan::default() };
        let keys = [PieceKey::Vpc(self.vpc)].into_iter().chain(self.connected.iter().map(|id| PieceKey::Vpc(*id)));
        let keys = keys.chain(plan.subnets().filter(|it| it.vpc == self.vpc).map(|it| PieceKey::Subnet(it.id)));
        let keys = keys.chain(self.groups.iter().map(|id| PieceKey::Group(*id)));
        let keys = keys.chain(self.ports.iter().map(|id| PieceKey::Port(*id)));
        let keys =
            keys.chain(plan.nat_gateways().filter(|it| it.vpc == self.vpc).map(|it| PieceKey::NatGateway(it.id)));
        let keys =
            keys.chain(plan.peerings().filter(|it| it.vpcs.contains(&self.vpc)).map(|it| PieceKey::Peering(it.id)));
        let keys = keys.chain(plan.transit_gateways().map(|it| PieceKey::TransitGateway(it.id)));
        let keys = keys.chain(plan.endpoints().filter(|it| it.vpc == self.vpc).map(|it| PieceKey::Endpoint(it.id)));
        let keys = keys.chain(plan.vpns().map(|it| PieceKey::Vpn(it.id)));
        part.pieces.extend(keys.filter_map(|key| Some((key, plan.pieces.get(&key)?.clone()))));
        part
    }
}

impl<'p> Shared<'p> {
    /// What a port that changes shares with others.
    fn add_port(&mut self, plan: &'p HostPlan, port: &'p PortPlan) {
        self.named.extend(&port.groups);
        if !matches!(port.location, PortLocation::Here(_)) {
            self.is_elsewhere = true;
            return;
        }
        self.named.extend(port.groups.iter().filter_map(|id| plan.group(*id)).flat_map(group_names));
        self.combinations.insert(combination(port));
        self.subnets.insert(port.subnet);
        self.tables.extend([false, true].map(|ipv6| (spoof::port_table(port.id), ipv6)));
        for (direction, asked) in [RuleDirection::Egress, RuleDirection::Ingress].into_iter().zip(&mut self.acls) {
            *asked |= plan.subnet(port.subnet).is_some_and(|subnet| acl::rules(subnet, direction).is_some());
        }
    }

    /// The groups whose chains change, and those that name a group whose set of members does: that is there because of them.
    fn add_groups(&mut self, before: &HostPlan, after: &HostPlan, vpc: &VpcPlan) {
        for id in &self.groups {
            let [old, new] = [before, after].map(|plan| plan.group(*id));
            let names = || [old, new].into_iter().flatten().flat_map(group_names);
            self.named.extend(names());
            if old.map(named_rules) != new.map(named_rules) {
                self.whole.extend(names());
            }
        }
        let own = before.groups().chain(after.groups()).filter(|group| group.vpc == vpc.id);
        let naming =
            own.filter(|group| group_names(group).any(|name| self.named.contains(&name))).map(|group| group.id);
        self.groups.extend(naming.collect::<Vec<_>>());
    }

    /// What nobody has who stays is made or goes as a whole.
    fn add_lonely(&mut self, before: &HostPlan, after: &HostPlan) {
        let groups = self.combinations.iter().flat_map(|groups| groups.iter());
        let groups = groups.flat_map(|id| [before.group(*id), after.group(*id)]).flatten();
        self.whole.extend(groups.flat_map(group_names));
    }

    /// Whether a port that stays is the first that has something of what is shared.
    fn takes(&mut self, plan: &HostPlan, port: &'p PortPlan, is_own: bool) -> bool {
        let mut takes = false;
        if is_own && matches!(port.location, PortLocation::Here(_)) {
            takes |= self.combinations.remove(&combination(port));
            takes |= self.subnets.remove(&port.subnet);
            let table = spoof::port_table(port.id);
            takes |= self.tables.remove(&(table, false));
            let speaks_ipv6 = plan.vpc(port.vpc).is_some_and(|vpc| judge::ipv6_name(port, vpc).is_some());
            takes |= speaks_ipv6 && self.tables.remove(&(table, true));
            if port.groups.iter().any(|group| self.groups.contains(group)) {
                takes |= self.seen.insert(combination(port));
            }
            for (direction, asked) in [RuleDirection::Egress, RuleDirection::Ingress].into_iter().zip(&mut self.acls) {
                if *asked && plan.subnet(port.subnet).is_some_and(|subnet| acl::rules(subnet, direction).is_some()) {
                    (takes, *asked) = (true, false);
                }
            }
        }
        if is_own && self.is_elsewhere && matches!(port.location, PortLocation::Remote { .. }) {
            (takes, self.is_elsewhere) = (true, false);
        }
        takes
    }
}

/// The rules of a group that name groups, inwards and outwards.
fn named_rules(group: &GroupPlan) -> [Vec<&GroupRulePlan>; 2] {
    [&group.ingress, &group.egress].map(|rules| rules.iter().filter(|rule| named(rule).is_some()).collect())
}

/// The groups that a group's rules name.
fn group_names(group: &GroupPlan) -> impl Iterator<Item = SecurityGroupId> {
    group.ingress.iter().chain(&group.egress).filter_map(named)
}
