//! Plans of a host with many interfaces.

use std::net::Ipv4Addr;

use landfall_model::plan::*;
use landfall_model::{
    Cidr, InstanceId, InterfaceId, IpProtocol, Ipv4Cidr, Mac, PortRange, SecurityGroupId, SubnetId, VpcId,
};

use crate::Outcome;

/// The group that all ports are in.
pub const MEMBERS: u32 = 1;
/// The group of the ports that are measured.
pub const MEASURED: u32 = 2;

pub fn group_id(number: u32) -> SecurityGroupId {
    SecurityGroupId::from_random(u128::from(number))
}

/// A rule of a group.
pub fn rule(protocol: IpProtocol, from: i32, to: i32, peer: PeerPlan) -> GroupRulePlan {
    GroupRulePlan { protocol, ports: PortRange { from, to }, peer }
}

/// Lets everything through.
pub fn anything() -> GroupRulePlan {
    rule(IpProtocol::All, -1, -1, PeerPlan::Cidr(Cidr::V4(Ipv4Cidr::ALL)))
}

/// Overlapping as rules of people do; the one that matters is the last, and refers to the group of all ports.
pub fn thousand_rules() -> Outcome<Vec<GroupRulePlan>> {
    let mut rules = Vec::new();
    for number in 0..999i32 {
        let protocol = if number % 3 == 0 { IpProtocol::UDP } else { IpProtocol::TCP };
        let third = u8::try_from(number % 250)?;
        let prefix = [32, 28, 24, 16][usize::try_from(number % 4)?];
        let block = Ipv4Cidr::new(Ipv4Addr::new(172, 16 + third % 16, third, 7), prefix).ok_or("no block")?;
        let peer = PeerPlan::Cidr(Cidr::V4(block));
        rules.push(rule(protocol, number * 7 % 6000, number * 7 % 6000 + number % 40, peer));
    }
    rules.push(rule(IpProtocol::TCP, 7000, 7000, PeerPlan::Group(group_id(MEMBERS))));
    Ok(rules)
}

/// A host without ports that has so many networks, each 10.1.0.0/16 with one subnet.
pub fn networks(count: u32) -> Outcome<HostPlan> {
    let mut plan = HostPlan { incarnation: 1, revision: 1, ..HostPlan::default() };
    for number in 1..=count {
        let (vpc, subnet) = (VpcId::from_random(number.into()), SubnetId::from_random(number.into()));
        let network = VpcPlan {
            ipv6: vec![],
            egress_only: false,
            internet_routes: vec![],
            vpn_routes: vec![],
            private_names: Default::default(),
            dhcp: Default::default(),
            id: vpc,
            cidrs: vec!["10.1.0.0/16".parse()?],
            number,
            dns_support: true,
            dns_hostnames: true,
            internet_gateway: true,
            domain_name: "ec2.internal".into(),
            domain_name_servers: vec![],
            ntp_servers: vec![],
        };
        let all = AclRulePlan {
            number: 100,
            allow: true,
            protocol: IpProtocol::All,
            ports: PortRange::ANY,
            cidr: Cidr::V4(Ipv4Cidr::ALL),
        };
        let to_internet = RoutePlan { destination: Cidr::V4(Ipv4Cidr::ALL), target: RouteTargetPlan::InternetGateway };
        let part = SubnetPlan {
            zone: None,
            ipv6: None,
            id: subnet,
            vpc,
            cidr: "10.1.0.0/16".parse()?,
            routes: vec![to_internet],
            acl_ingress: vec![all.clone()],
            acl_egress: vec![all],
        };
        plan.pieces.insert(PieceKey::Vpc(vpc), Piece::Vpc(network));
        plan.pieces.insert(PieceKey::Subnet(subnet), Piece::Subnet(part));
    }
    set_group(&mut plan, MEMBERS, vec![anything()]);
    set_group(&mut plan, MEASURED, vec![anything()]);
    Ok(plan)
}

/// Gives a group of the first network these rules.
pub fn set_group(plan: &mut HostPlan, number: u32, ingress: Vec<GroupRulePlan>) {
    let (id, vpc) = (group_id(number), VpcId::from_random(1));
    let group = GroupPlan { id, vpc, ingress, egress: vec![anything()] };
    plan.pieces.insert(PieceKey::Group(id), Piece::Group(group));
}

/// The name of a port's device.
pub fn device(number: u32) -> String {
    landfall_node::metadata::port_device(InterfaceId::from_random(number.into()))
}

/// Adds a port to a network, in these groups. Each eighth has a public address.
pub fn add_port(plan: &mut HostPlan, number: u32, vpc: u32, groups: &[u32]) -> PieceKey {
    let id = InterfaceId::from_random(number.into());
    let [_, a, b, c] = number.to_be_bytes();
    let private = Ipv4Addr::new(10, 1, b.wrapping_add(1), c);
    let public = PublicAddressPlan { private, public: Ipv4Addr::new(198, 18, b.wrapping_add(1), c) };
    let port = PortPlan {
        ipv6: vec![],
        id,
        vpc: VpcId::from_random(vpc.into()),
        subnet: SubnetId::from_random(vpc.into()),
        mac: Mac([6, 0, 0, a, b, c]),
        addresses: vec![private],
        groups: groups.iter().copied().map(group_id).collect(),
        source_dest_check: true,
        public: if number.is_multiple_of(8) { vec![public] } else { vec![] },
        location: PortLocation::Here(InstanceId::from_random(number.into())),
        device_index: 0,
        resource_name: None,
    };
    let key = PieceKey::Port(id);
    plan.pieces.insert(key, Piece::Port(port));
    key
}
