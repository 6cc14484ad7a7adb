//! Why a packet ends where it does, by the codes of AWS's Reachability Analyzer ("Reachability Analyzer explanation
//! codes" in its guide). Only those that something here can give.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a packet ends where it does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Its name at the API.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The component doesn't work as it is: an instance that doesn't run.
    BadState = "BAD_STATE";
    /// The attachment between two components isn't there or not in use.
    BadStateAttachment = "BAD_STATE_ATTACHMENT";
    /// The route's target isn't there or not in use.
    BadStateRoute = "BAD_STATE_ROUTE";
    /// No tunnel of the VPN is up.
    BadStateVpn = "BAD_STATE_VPN";
    /// The path doesn't lead through what it was to lead through.
    ComponentFilterRestriction = "COMPONENT_FILTER_RESTRICTION";
    /// No rule of the interface's groups lets it pass.
    GroupRules = "ENI_SG_RULES_MISMATCH";
    /// The interface may send and receive only as itself.
    SourceDestCheck = "ENI_SOURCE_DEST_CHECK_RESTRICTION";
    /// A gateway doesn't take what says it comes from somebody else.
    Spoofed = "GATEWAY_REJECTS_SPOOFED_TRAFFIC";
    /// The internet has no private addresses to go to (RFC 1918).
    PrivateDestination = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS";
    /// The internet has no shared addresses to go to (RFC 6598).
    SharedDestination = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS";
    /// No attached interface of the network has the public address.
    NoPrivateForPublic = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS";
    /// No public address stands for the sender's.
    NoPublicForPrivate = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS";
    /// Nothing comes from the internet with a private address (RFC 1918).
    PrivateSource = "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS";
    /// Nothing comes from the internet with a shared address (RFC 6598).
    SharedSource = "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS";
    /// NAT gateways don't serve what came by peering or VPN.
    NatSource = "NGW_REQUIRES_SOURCE_IN_VPC";
    /// An answer that a NAT gateway would send from another address than the one that was asked.
    NatReassigns = "NGW_SOURCE_ADDRESS_REASSIGN";
    /// Nobody is there.
    NoDestination = "NO_POSSIBLE_DESTINATION";
    /// No route leads there.
    NoRoute = "NO_ROUTE_TO_DESTINATION";
    /// A peering carries only what goes from one of its networks to the other.
    PeeringAddress = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR";
    /// The component takes other protocols only.
    Protocol = "PROTOCOL_RESTRICTION";
    /// The interface's groups have no rule for that direction at all.
    GroupWithoutRules = "SG_HAS_NO_RULES";
    /// The subnet's network ACL doesn't let it pass.
    Acl = "SUBNET_ACL_RESTRICTION";
    /// The attachment is associated with no route table.
    TransitAssociation = "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION";
    /// The transit gateway has no place in the sender's zone.
    TransitZone = "TGW_ROUTE_AZ_RESTRICTION";
    /// The transit gateway's route drops, or its attachment isn't in use.
    TransitRoute = "TGW_RTB_BAD_STATE_ROUTE";
    /// The transit gateway's route table has no route there.
    TransitNoRoute = "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT";
    /// VPNs carry only what an attached interface of the network sends.
    VpnSource = "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS";
    /// VPNs reach only attached interfaces of the network.
    VpnDestination = "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS";
    /// Gateway endpoints take TCP and echo requests only.
    EndpointProtocol = "VPCE_GATEWAY_PROTOCOL_RESTRICTION";
}
