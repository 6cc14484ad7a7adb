//! Network interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::id::{
    AttachmentId, EndpointId, InstanceId, InterfaceId, MountTargetId, NatGatewayId, SecurityGroupId, SubnetId,
    TransitGatewayAttachmentId, VpcId,
};
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// An interface in a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: InterfaceId,
    /// The network.
    pub vpc: VpcId,
    /// The subnet.
    pub subnet: SubnetId,
    /// The subnet's zone.
    pub zone: ZoneName,
    /// Its hardware address.
    pub mac: Mac,
    /// Its private addresses, the primary one first.
    pub addresses: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Addr>,
    /// The public address that was given to the primary one at the launch and goes when the instance stops.
    pub public_address: Option<Ipv4Addr>,
    /// Whether a start gives it a public address.
    pub wants_public_address: bool,
    /// Its security groups.
    pub groups: Vec<SecurityGroupId>,
    /// Its description.
    pub description: String,
    /// Whether it may send and receive only as itself.
    pub source_dest_check: bool,
    /// The instance that has it.
    pub attachment: Option<Attachment>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is for.
    #[serde(default)]
    pub purpose: InterfacePurpose,
    /// Whether the first of its IPv6 addresses is its primary one, which stays as long as the interface does.
    #[serde(default)]
    pub primary_ipv6: bool,
}

/// What an interface is for. All but a tenant's own are the region's to change (`requesterManaged`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterfacePurpose {
    /// The tenant's: for an instance.
    #[default]
    Instance,
    /// A NAT gateway's.
    NatGateway(NatGatewayId),
    /// An interface endpoint's.
    Endpoint(EndpointId),
    /// The place of a transit gateway's attachment in a subnet.
    TransitGateway(TransitGatewayAttachmentId),
    /// A mount target's.
    MountTarget(MountTargetId),
}

impl InterfacePurpose {
    /// Whether it is the tenant's own, who may change, attach and delete it.
    pub fn is_tenants(self) -> bool {
        self == InterfacePurpose::Instance
    }
}

impl NetworkInterface {
    /// The key of its row.
    pub fn key(&self) -> Scoped<InterfaceId> {
        self.scope.key(self.id)
    }

    /// Its primary private address.
    pub fn primary(&self) -> Ipv4Addr {
        self.addresses.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// All its private addresses, of both families.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addresses.iter().map(|address| IpAddr::V4(*address)).chain(self.ipv6.iter().map(|a| IpAddr::V6(*a)))
    }

    /// The instance that has it.
    pub fn instance(&self) -> Option<InstanceId> {
        self.attachment.as_ref().map(|attachment| attachment.instance)
    }
}

/// An interface's attachment to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// The instance.
    pub instance: InstanceId,
    /// Its place among the instance's interfaces; the primary one has 0.
    pub device_index: u32,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// Since when.
    pub attached_at: Timestamp,
    /// How far it is.
    #[serde(default)]
    pub state: AttachmentState,
}

impl Attachment {
    /// Whether the instance is to have the interface: not once it is being detached.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.state, AttachmentState::Detaching { .. })
    }
}

/// How far an interface's attachment is. What is attached to a machine that runs, or detached from it, is so once the
/// machine's host has said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachmentState {
    /// The machine doesn't have it yet.
    Attaching,
    /// The machine has it, or will have it from its start on.
    #[default]
    Attached,
    /// The machine may still have it.
    Detaching {
        /// Whether it is taken away without the guest's consent.
        forced: bool,
    },
}

impl AttachmentState {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            AttachmentState::Attaching => "attaching",
            AttachmentState::Attached => "attached",
            AttachmentState::Detaching { .. } => "detaching",
        }
    }
}
