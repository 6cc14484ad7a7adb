//! The host plan: everything that one host should be running.
//!
//! A plan is a set of *pieces*, each with a key, and each a pure function of the cloud's value, the host and the key.
//! So a plan after a change differs from the one before only in the pieces that the change touches, and the incremental
//! plan can be compared with the one made from scratch. A plan carries no secrets: volume keys and role credentials are
//! fetched by the agent's own authenticated call.
//!
//! Readers are tolerant: an unknown field is passed over, a missing one has a default, so that formats N and N±1
//! understand each other, also on disk.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::address::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac};
use crate::delivery::ProfilePlan;
use crate::id::{
    EndpointId, FlowLogId, HostId, ImageId, InstanceId, InterfaceId, NatGatewayId, PeeringId, ReservationId,
    SecurityGroupId, SnapshotId, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, VolumeId, VpcId,
    VpnConnectionId, VpnGatewayId,
};
use crate::import::ImportSource;
use crate::instance::MetadataOptions;
use crate::observation::{FlowLogResource, FlowLogTraffic};
use crate::region::{Region, ZoneName};
use crate::scope::AccountId;
use crate::security_group::{IpProtocol, PortRange};
use crate::snapshot::ChunkRoot;
use crate::time::Timestamp;
use crate::volume::DiskLimits;
use crate::vpn::TunnelOptions;

/// The version of the plan's format that this binary writes.
pub const FORMAT: u32 = 3;

/// Everything that a host should be running, as of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPlan {
    /// The incarnation of the cloud: a restore begins a new one.
    pub incarnation: u64,
    /// The revision of the value that it was made from.
    pub revision: u64,
    /// The parts, by key. Kept as pairs on disk and on the wire, because JSON has no keys but text.
    #[serde(with = "pairs")]
    pub pieces: BTreeMap<PieceKey, Piece>,
}

/// Which piece. Ordered so that what others rest on comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PieceKey {
    /// A virtual network.
    Vpc(VpcId),
    /// A subnet of one.
    Subnet(SubnetId),
    /// A security group.
    Group(SecurityGroupId),
    /// An interface's place in the network.
    Port(InterfaceId),
    /// A NAT gateway of a network that is here.
    NatGateway(NatGatewayId),
    /// A peering of two networks that are here.
    Peering(PeeringId),
    /// A transit gateway that networks here are attached to.
    TransitGateway(TransitGatewayId),
    /// An endpoint of a network that is here.
    Endpoint(EndpointId),
    /// A VPN of a network that is here.
    Vpn(VpnConnectionId),
    /// A record of traffic.
    FlowLog(FlowLogId),
    /// A volume kept on this host.
    Volume(VolumeId),
    /// An instance placed on this host.
    Instance(InstanceId),
}

/// A part of the plan. The variant always agrees with its key's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// A virtual network.
    Vpc(VpcPlan),
    /// A subnet.
    Subnet(SubnetPlan),
    /// A security group.
    Group(GroupPlan),
    /// An interface.
    Port(PortPlan),
    /// A NAT gateway.
    NatGateway(NatGatewayPlan),
    /// A peering.
    Peering(PeeringPlan),
    /// A transit gateway.
    TransitGateway(TransitGatewayPlan),
    /// An endpoint.
    Endpoint(EndpointPlan),
    /// A VPN.
    Vpn(VpnPlan),
    /// A record of traffic.
    FlowLog(FlowLogPlan),
    /// A volume.
    Volume(VolumePlan),
    /// An instance.
    Instance(Box<InstancePlan>),
}

