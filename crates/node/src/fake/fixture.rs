//! Plans for tests: one network, and instances with a root volume and a port each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use landfall_model::plan::{
    DiskPlan, GroupPlan, HostPlan, InstancePlan, MetadataPlan, Piece, PieceKey, PlanUpdate, PortLocation, PortPlan,
    Power, SubnetPlan, VolumePlan, VolumeSource, VpcPlan,
};
use landfall_model::{
    AccountId, DiskLimits, ImageId, InstanceId, InterfaceId, Ipv4Cidr, Mac, MetadataOptions, ReservationId,
    SecurityGroupId, SubnetId, Timestamp, VolumeId, VpcId,
};

pub fn instance_id(n: u32) -> InstanceId {
    InstanceId::from_random(u128::from(n))
}
pub fn volume_id(n: u32) -> VolumeId {
    VolumeId::from_random(u128::from(n))
}
pub fn port_id(n: u32) -> InterfaceId {
    InterfaceId::from_random(u128::from(n))
}

/// The second port of an instance.
pub fn second_port_id(n: u32) -> InterfaceId {
    InterfaceId::from_random(u128::from(n) + (1 << 32))
}

fn pieces_of_network() -> [(PieceKey, Piece); 3] {
    let (vpc, subnet, group) = (VpcId::from_random(1), SubnetId::from_random(1), SecurityGroupId::from_random(1));
    let cidr = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, 0), 16).unwrap();
    let vpc_plan = VpcPlan {
        ipv6: vec![],
        egress_only: false,
        internet_routes: vec![],
        vpn_routes: vec![],
        private_names: Default::default(),
        dhcp: Default::default(),
        id: vpc,
        cidrs: vec![cidr],
        number: 1,
        dns_support: true,
        dns_hostnames: true,
        internet_gateway: true,
        domain_name: "ec2.internal".into(),
        domain_name_servers: vec![],
        ntp_servers: vec![],
    };
    let subnet_plan = SubnetPlan {
        zone: None,
        ipv6: None,
        id: subnet,
        vpc,
        cidr,
        routes: vec![],
        acl_ingress: vec![],
        acl_egress: vec![],
    };
    let group_plan = GroupPlan { id: group, vpc, ingress: vec![], egress: vec![] };
    [
        (PieceKey::Vpc(vpc), Piece::Vpc(vpc_plan)),
        (PieceKey::Subnet(subnet), Piece::Subnet(subnet_plan)),
        (PieceKey::Group(group), Piece::Group(group_plan)),
    ]
}

pub fn instance(n: u32, power: Power, boot: u64) -> InstancePlan {
    InstancePlan {
        id: instance_id(n),
        account: AccountId::new(1).unwrap(),
        zone: "us-east-1a".parse().unwrap(),
        power,
        boot,
        reboots: 0,
        forced: false,
        vcpus: 1,
        memory_mib: 128,
        machine: String::new(),
        disks: vec![DiskPlan {
            volume: volume_id(n),
            device: "/dev/xvda".into(),
            root: true,
            size_bytes: 0,
            limits: DiskLimits::default(),
        }],
        interfaces: vec![port_id(n)],
        pulled: vec![],
        pulled_disks: vec![],
        max_interfaces: 2,
        direct_boot: None,
        uefi: false,
        metadata: MetadataPlan {
            options: MetadataOptions::default(),
            image: ImageId::from_random(1),
            instance_type: "t3.nano".into(),
            reservation: ReservationId::from_random(1),
            launch_index: 0,
            launched_at: Timestamp(0),
            hostname: format!("ip-10-0-0-{n}.ec2.internal"),
            public_domain: "compute-1.amazonaws.com".into(),
            key: None,
            user_data: None,
            tags: BTreeMap::new(),
            group_names: BTreeMap::new(),
            profile: None,
        },
    }
}

pub fn volume(n: u32, wanted: bool) -> VolumePlan {
    VolumePlan {
        id: volume_id(n),
        size_bytes: 1 << 30,
        source: VolumeSource::Blank,
        encrypted: false,
        wanted,
        snapshots: vec![],
    }
}

pub fn port(n: u32) -> PortPlan {
    let [_, _, a, b] = n.to_be_bytes();
    PortPlan {
        ipv6: vec![],
        id: port_id(n),
        vpc: VpcId::from_random(1),
        subnet: SubnetId::from_random(1),
        mac: Mac([2, 0, 0, 0, a, b]),
        addresses: vec![Ipv4Addr::new(10, 0, a, b)],
        groups: vec![SecurityGroupId::from_random(1)],
        source_dest_check: true,
        public: vec![],
        location: PortLocation::Here(instance_id(n)),
        device_index: 0,
        resource_name: None,
    }
}

/// A plan that a test writes, and its changes.
pub struct Author {
    pub plan: HostPlan,
    changed: BTreeMap<PieceKey, Option<Piece>>,
    from: u64,
}

impl Author {
    pub fn new() -> Self {
        let plan = HostPlan { incarnation: 1, revision: 1, pieces: pieces_of_network().into() };
        Self { plan, changed: BTreeMap::new(), from: 1 }
    }

    pub fn snapshot(&self) -> PlanUpdate {
        PlanUpdate::Snapshot(self.plan.clone())
    }

    /// Puts a piece in the plan.
    pub fn put_piece(&mut self, key: PieceKey, piece: Piece) {
        self.put(key, Some(piece));
    }

