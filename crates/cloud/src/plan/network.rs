//! Pieces of networks: what a host needs to know of a VPC, its subnets, groups, interfaces and gateways.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use landfall_model::plan::{
    DhcpPlan, EndpointPlan, FlowLogPlan, GroupPlan, GroupRulePlan, NatGatewayPlan, PeerPlan, PeeringPlan, Place,
    PortLocation, PortPlan, PublicAddressPlan, ResourceNamePlan, RoutePlan, RouteTargetPlan, SubnetPlan, VpcPlan,
};
use landfall_model::{
    AttachedResource, Cidr, Destination, EdgeGateway, Endpoint, EndpointKind, FlowLog, HostId, InterfaceId,
    InterfacePurpose, NatGateway, NetworkInterface, Peer, Peering, PrefixListId, RouteTable, RouteTarget,
    RuleDirection, SecurityGroupId, Settings, Subnet, TransitGatewayId, Vpc, VpcId,
};

use crate::value::Cloud;
use crate::view::View;

/// The resolver that answers in every network, as a value of `domain-name-servers`.
const PROVIDED_DNS: &str = "AmazonProvidedDNS";

pub(super) fn vpc(cloud: &Cloud, row: &Vpc) -> VpcPlan {
    let options = row.dhcp_options.and_then(|id| cloud.dhcp_options.get(&row.scope.key(id)));
    let values = |name: &str| {
        let found = options.and_then(|row| row.options.iter().find(|(key, _)| key == name));
        found.map_or(&[][..], |(_, values)| values.as_slice())
    };
    let addresses = |name: &str| values(name).iter().filter_map(|text| text.parse().ok()).collect();
    let addresses_ipv6 = |name: &str| values(name).iter().filter_map(|text| text.parse().ok()).collect();
    VpcPlan {
        id: row.id,
        cidrs: row.cidrs.iter().map(|(_, block)| *block).collect(),
        number: row.number,
        dns_support: row.dns_support,
        dns_hostnames: row.dns_hostnames,
        internet_gateway: cloud.internet_gateways.by_vpc.count(&row.id) > 0,
        domain_name: values("domain-name").first().cloned().unwrap_or_default(),
        domain_name_servers: addresses("domain-name-servers"),
        ntp_servers: addresses("ntp-servers"),
        ipv6: row.ipv6.iter().map(|(_, block)| *block).collect(),
        egress_only: cloud.egress_only_gateways.by_vpc.count(&row.id) > 0,
        internet_routes: edge_routes(cloud, row, |gateway| matches!(gateway, EdgeGateway::Internet(_))),
        vpn_routes: edge_routes(cloud, row, |gateway| matches!(gateway, EdgeGateway::Vpn(_))),
        private_names: private_names(cloud, row),
        dhcp: DhcpPlan {
            resolver: values("domain-name-servers").iter().any(|value| value == PROVIDED_DNS),
            domain_name_servers_ipv6: addresses_ipv6("domain-name-servers"),
            ntp_servers_ipv6: addresses_ipv6("ntp-servers"),
            netbios_name_servers: addresses("netbios-name-servers"),
            netbios_node_type: values("netbios-node-type").first().and_then(|text| text.parse().ok()),
            ipv6_preferred_s: values("ipv6-address-preferred-lease-time").first().and_then(|text| text.parse().ok()),
        },
    }
}

/// The names that lead to a network's endpoints and file systems there.
fn private_names(cloud: &Cloud, row: &Vpc) -> BTreeMap<String, Vec<Ipv4Addr>> {
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let endpoints = cloud.endpoints.by_vpc(&row.id).filter(|row| row.state.is_live());
    let shares = crate::file_system::mount_target::names(&view, row.id);
    endpoints.flat_map(|row| crate::endpoint::names(&view, row)).chain(shares).collect()
}

/// An interface endpoint that answers.
pub(super) fn endpoint(row: &Endpoint) -> Option<EndpointPlan> {
    match &row.kind {
        EndpointKind::Interface { interfaces, .. } if row.state.is_live() => {
            Some(EndpointPlan { id: row.id, vpc: row.vpc, interfaces: interfaces.clone() })
        }
        _ => None,
    }
}

pub(super) fn subnet(cloud: &Cloud, row: &Subnet) -> SubnetPlan {
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let mut routes = view.route_table_of(row).map(|table| routes(cloud, &view, table)).unwrap_or_default();
    for route in &mut routes {
        // A zone without a subnet of the attachment doesn't reach the gateway.
        if let RouteTargetPlan::TransitGateway(id) = route.target
            && !is_attached_in(cloud, row, id)
        {
            route.target = RouteTargetPlan::Blackhole;
        }
    }
    let acl = cloud.network_acls.by_subnet(&row.id).next();
    let rules = |egress: bool| {
        let rules = acl.map_or(&[][..], |acl| if egress { &acl.egress } else { &acl.ingress });
        let mut rules = rules.to_vec();
        rules.sort_by_key(|rule| rule.number);
        rules
    };
    SubnetPlan {
        id: row.id,
        vpc: row.vpc,
        cidr: row.cidr,
        routes,
        acl_ingress: rules(false),
        acl_egress: rules(true),
        ipv6: row.ipv6.map(|(_, block)| block),
        zone: Some(row.zone),
    }
}

