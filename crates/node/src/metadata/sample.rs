//! A host plan with one instance, for the tests of this module.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::plan::*;
use landfall_model::*;

pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
pub const IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0x1201, 0, 0, 0, 5);
pub const SUBNET_IPV6: &str = "2001:db8:7:1201::/64";
pub const MAC: Mac = Mac([2, 0x11, 0x22, 0x33, 0x44, 0x55]);

pub fn instance_id() -> InstanceId {
    "i-0123456789abcdef0".parse().unwrap()
}

pub fn remote_instance_id() -> InstanceId {
    "i-00000000000000077".parse().unwrap()
}

pub fn interface_id() -> InterfaceId {
    "eni-0123456789abcdef1".parse().unwrap()
}

pub fn host_plan() -> HostPlan {
    let (vpc, subnet) = (VpcId::from_random(1), SubnetId::from_random(2));
    let group = SecurityGroupId::from_random(3);
    let port = |id: InterfaceId, addresses: Vec<Ipv4Addr>, location| PortPlan {
        ipv6: vec![],
        id,
        vpc,
        subnet,
        mac: MAC,
        public: addresses
            .iter()
            .take(1)
            .map(|private| PublicAddressPlan { private: *private, public: PUBLIC })
            .collect(),
        addresses,
        groups: vec![group],
        source_dest_check: true,
        location,
        device_index: 0,
        resource_name: None,
    };
    let mut remote = port(
        InterfaceId::from_random(99),
        vec![Ipv4Addr::new(10, 0, 1, 77)],
        PortLocation::Remote { host: HostId::from_random(1), address: Ipv4Addr::new(192, 0, 2, 1) },
    );
    remote.public.clear();
    remote.ipv6 = vec![Ipv6Addr::from_bits(IPV6.to_bits() + 0x72)];
    remote.resource_name = Some(ResourceNamePlan { instance: remote_instance_id(), a: true, aaaa: true });
    let mut here = port(interface_id(), vec![ADDRESS, Ipv4Addr::new(10, 0, 1, 6)], PortLocation::Here(instance_id()));
    here.ipv6 = vec![IPV6, Ipv6Addr::from_bits(IPV6.to_bits() + 1)];
    here.resource_name = Some(ResourceNamePlan { instance: instance_id(), a: true, aaaa: false });
    let pieces = [
        (PieceKey::Vpc(vpc), Piece::Vpc(vpc_plan(vpc))),
        (PieceKey::Subnet(subnet), Piece::Subnet(subnet_plan(subnet, vpc))),
        (PieceKey::Port(here.id), Piece::Port(here)),
        (PieceKey::Port(remote.id), Piece::Port(remote)),
        (PieceKey::Instance(instance_id()), Piece::Instance(Box::new(instance_plan(group)))),
    ];
    HostPlan { incarnation: 1, revision: 9, pieces: pieces.into() }
}

fn vpc_plan(id: VpcId) -> VpcPlan {
    VpcPlan {
        ipv6: vec!["2001:db8:7:1200::/56".parse().unwrap()],
        egress_only: false,
        internet_routes: vec![],
        vpn_routes: vec![],
        private_names: [
            ("ec2.us-east-1.amazonaws.com".to_owned(), vec![Ipv4Addr::new(10, 0, 1, 90), Ipv4Addr::new(10, 0, 2, 90)]),
            ("*.s3.us-east-1.amazonaws.com".to_owned(), vec![Ipv4Addr::new(10, 0, 1, 91)]),
        ]
        .into(),
        dhcp: DhcpPlan::default(),
        id,
        cidrs: vec!["10.0.0.0/16".parse().unwrap(), "100.64.4.0/22".parse().unwrap()],
        number: 7,
        dns_support: true,
        dns_hostnames: true,
        internet_gateway: true,
        domain_name: "ec2.internal".into(),
        domain_name_servers: vec![],
        ntp_servers: vec![],
    }
}

fn subnet_plan(id: SubnetId, vpc: VpcId) -> SubnetPlan {
    SubnetPlan {
        zone: None,
        ipv6: SUBNET_IPV6.parse().ok(),
        id,
        vpc,
        cidr: "10.0.1.0/24".parse().unwrap(),
        routes: vec![],
        acl_ingress: vec![],
        acl_egress: vec![],
    }
}

fn instance_plan(group: SecurityGroupId) -> InstancePlan {
    let disk = |number, device: &str, root| DiskPlan {
        volume: VolumeId::from_random(number),
        device: device.into(),
        root,
        size_bytes: 0,
        limits: DiskLimits::default(),
    };
    InstancePlan {
        id: instance_id(),
        account: "123456789012".parse().unwrap(),
        zone: "us-east-1a".parse().unwrap(),
        power: Power::On,
        boot: 1,
        reboots: 0,
        forced: false,
        vcpus: 1,
        memory_mib: 128,
        machine: String::new(),
        disks: vec![disk(1, "/dev/xvda", true), disk(2, "/dev/sdf", false)],
        interfaces: vec![interface_id()],
        pulled: vec![],
        pulled_disks: vec![],
        max_interfaces: 2,
        direct_boot: None,
        uefi: false,
        metadata: MetadataPlan {
            options: MetadataOptions { tags: true, ..MetadataOptions::default() },
            image: "ami-0123456789abcdef0".parse().unwrap(),
            instance_type: "t3.micro".into(),
            reservation: ReservationId::from_random(5),
            launch_index: 0,
            launched_at: Timestamp(1_795_341_600_123),
            hostname: "ip-10-0-1-5.ec2.internal".into(),
            public_domain: "compute.landfall.test".into(),
            key: Some(("laptop".into(), "ssh-ed25519 AAAAC3Nz".into())),
            // "#!/bin/sh\n", a zero byte and 0xff.
            user_data: Some("IyEvYmluL3NoCgD/".into()),
            tags: [("Name".to_owned(), "web one".to_owned()), ("a/b".to_owned(), "no path".to_owned())].into(),
            group_names: [(group, "default".to_owned())].into(),
            profile: None,
        },
    }
}
