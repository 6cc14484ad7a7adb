//! Transit gateways: routers that VPCs and VPNs are attached to, with route tables of their own.

use serde::{Deserialize, Serialize};

use crate::address::Cidr;
use crate::gateway::LinkState;
use crate::id::{
    SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId, VpnConnectionId,
};
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: TransitGatewayId,
    /// Its number on hosts and between them, unique in the cloud among VPCs and transit gateways.
    pub number: u32,
    /// Its description.
    pub description: String,
    /// What was asked of it.
    pub options: TransitGatewayOptions,
    /// The route table that new attachments are associated with.
    pub association_table: Option<TransitGatewayRouteTableId>,
    /// The route table that new attachments propagate to.
    pub propagation_table: Option<TransitGatewayRouteTableId>,
    /// How it is.
    pub state: LinkState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// Options of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGatewayOptions {
    /// Its number as BGP knows it.
    pub asn: u64,
    /// `AutoAcceptSharedAttachments`.
    pub auto_accept: bool,
    /// `DefaultRouteTableAssociation`.
    pub default_association: bool,
    /// `DefaultRouteTablePropagation`.
    pub default_propagation: bool,
    /// `VpnEcmpSupport`.
    pub vpn_ecmp: bool,
    /// `DnsSupport`.
    pub dns: bool,
    /// `SecurityGroupReferencingSupport`.
    pub group_references: bool,
    /// `TransitGatewayCidrBlocks`.
    pub cidrs: Vec<Cidr>,
}

/// What is attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGatewayAttachment {
    /// Whose and where: the attached resource's.
    pub scope: Scope,
    /// Which.
    pub id: TransitGatewayAttachmentId,
    /// The gateway.
    pub gateway: TransitGatewayId,
    /// Whose the gateway is.
    pub gateway_scope: Scope,
    /// What is attached.
    pub resource: AttachedResource,
    /// The route table by which what comes from it is routed.
    pub association: Option<TransitGatewayRouteTableId>,
    /// The route tables that learn the way to it.
    pub propagations: Vec<TransitGatewayRouteTableId>,
    /// How it is.
    pub state: LinkState,
    /// Whether it waits for the gateway's owner to accept it.
    pub awaits_acceptance: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// What can be attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachedResource {
    /// A VPC, with the subnets in whose zones it is reached: one a zone.
    Vpc {
        /// Which.
        vpc: VpcId,
        /// The subnets.
        subnets: Vec<SubnetId>,
        /// `DnsSupport`.
        dns: bool,
        /// `Ipv6Support`.
        ipv6: bool,
        /// `ApplianceModeSupport`.
        appliance_mode: bool,
        /// `SecurityGroupReferencingSupport`.
        group_references: bool,
    },
    /// A VPN.
    Vpn(VpnConnectionId),
}

impl AttachedResource {
    /// The attached VPC.
    pub fn vpc(&self) -> Option<VpcId> {
        match self {
            AttachedResource::Vpc { vpc, .. } => Some(*vpc),
            AttachedResource::Vpn(_) => None,
        }
    }

    /// Its type at the API.
    pub fn kind(&self) -> &'static str {
        match self {
            AttachedResource::Vpc { .. } => "vpc",
            AttachedResource::Vpn(_) => "vpn",
        }
    }
}

/// A route table of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGatewayRouteTable {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: TransitGatewayRouteTableId,
    /// The gateway.
    pub gateway: TransitGatewayId,
    /// Its static routes; those that attachments propagate follow from them.
    pub routes: Vec<TransitGatewayRoute>,
    /// How it is.
    pub state: LinkState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// A static route of a transit gateway's route table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitGatewayRoute {
    /// Where to.
    pub destination: Cidr,
    /// By which attachment; `None` drops.
    pub attachment: Option<TransitGatewayAttachmentId>,
}

impl TransitGateway {
    /// The key of its row.
    pub fn key(&self) -> Scoped<TransitGatewayId> {
        self.scope.key(self.id)
    }
}

impl TransitGatewayAttachment {
    /// When its state changes by itself, or it is shown no more. One that waits for somebody's word isn't due.
    pub fn due(&self) -> Option<i64> {
        if self.awaits_acceptance && self.state == LinkState::Pending {
            return self.expires_at.map(Timestamp::as_millis);
        }
        self.state.due(self.expires_at)
    }

    /// The key of its row.
    pub fn key(&self) -> Scoped<TransitGatewayAttachmentId> {
        self.scope.key(self.id)
    }
}

impl TransitGatewayRouteTable {
    /// The key of its row.
    pub fn key(&self) -> Scoped<TransitGatewayRouteTableId> {
        self.scope.key(self.id)
    }
}
