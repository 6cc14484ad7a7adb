//! What an analysis shows: the components that a packet passes, and the one where it ends.

use serde::{Deserialize, Serialize};

use crate::plan::AclRulePlan;
use crate::{
    Cidr, EgressOnlyGatewayId, EndpointId, InstanceId, InterfaceId, InternetGatewayId, NatGatewayId, NetworkAclId,
    PeeringId, PrefixListId, RouteTableId, RouteTarget, RuleDirection, SecurityGroupId, SecurityGroupRule, SubnetId,
    TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId, VpnConnectionId, VpnGatewayId,
};

use super::code::Code;
use super::packet::Packet;

macro_rules! components {
    ($($(#[$doc:meta])* $name:ident($id:ty),)*) => {
        /// What a packet passes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Component {
            $($(#[$doc])* $name($id),)*
        }

        impl Component {
            /// Its id.
            pub fn id(self) -> String {
                match self {
                    $(Component::$name(id) => id.to_string(),)*
                }
            }

            /// Its kind, as ARNs name it.
            pub fn kind(self) -> &'static str {
                fn kind<K: crate::id::Kind>(_: crate::id::Id<K>) -> &'static str {
                    K::RESOURCE
                }
                match self {
                    $(Component::$name(id) => kind(id),)*
                }
            }
        }
    };
}

components! {
    /// An instance.
    Instance(InstanceId),
    /// An interface.
    Interface(InterfaceId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A network ACL.
    NetworkAcl(NetworkAclId),
    /// A subnet, where it has no ACL to name.
    Subnet(SubnetId),
    /// A route table.
    RouteTable(RouteTableId),
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A gateway that lets IPv6 out only.
    EgressOnly(EgressOnlyGatewayId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// A peering.
    Peering(PeeringId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// A transit gateway's attachment.
    TransitAttachment(TransitGatewayAttachmentId),
    /// A transit gateway's route table.
    TransitTable(TransitGatewayRouteTableId),
    /// A VPN gateway.
    VpnGateway(VpnGatewayId),
    /// A VPN.
    VpnConnection(VpnConnectionId),
    /// An endpoint.
    Endpoint(EndpointId),
    /// A network, where nothing more exact can be said.
    Vpc(VpcId),
}

/// A component that a packet passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Which.
    pub component: Component,
    /// The instance that an interface belongs to, or the gateway that an attachment does.
    pub attached_to: Option<Component>,
    /// The network that it is in.
    pub vpc: Option<VpcId>,
    /// The subnet that it is in, or filters.
    pub subnet: Option<SubnetId>,
    /// The packet as it came.
    pub inbound: Packet,
    /// The packet as it went on.
    pub outbound: Packet,
    /// What decided there.
    pub decision: Decision,
}

/// What decided at a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing had to.
    None,
    /// A rule of an ACL; `None` is the last one, which denies what no other names.
    Acl(RuleDirection, Option<AclRulePlan>),
    /// A rule of a security group.
    Group(SecurityGroupRule),
    /// The flow, which the security group had let pass before.
    Tracked,
    /// A route.
    Route(RouteSeen),
    /// A route of a transit gateway.
    TransitRoute(TransitRouteSeen),
}

/// A route that a packet met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSeen {
    /// The block that holds the destination.
    pub destination: Cidr,
    /// The prefix list that the block is of.
    pub prefix_list: Option<PrefixListId>,
    /// Where it leads.
    pub target: RouteTarget,
    /// How it came to be.
    pub origin: String,
}

/// A route of a transit gateway that a packet met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitRouteSeen {
    /// The block that holds the destination.
    pub destination: Cidr,
    /// By which attachment; `None` drops.
    pub attachment: Option<TransitGatewayAttachmentId>,
    /// What is attached: its kind and id.
    pub resource: Option<(String, String)>,
    /// Whether it was learnt.
    pub propagated: bool,
}

/// Where and why a packet ends before it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    pub code: Code,
    /// Where.
    pub component: Component,
    /// The network that it is in.
    pub vpc: Option<VpcId>,
    /// The subnet that it is in, or filters.
    pub subnet: Option<SubnetId>,
    /// Inwards or outwards, where that matters.
    pub direction: Option<RuleDirection>,
    /// The packet as it came there.
    pub packet: Packet,
    /// What decided.
    pub decision: Decision,
}