    fn put(&mut self, key: PieceKey, piece: Option<Piece>) {
        self.plan.revision += 1;
        match &piece {
            Some(piece) => self.plan.pieces.insert(key, piece.clone()),
            None => self.plan.pieces.remove(&key),
        };
        self.changed.insert(key, piece);
    }

    /// Launches an instance with its volume and port.
    pub fn launch(&mut self, n: u32) {
        self.put_volume(n, true);
        self.put(PieceKey::Port(port_id(n)), Some(Piece::Port(port(n))));
        self.put_instance(instance(n, Power::On, 1));
    }

    pub fn put_volume(&mut self, n: u32, wanted: bool) {
        self.put(PieceKey::Volume(volume_id(n)), Some(Piece::Volume(volume(n, wanted))));
    }

    pub fn put_instance(&mut self, piece: InstancePlan) {
        self.put(PieceKey::Instance(piece.id), Some(Piece::Instance(Box::new(piece))));
    }

    pub fn change(&mut self, n: u32, change: impl FnOnce(&mut InstancePlan)) {
        let mut piece = self.plan.instance(instance_id(n)).unwrap().clone();
        change(&mut piece);
        self.put_instance(piece);
    }

    pub fn stop(&mut self, n: u32, forced: bool) {
        self.change(n, |piece| (piece.power, piece.forced) = (Power::Off, forced));
    }

    pub fn start(&mut self, n: u32) {
        self.change(n, |piece| {
            (piece.power, piece.forced) = (Power::On, false);
            piece.boot += 1;
        });
    }

    pub fn terminate(&mut self, n: u32) {
        self.change(n, |piece| piece.power = Power::Gone);
        self.put_volume(n, false);
    }

    /// Gives an instance a second port.
    pub fn attach(&mut self, n: u32) {
        let second = PortPlan { id: second_port_id(n), addresses: vec![], ..port(n) };
        self.put(PieceKey::Port(second.id), Some(Piece::Port(second)));
        self.change(n, |piece| {
            piece.pulled.clear();
            piece.interfaces = vec![port_id(n), second_port_id(n)];
        });
    }

    /// Takes the second port from an instance; the port itself stays until it is forgotten.
    pub fn detach(&mut self, n: u32, pull: bool) {
        self.change(n, |piece| {
            piece.interfaces = vec![port_id(n)];
            piece.pulled = if pull { vec![second_port_id(n)] } else { vec![] };
        });
    }

    /// Forgets the second port.
    pub fn forget_second(&mut self, n: u32) {
        self.put(PieceKey::Port(second_port_id(n)), None);
    }

    /// Forgets an instance that is gone, with its ports and volume.
    pub fn forget(&mut self, n: u32) {
        self.put(PieceKey::Instance(instance_id(n)), None);
        self.forget_second(n);
        self.put(PieceKey::Port(port_id(n)), None);
        self.put(PieceKey::Volume(volume_id(n)), None);
    }

    /// Drops the network that all ports refer to.
    pub fn lose_network(&mut self) {
        self.put(PieceKey::Vpc(VpcId::from_random(1)), None);
    }

    /// What changed since this was last asked.
    pub fn delta(&mut self) -> PlanUpdate {
        let from = std::mem::replace(&mut self.from, self.plan.revision);
        PlanUpdate::Delta { from, to: self.plan.revision, pieces: std::mem::take(&mut self.changed) }
    }

    /// Does something that a user might do.
    pub fn act(&mut self, random: &mut Random, next: &mut u32) {
        let all: Vec<_> = self.plan.instances().map(|piece| (piece.id, piece.power)).collect();
        let choice = random.below(8);
        if choice < 2 || all.is_empty() {
            self.launch(*next);
            *next += 1;
            return;
        }
        let (id, power) = all[usize::try_from(random.below(all.len() as u64)).unwrap()];
        let n = u32::try_from(id.bits()).unwrap();
        match (choice, power) {
            (2, Power::On) => self.stop(n, random.below(2) == 0),
            (3, Power::Off) => self.start(n),
            (4, Power::On) => self.change(n, |piece| piece.reboots += 1),
            (5, Power::On | Power::Off) => self.terminate(n),
            (6, Power::On | Power::Off) => self.attach(n),
            (7, Power::On | Power::Off) => {
                self.detach(n, random.below(2) == 0);
                if random.below(2) == 0 {
                    self.forget_second(n);
                }
            }
            _ => {}
        }
    }

    /// Forgets all instances that are to be gone.
    pub fn forget_gone(&mut self) {
        let all: Vec<_> =
            self.plan.instances().filter(|piece| piece.power == Power::Gone).map(|piece| piece.id).collect();
        for id in all {
            self.forget(u32::try_from(id.bits()).unwrap());
        }
    }

    /// What a machine has that is as planned, by the names of `FakeMachine::inventory`, without folders.
    pub fn inventory(&self) -> BTreeSet<String> {
        let running = self.plan.instances().filter(|piece| piece.power == Power::On);
        let mut names = BTreeSet::new();
        for piece in running {
            names.insert(format!("process {}", piece.id));
            names.extend(piece.interfaces.iter().map(|port| format!("plug of {port} in {}", piece.id)));
        }
        names.extend(self.plan.volumes().map(|piece| format!("volume {}", piece.id)));
        names.extend(self.plan.vpcs().map(|piece| format!("namespace {}", piece.id)));
        names.extend(self.plan.ports().map(|piece| format!("port {}", piece.id)));
        names
    }
}

/// A small generator of its own, so that a failure can be repeated from its seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