macro_rules! pieces {
    ($($one:ident $all:ident $variant:ident $id:ty => $plan:ty;)*) => {
        impl HostPlan {$(
            #[doc = concat!("The piece of that ", stringify!($variant), ", if the plan has it.")]
            pub fn $one(&self, id: $id) -> Option<&$plan> {
                match self.pieces.get(&PieceKey::$variant(id)) {
                    Some(Piece::$variant(plan)) => Some(plan),
                    _ => None,
                }
            }

            #[doc = concat!("All pieces of kind ", stringify!($variant), ", by id.")]
            pub fn $all(&self) -> impl Iterator<Item = &$plan> {
                self.pieces
                    .range(PieceKey::$variant(<$id>::MIN)..=PieceKey::$variant(<$id>::MAX))
                    .filter_map(|(_, piece)| match piece {
                        Piece::$variant(plan) => Some(&*plan),
                        _ => None,
                    })
            }
        )*}
    };
}
pieces! {
    vpc vpcs Vpc VpcId => VpcPlan;
    subnet subnets Subnet SubnetId => SubnetPlan;
    group groups Group SecurityGroupId => GroupPlan;
    port ports Port InterfaceId => PortPlan;
    nat_gateway nat_gateways NatGateway NatGatewayId => NatGatewayPlan;
    peering peerings Peering PeeringId => PeeringPlan;
    transit_gateway transit_gateways TransitGateway TransitGatewayId => TransitGatewayPlan;
    endpoint endpoints Endpoint EndpointId => EndpointPlan;
    vpn vpns Vpn VpnConnectionId => VpnPlan;
    flow_log flow_logs FlowLog FlowLogId => FlowLogPlan;
    volume volumes Volume VolumeId => VolumePlan;
}

impl HostPlan {
    /// The plan of that instance, if this host has it.
    pub fn instance(&self, id: InstanceId) -> Option<&InstancePlan> {
        match self.pieces.get(&PieceKey::Instance(id)) {
            Some(Piece::Instance(plan)) => Some(plan),
            _ => None,
        }
    }

    /// All instances of this host, by id.
    pub fn instances(&self) -> impl Iterator<Item = &InstancePlan> {
        self.pieces
            .range(PieceKey::Instance(InstanceId::MIN)..=PieceKey::Instance(InstanceId::MAX))
            .filter_map(|(_, piece)| if let Piece::Instance(plan) = piece { Some(&**plan) } else { None })
    }
}

/// A virtual network on a host: one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcPlan {
    /// Which.
    pub id: VpcId,
    /// Its IPv4 blocks.
    pub cidrs: Vec<Ipv4Cidr>,
    /// The number that tells it apart on a host and between hosts (VXLAN's VNI): unique in the cloud, 1 to 2^24 - 1.
    pub number: u32,
    /// Whether the resolver at base + 2 and 169.254.169.253 answers.
    pub dns_support: bool,
    /// Whether instances get public names.
    pub dns_hostnames: bool,
    /// Whether an internet gateway is attached.
    pub internet_gateway: bool,
    /// The search domain that DHCP tells; empty for none.
    pub domain_name: String,
    /// The resolvers that DHCP tells; empty means Landfall's own at base + 2.
    #[serde(default)]
    pub domain_name_servers: Vec<Ipv4Addr>,
    /// The time servers that DHCP tells.
    #[serde(default)]
    pub ntp_servers: Vec<Ipv4Addr>,
    /// Its IPv6 blocks.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Cidr>,
    /// Whether a gateway is there that lets IPv6 out only.
    #[serde(default)]
    pub egress_only: bool,
    /// The routes of what comes in from the internet, where the internet gateway has a route table.
    #[serde(default)]
    pub internet_routes: Vec<RoutePlan>,
    /// The routes of what comes in by VPN, where the VPN gateway has a route table.
    #[serde(default)]
    pub vpn_routes: Vec<RoutePlan>,
    /// Names that resolve differently within this network: those of services that have an endpoint here.
    #[serde(default)]
    pub private_names: BTreeMap<String, Vec<Ipv4Addr>>,
    /// What else DHCP tells.
    #[serde(default)]
    pub dhcp: DhcpPlan,
}

/// What DHCP tells besides a network's domain, and its resolvers and time servers over IPv4: the rest of a set of
/// options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DhcpPlan {
    /// Whether Landfall's own resolver is told where no other is: `AmazonProvidedDNS`.
    pub resolver: bool,
    /// The resolvers that are told over IPv6, other than Landfall's own.
    pub domain_name_servers_ipv6: Vec<Ipv6Addr>,
    /// The time servers that are told over IPv6.
    pub ntp_servers_ipv6: Vec<Ipv6Addr>,
    /// `netbios-name-servers`.
    pub netbios_name_servers: Vec<Ipv4Addr>,
    /// `netbios-node-type`.
    pub netbios_node_type: Option<u8>,
    /// `ipv6-address-preferred-lease-time`, in seconds.
    pub ipv6_preferred_s: Option<u32>,
}

