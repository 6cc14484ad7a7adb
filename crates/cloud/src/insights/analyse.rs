//! The search for a packet that goes the path: which addresses and ports may be meant, and what became of the best of them.
//!
//! A path leaves open what it doesn't say: an analysis finds it where any packet of it arrives. Only a few can matter,
//! since what decides about addresses and ports are the bounds of rules; those are tried. AWS's analysis reasons over all
//! at once, and shows ranges where this shows the packet.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::reachability::{Code, Component, Decision, Header, Hop, Packet, Stop};
use landfall_model::{
    AttachedResource, Cidr, Destination, InsightsPath, InterfaceId, NetworkInterface, PathFilter, Peer, RouteTarget,
    Scope, VpcId,
};

use super::End;
use crate::reach::{self, Assumptions, Source, Verdict, reach};
use crate::value::Cloud;
use crate::view::View;

/// An address on the internet that nobody has (RFC 5737), for whoever it may be.
const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
/// A port that a system chooses for a connection of its own.
const OWN_PORT: u16 = 49_152;
/// Packets that are tried for one path.
const MAX_TRIES: usize = 256;
/// Ports and addresses of a kind that are tried.
const MAX_CANDIDATES: usize = 24;

/// What an analysis found.
pub(super) struct Found {
    pub(super) is_found: bool,
    pub(super) forward: Vec<Hop>,
    pub(super) back: Vec<Hop>,
    pub(super) explanations: Vec<Stop>,
}

/// Where packets of a path may begin.
struct Start {
    source: Source,
    addresses: Vec<IpAddr>,
    interface: Option<InterfaceId>,
}

/// Tries what a path may mean until one goes it; else tells of the one that got farthest.
pub(super) fn analyse(view: &View<'_>, path: &InsightsPath, through: &[String], around: &[String]) -> Found {
    let cloud = view.tables();
    let search = Search { cloud, scope: view.scope(), path, through, around };
    let mut best: Option<Found> = None;
    let mut tries = 0;
    for start in search.starts() {
        for destination in search.destinations(&start) {
            for packet in search.packets(&start, destination) {
                tries += 1;
                let verdict = sure(cloud, start.source, packet);
                let found = search.judge(verdict, packet);
                if found.is_found {
                    return found;
                }
                let length = |found: &Found| found.forward.len() + found.back.len();
                if best.as_ref().is_none_or(|best| length(best) < length(&found)) {
                    best = Some(found);
                }
                if tries == MAX_TRIES {
                    return best.unwrap_or_else(|| search.nowhere());
                }
            }
        }
    }
    best.unwrap_or_else(|| search.nowhere())
}

/// The verdict on a packet; where a NAT gateway on its way chooses one of several addresses by a hash that nobody knows, that
/// of an address by which it doesn't come through, if there is one.
fn sure(cloud: &Cloud, source: Source, packet: Packet) -> Verdict {
    let first = reach(cloud, source, packet, &Assumptions::default());
    let gateways = first.forward.iter().filter_map(|hop| match hop.component {
        Component::NatGateway(id) => cloud.nat_gateways.by_id(&id).next(),
        _ => None,
    });
    let choices = gateways.map(|row| row.addresses.len()).max().unwrap_or(1);
    let others = (1..choices).map(|nat_address| {
        let assumptions = Assumptions { nat_address, ..Assumptions::default() };
        reach(cloud, source, packet, &assumptions)
    });
    let lost = if first.is_reached() { others.into_iter().find(|verdict| !verdict.is_reached()) } else { None };
    lost.unwrap_or(first)
}

struct Search<'a> {
    cloud: &'a Cloud,
    scope: Scope,
    path: &'a InsightsPath,
    through: &'a [String],
    around: &'a [String],
}

