//! The making of a random network: VPCs, subnets, machines.

use std::net::{IpAddr, Ipv4Addr};

use landfall_cloud::interface::{self, NewInterface};
use landfall_cloud::subnet::{self, NewSubnet};
use landfall_cloud::value::{Hosts, Instances, Interfaces, SettingsTable};
use landfall_cloud::vpc::{self, NewVpc};
use landfall_cloud::{Fault, Tx, address};
use landfall_model::plan::Power;
use landfall_model::{
    Attachment, AttachmentState, Host, HostFacts, HostId, ImageId, Instance, InstanceId, InstanceSpec, InstanceState,
    InstanceStatus, InterfaceId, InterfacePurpose, Ipv4Cidr, Ipv6Cidr, MetadataOptions, NetworkAclId, PeeringId,
    PrefixListId, RouteTableId, RouteTarget, SecurityGroupId, ShutdownBehavior, SubnetId, Timestamp, TransitGatewayId,
    TransitGatewayRouteTableId, VpcId, ZoneName,
};

use super::office::Office;
use super::{Machine, Size};
use crate::dice::Dice;

/// A network under way.
pub(super) struct Builder<'b, 't, 'e> {
    pub(super) tx: &'b mut Tx<'t, 'e>,
    pub(super) dice: &'b mut Dice,
    size: Size,
    pub(super) hosts: Vec<HostId>,
    pub(super) vpcs: Vec<Network>,
    pub(super) machines: Vec<Machine>,
    pub(super) peerings: Vec<(PeeringId, usize, usize)>,
    pub(super) transit: Option<TransitGatewayId>,
    pub(super) transit_tables: Vec<TransitGatewayRouteTableId>,
    /// How many subnets the attachment in appliance mode has, if there is one.
    pub(super) appliance: Option<usize>,
    /// How many addresses the NAT gateway has that has most.
    pub(super) nat_addresses: usize,
    /// The other sides of VPNs, if there are to be any.
    pub(super) offices: Vec<Office>,
    has_offices: bool,
}

/// A VPC with what it has.
pub(super) struct Network {
    pub(super) id: VpcId,
    pub(super) block: Ipv4Cidr,
    pub(super) ipv6: Option<Ipv6Cidr>,
    /// Whether another has the same block: then nothing joins the two, and of what others know by addresses there are two.
    pub(super) is_twin: bool,
    pub(super) subnets: Vec<Place>,
    pub(super) groups: Vec<SecurityGroupId>,
    pub(super) tables: Vec<RouteTableId>,
    pub(super) acls: Vec<NetworkAclId>,
    pub(super) internet: Option<RouteTarget>,
    pub(super) egress_only: Option<RouteTarget>,
    pub(super) nats: Vec<RouteTarget>,
    pub(super) routers: Vec<InterfaceId>,
    pub(super) list: Option<PrefixListId>,
    pub(super) is_attached: bool,
    /// Its VPN gateway.
    pub(super) vpn: Option<RouteTarget>,
}

/// A subnet.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) id: SubnetId,
    pub(super) block: Ipv4Cidr,
    pub(super) ipv6: Option<Ipv6Cidr>,
    pub(super) zone: ZoneName,
}

/// What a rule of the cloud said yes to: everything here is made so that it must.
pub(super) fn must<T>(made: Result<T, Fault>) -> T {
    made.unwrap_or_else(|fault| panic!("a random network breaks a rule: {fault}"))
}

impl<'b, 't, 'e> Builder<'b, 't, 'e> {
    pub(super) fn new(tx: &'b mut Tx<'t, 'e>, dice: &'b mut Dice, size: Size, has_offices: bool) -> Self {
        let (hosts, vpcs, machines, peerings) = (vec![], vec![], vec![], vec![]);
        let (transit, transit_tables, appliance, offices) = (None, vec![], None, vec![]);
        Self {
            tx,
            dice,
            size,
            hosts,
            vpcs,
            machines,
            peerings,
            transit,
            transit_tables,
            appliance,
            nat_addresses: 1,
            offices,
            has_offices,
        }
    }