impl Default for DhcpPlan {
    /// As where nothing is said.
    fn default() -> Self {
        Self {
            resolver: true,
            domain_name_servers_ipv6: vec![],
            ntp_servers_ipv6: vec![],
            netbios_name_servers: vec![],
            netbios_node_type: None,
            ipv6_preferred_s: None,
        }
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetPlan {
    /// Which.
    pub id: SubnetId,
    /// The network that it is a part of.
    pub vpc: VpcId,
    /// Its block. The gateway is the first address after the block's own.
    pub cidr: Ipv4Cidr,
    /// Its routes, longest prefix wins; the VPC's own blocks are always local.
    pub routes: Vec<RoutePlan>,
    /// The rules of its network ACL that let traffic in, by number; what none allows is dropped.
    pub acl_ingress: Vec<AclRulePlan>,
    /// The same outwards.
    pub acl_egress: Vec<AclRulePlan>,
    /// Its IPv6 block. The gateway is `fe80::1` on every port.
    #[serde(default)]
    pub ipv6: Option<Ipv6Cidr>,
    /// The zone that it is in; plans of older control planes don't say.
    #[serde(default)]
    pub zone: Option<ZoneName>,
}

/// A route of a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutePlan {
    /// Where to.
    pub destination: Cidr,
    /// By which way.
    pub target: RouteTargetPlan,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RouteTargetPlan {
    /// Out through the internet gateway, translated to the sender's public address; dropped if it has none.
    InternetGateway,
    /// To an interface that routes.
    Interface(InterfaceId),
    /// Nowhere: its target is gone.
    Blackhole,
    /// Within the network.
    Local,
    /// Translated by a NAT gateway, and on by the routes of the subnet that it is in.
    NatGateway(NatGatewayId),
    /// Out by the gateway that lets IPv6 out only.
    EgressOnly,
    /// To the other network of a peering.
    Peering(PeeringId),
    /// To a transit gateway.
    TransitGateway(TransitGatewayId),
    /// To the VPNs of a VPN gateway.
    VpnGateway(VpnGatewayId),
    /// To a service of the region that nothing stands for yet: the sender is told at once.
    Absent,
}

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclRulePlan {
    /// Lower numbers decide first.
    pub number: u16,
    /// Whether it allows.
    pub allow: bool,
    /// Of which protocol.
    pub protocol: IpProtocol,
    /// To which ports, or of which ICMP type and code.
    pub ports: PortRange,
    /// From or to where.
    pub cidr: Cidr,
}

/// A security group: what interfaces in it may receive and send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPlan {
    /// Which.
    pub id: SecurityGroupId,
    /// The network that it belongs to.
    pub vpc: VpcId,
    /// What may come in.
    pub ingress: Vec<GroupRulePlan>,
    /// What may go out.
    pub egress: Vec<GroupRulePlan>,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupRulePlan {
    /// Of which protocol.
    pub protocol: IpProtocol,
    /// To which ports, or of which ICMP type and code.
    pub ports: PortRange,
    /// From or to whom.
    pub peer: PeerPlan,
}

/// The other end of a security group's rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PeerPlan {
    /// Addresses.
    Cidr(Cidr),
    /// Every interface in that group: the ports of the plan name their groups.
    Group(SecurityGroupId),
}

/// An interface in a VPC that has a presence on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortPlan {
    /// Which.
    pub id: InterfaceId,
    /// The network.
    pub vpc: VpcId,
    /// The subnet.
    pub subnet: SubnetId,
    /// Its hardware address.
    pub mac: Mac,
    /// Its private addresses, the primary one first.
    pub addresses: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Addr>,
    /// Its security groups.
    pub groups: Vec<SecurityGroupId>,
    /// Whether it may send and receive only as itself.
    pub source_dest_check: bool,
    /// Public addresses and the private ones that they stand for, one to one.
    pub public: Vec<PublicAddressPlan>,
    /// Where its machine runs.
    pub location: PortLocation,
    /// Its place among its machine's interfaces; the primary one has 0.
    #[serde(default)]
    pub device_index: u32,
    /// The name after its machine's id that leads to it, where names are asked to be so.
    #[serde(default)]
    pub resource_name: Option<ResourceNamePlan>,
}

