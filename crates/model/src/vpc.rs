//! Virtual networks and what belongs to them: subnets, route tables, gateways, network ACLs, DHCP options, elastic
//! addresses.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::address::{Cidr, Ipv4Cidr, Ipv6Cidr};
use crate::id::{
    AddressAssociationId, AllocationId, DhcpOptionsId, EgressOnlyGatewayId, EndpointId, InterfaceId, InternetGatewayId,
    NatGatewayId, NetworkAclAssociationId, NetworkAclId, PeeringId, PrefixListId, RouteTableAssociationId,
    RouteTableId, SubnetCidrId, SubnetId, TransitGatewayId, VpcCidrId, VpcId, VpnGatewayId,
};
use crate::plan::AclRulePlan;
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: VpcId,
    /// Its IPv4 blocks, the primary one first, each with the id of its association.
    pub cidrs: Vec<(VpcCidrId, Ipv4Cidr)>,
    /// Its IPv6 blocks, of 56 bits and from the provider's pool, each with the id of its association.
    #[serde(default)]
    pub ipv6: Vec<(VpcCidrId, Ipv6Cidr)>,
    /// Its number on hosts and between them, unique in the cloud.
    pub number: u32,
    /// Whether it is the scope's default.
    pub is_default: bool,
    /// Its DHCP options; `None` for `default`, which means none.
    pub dhcp_options: Option<DhcpOptionsId>,
    /// `enableDnsSupport`.
    pub dns_support: bool,
    /// `enableDnsHostnames`.
    pub dns_hostnames: bool,
    /// `enableNetworkAddressUsageMetrics`.
    pub address_usage_metrics: bool,
    /// Whether its instances get `dedicated` tenancy unless they ask for another.
    #[serde(default)]
    pub dedicated: bool,
}

impl Vpc {
    /// Its blocks of both families, the primary one first.
    pub fn blocks(&self) -> Vec<Cidr> {
        let v4 = self.cidrs.iter().map(|(_, block)| Cidr::V4(*block));
        v4.chain(self.ipv6.iter().map(|(_, block)| Cidr::V6(*block))).collect()
    }
}

/// A part of a VPC in one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: SubnetId,
    /// The network.
    pub vpc: VpcId,
    /// Its block.
    pub cidr: Ipv4Cidr,
    /// Its zone.
    pub zone: ZoneName,
    /// Whether it is its zone's default.
    pub default_for_az: bool,
    /// `mapPublicIpOnLaunch`.
    pub map_public_ip: bool,
    /// Its IPv6 block, of 64 bits, with the id of its association.
    #[serde(default)]
    pub ipv6: Option<(SubnetCidrId, Ipv6Cidr)>,
    /// `assignIpv6AddressOnCreation`.
    #[serde(default)]
    pub assign_ipv6: bool,
    /// `enableDns64`.
    #[serde(default)]
    pub dns64: bool,
    /// `privateDnsNameOptionsOnLaunch`.
    #[serde(default)]
    pub names: NameOptions,
}

/// How private names of instances are made: `PrivateDnsNameOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameOptions {
    /// `resource-name` (`i-….`) rather than `ip-name` (`ip-10-0-0-4.`).
    pub by_resource: bool,
    /// Whether the resource's name resolves to IPv4 addresses.
    pub resource_a: bool,
    /// Whether the resource's name resolves to IPv6 addresses.
    pub resource_aaaa: bool,
}

/// A VPC's way to the internet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: InternetGatewayId,
    /// The VPC that it is attached to.
    pub vpc: Option<VpcId>,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: RouteTableId,
    /// The network.
    pub vpc: VpcId,
    /// Routes besides the local ones, which follow from the VPC's blocks.
    pub routes: Vec<Route>,
    /// The association that makes it the VPC's main one.
    pub main: Option<RouteTableAssociationId>,
    /// The subnets that use it by choice.
    pub associations: Vec<(RouteTableAssociationId, SubnetId)>,
    /// The gateways whose traffic into the VPC it routes.
    #[serde(default)]
    pub gateways: Vec<(RouteTableAssociationId, EdgeGateway)>,
    /// The VPN gateways whose routes it takes over.
    #[serde(default)]
    pub propagating: Vec<VpnGatewayId>,
}