impl Search<'_> {
    fn source(&self) -> Option<Component> {
        End::parse(&self.path.source).map(End::component)
    }

    fn destination(&self) -> Option<Component> {
        self.path.destination.as_deref().and_then(End::parse).map(End::component)
    }

    fn filter(&self) -> PathFilter {
        self.path.at_source.clone().unwrap_or_default()
    }

    fn interface(&self, id: InterfaceId) -> Option<&NetworkInterface> {
        self.cloud.interfaces.get(&self.scope.key(id))
    }

    /// The interfaces of an instance or an interface that is named.
    fn interfaces(&self, of: Option<Component>) -> Vec<&NetworkInterface> {
        match of {
            Some(Component::Interface(id)) => self.interface(id).into_iter().collect(),
            Some(Component::Instance(id)) => {
                let mut rows: Vec<_> = self.cloud.interfaces.by_instance(&id).collect();
                rows.retain(|row| row.scope == self.scope);
                rows.sort_by_key(|row| row.attachment.as_ref().map(|attachment| attachment.device_index));
                rows
            }
            _ => Vec::new(),
        }
    }

    fn starts(&self) -> Vec<Start> {
        let asked = self.path.source_ip.or(self.filter().source);
        match self.source() {
            Some(Component::InternetGateway(_)) => {
                let groups = self.interfaces(self.destination());
                let addresses = asked.map_or_else(|| self.outsiders(&groups), |address| vec![address]);
                vec![Start { source: Source::Internet, addresses, interface: None }]
            }
            Some(Component::VpnGateway(id)) => {
                let vpns = self.cloud.vpn_connections.by_gateway(&id).filter(|row| row.scope == self.scope);
                vpns.map(|row| {
                    let behind = row.routes.iter().map(|cidr| within(*cidr)).collect();
                    let addresses = asked.map_or(behind, |address| vec![address]);
                    Start { source: Source::Vpn(row.id), addresses, interface: None }
                })
                .collect()
            }
            of => {
                let rows = self.interfaces(of).into_iter();
                rows.map(|row| {
                    let own = row.addresses.iter().map(|address| IpAddr::V4(*address)).collect();
                    let addresses = asked.map_or(own, |address| vec![address]);
                    Start { source: Source::Interface(row.id), addresses, interface: Some(row.id) }
                })
                .collect()
            }
        }
    }

    fn destinations(&self, start: &Start) -> Vec<IpAddr> {
        if let Some(address) = self.path.destination_ip.or(self.filter().destination) {
            return vec![address];
        }
        let to = self.destination();
        let sender = start.interface.and_then(|id| self.interface(id));
        match to {
            Some(Component::Instance(_) | Component::Interface(_)) => {
                let view = View::new(self.cloud, self.scope, self.path.created_at);
                let rows = self.interfaces(to).into_iter();
                let all = rows.flat_map(|row| row.addresses.iter().map(move |private| (row, *private)));
                if start.source == Source::Internet {
                    return all.filter_map(|(row, private)| view.public_of(row, private)).map(IpAddr::V4).collect();
                }
                all.map(|(_, private)| IpAddr::V4(private)).collect()
            }
            Some(Component::InternetGateway(_)) | None => self.outsiders(&sender.into_iter().collect::<Vec<_>>()),
            Some(component) => self.beyond(component, sender),
        }
    }

    /// Addresses on the internet: anybody's, and those that groups name.
    fn outsiders(&self, rows: &[&NetworkInterface]) -> Vec<IpAddr> {
        let groups = rows.iter().flat_map(|row| &row.groups);
        let rules = groups.flat_map(|group| self.cloud.security_group_rules.by_group(group));
        let named = rules.filter_map(|rule| match &rule.peer {
            Peer::Cidr(cidr @ Cidr::V4(block)) if block.prefix() > 0 && !block.first().is_private() => {
                Some(within(*cidr))
            }
            _ => None,
        });
        let named: BTreeSet<_> = named.take(MAX_CANDIDATES).collect();
        [ANYBODY].into_iter().chain(named).collect()
    }

    /// Addresses that lie beyond a gateway: those that it leads to, and those that the sender's routes give it.
    fn beyond(&self, gateway: Component, sender: Option<&NetworkInterface>) -> Vec<IpAddr> {
        let leads = |target: RouteTarget| match (target, gateway) {
            (RouteTarget::Peering(a), Component::Peering(b)) => a == b,
            (RouteTarget::TransitGateway(a), Component::TransitGateway(b)) => a == b,
            (RouteTarget::VpnGateway(a), Component::VpnGateway(b)) => a == b,
            (RouteTarget::Endpoint(a), Component::Endpoint(b)) => a == b,
            _ => false,
        };
        let tables = sender.into_iter().flat_map(|row| self.cloud.route_tables.by_vpc(&row.vpc));
        let routes = tables.flat_map(|table| &table.routes).filter(|route| leads(route.target));
        let mut found: BTreeSet<IpAddr> = routes
            .flat_map(|route| match route.destination {
                Destination::Cidr(cidr) => vec![cidr],
                Destination::PrefixList(list) => {
                    let rows = self.cloud.prefix_lists.by_id(&list);
                    rows.flat_map(|row| row.entries()).map(|entry| entry.cidr).collect()
                }
            })
            .map(|cidr| if cidr == Cidr::V4(landfall_model::Ipv4Cidr::ALL) { ANYBODY } else { within(cidr) })
            .collect();
        match gateway {
            Component::VpnGateway(id) => {
                let vpns = self.cloud.vpn_connections.by_gateway(&id).filter(|row| row.scope == self.scope);
                found.extend(vpns.flat_map(|row| row.routes.iter().map(|cidr| within(*cidr))));
            }
            Component::TransitAttachment(id) => {
                let rows = self.cloud.transit_attachments.by_id(&id).filter(|row| row.scope == self.scope);
                for row in rows {
                    match &row.resource {
                        AttachedResource::Vpc { vpc, .. } => {
                            let rows = self.cloud.vpcs.by_id(vpc).flat_map(|row| &row.cidrs);
                            found.extend(rows.map(|(_, block)| within(Cidr::V4(*block))));
                        }
                        AttachedResource::Vpn(vpn) => {
                            let rows = self.cloud.vpn_connections.by_id(vpn).flat_map(|row| &row.routes);
                            found.extend(rows.map(|cidr| within(*cidr)));
                        }
                    }
                }
            }
            _ => {}
        }
        found.into_iter().filter(IpAddr::is_ipv4).take(MAX_CANDIDATES).collect()
    }

    /// The packets from a start to an address.
    fn packets(&self, start: &Start, destination: IpAddr) -> Vec<Packet> {
        let protocol = if self.path.protocol == "udp" { reach::UDP } else { reach::TCP };
        let filter = self.filter();
        let ports = self.destination_ports(start, &filter);
        let own = self.source_ports(start, &filter);
        let mut packets = Vec::new();
        for source in start.addresses.iter().copied() {
            for own in &own {
                for port in &ports {
                    packets.push(Packet { protocol, ..Packet::tcp(source, *own, destination, *port) });
                }
            }
        }
        packets
    }

    fn destination_ports(&self, start: &Start, filter: &PathFilter) -> Vec<u16> {
        if let Some(port) = self.path.destination_port {
            return vec![port];
        }
        let (from, to) = filter.destination_ports.unwrap_or((0, u16::MAX));
        let sender = start.interface.and_then(|id| self.interface(id));
        let rows = self.interfaces(self.destination()).into_iter().chain(sender);
        let rules = rows.flat_map(|row| &row.groups).flat_map(|group| self.cloud.security_group_rules.by_group(group));
        let named: BTreeSet<u16> = rules.filter_map(|rule| u16::try_from(rule.ports.from).ok()).collect();
        let usual = [443, 80, 22].into_iter().chain(named).chain([from]);
        let mut ports: Vec<u16> = usual.filter(|port| (from..=to).contains(port)).take(MAX_CANDIDATES).collect();
        ports.dedup();
        ports
    }

    /// Ports that the sender may choose: the bounds of ACLs' rules, which are all that answers may fail by.
    fn source_ports(&self, start: &Start, filter: &PathFilter) -> Vec<u16> {
        let (from, to) = filter.source_ports.unwrap_or((0, u16::MAX));
        let sender = start.interface.and_then(|id| self.interface(id));
        let rows = self.interfaces(self.destination()).into_iter().chain(sender);
        let vpcs: BTreeSet<VpcId> = rows.map(|row| row.vpc).collect();
        let acls = vpcs.iter().flat_map(|vpc| self.cloud.network_acls.by_vpc(vpc));
        let rules = acls.flat_map(|acl| acl.ingress.iter().chain(&acl.egress));
        let bounds: BTreeSet<u16> = rules
            .flat_map(|rule| [rule.ports.from, rule.ports.to + 1])
            .filter_map(|port| u16::try_from(port).ok())
            .collect();
        let all = [OWN_PORT].into_iter().chain(bounds).chain([from]);
        all.filter(|port| (from..=to).contains(port)).take(MAX_CANDIDATES).collect()
    }

    /// Whether a packet went the path, and what is shown of it: nothing of what other accounts have.
    fn judge(&self, verdict: Verdict, packet: Packet) -> Found {
        let reached = verdict.is_reached();
        let stop = verdict.stop().cloned();
        let end = verdict.arrival.as_ref().ok().copied();
        let mut found = Found { is_found: reached, forward: verdict.forward, back: verdict.back, explanations: vec![] };
        found.explanations.extend(stop);
        let end_fits = match self.destination() {
            None => true,
            Some(to @ (Component::Instance(_) | Component::Interface(_))) => {
                let there = self.interfaces(Some(to));
                matches!(end, Some(reach::End::Interface(id)) if there.iter().any(|row| row.id == id))
            }
            Some(gateway) => {
                let is_it = |hop: &Hop| hop.component == gateway || hop.attached_to == Some(gateway);
                if let Some(at) = found.forward.iter().position(is_it) {
                    found.forward.truncate(at + 1);
                    found.back.clear();
                    found.explanations.clear();
                    found.is_found = true;
                    true
                } else {
                    false
                }
            }
        };
        let begins = match self.source() {
            Some(gateway @ Component::InternetGateway(_)) => {
                found.forward.iter().any(|hop| hop.component == gateway) || found.forward.is_empty()
            }
            _ => true,
        };
        if found.is_found && !(end_fits && begins) {
            self.refuse(&mut found, Code::NoDestination, packet);
        }
        if found.is_found && !self.passes_filters(&found) {
            self.refuse(&mut found, Code::ComponentFilterRestriction, packet);
        }
        self.conceal(&mut found, packet);
        found
    }

    fn refuse(&self, found: &mut Found, code: Code, packet: Packet) {
        let last = found.forward.last();
        let component = last.map_or(Component::Vpc(VpcId::MIN), |hop| hop.component);
        let (vpc, subnet) = last.map_or((None, None), |hop| (hop.vpc, hop.subnet));
        let decision = Decision::None;
        found.is_found = false;
        found.explanations = vec![Stop { code, component, vpc, subnet, direction: None, packet, decision }];
    }

    fn passes_filters(&self, found: &Found) -> bool {
        let passed: BTreeSet<String> = found.forward.iter().map(|hop| hop.component.id()).collect();
        let named = |arn: &String| passed.contains(arn.rsplit('/').next().unwrap_or_default());
        let at_end = self.path.at_destination.as_ref().zip(found.forward.last());
        self.through.iter().all(named)
            && !self.around.iter().any(named)
            && at_end.is_none_or(|(filter, hop)| fits(filter, hop.inbound))
    }

    /// Takes away what belongs to other accounts: where the path leads there, it ends as far as this one can see. That it
    /// left by the internet gateway is all that can be said of what lies behind.
    fn conceal(&self, found: &mut Found, packet: Packet) {
        let is_foreign = |hop: &Hop| self.is_foreign(hop.component, hop.vpc);
        if let Some(at) = found.forward.iter().position(is_foreign) {
            let by_internet = matches!(found.forward[at].component, Component::InternetGateway(_));
            found.forward.truncate(at);
            found.back.clear();
            if by_internet && self.path.destination.is_none() {
                found.is_found = true;
                found.explanations.clear();
            } else {
                self.refuse(found, Code::NoDestination, packet);
            }
        }
        let is_hidden = |stop: &Stop| self.is_foreign(stop.component, stop.vpc);
        if found.back.iter().any(is_foreign) || found.explanations.iter().any(is_hidden) {
            found.back.clear();
            self.refuse(found, Code::NoDestination, packet);
        }
    }

    /// Whether a component is another account's.
    fn is_foreign(&self, component: Component, vpc: Option<VpcId>) -> bool {
        let owner = match component {
            Component::TransitTable(id) => self.cloud.transit_tables.by_id(&id).next().map(|row| row.scope),
            Component::TransitAttachment(id) => self.cloud.transit_attachments.by_id(&id).next().map(|row| row.scope),
            Component::VpnConnection(id) => self.cloud.vpn_connections.by_id(&id).next().map(|row| row.scope),
            _ => vpc.and_then(|vpc| self.cloud.vpcs.by_id(&vpc).next()).map(|row| row.scope),
        };
        owner.is_some_and(|scope| scope != self.scope)
    }

    /// What is said where no packet can be made: the source has no address, or the destination none that it could reach.
    fn nowhere(&self) -> Found {
        let mut found = Found { is_found: false, forward: vec![], back: vec![], explanations: vec![] };
        let packet = Packet::tcp(ANYBODY, OWN_PORT, ANYBODY, 0);
        self.refuse(&mut found, Code::NoDestination, packet);
        if let (Some(stop), Some(source)) = (found.explanations.first_mut(), self.source()) {
            stop.component = self.destination().unwrap_or(source);
        }
        found
    }
}

/// An address within a block that isn't reserved there.
fn within(cidr: Cidr) -> IpAddr {
    const FIRST_FREE: u32 = 4;
    match cidr {
        Cidr::V4(block) => IpAddr::V4(block.nth(FIRST_FREE).unwrap_or(block.first())),
        Cidr::V6(block) => IpAddr::V6(block.nth(FIRST_FREE.into()).unwrap_or(block.first())),
    }
}

fn fits(filter: &PathFilter, packet: Packet) -> bool {
    let within = |range: Option<(u16, u16)>, port: u16| range.is_none_or(|(from, to)| (from..=to).contains(&port));
    let (source, destination) = match packet.header {
        Header::Ports { source, destination } => (source, destination),
        Header::Icmp { .. } | Header::Other => (0, 0),
    };
    filter.source.is_none_or(|address| address == packet.source)
        && filter.destination.is_none_or(|address| address == packet.destination)
        && within(filter.source_ports, source)
        && within(filter.destination_ports, destination)
}