/// A name after an instance's id, such as `i-0123456789abcdef0.ec2.internal`, which leads to a port's primary addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceNamePlan {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it leads to the IPv4 address.
    pub a: bool,
    /// Whether it leads to the IPv6 address.
    pub aaaa: bool,
}

/// A public address, translated one to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddressPlan {
    /// The address in the VPC.
    pub private: Ipv4Addr,
    /// The address outside.
    pub public: Ipv4Addr,
}

/// Where a port's machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PortLocation {
    /// On this host, as that instance's.
    Here(InstanceId),
    /// On another host.
    Remote {
        /// Which.
        host: HostId,
        /// Its address on the underlay.
        address: Ipv4Addr,
    },
    /// No machine has it: a NAT gateway or an endpoint of this network does. Where it answers, its own piece says.
    Service,
}

/// Where a part of the network that is in one place is: this host, or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Here.
    Here,
    /// On another host, with its address on the underlay.
    Remote {
        /// Which.
        host: HostId,
        /// Its address on the underlay.
        address: Ipv4Addr,
    },
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGatewayPlan {
    /// Which.
    pub id: NatGatewayId,
    /// The network.
    pub vpc: VpcId,
    /// The subnet, whose routes say where what it translated goes.
    pub subnet: SubnetId,
    /// Its interface, which has its private addresses.
    pub interface: InterfaceId,
    /// Its private addresses, the primary one first, each with the public one that stands for it.
    pub addresses: Vec<(Ipv4Addr, Option<Ipv4Addr>)>,
    /// Where it translates.
    pub place: Place,
}

/// A peering in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringPlan {
    /// Which.
    pub id: PeeringId,
    /// Its two networks, the requester's first. Both are in the plan.
    pub vpcs: [VpcId; 2],
    /// For each, whether its public names resolve to private addresses from the other.
    pub dns: [bool; 2],
}

/// A transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGatewayPlan {
    /// Which.
    pub id: TransitGatewayId,
    /// The number that tells it apart on a host and between hosts, as a network's does.
    pub number: u32,
    /// What is attached to it.
    pub attachments: Vec<AttachmentPlan>,
}

/// An attachment of a transit gateway, with the routes of what comes from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentPlan {
    /// Which.
    pub id: TransitGatewayAttachmentId,
    /// What.
    pub to: AttachmentTo,
    /// The routes of the table that it is associated with: where to, and by which attachment; `None` drops.
    pub routes: Vec<(Cidr, Option<TransitGatewayAttachmentId>)>,
}

/// What is attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachmentTo {
    /// A network, by these subnets: what comes in does so by the one in its sender's zone, else by the first.
    Vpc {
        /// Which.
        vpc: VpcId,
        /// The subnets.
        subnets: Vec<SubnetId>,
        /// Whether a flow comes in by one subnet in both directions, whatever its senders' zones.
        #[serde(default)]
        appliance: bool,
        /// Whether it and the others of the gateway that say so tell each other the private addresses behind public names.
        #[serde(default)]
        dns: bool,
    },
    /// A VPN.
    Vpn(VpnConnectionId),
}

/// An interface endpoint. Its addresses are the network's own on every host that has the network, so the nearest one
/// answers and none has to be up for another's guests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPlan {
    /// Which.
    pub id: EndpointId,
    /// The network.
    pub vpc: VpcId,
    /// Its interfaces, whose addresses are called and whose groups are asked.
    pub interfaces: Vec<InterfaceId>,
}