/// The routes of a table, each destination once and in order: those that were made before those that a VPN propagates.
fn routes(cloud: &Cloud, view: &View<'_>, table: &RouteTable) -> Vec<RoutePlan> {
    let mut routes = BTreeMap::new();
    for gateway in &table.propagating {
        if !view.is_active(table.vpc, RouteTarget::VpnGateway(*gateway)) {
            continue;
        }
        let connections = cloud.vpn_connections.by_gateway(gateway).filter(|row| row.state.is_live());
        for destination in connections.flat_map(|row| row.routes.iter().copied()) {
            routes.insert(destination, RouteTargetPlan::VpnGateway(*gateway));
        }
    }
    for route in &table.routes {
        let is_active = match route.target {
            // It leads to a port, which an interface is only while its instance has a host.
            RouteTarget::Interface(id) => is_port(cloud, id),
            other => view.is_active(table.vpc, other),
        };
        let target = if is_active { target(route.target) } else { RouteTargetPlan::Blackhole };
        match route.destination {
            Destination::Cidr(cidr) => {
                routes.insert(cidr, target);
            }
            // A route to a block of one's own goes before one to a list that has it too.
            Destination::PrefixList(id) => {
                let made = |cidr: &Cidr| table.routes.iter().any(|other| other.destination == Destination::Cidr(*cidr));
                routes.extend(prefixes(cloud, id).into_iter().filter(|cidr| !made(cidr)).map(|cidr| (cidr, target)));
            }
        }
    }
    routes.into_iter().map(|(destination, target)| RoutePlan { destination, target }).collect()
}

/// Whether an interface is a port somewhere: it has an instance that is on a host.
fn is_port(cloud: &Cloud, id: InterfaceId) -> bool {
    let instances = cloud.interfaces.by_id(&id).filter_map(NetworkInterface::instance);
    instances.flat_map(|id| cloud.instances.by_id(&id)).any(|row| row.status.host.is_some())
}

/// Whether a transit gateway's attachment of the subnet's VPC has a subnet in the same zone.
fn is_attached_in(cloud: &Cloud, subnet: &Subnet, gateway: TransitGatewayId) -> bool {
    let mut attachments = cloud.transit_attachments.by_vpc(&subnet.vpc).filter(|row| row.gateway == gateway);
    attachments.any(|row| match &row.resource {
        AttachedResource::Vpc { subnets, .. } => {
            let mut zones = subnets.iter().filter_map(|id| cloud.subnets.by_id(id).next()).map(|row| row.zone);
            row.state.is_live() && zones.any(|zone| zone == subnet.zone)
        }
        AttachedResource::Vpn(_) => false,
    })
}

/// The routes of what comes in by a gateway of that kind, if one has a route table.
fn edge_routes(cloud: &Cloud, row: &Vpc, is_meant: impl Fn(&EdgeGateway) -> bool) -> Vec<RoutePlan> {
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let mut tables = cloud.route_tables.by_vpc(&row.id);
    let table = tables.find(|table| table.gateways.iter().any(|(_, gateway)| is_meant(gateway)));
    table.map(|table| routes(cloud, &view, table)).unwrap_or_default()
}

/// Where a route leads that is active.
fn target(target: RouteTarget) -> RouteTargetPlan {
    match target {
        RouteTarget::InternetGateway(_) => RouteTargetPlan::InternetGateway,
        RouteTarget::Interface(id) => RouteTargetPlan::Interface(id),
        RouteTarget::NatGateway(id) => RouteTargetPlan::NatGateway(id),
        RouteTarget::EgressOnly(_) => RouteTargetPlan::EgressOnly,
        RouteTarget::Peering(id) => RouteTargetPlan::Peering(id),
        RouteTarget::TransitGateway(id) => RouteTargetPlan::TransitGateway(id),
        RouteTarget::VpnGateway(id) => RouteTargetPlan::VpnGateway(id),
        // The services behind gateway endpoints are yet to come.
        RouteTarget::Endpoint(_) => RouteTargetPlan::Absent,
        RouteTarget::Local => RouteTargetPlan::Local,
    }
}

/// The blocks of a prefix list, whoever owns it.
fn prefixes(cloud: &Cloud, id: PrefixListId) -> Vec<Cidr> {
    let row = cloud.prefix_lists.by_id(&id).next();
    row.map_or(&[][..], |row| row.entries()).iter().map(|entry| entry.cidr).collect()
}

