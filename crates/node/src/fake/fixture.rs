//! Plans for tests: one network, and instances with a root volume and a port each.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use landfall_model::plan::{
    DiskPlan, GroupPlan, HostPlan, InstancePlan, MetadataPlan, Piece, PieceKey, PlanUpdate, PortLocation, PortPlan,
    Power, SubnetPlan, VolumePlan, VolumeSource, VpcPlan,
};
use landfall_model::{
    AccountId, ImageId, InstanceId, InterfaceId, Ipv4Cidr, Mac, MetadataOptions, ReservationId, SecurityGroupId,
    SubnetId, Timestamp, VolumeId, VpcId,
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

fn pieces_of_network() -> [(PieceKey, Piece); 3] {
    let (vpc, subnet, group) = (VpcId::from_random(1), SubnetId::from_random(1), SecurityGroupId::from_random(1));
    let cidr = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, 0), 16).unwrap();
    let vpc_plan = VpcPlan {
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
    let subnet_plan =
        SubnetPlan { id: subnet, vpc, cidr, routes: vec![], acl_ingress: vec![], acl_egress: vec![] };
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
        disks: vec![DiskPlan { volume: volume_id(n), device: "/dev/xvda".into(), root: true }],
        interfaces: vec![port_id(n)],
        direct_boot: None,
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
        },
    }
}

pub fn volume(n: u32, wanted: bool) -> VolumePlan {
    VolumePlan { id: volume_id(n), size_bytes: 1 << 30, source: VolumeSource::Blank, wanted }
}

pub fn port(n: u32) -> PortPlan {
    let [_, _, a, b] = n.to_be_bytes();
    PortPlan {
        id: port_id(n),
        vpc: VpcId::from_random(1),
        subnet: SubnetId::from_random(1),
        mac: Mac([2, 0, 0, 0, a, b]),
        addresses: vec![Ipv4Addr::new(10, 0, a, b)],
        groups: vec![SecurityGroupId::from_random(1)],
        source_dest_check: true,
        public: vec![],
        location: PortLocation::Here(instance_id(n)),
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

    /// Forgets an instance that is gone, with its port and volume.
    pub fn forget(&mut self, n: u32) {
        self.put(PieceKey::Instance(instance_id(n)), None);
        self.put(PieceKey::Port(port_id(n)), None);
        self.put(PieceKey::Volume(volume_id(n)), None);
    }

    /// What changed since this was last asked.
    pub fn delta(&mut self) -> PlanUpdate {
        let from = std::mem::replace(&mut self.from, self.plan.revision);
        PlanUpdate::Delta { from, to: self.plan.revision, pieces: std::mem::take(&mut self.changed) }
    }
}
