//! Plans to try the network driver with.

use landfall_model::plan::*;
use landfall_model::*;

pub fn vpc_id(number: u32) -> VpcId {
    VpcId::from_random(u128::from(number))
}
pub fn subnet_id(number: u32) -> SubnetId {
    SubnetId::from_random(u128::from(number))
}
pub fn group_id(number: u32) -> SecurityGroupId {
    SecurityGroupId::from_random(u128::from(number))
}
pub fn port_id(number: u32) -> InterfaceId {
    InterfaceId::from_random(u128::from(number))
}
pub fn cidr(text: &str) -> Cidr {
    text.parse::<Ipv4Cidr>().map(Cidr::V4).or_else(|_| text.parse().map(Cidr::V6)).unwrap()
}
pub fn mac(number: u32) -> Mac {
    Mac([0x06, 0, 0, 0, 0, u8::try_from(number).unwrap()])
}

pub fn rule(protocol: &str, ports: (i32, i32), peer: PeerPlan) -> GroupRulePlan {
    let protocol = IpProtocol::parse(protocol).unwrap();
    GroupRulePlan { protocol, ports: PortRange { from: ports.0, to: ports.1 }, peer }
}
pub fn from(text: &str) -> PeerPlan {
    PeerPlan::Cidr(cidr(text))
}
pub fn anything() -> GroupRulePlan {
    rule("-1", (-1, -1), from("0.0.0.0/0"))
}
/// The same in two halves, which is less than "from everywhere": flows that it lets through are tracked.
pub fn halves() -> Vec<GroupRulePlan> {
    ["0.0.0.0/1", "128.0.0.0/1"].map(|block| rule("-1", (-1, -1), from(block))).into()
}

pub fn acl(number: u16, allow: bool, protocol: &str, ports: (i32, i32), block: &str) -> AclRulePlan {
    let GroupRulePlan { protocol, ports, .. } = rule(protocol, ports, from("0.0.0.0/0"));
    AclRulePlan { number, allow, protocol, ports, cidr: cidr(block) }
}

/// A plan in the making. VPC 1 is 10.1.0.0/16 with the subnets 1 (10.1.1.0/24) and 2 (10.1.2.0/24), VPC 2 the same with 3.
pub struct Cloud(pub HostPlan);

impl Cloud {
    pub fn new() -> Self {
        let mut cloud = Cloud(HostPlan { incarnation: 1, revision: 1, ..HostPlan::default() });
        for number in [1, 2] {
            let plan = VpcPlan {
                ipv6: vec![],
                egress_only: false,
                internet_routes: vec![],
                vpn_routes: vec![],
                private_names: Default::default(),
                dhcp: Default::default(),
                id: vpc_id(number),
                cidrs: vec!["10.1.0.0/16".parse().unwrap()],
                number,
                dns_support: true,
                dns_hostnames: true,
                internet_gateway: true,
                domain_name: "ec2.internal".into(),
                domain_name_servers: vec![],
                ntp_servers: vec![],
            };
            cloud.0.pieces.insert(PieceKey::Vpc(plan.id), Piece::Vpc(plan));
        }
        for (number, vpc, block) in [(1, 1, "10.1.1.0/24"), (2, 1, "10.1.2.0/24"), (3, 2, "10.1.1.0/24")] {
            let plan = SubnetPlan {
                zone: None,
                ipv6: None,
                id: subnet_id(number),
                vpc: vpc_id(vpc),
                cidr: block.parse().unwrap(),
                routes: vec![RoutePlan { destination: cidr("0.0.0.0/0"), target: RouteTargetPlan::InternetGateway }],
                acl_ingress: vec![acl(100, true, "-1", (-1, -1), "0.0.0.0/0")],
                acl_egress: vec![acl(100, true, "-1", (-1, -1), "0.0.0.0/0")],
            };
            cloud.0.pieces.insert(PieceKey::Subnet(plan.id), Piece::Subnet(plan));
        }
        cloud
    }

    pub fn group(
        &mut self,
        number: u32,
        vpc: u32,
        ingress: Vec<GroupRulePlan>,
        egress: Vec<GroupRulePlan>,
    ) -> &mut Self {
        let plan = GroupPlan { id: group_id(number), vpc: vpc_id(vpc), ingress, egress };
        self.0.pieces.insert(PieceKey::Group(plan.id), Piece::Group(plan));
        self
    }

    pub fn port(&mut self, number: u32, subnet: u32, groups: &[u32], public: Option<&str>) -> &mut Self {
        let subnet = self.0.subnet(subnet_id(subnet)).unwrap();
        let private = subnet.cidr.nth(10 + number).unwrap();
        let plan = PortPlan {
            ipv6: vec![],
            id: port_id(number),
            vpc: subnet.vpc,
            subnet: subnet.id,
            mac: mac(number),
            addresses: vec![private],
            groups: groups.iter().copied().map(group_id).collect(),
            source_dest_check: true,
            public: public
                .map(|public| PublicAddressPlan { private, public: public.parse().unwrap() })
                .into_iter()
                .collect(),
            location: PortLocation::Here(InstanceId::from_random(u128::from(number))),
            device_index: 0,
            resource_name: None,
        };
        self.0.pieces.insert(PieceKey::Port(plan.id), Piece::Port(plan));
        self
    }

    pub fn edit_port(&mut self, number: u32, edit: impl FnOnce(&mut PortPlan)) -> &mut Self {
        let Some(Piece::Port(plan)) = self.0.pieces.get_mut(&PieceKey::Port(port_id(number))) else { panic!() };
        edit(plan);
        self
    }

    pub fn edit_subnet(&mut self, number: u32, edit: impl FnOnce(&mut SubnetPlan)) -> &mut Self {
        let Some(Piece::Subnet(plan)) = self.0.pieces.get_mut(&PieceKey::Subnet(subnet_id(number))) else { panic!() };
        edit(plan);
        self
    }
}