pub(super) fn group(cloud: &Cloud, id: SecurityGroupId, vpc: VpcId) -> GroupPlan {
    let rules = |direction: RuleDirection| {
        let rows = cloud.security_group_rules.by_group(&id).filter(|row| row.direction == direction);
        let mut rules: Vec<_> = rows
            .flat_map(|row| {
                let peers = match row.peer {
                    Peer::Cidr(cidr) => vec![PeerPlan::Cidr(cidr)],
                    Peer::Group(group) => vec![PeerPlan::Group(group)],
                    Peer::PrefixList(list) => prefixes(cloud, list).into_iter().map(PeerPlan::Cidr).collect(),
                };
                peers.into_iter().map(|peer| GroupRulePlan { protocol: row.protocol, ports: row.ports, peer })
            })
            .collect();
        rules.sort();
        rules.dedup();
        rules
    };
    GroupPlan { id, vpc, ingress: rules(RuleDirection::Ingress), egress: rules(RuleDirection::Egress) }
}

pub(super) fn port(cloud: &Cloud, host: HostId, row: &NetworkInterface) -> Option<PortPlan> {
    let location = match row.purpose {
        InterfacePurpose::Instance => {
            let instance = cloud.instances.by_id(&row.instance()?).next()?;
            match place(cloud, host, instance.status.host?)? {
                Place::Here => PortLocation::Here(instance.id),
                Place::Remote { host, address } => PortLocation::Remote { host, address },
            }
        }
        InterfacePurpose::NatGateway(_)
        | InterfacePurpose::Endpoint(_)
        | InterfacePurpose::TransitGateway(_)
        | InterfacePurpose::MountTarget(_) => PortLocation::Service,
    };
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let public = row.addresses.iter().filter_map(|private| {
        view.public_of(row, *private).map(|public| PublicAddressPlan { private: *private, public })
    });
    Some(PortPlan {
        id: row.id,
        vpc: row.vpc,
        subnet: row.subnet,
        mac: row.mac,
        addresses: row.addresses.clone(),
        ipv6: row.ipv6.clone(),
        groups: row.groups.clone(),
        source_dest_check: row.source_dest_check,
        public: public.collect(),
        location,
        device_index: row.attachment.as_ref().map_or(0, |attachment| attachment.device_index),
        resource_name: resource_name(cloud, row),
    })
}

/// The name after its instance's id, where its subnet asks for such; the primary interface has it.
fn resource_name(cloud: &Cloud, row: &NetworkInterface) -> Option<ResourceNamePlan> {
    let attachment = row.attachment.as_ref().filter(|attachment| attachment.device_index == 0)?;
    let names = cloud.subnets.by_id(&row.subnet).next()?.names;
    let name = ResourceNamePlan { instance: attachment.instance, a: names.resource_a, aaaa: names.resource_aaaa };
    (name.a || name.aaaa).then_some(name)
}

/// A NAT gateway that has a host, and is in use or about to be.
pub(super) fn nat_gateway(cloud: &Cloud, host: HostId, row: &NatGateway) -> Option<NatGatewayPlan> {
    if !super::presence::is_working(cloud, row) {
        return None;
    }
    let addresses = row.addresses.iter().map(|address| {
        let public = address.public.as_ref().map(|(.., public)| *public);
        (address.private, public.filter(|_| row.public))
    });
    Some(NatGatewayPlan {
        id: row.id,
        vpc: row.vpc,
        subnet: row.subnet,
        interface: row.interface,
        addresses: addresses.collect(),
        place: place(cloud, host, row.host?)?,
    })
}

/// A flow log of that network, or of something in it.
pub(super) fn flow_log(settings: &Settings, row: &FlowLog, vpc: VpcId) -> FlowLogPlan {
    FlowLogPlan {
        permission: crate::flow_log::permission(settings, row.scope.account, &row.destination),
        id: row.id,
        account: row.scope.account,
        region: row.scope.region,
        vpc,
        resource: row.resource,
        traffic: row.traffic,
        destination: row.destination.clone(),
        fields: row.fields.clone(),
        interval_s: row.interval_s,
        hive_partitions: row.hive_partitions,
        hourly_partitions: row.hourly_partitions,
    }
}

/// A peering in use.
pub(super) fn peering(cloud: &Cloud, row: &Peering) -> Option<PeeringPlan> {
    let [requester, accepter] = row.sides();
    row.across(requester.vpc)?;
    let there = |vpc: &VpcId| cloud.vpcs.by_id.count(vpc) > 0;
    let vpcs = [requester.vpc, accepter.vpc];
    vpcs.iter().all(there).then_some(PeeringPlan { id: row.id, vpcs, dns: [requester.dns, accepter.dns] })
}

/// Where something on the host `at` is, seen from `host`.
pub(super) fn place(cloud: &Cloud, host: HostId, at: HostId) -> Option<Place> {
    if at == host {
        return Some(Place::Here);
    }
    // What is on a host without an underlay isn't reached by others, who mustn't try.
    Some(Place::Remote { host: at, address: cloud.hosts.get(&at)?.underlay()? })
}
