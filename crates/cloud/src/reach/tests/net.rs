//! Networks for tests, row by row.

use std::net::{IpAddr, Ipv4Addr};

use landfall_model::id::{Id, Kind};
use landfall_model::plan::{AclRulePlan, Power};
use landfall_model::*;
use landfall_state::{Engine, Has, MemoryLog, Table};

use crate::reach::{Assumptions, Packet, Source, Verdict, reach};
use crate::value::*;

/// A cloud under way.
pub struct Net {
    engine: Engine<Cloud>,
    next: std::cell::Cell<u128>,
}

pub fn scope() -> Scope {
    Scope { account: AccountId::new(1).unwrap(), region: Region::DEFAULT }
}

pub fn zone(index: u8) -> ZoneName {
    ZoneName { region: Region::DEFAULT, index }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn cidr(text: &str) -> Cidr {
    text.parse().map(Cidr::V4).or_else(|_| text.parse().map(Cidr::V6)).unwrap()
}

pub fn any_rule(number: u16, allow: bool, to: &str) -> AclRulePlan {
    AclRulePlan { number, allow, protocol: IpProtocol::All, ports: PortRange::ANY, cidr: cidr(to) }
}

impl Net {
    pub fn new() -> Self {
        let engine = Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
        Self { engine, next: 1.into() }
    }

    pub fn id<K: Kind>(&self) -> Id<K> {
        self.next.set(self.next.get() + 1);
        Id::from_random(self.next.get())
    }

    pub fn put<T: Table>(&self, row: T::Row)
    where
        Cloud: Has<T>,
    {
        self.edit(|tx| tx.put::<T>(row));
    }

    pub fn edit(&self, run: impl FnOnce(&mut landfall_state::Tx<'_, Cloud>)) {
        let pending = self.engine.commit(|head| {
            let _ = head.transact(1, None, |tx| {
                run(tx);
                Ok::<_, ()>(())
            });
        });
        pending.wait().unwrap();
    }

    pub fn cloud(&self) -> Cloud {
        Cloud::clone(&self.engine.read())
    }

    pub fn try_tcp(&self, from: InterfaceId, to: &str, port: u16) -> Verdict {
        let cloud = self.cloud();
        let row = cloud.interfaces.by_id(&from).next().unwrap();
        let to = ip(to);
        let source = row.all_addresses().find(|address| address.is_ipv4() == to.is_ipv4()).unwrap();
        reach(&cloud, Source::Interface(from), Packet::tcp(source, 40_000, to, port), &Assumptions::default())
    }

    /// The code that a connection ends by; `None` where it comes about.
    pub fn tcp(&self, from: InterfaceId, to: &str, port: u16) -> Option<&'static str> {
        self.try_tcp(from, to, port).stop().map(|stop| stop.code.name())
    }

    pub fn dial(&self, to: &str, port: u16) -> Option<&'static str> {
        let to = ip(to);
        let source = ip(if to.is_ipv4() { "203.0.113.9" } else { "2001:db8:ffff::9" });
        let packet = Packet::tcp(source, 40_000, to, port);
        let verdict = reach(&self.cloud(), Source::Internet, packet, &Assumptions::default());
        verdict.stop().map(|stop| stop.code.name())
    }

    /// A network with a main route table, an ACL that is open to all, and an IPv6 block where one is named.
    pub fn vpc(&self, v4: &str, v6: Option<&str>) -> VpcId {
        let id = self.id();
        self.put::<Vpcs>(Vpc {
            scope: scope(),
            id,
            cidrs: vec![(self.id(), v4.parse().unwrap())],
            ipv6: v6.map(|block| (self.id(), block.parse().unwrap())).into_iter().collect(),
            number: self.next.get() as u32,
            is_default: false,
            dhcp_options: None,
            dns_support: true,
            dns_hostnames: false,
            address_usage_metrics: false,
            dedicated: false,
        });
        self.table(id, true, &[]);
        self.acl(id, &[], vec![any_rule(100, true, "0.0.0.0/0"), any_rule(101, true, "::/0")], None);
        id
    }

    pub fn table(&self, vpc: VpcId, main: bool, subnets: &[SubnetId]) -> RouteTableId {
        let id = self.id();
        let associations = subnets.iter().map(|subnet| (self.id(), *subnet)).collect();
        let main = main.then(|| self.id());
        let (scope, routes, gateways, propagating) = (scope(), vec![], vec![], vec![]);
        self.put::<RouteTables>(RouteTable { scope, id, vpc, routes, main, associations, gateways, propagating });
        id
    }

    /// Adds a route to the table that a subnet uses, or to the main one of its network.
    pub fn route(&self, table: RouteTableId, to: &str, target: RouteTarget) {
        self.edit(|tx| {
            tx.update::<RouteTables, _>(&scope().key(table), |row| {
                let destination = Destination::Cidr(cidr(to));
                row.routes.push(Route { destination, target, origin: "CreateRoute".into() });
            });
        });
    }

    pub fn main(&self, vpc: VpcId) -> RouteTableId {
        self.cloud().route_tables.by_vpc(&vpc).find(|row| row.main.is_some()).unwrap().id
    }

    /// An ACL; the same both ways unless egress differs. Takes its subnets from the ACLs that had them.
    pub fn acl(
        &self,
        vpc: VpcId,
        subnets: &[SubnetId],
        ingress: Vec<AclRulePlan>,
        egress: Option<Vec<AclRulePlan>>,
    ) -> NetworkAclId {
        let id = self.id();
        let associations: Vec<_> = subnets.iter().map(|subnet| (self.id(), *subnet)).collect();
        let egress = egress.unwrap_or_else(|| ingress.clone());
        self.edit(|tx| {
            let others: Vec<_> = tx.network_acls.by_vpc(&vpc).map(NetworkAcl::key).collect();
            for key in others {
                tx.update::<NetworkAcls, _>(&key, |row| row.associations.retain(|(_, s)| !subnets.contains(s)));
            }
            let is_default = tx.network_acls.by_vpc.count(&vpc) == 0;
            tx.put::<NetworkAcls>(NetworkAcl { scope: scope(), id, vpc, is_default, ingress, egress, associations });
        });
        id
    }

    pub fn subnet(&self, vpc: VpcId, v4: &str, v6: Option<&str>, index: u8) -> SubnetId {
        let id = self.id();
        self.put::<Subnets>(Subnet {
            scope: scope(),
            id,
            vpc,
            cidr: v4.parse().unwrap(),
            zone: zone(index),
            default_for_az: false,
            map_public_ip: false,
            ipv6: v6.map(|block| (self.id(), block.parse().unwrap())),
            assign_ipv6: false,
            dns64: false,
            names: NameOptions::default(),
        });
        let association = self.id();
        self.edit(|tx| {
            let acl = tx.network_acls.by_vpc(&vpc).find(|row| row.is_default).unwrap().key();
            tx.update::<NetworkAcls, _>(&acl, |row| row.associations.push((association, id)));
        });
        id
    }

    pub fn group(&self, vpc: VpcId) -> SecurityGroupId {
        let id = self.id();
        let (name, description) = (id.to_string(), String::new());
        self.put::<SecurityGroups>(SecurityGroup { scope: scope(), id, name, description, vpc });
        id
    }

    pub fn rule(&self, group: SecurityGroupId, direction: RuleDirection, port: Option<i32>, peer: Peer) {
        let protocol = if port.is_some() { IpProtocol::TCP } else { IpProtocol::All };
        let ports = port.map_or(PortRange::ANY, |port| PortRange { from: port, to: port });
        let (scope, id, description) = (scope(), self.id(), None);
        self.put::<SecurityGroupRules>(SecurityGroupRule {
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

    /// A group that lets everything in and out.
    pub fn open_group(&self, vpc: VpcId) -> SecurityGroupId {
        let group = self.group(vpc);
        for all in ["0.0.0.0/0", "::/0"] {
            for direction in [RuleDirection::Ingress, RuleDirection::Egress] {
                self.rule(group, direction, None, Peer::Cidr(cidr(all)));
            }
        }
        group
    }

    /// An interface of a running instance. Addresses are of either family.
    pub fn machine(&self, subnet: SubnetId, addresses: &[&str], groups: &[SecurityGroupId]) -> InterfaceId {
        let instance = self.id();
        let place = self.cloud().subnets.by_id(&subnet).next().unwrap().clone();
        self.put::<Instances>(instance_row(instance, self.id(), &place));
        let attachment = Attachment {
            id: self.id(),
            instance,
            device_index: 0,
            delete_on_termination: true,
            attached_at: Timestamp(0),
            state: landfall_model::AttachmentState::Attached,
        };
        self.interface(subnet, addresses, groups, Some(attachment), InterfacePurpose::Instance)
    }

    pub fn interface(
        &self,
        subnet: SubnetId,
        addresses: &[&str],
        groups: &[SecurityGroupId],
        attachment: Option<Attachment>,
        purpose: InterfacePurpose,
    ) -> InterfaceId {
        let id = self.id();
        let place = self.cloud().subnets.by_id(&subnet).next().unwrap().clone();
        let (mut v4, mut v6) = (vec![], vec![]);
        for address in addresses {
            match ip(address) {
                IpAddr::V4(address) => v4.push(address),
                IpAddr::V6(address) => v6.push(address),
            }
        }
        self.put::<Interfaces>(NetworkInterface {
            scope: scope(),
            id,
            vpc: place.vpc,
            subnet,
            zone: place.zone,
            mac: Mac([2, 0, 0, 0, 0, 1]),
            addresses: v4,
            ipv6: v6,
            public_address: None,
            wants_public_address: false,
            groups: groups.to_vec(),
            description: String::new(),
            source_dest_check: true,
            attachment,
            created_at: Timestamp(0),
            purpose,
            primary_ipv6: false,
        });
        id
    }

    pub fn change(&self, id: InterfaceId, change: impl FnOnce(&mut NetworkInterface)) {
        self.edit(|tx| {
            tx.update::<Interfaces, _>(&scope().key(id), change);
        });
    }

    pub fn elastic(&self, interface: InterfaceId, private: &str, public: &str) {
        let association = AddressAssociation { id: self.id(), interface, private: private.parse().unwrap() };
        let public: Ipv4Addr = public.parse().unwrap();
        self.put::<Addresses>(Address { scope: scope(), id: self.id(), public, association: Some(association) });
    }

    pub fn internet_gateway(&self, vpc: VpcId) -> RouteTarget {
        let id = self.id();
        self.put::<InternetGateways>(InternetGateway { scope: scope(), id, vpc: Some(vpc) });
        RouteTarget::InternetGateway(id)
    }

    pub fn nat(&self, subnet: SubnetId, private: &str, public: Option<&str>) -> RouteTarget {
        let id = self.id();
        let interface = self.interface(subnet, &[private], &[], None, InterfacePurpose::NatGateway(id));
        if let Some(public) = public {
            self.elastic(interface, private, public);
        }
        let public = public.map(|public| (self.id(), self.id(), public.parse().unwrap()));
        let vpc = self.cloud().subnets.by_id(&subnet).next().unwrap().vpc;
        self.put::<NatGateways>(NatGateway {
            scope: scope(),
            id,
            vpc,
            subnet,
            public: public.is_some(),
            addresses: vec![NatAddress { private: private.parse().unwrap(), public }],
            interface,
            state: LinkState::Available,
            failure: None,
            created_at: Timestamp(0),
            deleted_at: None,
            expires_at: None,
            host: None,
            lacked: Default::default(),
        });
        RouteTarget::NatGateway(id)
    }

    pub fn peering(&self, a: VpcId, b: VpcId, state: PeeringState) -> RouteTarget {
        let id = self.id();
        let side = |vpc| PeeringSide { scope: scope(), vpc, dns: false };
        self.put::<Peerings>(Peering {
            scope: scope(),
            id,
            requester: side(a),
            accepter: side(b),
            state,
            message: String::new(),
            created_at: Timestamp(0),
            ended: None,
            expires_at: None,
        });
        RouteTarget::Peering(id)
    }
}

fn instance_row(id: InstanceId, reservation: ReservationId, place: &Subnet) -> Instance {
    Instance {
        scope: scope(),
        id,
        spec: InstanceSpec {
            power: Power::On,
            boot: 1,
            reboots: 0,
            forced: false,
            image: ImageId::from_random(1),
            traits: None,
            instance_type: "t3.micro".into(),
            key: None,
            zone: place.zone,
            vpc: place.vpc,
            subnet: place.id,
            user_data: None,
            shutdown_behavior: ShutdownBehavior::Stop,
            disable_api_termination: false,
            disable_api_stop: false,
            monitoring: false,
            ebs_optimized: false,
            metadata: MetadataOptions::default(),
            cpu_credits: None,
            root_device: "/dev/xvda".into(),
            reservation,
            launch_index: 0,
            client_token: None,
            launched_at: Timestamp(0),
        },
        status: InstanceStatus {
            state: InstanceState::Running,
            host: Some(HostId::from_random(1)),
            holds_capacity: true,
            reason: None,
            transition_reason: String::new(),
            boot: 1,
            reboots: 0,
            answered: true,
            since: Timestamp(0),
            machine: String::new(),
            expires_at: None,
        },
    }
}
