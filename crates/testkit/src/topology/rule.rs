//! What decides about packets: groups, ACLs, route tables.

use std::net::IpAddr;

use landfall_cloud::security_group;
use landfall_cloud::value::{NetworkAcls, RouteTables, SecurityGroupRules};
use landfall_model::plan::AclRulePlan;
use landfall_model::{
    Cidr, Destination, InternetGatewayId, IpProtocol, Ipv4Cidr, Ipv6Cidr, NetworkAcl, Peer, PortRange, Route,
    RouteTable, RouteTarget, RuleDirection, SecurityGroupId, SecurityGroupRule,
};

use super::build::{Builder, alone, must};
use super::{OUTSIDE, PORTS};

const ALL_V4: Cidr = Cidr::V4(Ipv4Cidr::ALL);
const ALL_V6: Cidr = Cidr::V6(Ipv6Cidr::ALL);

impl Builder<'_, '_, '_> {
    /// The groups that a network's machines may be in; their rules come when everything else is there.
    pub(super) fn groups(&mut self, n: usize) {
        for m in 0..self.dice.between(1, 2) {
            let id = must(security_group::create(self.tx, &format!("group-{m}"), "random", self.vpcs[n].id));
            self.vpcs[n].groups.push(id);
        }
    }

    /// Fills a network's groups, ACLs and tables.
    pub(super) fn rules(&mut self, n: usize) {
        for m in 0..self.vpcs[n].groups.len() {
            self.group_rules(n, self.vpcs[n].groups[m]);
        }
        self.acls(n);
        self.tables(n);
    }

    fn group_rules(&mut self, n: usize, group: SecurityGroupId) {
        // Some let out only what they say; a few are open to all, so that other things decide.
        if self.dice.chance(300) {
            let rows: Vec<_> = self.tx.security_group_rules.by_group(&group).cloned().collect();
            for row in rows.into_iter().filter(|row| row.direction == RuleDirection::Egress) {
                self.tx.delete::<SecurityGroupRules>(&row.key());
            }
            for _ in 0..self.dice.below(3) {
                self.group_rule(n, group, RuleDirection::Egress);
            }
        }
        if self.dice.chance(600) {
            for cidr in [ALL_V4, ALL_V6] {
                let (protocol, ports) = (IpProtocol::All, PortRange::ANY);
                self.put_rule(group, RuleDirection::Ingress, protocol, ports, Peer::Cidr(cidr));
            }
        }
        for _ in 0..self.dice.below(5) {
            self.group_rule(n, group, RuleDirection::Ingress);
        }
    }

    fn group_rule(&mut self, n: usize, group: SecurityGroupId, direction: RuleDirection) {
        let peer = match self.dice.below(10) {
            0..4 => Peer::Cidr(self.block_near(n)),
            4..6 => self.dice.pick(&self.vpcs[n].groups).map_or(Peer::Cidr(ALL_V4), |id| Peer::Group(*id)),
            6..8 => {
                let others = self.peerings.iter().filter(|(_, a, b)| *a == n || *b == n);
                let others: Vec<_> = others.map(|(_, a, b)| if *a == n { *b } else { *a }).collect();
                let other = self.dice.pick(&others).copied().unwrap_or(n);
                self.dice.pick(&self.vpcs[other].groups).map_or(Peer::Cidr(ALL_V4), |id| Peer::Group(*id))
            }
            8 => self.vpcs[n].list.map_or(Peer::Cidr(ALL_V4), Peer::PrefixList),
            _ => Peer::Cidr(if self.dice.chance(500) { ALL_V4 } else { ALL_V6 }),
        };
        let is_v4 = matches!(peer, Peer::Cidr(Cidr::V4(_)));
        let (protocol, ports) = self.kind_of_traffic();
        // ICMP for IPv6 isn't for IPv4's blocks.
        let protocol = if is_v4 && protocol == IpProtocol::ICMPV6 { IpProtocol::ICMP } else { protocol };
        self.put_rule(group, direction, protocol, ports, peer);
    }

    fn put_rule(
        &mut self,
        group: SecurityGroupId,
        direction: RuleDirection,
        protocol: IpProtocol,
        ports: PortRange,
        peer: Peer,
    ) {
        let is_same = |row: &SecurityGroupRule| {
            (row.direction, row.protocol, row.ports, &row.peer) == (direction, protocol, ports, &peer)
        };
        if self.tx.security_group_rules.by_group(&group).any(is_same) {
            return;
        }
        let (scope, id, description) = (self.tx.scope(), self.tx.new_id(), None);
        self.tx.put::<SecurityGroupRules>(SecurityGroupRule {
            scope,
            id,
            group,
            direction,
            protocol,
            ports,
            peer,
            description,
            peered: None,
        });
    }

    /// A protocol, with ports or types. An echo's type differs by family: both are asked for, or any.
    fn kind_of_traffic(&mut self) -> (IpProtocol, PortRange) {
        let port = i32::from(self.dice.pick(&PORTS).copied().unwrap_or(80));
        match self.dice.below(10) {
            0 => (IpProtocol::All, PortRange::ANY),
            1 => (IpProtocol::ICMP, PortRange { from: 8, to: -1 }),
            2 => (IpProtocol::ICMPV6, PortRange::ANY),
            3 => (IpProtocol::UDP, PortRange { from: 0, to: 65535 }),
            4 => (IpProtocol::TCP, PortRange { from: 0, to: 65535 }),
            5 => (IpProtocol::TCP, PortRange { from: 80, to: 1000 }),
            6 => (IpProtocol::UDP, PortRange { from: port, to: port }),
            _ => (IpProtocol::TCP, PortRange { from: port, to: port }),
        }
    }

    /// A block that packets to or from a network may be in.
    fn block_near(&mut self, n: usize) -> Cidr {
        let other = self.dice.below(self.vpcs.len() as u64) as usize;
        let places: Vec<_> = self.vpcs[other].subnets.clone();
        let place = self.dice.pick(&places).copied();
        match self.dice.below(8) {
            0 | 1 => Cidr::V4(self.vpcs[other].block),
            2 | 3 => place.map_or(ALL_V4, |place| Cidr::V4(place.block)),
            4 => place.and_then(|place| place.ipv6).map_or(ALL_V6, Cidr::V6),
            5 => self.vpcs[n].ipv6.map_or(ALL_V4, Cidr::V6),
            6 => alone(OUTSIDE[usize::from(self.dice.chance(300))]),
            _ => {
                let address = self.dice.pick(&self.machines).and_then(|machine| {
                    self.tx.interfaces.by_id(&machine.interface).next().map(|row| IpAddr::V4(row.primary()))
                });
                address.map_or(ALL_V4, alone)
            }
        }
    }

    /// ACLs of their own for some subnets: mostly open, with a few entries that deny or allow something before that.
    fn acls(&mut self, n: usize) {
        if !self.dice.chance(400) {
            return;
        }
        let (ingress, egress) = (self.acl_rules(n), self.acl_rules(n));
        let (scope, id, vpc) = (self.tx.scope(), self.tx.new_id(), self.vpcs[n].id);
        let chosen: Vec<_> =
            self.vpcs[n].subnets.iter().map(|place| place.id).filter(|_| self.dice.chance(500)).collect();
        let others: Vec<_> = self.tx.network_acls.by_vpc(&vpc).map(NetworkAcl::key).collect();
        for key in others {
            self.tx.update::<NetworkAcls, _>(&key, |row| row.associations.retain(|(_, s)| !chosen.contains(s)));
        }
        let associations = chosen.into_iter().map(|subnet| (self.tx.new_id(), subnet)).collect();
        self.tx.put::<NetworkAcls>(NetworkAcl { scope, id, vpc, is_default: false, ingress, egress, associations });
        self.vpcs[n].acls.push(id);
    }

    fn acl_rules(&mut self, n: usize) -> Vec<AclRulePlan> {
        // What clients choose for themselves lies in this range, as NAT gateways' own ports do.
        const OWN_PORTS: PortRange = PortRange { from: 1024, to: 65535 };
        let mut rules = Vec::new();
        let mut add = |number, allow, protocol, ports, cidr| {
            rules.push(AclRulePlan { number, allow, protocol, ports, cidr });
        };
        for m in 0..self.dice.below(3) {
            let (protocol, ports) = self.kind_of_traffic();
            let cidr = self.block_near(n);
            let is_v6 = matches!(cidr, Cidr::V6(_));
            let is_other = (protocol == IpProtocol::ICMPV6) != is_v6 && protocol.is_icmp();
            if !is_other {
                add(10 + m as u16, self.dice.chance(500), protocol, ports, cidr);
            }
        }
        match self.dice.below(4) {
            // Open but for what came before.
            0 | 1 => {
                for (number, cidr) in [(100, ALL_V4), (101, ALL_V6)] {
                    add(number, true, IpProtocol::All, PortRange::ANY, cidr);
                }
            }
            // For connections of TCP in both directions.
            2 => {
                for (number, cidr) in [(100, ALL_V4), (101, ALL_V6)] {
                    add(number, true, IpProtocol::TCP, OWN_PORTS, cidr);
                    add(number + 10, true, IpProtocol::TCP, PortRange { from: 80, to: 443 }, cidr);
                }
            }
            // Answers only.
            _ => add(100, true, IpProtocol::TCP, OWN_PORTS, ALL_V4),
        }
        let last = |number, cidr| (number, false, IpProtocol::All, PortRange::ANY, cidr);
        for (number, allow, protocol, ports, cidr) in [last(32767, ALL_V4), last(32768, ALL_V6)] {
            add(number, allow, protocol, ports, cidr);
        }
        rules
    }

    /// A further table for some subnets, and routes in all.
    fn tables(&mut self, n: usize) {
        let vpc = self.vpcs[n].id;
        let mut left: Vec<_> = self.vpcs[n].subnets.iter().map(|place| place.id).collect();
        for _ in 0..self.dice.below(3) {
            let chosen: Vec<_> = left.iter().copied().filter(|_| self.dice.chance(500)).collect();
            left.retain(|id| !chosen.contains(id));
            let (scope, id) = (self.tx.scope(), self.tx.new_id());
            let associations = chosen.into_iter().map(|subnet| (self.tx.new_id(), subnet)).collect();
            let (routes, main, gateways, propagating) = (vec![], None, vec![], vec![]);
            let row = RouteTable { scope, id, vpc, routes, main, associations, gateways, propagating };
            self.tx.put::<RouteTables>(row);
            self.vpcs[n].tables.push(id);
        }
        for m in 0..self.vpcs[n].tables.len() {
            let routes = self.routes(n);
            let key = self.tx.scope().key(self.vpcs[n].tables[m]);
            let learns = match self.vpcs[n].vpn {
                Some(RouteTarget::VpnGateway(id)) => Some(id).filter(|_| self.dice.chance(700)),
                _ => None,
            };
            self.tx.update::<RouteTables, _>(&key, |row| {
                row.routes = routes;
                row.propagating.extend(learns);
            });
        }
    }

    fn routes(&mut self, n: usize) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        let mut add = |destination: Destination, target: RouteTarget| {
            if !routes.iter().any(|route| route.destination == destination) {
                routes.push(Route { destination, target, origin: "CreateRoute".into() });
            }
        };
        let (v4, v6) = self.defaults(n);
        if let Some(target) = v4 {
            add(Destination::Cidr(ALL_V4), target);
        }
        if let Some(target) = v6 {
            add(Destination::Cidr(ALL_V6), target);
        }
        for (id, a, b) in self.peerings.clone() {
            let Some(other) = [(a, b), (b, a)].into_iter().find(|(own, _)| *own == n).map(|(_, other)| other) else {
                continue;
            };
            for destination in self.ways_to(n, other) {
                add(destination, RouteTarget::Peering(id));
            }
        }
        if let Some(id) = self.transit.filter(|_| self.vpcs[n].is_attached) {
            for other in (0..self.vpcs.len()).filter(|other| *other != n) {
                for destination in self.ways_to(n, other) {
                    add(destination, RouteTarget::TransitGateway(id));
                }
            }
        }
        for office in self.offices.clone() {
            let transit = self.transit.filter(|_| self.vpcs[n].is_attached).map(RouteTarget::TransitGateway);
            for target in [transit, self.vpcs[n].vpn].into_iter().flatten() {
                if self.dice.chance(500) {
                    add(Destination::Cidr(Cidr::V4(office.block)), target);
                }
            }
        }
        // Where there are two, tables that lead to one or the other make ways past both.
        let routers = self.vpcs[n].routers.clone();
        if let Some(router) = self.dice.pick(&routers) {
            let target = RouteTarget::Interface(*router);
            let places = self.vpcs[n].subnets.clone();
            if let Some(place) = self.dice.pick(&places).filter(|_| self.dice.chance(350)) {
                add(Destination::Cidr(Cidr::V4(place.block)), target);
                if let Some(block) = place.ipv6.filter(|_| self.dice.chance(500)) {
                    add(Destination::Cidr(Cidr::V6(block)), target);
                }
            }
            if self.dice.chance(100) {
                add(Destination::Cidr(Cidr::V4(self.vpcs[n].block)), target);
            }
        }
        // Something that is gone.
        if self.dice.chance(150) {
            let gone = RouteTarget::InternetGateway(InternetGatewayId::MAX);
            add(Destination::Cidr(alone(OUTSIDE[usize::from(self.dice.chance(300))])), gone);
        }
        // The order in which routes were made decides nothing.
        if self.dice.chance(500) {
            routes.reverse();
        }
        routes
    }

    /// Where the rest goes, of each family.
    fn defaults(&mut self, n: usize) -> (Option<RouteTarget>, Option<RouteTarget>) {
        let network = &self.vpcs[n];
        let transit = self.transit.filter(|_| network.is_attached).map(RouteTarget::TransitGateway);
        let router = self.dice.pick(&network.routers).copied().map(RouteTarget::Interface);
        let nat = network.nats.first().copied();
        let mut v4: Vec<Option<RouteTarget>> = vec![network.internet, network.internet, nat, nat, None];
        v4.extend(network.nats.get(1).copied().map(Some));
        v4.extend([transit, router]);
        let v6 = [network.internet, network.egress_only, None];
        let of_family = |choice: Option<&Option<RouteTarget>>| choice.copied().flatten();
        (of_family(self.dice.pick(&v4)), of_family(self.dice.pick(&v6)))
    }

    /// Routes by which a network may send to another: to all of it, a part, its IPv6, or what a list names.
    fn ways_to(&mut self, n: usize, other: usize) -> Vec<Destination> {
        let mut ways = Vec::new();
        let network = &self.vpcs[other];
        if self.dice.chance(750) {
            ways.push(Destination::Cidr(Cidr::V4(network.block)));
        }
        if let Some(place) = self.dice.pick(&network.subnets).filter(|_| self.dice.chance(250)) {
            ways.push(Destination::Cidr(Cidr::V4(place.block)));
        }
        if let Some(block) = network.ipv6.filter(|_| self.dice.chance(600)) {
            ways.push(Destination::Cidr(Cidr::V6(block)));
        }
        if let Some(list) = self.vpcs[n].list.filter(|_| self.dice.chance(200)) {
            ways.push(Destination::PrefixList(list));
        }
        // A twin's block is a network's own: no route may lead it elsewhere.
        let own = self.vpcs[n].block;
        ways.retain(|way| !matches!(way, Destination::Cidr(Cidr::V4(block)) if own.covers(*block)));
        ways
    }
}