/// A VPN. The tunnels' keys are not in the plan: the agent fetches them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnPlan {
    /// Which.
    pub id: VpnConnectionId,
    /// The number that tells it apart on a host, as a network's does.
    #[serde(default)]
    pub number: u32,
    /// False once nothing of it is to be left; the piece goes when the host has said that nothing is.
    #[serde(default = "yes")]
    pub wanted: bool,
    /// The VPN gateway and the network that it is attached to, unless it ends at a transit gateway.
    pub gateway: Option<(VpnGatewayId, VpcId)>,
    /// The transit gateway and the attachment that it ends at, if it does.
    pub transit: Option<(TransitGatewayId, TransitGatewayAttachmentId)>,
    /// The other side's address outside.
    pub peer: Ipv4Addr,
    /// What the other side may reach.
    pub local: Ipv4Cidr,
    /// What this side may reach there.
    pub remote: Ipv4Cidr,
    /// What lies behind the other side.
    pub routes: Vec<Cidr>,
    /// Its tunnels.
    pub tunnels: Vec<TunnelPlan>,
    /// Where its tunnels end.
    pub place: Place,
    /// Whether a tunnel of it was up when it was heard of last: of several ways to the same block those that are lead there.
    #[serde(default)]
    pub up: bool,
}

fn yes() -> bool {
    true
}

/// A tunnel of a VPN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelPlan {
    /// This side's address outside.
    pub outside: Ipv4Addr,
    /// The link's own block of four addresses.
    pub inside: Ipv4Cidr,
    /// What was asked of it.
    pub options: TunnelOptions,
    /// Grows when the key changes.
    pub key_version: u64,
}

/// A record of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLogPlan {
    /// Which.
    pub id: FlowLogId,
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// The network.
    pub vpc: VpcId,
    /// Whose traffic: of all that is meant, a host records that of its own ports.
    pub resource: FlowLogResource,
    /// Which traffic.
    pub traffic: FlowLogTraffic,
    /// The ARN of the bucket, with the folder within it.
    pub destination: String,
    /// The record's fields, in order.
    pub fields: Vec<String>,
    /// How long flows are summed up, in seconds.
    pub interval_s: u32,
    /// Whether folders are named `key=value`.
    pub hive_partitions: bool,
    /// Whether there is a folder an hour.
    pub hourly_partitions: bool,
    /// Whether the account's files may go to the bucket.
    #[serde(default)]
    pub permission: BucketPermission,
}

/// What the control plane knows of whether an account's files may go to a bucket. What a host itself is told of its folders
/// holds beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BucketPermission {
    /// They may.
    Granted,
    /// They may not, or a control plane of another version didn't say.
    #[default]
    Refused,
    /// It knows no such bucket, but the host may: one that is said to be nobody else's is the provider's own account's.
    Unnamed {
        /// Whether the account is that one.
        is_provider: bool,
    },
}

/// A volume that is kept on this host's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    /// Which.
    pub id: VolumeId,
    /// Its size as guests see it, in bytes.
    pub size_bytes: u64,
    /// What it starts as.
    pub source: VolumeSource,
    /// Whether it is encrypted, with a key that the host asks for when it needs it.
    #[serde(default)]
    pub encrypted: bool,
    /// False once it is to be destroyed; the piece goes when the host has said that it is gone.
    pub wanted: bool,
    /// Snapshots of it that are to be made, the earliest first. One that is to be destroyed stays until they are.
    #[serde(default)]
    pub snapshots: Vec<SnapshotPlan>,
}

/// A snapshot that is to be made. It goes from the plan when the host has said what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPlan {
    /// Which.
    pub id: SnapshotId,
    /// Whose chunks it is made of.
    pub domain: AccountId,
    /// The session under which it is written.
    pub session: u64,
    /// The root that it builds on.
    #[serde(default)]
    pub base: Option<String>,
    /// How much of the volume it is made of, in bytes: the volume may have grown meanwhile. With 0 all of it.
    #[serde(default)]
    pub size_bytes: u64,
    /// Those of one moment have the same here: the id of the first of them.
    pub moment: SnapshotId,
    /// Whether its moment has been taken of a running instance, as the host once said: what it is to have is held by that
    /// one's machine, and lost with it.
    #[serde(default)]
    pub taken: bool,
    /// The start of the volume's instance that waits for it: it is made once no earlier start's machine runs.
    #[serde(default)]
    pub before_boot: Option<u64>,
}

