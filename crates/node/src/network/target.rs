//! Where routes of a network lead on this host, each with the mark of packets that go there.
//!
//! One policy-routing table serves each target, and the mark chooses it; a rule for each subnet would be walked by every
//! packet. A mark is made from the target's id, so that another target's coming or going doesn't move it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_model::plan::{
    AttachmentTo, HostPlan, NatGatewayPlan, Place, PortLocation, PortPlan, RouteTargetPlan, VpcPlan,
};
use landfall_model::{Cidr, HostId, InterfaceId, Ipv4Cidr, Ipv6Cidr, Mac, NatGatewayId};

use super::layout::{Hop, Layout};
use super::ruleset::{UPLINK, local_ports};
use super::{connection, judge, outside, overlay, vpn};
use crate::metadata::names::port_device;

/// Names a target: the firewall mark of packets to it, and the number of its routing table.
pub type Mark = u32;

/// The internet gateway's.
pub const INTERNET: Mark = 1;
/// That of the gateway that lets IPv6 out only.
pub const EGRESS_ONLY: Mark = 2;
/// That of what is dropped, within the network too, where the main table would know the way.
pub const NOWHERE: Mark = 3;

/// That of services that nothing stands for yet.
pub const ABSENT: Mark = 4;

/// What the marks of each kind begin with; the other 28 bits tell which.
const INTERFACES: Mark = 0x1000_0000;
const NAT_GATEWAYS: Mark = 0x2000_0000;
const PEERINGS: Mark = 0x3000_0000;
const TRANSIT_GATEWAYS: Mark = 0x4000_0000;
const VPN_GATEWAYS: Mark = 0x5000_0000;
/// That of hosts by whose internet gateway something goes out, because its interface is there.
const HOMES: Mark = 0x6000_0000;
/// That of what came over a peering, told to the groups that are asked.
pub const CAME_BY: Mark = 0x7000_0000;
const DIGITS: Mark = 0x0fff_ffff;
/// All of a mark that tells its target.
pub const KNOWN: Mark = !judge::UNKNOWN_SENDER;

/// A target that is there.
pub struct Target {
    /// Its mark.
    pub mark: Mark,
    /// Where its packets go; none for what is translated here first, and then goes by another subnet's routes.
    pub hops: Vec<Hop>,
}

/// The targets of a network's routes that are there, on this host.
#[derive(Default)]
pub struct Targets<'p> {
    found: BTreeMap<RouteTargetPlan, Target>,
    /// The NAT gateways that translate here.
    pub nat_gateways: BTreeMap<NatGatewayId, (Mark, &'p NatGatewayPlan)>,
    /// The ways of targets that have several, by mark and destination.
    ways: BTreeMap<(Mark, Cidr), Hop>,
    /// Private addresses with public ones whose interfaces are on other hosts, with the mark of the way there. A router
    /// here sends on in their names, and the internet gateway translates where the interface is.
    pub homes: BTreeMap<Ipv4Addr, Mark>,
}