    pub(super) fn build(&mut self) {
        let mut settings = landfall_cloud::value::default_settings();
        settings.quotas.addresses = 1000;
        settings.quotas.vpcs = 100;
        self.tx.put::<SettingsTable>(settings);
        for n in 0..self.size.hosts.max(1) {
            let host = host(n);
            self.hosts.push(host.id);
            self.tx.put::<Hosts>(host);
        }
        for n in 0..self.dice.between(1, self.size.vpcs) {
            self.network(n as u8);
        }
        self.link();
        if self.has_offices {
            self.offices();
        }
        for n in 0..self.vpcs.len() {
            self.rules(n);
        }
    }

    fn network(&mut self, n: u8) {
        // The last of several may have the block of the first: then the two must never meet.
        let is_twin = n > 1 && self.dice.chance(250);
        let second = if is_twin { 0 } else { n };
        if is_twin {
            self.vpcs[0].is_twin = true;
        }
        let block = v4_block(Ipv4Addr::new(10, second, 0, 0), 16);
        let id = must(vpc::create(self.tx, NewVpc { block, is_default: false, dedicated: false, ipv6: false }));
        let ipv6 = self.dice.chance(500).then(|| must(vpc::associate_ipv6(self.tx, id)));
        let ipv6 = ipv6.and_then(|_| {
            let row = self.tx.vpcs.by_id(&id).next();
            row.and_then(|row| row.ipv6.first()).map(|(_, block)| *block)
        });
        let default = self.tx.security_groups.by_vpc(&id).map(|group| group.id).collect();
        let mut network = Network {
            id,
            block,
            ipv6,
            is_twin,
            subnets: vec![],
            groups: default,
            tables: self.tx.route_tables.by_vpc(&id).map(|row| row.id).collect(),
            acls: self.tx.network_acls.by_vpc(&id).map(|row| row.id).collect(),
            internet: None,
            egress_only: None,
            nats: vec![],
            routers: vec![],
            list: None,
            is_attached: false,
            vpn: None,
        };
        let zones: Vec<ZoneName> = self.tx.scope().region.zones().collect();
        for m in 0..self.dice.between(1, self.size.subnets) as u8 {
            let block = v4_block(Ipv4Addr::new(10, second, m, 0), 24);
            let ipv6 = ipv6.filter(|_| self.dice.chance(800)).and_then(|whole| part(whole, m));
            let zone = zones[self.dice.below(zones.len() as u64) as usize];
            let new = NewSubnet { vpc: id, block, ipv6, zone: Some(zone), is_default: false };
            network.subnets.push(Place { id: must(subnet::create(self.tx, new)), block, ipv6, zone });
        }
        self.vpcs.push(network);
        self.groups(usize::from(n));
        for m in 0..self.vpcs[usize::from(n)].subnets.len() {
            for _ in 0..self.dice.between(1, 2) {
                self.machine(usize::from(n), m);
            }
        }
    }

    /// A machine in a subnet, of some groups, perhaps with further addresses; one or two of a network may be routers.
    fn machine(&mut self, n: usize, m: usize) {
        let place = self.vpcs[n].subnets[m];
        let host = *self.dice.pick(&self.hosts).unwrap_or(&HostId::MIN);
        let instance: InstanceId = self.tx.new_id();
        let reservation = self.tx.new_id();
        let row = instance_row(instance, reservation, self.vpcs[n].id, place, host, self.tx.scope());
        self.tx.put::<Instances>(row);
        let attachment = Attachment {
            id: self.tx.new_id(),
            instance,
            device_index: 0,
            delete_on_termination: true,
            attached_at: Timestamp(1),
            state: AttachmentState::Attached,
        };
        let mut groups: Vec<_> = self.vpcs[n].groups.iter().copied().filter(|_| self.dice.chance(500)).collect();
        if groups.is_empty() {
            groups.extend(self.dice.pick(&self.vpcs[n].groups));
        }
        let new = NewInterface {
            secondary_count: u32::from(self.dice.chance(150)),
            ipv6_count: Some(u32::from(place.ipv6.is_some() && self.dice.chance(900))),
            groups,
            ..NewInterface::default()
        };
        let interface = must(interface::create(self.tx, place.id, new, Some(attachment)));
        // A router whose check was left on takes nothing; one whose system doesn't forward takes it and keeps it.
        let is_router = match self.vpcs[n].routers.len() {
            0 => self.dice.chance(300),
            1 => self.dice.chance(150),
            _ => false,
        };
        let is_free = is_router && self.dice.chance(800);
        let forwards = is_free && self.dice.chance(850);
        if is_router {
            self.vpcs[n].routers.push(interface);
            let key = self.tx.scope().key(interface);
            self.tx.update::<Interfaces, _>(&key, |row| row.source_dest_check = !is_free);
        }
        let (vpc, addresses) = (self.vpcs[n].id, vec![]);
        self.machines.push(Machine { interface, instance, host, vpc, addresses, forwards });
    }

