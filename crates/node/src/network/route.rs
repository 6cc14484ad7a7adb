//! Route tables of subnets, compiled to disjoint ranges of destinations and the mark of the target that each leads to.
//!
//! One policy-routing table serves each target, and the mark chooses it; a rule for each subnet would be walked by every
//! packet. What has no range keeps the mark 0 and is looked up in the main table, which knows the addresses within the
//! network and drops all else. So blackholes need no entry.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::plan::{HostPlan, PortLocation, PortPlan, RouteTargetPlan, SubnetPlan, VpcPlan};
use landfall_model::{Cidr, InterfaceId, Ipv4Cidr};

use super::span::{Span, union};

/// Names a target: the firewall mark of packets to it, and the number of its routing table.
pub type Mark = u32;

/// The internet gateway's.
pub const INTERNET: Mark = 1;

/// Interfaces' marks are greater, and smaller than 2^29, so that they are told from tables of other programs.
const INTERFACES: Mark = 0x1000_0000;

/// What never leaves a link or a machine, whatever a route table says.
pub const NEVER: [(u32, u32); 4] = [
    (0x0000_0000, 0x00ff_ffff), // 0.0.0.0/8
    (0x7f00_0000, 0x7fff_ffff), // 127.0.0.0/8
    (0xa9fe_0000, 0xa9fe_ffff), // 169.254.0.0/16
    (0xe000_0000, 0xffff_ffff), // 224.0.0.0/3
];

/// The marks of the interfaces that routes of this network lead to and that may take what isn't theirs.
pub fn targets<'a>(plan: &'a HostPlan, vpc: &VpcPlan) -> BTreeMap<InterfaceId, (Mark, &'a PortPlan)> {
    let subnets = plan.subnets().filter(|subnet| subnet.vpc == vpc.id);
    let wanted: BTreeSet<InterfaceId> = subnets
        .flat_map(|subnet| &subnet.routes)
        .filter_map(|route| match route.target {
            RouteTargetPlan::Interface(id) => Some(id),
            _ => None,
        })
        .collect();
    let mut taken = BTreeSet::new();
    let mut targets = BTreeMap::new();
    for id in wanted {
        let Some(port) = plan.port(id) else { continue };
        let here = matches!(port.location, PortLocation::Here(_));
        if port.vpc != vpc.id || port.source_dest_check || !here || port.addresses.is_empty() {
            continue;
        }
        // From the id, so that another interface's coming or going doesn't move it.
        let mut mark = INTERFACES | u32::try_from(id.bits() & 0x0fff_ffff).unwrap_or(0);
        while !taken.insert(mark) {
            mark = INTERFACES | (mark.wrapping_add(1) & 0x0fff_ffff);
        }
        targets.insert(id, (mark, port));
    }
    targets
}

/// The destinations that a subnet's routes lead to something, each with the mark of what.
pub fn compile(
    vpc: &VpcPlan,
    subnet: &SubnetPlan,
    targets: &BTreeMap<InterfaceId, (Mark, &PortPlan)>,
) -> Vec<(Span<u32>, Mark)> {
    let mut routes: Vec<(Ipv4Cidr, Option<Mark>)> = Vec::new();
    for route in &subnet.routes {
        let Cidr::V4(destination) = route.destination else { continue };
        let mark = match route.target {
            RouteTargetPlan::InternetGateway => vpc.internet_gateway.then_some(INTERNET),
            RouteTargetPlan::Interface(id) => targets.get(&id).map(|(mark, _)| *mark),
            _ => None,
        };
        routes.push((destination, mark));
    }
    let spans = |block: &Ipv4Cidr| Span::new(u32::from(block.first()), u32::from(block.last()));
    let never = NEVER.iter().map(|&(first, last)| Span::new(first, last));
    let outside = union(vpc.cidrs.iter().map(spans).chain(never).collect());

    let mut borders: Vec<u32> = vec![0];
    for span in routes.iter().map(|(block, _)| spans(block)).chain(outside.iter().copied()) {
        borders.push(span.first);
        borders.extend(span.last.checked_add(1));
    }
    borders.sort_unstable();
    borders.dedup();
    let mut compiled: Vec<(Span<u32>, Mark)> = Vec::new();
    for (index, &first) in borders.iter().enumerate() {
        let last = borders.get(index + 1).map_or(u32::MAX, |next| next - 1);
        if outside.iter().any(|span| span.contains(first)) {
            continue;
        }
        let longest =
            routes.iter().filter(|(block, _)| block.contains(first.into())).max_by_key(|(block, _)| block.prefix());
        let Some((_, Some(mark))) = longest else { continue };
        match compiled.last_mut() {
            Some((before, same)) if same == mark && before.last.checked_add(1) == Some(first) => before.last = last,
            _ => compiled.push((Span::new(first, last), *mark)),
        }
    }
    compiled
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use landfall_model::plan::RoutePlan;
    use landfall_model::{SubnetId, VpcId};

    use super::*;

    fn vpc(internet_gateway: bool) -> VpcPlan {
        VpcPlan {
            ipv6: vec![],
            egress_only: false,
            internet_routes: vec![],
            vpn_routes: vec![],
            private_names: Default::default(),
            id: VpcId::MIN,
            cidrs: vec!["10.1.0.0/16".parse().unwrap()],
            number: 1,
            dns_support: true,
            dns_hostnames: true,
            internet_gateway,
            domain_name: String::new(),
            domain_name_servers: vec![],
            ntp_servers: vec![],
        }
    }

    fn subnet(routes: &[(&str, RouteTargetPlan)]) -> SubnetPlan {
        let route = |(to, target): &(&str, RouteTargetPlan)| RoutePlan {
            destination: Cidr::V4(to.parse().unwrap()),
            target: *target,
        };
        SubnetPlan {
            ipv6: None,
            id: SubnetId::MIN,
            vpc: VpcId::MIN,
            cidr: "10.1.1.0/24".parse().unwrap(),
            routes: routes.iter().map(route).collect(),
            acl_ingress: vec![],
            acl_egress: vec![],
        }
    }

    #[test]
    fn the_longest_prefix_decides() {
        use RouteTargetPlan::{Blackhole, InternetGateway};
        let subnet =
            subnet(&[("0.0.0.0/0", InternetGateway), ("8.8.0.0/16", Blackhole), ("8.8.8.8/32", InternetGateway)]);
        let compiled = compile(&vpc(true), &subnet, &BTreeMap::new());
        let mark = |address: [u8; 4]| {
            let address = u32::from(Ipv4Addr::from(address));
            compiled.iter().find(|(span, _)| span.contains(address)).map(|(_, mark)| *mark)
        };
        assert_eq!(mark([8, 8, 8, 8]), Some(INTERNET));
        assert_eq!(mark([8, 8, 8, 9]), None);
        assert_eq!(mark([8, 9, 0, 0]), Some(INTERNET));
        assert_eq!([mark([10, 0, 255, 255]), mark([10, 1, 0, 0]), mark([10, 2, 0, 0])], [Some(1), None, Some(1)]);
        assert_eq!([mark([169, 254, 169, 254]), mark([127, 0, 0, 1]), mark([255; 4]), mark([0; 4])], [None; 4]);
        assert!(compiled.windows(2).all(|pair| pair[0].0.last < pair[1].0.first));
        assert_eq!(compile(&vpc(false), &subnet, &BTreeMap::new()), [], "without a gateway the route leads nowhere");
    }
}