impl<'p> Targets<'p> {
    /// Those of a network.
    pub fn of(plan: &'p HostPlan, vpc: &VpcPlan) -> Self {
        let mut targets = Self::default();
        let mut taken = BTreeSet::new();
        let uplink = |via: IpAddr| Hop::Link { link: UPLINK.into(), via: Some(via), source: None };
        let out = vec![uplink(IpAddr::V4(outside::OUTER)), uplink(IpAddr::V6(outside::OUTER_V6))];
        targets.found.insert(RouteTargetPlan::Blackhole, Target { mark: NOWHERE, hops: vec![Hop::Blackhole; 2] });
        if vpc.internet_gateway {
            targets.found.insert(RouteTargetPlan::InternetGateway, Target { mark: INTERNET, hops: out.clone() });
        }
        if vpc.egress_only {
            let hops = vec![Hop::Blackhole, uplink(IpAddr::V6(outside::OUTER_V6))];
            targets.found.insert(RouteTargetPlan::EgressOnly, Target { mark: EGRESS_ONLY, hops });
        }
        for wanted in wanted(plan, vpc) {
            if wanted == RouteTargetPlan::Absent {
                targets.found.insert(wanted, Target { mark: ABSENT, hops: vec![Hop::Unreachable; 2] });
                continue;
            }
            let Some((kind, bits, hops)) = target(plan, vpc, wanted) else { continue };
            let mark = mark(kind, bits, &mut taken);
            if let RouteTargetPlan::NatGateway(id) = wanted
                && let Some(gateway) = plan.nat_gateway(id).filter(|_| hops.is_empty())
            {
                targets.nat_gateways.insert(id, (mark, gateway));
            }
            if let RouteTargetPlan::VpnGateway(id) = wanted {
                let ways = vpn::ways(plan, vpc, id).into_iter();
                targets.ways.extend(ways.map(|(to, hop)| ((mark, Cidr::V4(to)), hop)));
            }
            targets.found.insert(wanted, Target { mark, hops });
        }
        if vpc.internet_gateway && local_ports(plan, vpc).iter().any(|(port, _)| judge::is_router(port)) {
            targets.find_homes(plan, vpc, &mut taken);
        }
        targets
    }

    /// Finds the ways to hosts that have interfaces with public addresses: any interface of theirs is a way to a host.
    fn find_homes(&mut self, plan: &HostPlan, vpc: &VpcPlan, taken: &mut BTreeSet<Mark>) {
        let mut hosts: BTreeMap<HostId, Mark> = BTreeMap::new();
        for port in plan.ports().filter(|port| port.vpc == vpc.id && !port.public.is_empty()) {
            let PortLocation::Remote { host, .. } = port.location else { continue };
            let Some(via) = port.addresses.first() else { continue };
            let mark = *hosts.entry(host).or_insert_with(|| {
                let mark = mark(HOMES, host.bits(), taken);
                let hop = Hop::Link { link: overlay::DEVICE.into(), via: Some(IpAddr::V4(*via)), source: None };
                self.ways.insert((mark, Cidr::V4(Ipv4Cidr::ALL)), hop);
                mark
            });
            let private = port.public.iter().map(|pair| pair.private);
            self.homes.extend(private.filter(|own| port.addresses.contains(own)).map(|own| (own, mark)));
        }
        self.find_homes_of_gateways(plan, vpc, taken);
    }

    /// The same for NAT gateways on other hosts, in whose names a router here sends on what they translated.
    fn find_homes_of_gateways(&mut self, plan: &HostPlan, vpc: &VpcPlan, taken: &mut BTreeSet<Mark>) {
        for gateway in plan.nat_gateways().filter(|gateway| gateway.vpc == vpc.id && gateway.place != Place::Here) {
            let Some(via) = plan.port(gateway.interface).and_then(|port| port.addresses.first()) else { continue };
            let mark = mark(HOMES, gateway.id.bits(), taken);
            let hop = Hop::Link { link: overlay::DEVICE.into(), via: Some(IpAddr::V4(*via)), source: None };
            self.ways.insert((mark, Cidr::V4(Ipv4Cidr::ALL)), hop);
            let public = gateway.addresses.iter().filter(|(_, public)| public.is_some());
            self.homes.extend(public.map(|(own, _)| (*own, mark)));
        }
    }

    /// The mark of a target, if it is there.
    pub fn mark(&self, target: RouteTargetPlan) -> Option<Mark> {
        self.found.get(&target).map(|target| target.mark)
    }