    /// Gives some machines of a network that reaches the internet public addresses.
    pub(super) fn public_addresses(&mut self, n: usize) {
        let vpc = self.vpcs[n].id;
        let interfaces: Vec<_> = self.machines.iter().filter(|row| row.vpc == vpc).map(|row| row.interface).collect();
        for id in interfaces {
            let Some(mut row) = self.tx.interfaces.by_id(&id).next().cloned() else { continue };
            match self.dice.below(10) {
                0..4 => {
                    let elastic = must(address::allocate(self.tx, None));
                    let private = self.dice.pick(&row.addresses).copied();
                    must(address::associate(self.tx, elastic, id, private, false));
                }
                4..6 => {
                    row.wants_public_address = true;
                    self.tx.put::<Interfaces>(row.clone());
                    must(address::give(self.tx, &row));
                }
                _ => {}
            }
        }
    }

    /// An interface that is nobody's machine's, with so many addresses more than one.
    pub(super) fn service(&mut self, place: Place, purpose: InterfacePurpose, further: u32) -> InterfaceId {
        let new = NewInterface { purpose, secondary_count: further, ..NewInterface::default() };
        let id = must(interface::create(self.tx, place.id, new, None));
        let key = self.tx.scope().key(id);
        // Gateways are in no group.
        self.tx.update::<Interfaces, _>(&key, |row| row.groups.clear());
        id
    }
}

/// A block that there is.
pub(super) fn v4_block(first: Ipv4Addr, prefix: u8) -> Ipv4Cidr {
    Ipv4Cidr::new(first, prefix).unwrap_or(Ipv4Cidr::ALL)
}

/// The subnet of that number of a network's IPv6 block.
fn part(whole: Ipv6Cidr, m: u8) -> Option<Ipv6Cidr> {
    const PREFIX: u8 = 64;
    let first = whole.nth(u128::from(m) << PREFIX)?;
    Ipv6Cidr::new(first, PREFIX)
}

/// A block of one address.
pub(super) fn alone(address: IpAddr) -> landfall_model::Cidr {
    match address {
        IpAddr::V4(address) => landfall_model::Cidr::V4(v4_block(address, 32)),
        IpAddr::V6(address) => landfall_model::Cidr::V6(Ipv6Cidr::new(address, 128).unwrap_or(Ipv6Cidr::ALL)),
    }
}

fn host(n: u8) -> Host {
    Host {
        id: HostId::from_random(u128::from(n) + 1),
        facts: HostFacts {
            name: format!("host-{n}"),
            address: Ipv4Addr::new(192, 0, 2, n + 1),
            cpus: 64,
            memory_mib: 1 << 20,
            disk_gib: 1 << 20,
            hypervisor: "simulated".into(),
            machine: String::new(),
            format: 1,
            uefi: true,
            shares: Default::default(),
        },
        region: None,
        zone: None,
        schedulable: true,
        token_sha256: n.to_string(),
        join: None,
        lost: None,
        joined_at: Timestamp(1),
        used_memory_mib: 0,
        used_vcpus: 0,
    }
}

fn instance_row(
    id: InstanceId,
    reservation: landfall_model::ReservationId,
    vpc: VpcId,
    place: Place,
    host: HostId,
    scope: landfall_model::Scope,
) -> Instance {
    Instance {
        scope,
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
            vpc,
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
            launched_at: Timestamp(1),
        },
        status: InstanceStatus {
            state: InstanceState::Running,
            host: Some(host),
            holds_capacity: true,
            reason: None,
            transition_reason: String::new(),
            boot: 1,
            reboots: 0,
            answered: true,
            since: Timestamp(1),
            machine: "pc-q35-7.2".into(),
            expires_at: None,
        },
    }
}