/// What a volume starts as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeSource {
    /// Zeroes.
    Blank,
    /// A clone of an image.
    Image(ImagePlan),
    /// What is in the chunk store.
    Chunks(ChunkRoot),
    /// What comes from elsewhere, as large as that is. None of these is in the plan of a host whose format is below
    /// [`crate::import::IMPORTING_FORMAT`].
    Import(ImportSource),
}

/// An image as a host needs it: its file is found by the file's name in the host's image folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// Which.
    pub id: ImageId,
    /// The file's name in the image folder, such as `<sha256>.qcow2`.
    pub file: String,
    /// The size of the disk as guests see it, in bytes.
    pub size_bytes: u64,
    /// A kernel to start directly, where the image was built with one; otherwise its own boot loader is used.
    #[serde(default)]
    pub direct_boot: Option<DirectBoot>,
}

/// A kernel that the hypervisor loads itself, which spares the firmware and the boot loader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectBoot {
    /// The kernel's file in the image folder.
    pub kernel: String,
    /// The initial RAM disk's file in the image folder.
    pub initrd: Option<String>,
    /// The kernel's command line.
    pub cmdline: String,
}

/// Whether an instance is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Power {
    /// Running.
    On,
    /// Stopped; its volumes stay.
    Off,
    /// Gone; its volumes are told about by their own pieces.
    Gone,
}

/// An instance on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstancePlan {
    /// Which.
    pub id: InstanceId,
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub zone: ZoneName,
    /// Whether it is to run.
    pub power: Power,
    /// Counts the starts that were asked for, from 1. A guest that powered itself off under this number isn't started
    /// again until the number grows.
    pub boot: u64,
    /// Counts the reboots that were asked for under all boots; the agent reboots when it grows.
    pub reboots: u64,
    /// Whether a stop that is under way is to pull the plug rather than ask the guest.
    pub forced: bool,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The machine type that it was first started with, such as `pc-q35-7.2`; empty for the host's default.
    #[serde(default)]
    pub machine: String,
    /// Its disks, the root one first.
    pub disks: Vec<DiskPlan>,
    /// Its interfaces, by device index.
    pub interfaces: Vec<InterfaceId>,
    /// Interfaces that are taken from its machine whatever its guest says. Others that the machine has and the list above
    /// hasn't are taken once the guest has let them go.
    #[serde(default)]
    pub pulled: Vec<InterfaceId>,
    /// The same of disks.
    #[serde(default)]
    pub pulled_disks: Vec<VolumeId>,
    /// How many interfaces its type takes: there is room to plug in that many.
    #[serde(default)]
    pub max_interfaces: u32,
    /// The kernel to start directly, if its image has one.
    #[serde(default)]
    pub direct_boot: Option<DirectBoot>,
    /// Whether its firmware is UEFI's rather than a BIOS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uefi: bool,
    /// What the metadata service answers to it.
    pub metadata: MetadataPlan,
}

/// A disk of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskPlan {
    /// The volume.
    pub volume: VolumeId,
    /// The name that the tenant gave it, such as `/dev/sdf`.
    pub device: String,
    /// Whether the machine starts from it.
    pub root: bool,
    /// Its size as the guest is to see it, in bytes; 0 where a plan of an earlier version doesn't say.
    #[serde(default)]
    pub size_bytes: u64,
    /// How fast it may be.
    #[serde(default)]
    pub limits: DiskLimits,
}

/// What the metadata service tells an instance, besides what the network's pieces say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataPlan {
    /// How the service behaves for it.
    pub options: MetadataOptions,
    /// The image.
    pub image: ImageId,
    /// The type's name, such as `t3.micro`.
    pub instance_type: String,
    /// The call that launched it.
    pub reservation: ReservationId,
    /// Its place among those launched by the same call.
    pub launch_index: u32,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// The private name, such as `ip-10-0-0-4.ec2.internal`.
    pub hostname: String,
    /// Domain that public names end in; the name itself is `ec2-198-18-0-1.<suffix>`.
    pub public_domain: String,
    /// The key pair's name and its public half in OpenSSH's form.
    pub key: Option<(String, String)>,
    /// User data, in base64.
    pub user_data: Option<String>,
    /// The instance's tags.
    pub tags: BTreeMap<String, String>,
    /// Names of security groups by id, for the interfaces of this instance.
    pub group_names: BTreeMap<SecurityGroupId, String>,
    /// Its instance profile. The credentials of its role are in no plan.
    #[serde(default)]
    pub profile: Option<ProfilePlan>,
}