impl RouteTable {
    /// The ids of all its associations.
    pub fn association_ids(&self) -> Vec<RouteTableAssociationId> {
        let subnets = self.associations.iter().map(|(id, _)| *id);
        self.main.into_iter().chain(subnets).chain(self.gateways.iter().map(|(id, _)| *id)).collect()
    }
}

/// A gateway at the edge of a VPC that may have a route table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EdgeGateway {
    /// An internet gateway.
    Internet(InternetGatewayId),
    /// A VPN gateway.
    Vpn(VpnGatewayId),
}

/// Where a route goes to. Stored as the text that the API shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Destination {
    /// Every block of a prefix list.
    PrefixList(PrefixListId),
    /// A block.
    Cidr(Cidr),
}

/// As the API shows it.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::PrefixList(id) => id.fmt(f),
            Destination::Cidr(block) => block.fmt(f),
        }
    }
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: Destination,
    /// By which way.
    pub target: RouteTarget,
    /// `CreateRouteTable` or `CreateRoute`.
    pub origin: String,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteTarget {
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// An interface.
    Interface(InterfaceId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// A gateway that lets IPv6 out only.
    EgressOnly(EgressOnlyGatewayId),
    /// The other VPC of a peering.
    Peering(PeeringId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// A VPN gateway.
    VpnGateway(VpnGatewayId),
    /// A gateway endpoint.
    Endpoint(EndpointId),
    /// The VPC itself: what a replaced local route is given back.
    Local,
}

/// A stateless filter of subnets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: NetworkAclId,
    /// The network.
    pub vpc: VpcId,
    /// Whether it is its VPC's default.
    pub is_default: bool,
    /// What may come in, by number.
    pub ingress: Vec<AclRulePlan>,
    /// What may go out, by number.
    pub egress: Vec<AclRulePlan>,
    /// The subnets that it filters.
    pub associations: Vec<(NetworkAclAssociationId, SubnetId)>,
}

/// A VPC's way out for IPv6 that lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressOnlyGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: EgressOnlyGatewayId,
    /// The VPC.
    pub vpc: VpcId,
}

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOptions {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: DhcpOptionsId,
    /// The options by name, as they were given.
    pub options: Vec<(String, Vec<String>)>,
    /// Whether it came with the scope's default network: new VPCs get it.
    #[serde(default = "yes")]
    pub is_default: bool,
}

/// While nobody could make a set of options, every one had come with the default network.
fn yes() -> bool {
    true
}

/// An elastic address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: AllocationId,
    /// The address.
    pub public: Ipv4Addr,
    /// What it is associated with.
    pub association: Option<AddressAssociation>,
}

/// An elastic address that was given back, which nobody has had since: whoever had it may have it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedAddress {
    /// Who had it and where.
    pub scope: Scope,
    /// The address.
    pub public: Ipv4Addr,
}

/// What an elastic address is associated with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressAssociation {
    /// Which.
    pub id: AddressAssociationId,
    /// The interface.
    pub interface: InterfaceId,
    /// The private address that it stands for.
    pub private: Ipv4Addr,
}

macro_rules! keys {
    ($($row:ident $id:ty),*) => {$(
        impl $row {
            /// The key of its row.
            pub fn key(&self) -> Scoped<$id> {
                self.scope.key(self.id)
            }
        }
    )*};
}
keys!(Vpc VpcId, Subnet SubnetId, EgressOnlyGateway EgressOnlyGatewayId, InternetGateway InternetGatewayId, RouteTable RouteTableId, NetworkAcl NetworkAclId, DhcpOptions DhcpOptionsId, Address AllocationId);