    /// The marks of routers among the network's interfaces, of NAT gateways and of VPNs on this host, by the hardware
    /// address that other hosts send to them by.
    pub fn by_mac(&self, plan: &HostPlan) -> BTreeMap<Mac, Mark> {
        let marks = self.found.iter().filter_map(|(target, found)| {
            let interface = match target {
                RouteTargetPlan::Interface(id) => plan.port(*id).filter(|port| is_here(&port.location))?,
                RouteTargetPlan::NatGateway(id) => plan.port(self.nat_gateways.get(id)?.1.interface)?,
                _ => return None,
            };
            Some((interface.mac, found.mark))
        });
        let vpns = vpn::here(plan).filter_map(|vpn| {
            let mark = self.mark(RouteTargetPlan::VpnGateway(vpn.gateway?.0))?;
            Some((vpn::mac(vpn.id), mark))
        });
        marks.chain(vpns).collect()
    }

    /// The ports of this host that routes lead to though their check is on.
    pub fn checked(&self, plan: &'p HostPlan) -> impl Iterator<Item = &'p PortPlan> {
        self.found.keys().filter_map(move |target| match target {
            RouteTargetPlan::Interface(id) => {
                plan.port(*id).filter(|port| port.source_dest_check && is_here(&port.location))
            }
            _ => None,
        })
    }

    /// Adds the tables of all targets, and the rules that choose them.
    pub fn lay(&self, layout: &mut Layout) {
        layout.routes.extend(self.ways.clone());
        for target in self.found.values() {
            let everywhere = [Cidr::V4(Ipv4Cidr::ALL), Cidr::V6(Ipv6Cidr::ALL)];
            for (to, hop) in everywhere.into_iter().zip(&target.hops) {
                layout.routes.insert((target.mark, to), hop.clone());
            }
            if !target.hops.is_empty() {
                layout.rules.insert(target.mark);
            }
        }
        layout.rules.extend(self.homes.values());
    }
}

/// The condition that a packet goes to another host to leave by the internet gateway there.
pub fn goes_home() -> String {
    format!("meta mark and {:#x} == {HOMES:#x}", !DIGITS & !judge::UNKNOWN_SENDER)
}

/// The condition that a packet goes to another host to leave the network there, by the internet gateway or a VPN.
pub fn leaves_elsewhere() -> String {
    let kinds = !DIGITS & !judge::UNKNOWN_SENDER;
    format!("meta mark and {kinds:#x} == {{ {HOMES:#x}, {VPN_GATEWAYS:#x} }}")
}

/// The condition that a packet goes by no peering.
pub fn is_no_peering() -> String {
    format!("meta mark and {:#x} != {PEERINGS:#x}", !DIGITS & !judge::UNKNOWN_SENDER)
}

/// Whether that is the mark of a NAT gateway.
pub fn is_nat_gateway(mark: Mark) -> bool {
    mark & !DIGITS == NAT_GATEWAYS
}

/// A mark of a kind, made from an id's digits, that none has yet.
pub fn mark(kind: Mark, bits: u128, taken: &mut BTreeSet<Mark>) -> Mark {
    let mut mark = kind | u32::try_from(bits & u128::from(DIGITS)).unwrap_or(0);
    while !taken.insert(mark) {
        mark = kind | (mark.wrapping_add(1) & DIGITS);
    }
    mark
}

/// The targets that the routes of a network name.
fn wanted(plan: &HostPlan, vpc: &VpcPlan) -> BTreeSet<RouteTargetPlan> {
    let subnets = plan.subnets().filter(|subnet| subnet.vpc == vpc.id);
    let routes = subnets.flat_map(|subnet| &subnet.routes).chain(&vpc.internet_routes).chain(&vpc.vpn_routes);
    // What other hosts send to a NAT gateway here has been routed there already.
    let here = plan.nat_gateways().filter(|gateway| gateway.vpc == vpc.id && gateway.place == Place::Here);
    let here = here.map(|gateway| RouteTargetPlan::NatGateway(gateway.id));
    // The same of what they send to a VPN.
    let vpns = vpn::here(plan).filter_map(|vpn| vpn.gateway).filter(|(_, id)| *id == vpc.id);
    let vpns = vpns.map(|(gateway, _)| RouteTargetPlan::VpnGateway(gateway));
    routes.map(|route| route.target).chain(here).chain(vpns).collect()
}

/// A target's kind and digits, and where its packets of each family go. `None` where it isn't there.
fn target(plan: &HostPlan, vpc: &VpcPlan, target: RouteTargetPlan) -> Option<(Mark, u128, Vec<Hop>)> {
    match target {
        RouteTargetPlan::Interface(id) => Some((INTERFACES, id.bits(), router(plan, vpc, id)?)),
        RouteTargetPlan::NatGateway(id) => {
            let gateway = plan.nat_gateway(id).filter(|gateway| gateway.vpc == vpc.id)?;
            let hops = match gateway.place {
                Place::Here => Vec::new(),
                Place::Remote { .. } => port_hops(plan.port(gateway.interface)?, vpc, overlay::DEVICE),
            };
            Some((NAT_GATEWAYS, id.bits(), hops))
        }
        RouteTargetPlan::Peering(id) => {
            let peering = plan.peering(id).filter(|peering| peering.vpcs.contains(&vpc.id))?;
            peering.vpcs.iter().all(|id| plan.vpc(*id).is_some()).then(|| {
                let link = connection::peering_device(id);
                (PEERINGS, id.bits(), connection::hops(&link))
            })
        }
        RouteTargetPlan::TransitGateway(id) => {
            let mut attachments = plan.transit_gateway(id)?.attachments.iter();
            let own = |to: &AttachmentTo| matches!(to, AttachmentTo::Vpc { vpc: attached, .. } if *attached == vpc.id);
            let attachment = attachments.find(|attachment| own(&attachment.to))?;
            let link = connection::transit_device(attachment.id);
            Some((TRANSIT_GATEWAYS, id.bits(), connection::hops(&link)))
        }
        // What no VPN of the gateway has a route for is dropped.
        RouteTargetPlan::VpnGateway(id) => {
            let is_there = !vpn::ways(plan, vpc, id).is_empty();
            is_there.then(|| (VPN_GATEWAYS, id.bits(), vec![Hop::Blackhole; 2]))
        }
        _ => None,
    }
}

/// The way to an interface that a route names. One whose check is on takes nothing but its own all the same.
fn router(plan: &HostPlan, vpc: &VpcPlan, id: InterfaceId) -> Option<Vec<Hop>> {
    let port = plan.port(id).filter(|port| port.vpc == vpc.id)?;
    match port.location {
        PortLocation::Here(_) => Some(port_hops(port, vpc, &port_device(id))),
        PortLocation::Remote { .. } => Some(port_hops(port, vpc, overlay::DEVICE)),
        PortLocation::Service => None,
    }
}

/// The ways to a port over a link, of each family: by its hardware address, which also tells another host whom it is for.
fn port_hops(port: &PortPlan, vpc: &VpcPlan, link: &str) -> Vec<Hop> {
    let hop = |via: Option<IpAddr>| match via {
        Some(via) => Hop::Link { link: link.to_owned(), via: Some(via), source: None },
        None => Hop::Blackhole,
    };
    let v4 = port.addresses.first().map(|address| IpAddr::V4(*address));
    vec![hop(v4), hop(judge::ipv6_name(port, vpc).map(IpAddr::V6))]
}

fn is_here(location: &PortLocation) -> bool {
    matches!(location, PortLocation::Here(_))
}

/// What never leaves a link or a machine, whatever a route table says.
pub const NEVER: [(u32, u32); 4] = [
    (0x0000_0000, 0x00ff_ffff), // 0.0.0.0/8
    (0x7f00_0000, 0x7fff_ffff), // 127.0.0.0/8
    (0xa9fe_0000, 0xa9fe_ffff), // 169.254.0.0/16
    (0xe000_0000, 0xffff_ffff), // 224.0.0.0/3
];

/// The same of IPv6, and the addresses of a network's own services.
pub const NEVER_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::UNSPECIFIED, 8),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];