/// A change of a plan: from one revision to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanUpdate {
    /// Nothing changed; the plan that the agent has is good up to that revision.
    Unchanged {
        /// The newest revision.
        revision: u64,
    },
    /// The whole plan.
    Snapshot(HostPlan),
    /// What changed; a piece that is `None` goes.
    Delta {
        /// The revision that it starts from.
        from: u64,
        /// The revision that it leads to.
        to: u64,
        /// The pieces.
        #[serde(with = "pairs")]
        pieces: BTreeMap<PieceKey, Option<Piece>>,
    },
}

impl HostPlan {
    /// Applies a change. Returns the keys of the pieces that it touched, or `None` where it doesn't start from this
    /// plan's revision: then the whole plan must be fetched.
    pub fn apply(&mut self, update: PlanUpdate) -> Option<Vec<PieceKey>> {
        match update {
            PlanUpdate::Unchanged { revision } => {
                self.revision = self.revision.max(revision);
                Some(Vec::new())
            }
            PlanUpdate::Snapshot(plan) => {
                let mut keys: Vec<_> = self.pieces.keys().chain(plan.pieces.keys()).copied().collect();
                keys.sort_unstable();
                keys.dedup();
                keys.retain(|key| self.pieces.get(key) != plan.pieces.get(key));
                *self = plan;
                Some(keys)
            }
            PlanUpdate::Delta { from, to, pieces } => {
                if from != self.revision {
                    return None;
                }
                self.revision = to;
                let keys = pieces.keys().copied().collect();
                for (key, piece) in pieces {
                    match piece {
                        Some(piece) => self.pieces.insert(key, piece),
                        None => self.pieces.remove(&key),
                    };
                }
                Some(keys)
            }
        }
    }
}

/// Maps with keys that are no text, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpc(number: u32) -> (PieceKey, Piece) {
        let id = VpcId::from_random(u128::from(number));
        let plan = VpcPlan {
            ipv6: vec![],
            egress_only: false,
            internet_routes: vec![],
            vpn_routes: vec![],
            private_names: BTreeMap::new(),
            dhcp: DhcpPlan::default(),
            id,
            cidrs: vec![],
            number,
            dns_support: true,
            dns_hostnames: true,
            internet_gateway: true,
            domain_name: "ec2.internal".into(),
            domain_name_servers: vec![],
            ntp_servers: vec![],
        };
        (PieceKey::Vpc(id), Piece::Vpc(plan))
    }

    #[test]
    fn a_delta_leads_where_the_snapshot_does() {
        let mut plan = HostPlan { incarnation: 1, revision: 4, pieces: [vpc(1), vpc(2)].into() };
        let whole = HostPlan { incarnation: 1, revision: 6, pieces: [vpc(2), vpc(3)].into() };
        let delta = PlanUpdate::Delta { from: 4, to: 6, pieces: [(vpc(1).0, None), (vpc(3).0, Some(vpc(3).1))].into() };
        let mut other = plan.clone();
        assert_eq!(plan.apply(delta.clone()), other.apply(PlanUpdate::Snapshot(whole.clone())));
        assert_eq!((&plan, &other), (&whole, &whole));
        assert_eq!(plan.apply(delta), None, "a delta from another revision is refused");
    }

    #[test]
    fn a_plan_survives_json() {
        let plan = HostPlan { incarnation: 1, revision: 4, pieces: [vpc(1), vpc(2)].into() };
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<HostPlan>(&text).unwrap(), plan);
        assert_eq!(plan.vpcs().count(), 2);
        assert_eq!(plan.instances().count(), 0);
    }
}
