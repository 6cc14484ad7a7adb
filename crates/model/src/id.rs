//! Resource ids as EC2 shows them: a kind's prefix and seventeen hexadecimal digits (`i-0123456789abcdef0`).
//!
//! An id is typed by its kind, so that a subnet's id can't be passed where a VPC's belongs, and a malformed one is
//! refused at the wire with its kind's own error code. Ids of eight digits, from before 2016, are read too: people's
//! configurations still name such images.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// What a kind of resource calls itself at the API.
pub trait Kind: 'static {
    /// What stands before the dash, such as `i` or `vpc`.
    const PREFIX: &'static str;
    /// AWS's error code for an id that can't be one of this kind.
    const MALFORMED: &'static str;
    /// AWS's error code for an id that nobody has.
    const NOT_FOUND: &'static str;
    /// How AWS's messages name the kind, such as `instance ID`.
    const NOUN: &'static str;
    /// The resource type in tag specifications, policies and ARNs, such as `instance`.
    const RESOURCE: &'static str;
}

/// An id of one kind of resource. Sixteen bytes: 68 bits of digits and a mark for the eight-digit form.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

const SHORT: u128 = 1 << 127;
const LONG_DIGITS: usize = 17;
const SHORT_DIGITS: usize = 8;

impl<K: Kind> Id<K> {
    /// An id from random bits, of which the lowest 68 are used. A leading zero digit, as AWS's ids have.
    pub const fn from_random(bits: u128) -> Self {
        Self::raw(bits & ((1 << 64) - 1))
    }

    const fn raw(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// The smallest possible id: the start of a range over all.
    pub const MIN: Self = Self::raw(0);
    /// The largest possible id: the end of a range over all.
    pub const MAX: Self = Self::raw(u128::MAX);

    /// The digits as a number, for names derived from an id.
    pub const fn bits(self) -> u128 {
        self.bits & !SHORT
    }

    /// Another kind's id with the same digits, for resources that come in pairs.
    pub const fn cast<L: Kind>(self) -> Id<L> {
        Id::raw(self.bits)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits & SHORT != 0 {
            write!(f, "{}-{:08x}", K::PREFIX, self.bits & 0xffff_ffff)
        } else {
            write!(f, "{}-{:017x}", K::PREFIX, self.bits)
        }
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no id of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid id: \"{value}\" (expecting \"{prefix}-...\")")]
pub struct MalformedId {
    /// AWS's error code.
    pub code: &'static str,
    /// What was given.
    pub value: String,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let malformed =
            || MalformedId { code: K::MALFORMED, value: text.chars().take(128).collect(), prefix: K::PREFIX };
        let digits = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('-')).ok_or_else(malformed)?;
        if !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(malformed());
        }
        let bits = u128::from_str_radix(digits, 16).map_err(|_| malformed())?;
        match digits.len() {
            LONG_DIGITS => Ok(Self::raw(bits)),
            SHORT_DIGITS => Ok(Self::raw(bits | SHORT)),
            _ => Err(malformed()),
        }
    }
}

impl<K: Kind> Serialize for Id<K> {
    /// Written digit by digit: answers are full of ids, and the formatting machinery costs several times as much.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const LONGEST: usize = 40;
        let mut text = [0; LONGEST];
        let prefix = K::PREFIX.as_bytes();
        let digits = if self.bits & SHORT != 0 { SHORT_DIGITS } else { LONG_DIGITS };
        let length = prefix.len() + 1 + digits;
        text[..prefix.len()].copy_from_slice(prefix);
        text[prefix.len()] = b'-';
        let mut bits = self.bits;
        for place in text[prefix.len() + 1..length].iter_mut().rev() {
            *place = b"0123456789abcdef"[(bits & 15) as usize];
            bits >>= 4;
        }
        serializer.serialize_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<K>(PhantomData<K>);
        impl<K: Kind> de::Visitor<'_> for Visitor<K> {
            type Value = Id<K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id such as {}-0123456789abcdef0", K::PREFIX)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<K>, E> {
                // The form in which an error carries its own code through serde; the wire crate splits it again.
                text.parse().map_err(|e: MalformedId| E::custom(format_args!("\u{1}{}\u{1}{e}", e.code)))
            }
        }
        deserializer.deserialize_str(Visitor(PhantomData))
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $marker:ident $alias:ident $prefix:literal, $resource:literal, $noun:literal, $malformed:literal, $not_found:literal;)*) => {$(
        $(#[$doc])*
        pub enum $marker {}
        impl Kind for $marker {
            const PREFIX: &'static str = $prefix;
            const MALFORMED: &'static str = $malformed;
            const NOT_FOUND: &'static str = $not_found;
            const NOUN: &'static str = $noun;
            const RESOURCE: &'static str = $resource;
        }
        $(#[$doc])*
        pub type $alias = Id<$marker>;
    )*};
}

// Codes: Amazon EC2 API Reference, "Error codes for the Amazon EC2 API".
kinds! {
    /// A virtual machine.
    InstanceKind InstanceId "i", "instance", "instance ID", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound";
    /// One call of RunInstances.
    ReservationKind ReservationId "r", "reservation", "reservation ID", "InvalidReservationID.Malformed", "InvalidReservationID.NotFound";
    /// A machine image.
    ImageKind ImageId "ami", "image", "image id", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound";
    /// A launch that is described once.
    LaunchTemplateKind LaunchTemplateId "lt", "launch-template", "launch template", "InvalidLaunchTemplateId.Malformed", "InvalidLaunchTemplateId.NotFound";
    /// What Data Lifecycle Manager does by schedule.
    LifecyclePolicyKind LifecyclePolicyId "policy", "policy", "lifecycle policy", "InvalidParameterValue", "ResourceNotFoundException";
    /// A block volume.
    VolumeKindId VolumeId "vol", "volume", "volume", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound";
    /// A volume's snapshot.
    SnapshotKind SnapshotId "snap", "snapshot", "snapshot", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound";
    /// An import of an image.
    ImportImageTaskKind ImportImageTaskId "import-ami", "import-image-task", "import image task", "InvalidConversionTaskId.Malformed", "InvalidConversionTaskId";
    /// An import of a snapshot.
    ImportSnapshotTaskKind ImportSnapshotTaskId "import-snap", "import-snapshot-task", "import snapshot task", "InvalidConversionTaskId.Malformed", "InvalidConversionTaskId";
    /// A file system.
    FileSystemKind FileSystemId "fs", "file-system", "file system", "BadRequest", "FileSystemNotFound";
    /// The place in a subnet at which a file system is mounted.
    MountTargetKind MountTargetId "fsmt", "mount-target", "mount target", "BadRequest", "MountTargetNotFound";
    /// A narrower way into a file system.
    AccessPointKind AccessPointId "fsap", "access-point", "access point", "BadRequest", "AccessPointNotFound";
    /// A virtual network.
    VpcKind VpcId "vpc", "vpc", "vpc ID", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound";
    /// A part of a VPC in one zone.
    SubnetKind SubnetId "subnet", "subnet", "subnet ID", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound";
    /// A route table.
    RouteTableKind RouteTableId "rtb", "route-table", "routeTable ID", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound";
    /// A route table's association.
    RouteTableAssociationKind RouteTableAssociationId "rtbassoc", "route-table-association", "association ID", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound";
    /// A VPC's way to the internet.
    InternetGatewayKind InternetGatewayId "igw", "internet-gateway", "internetGateway ID", "InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound";
    /// A stateless filter of subnets.
    NetworkAclKind NetworkAclId "acl", "network-acl", "networkAcl ID", "InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound";
    /// A network ACL's association.
    NetworkAclAssociationKind NetworkAclAssociationId "aclassoc", "network-acl-association", "association ID", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound";
    /// A set of DHCP options.
    DhcpOptionsKind DhcpOptionsId "dopt", "dhcp-options", "dhcpOption ID", "InvalidDhcpOptionsId.Malformed", "InvalidDhcpOptionID.NotFound";
    /// A stateful firewall of interfaces.
    SecurityGroupKind SecurityGroupId "sg", "security-group", "security group", "InvalidGroupId.Malformed", "InvalidGroup.NotFound";
    /// One rule of a security group.
    SecurityGroupRuleKind SecurityGroupRuleId "sgr", "security-group-rule", "security group rule ID", "InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound";
    /// A network interface.
    InterfaceKind InterfaceId "eni", "network-interface", "networkInterface ID", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound";
    /// An interface's attachment to an instance.
    AttachmentKind AttachmentId "eni-attach", "network-interface-attachment", "attachment ID", "InvalidAttachmentID.Malformed", "InvalidAttachmentID.NotFound";
    /// An elastic address that was allocated.
    AllocationKind AllocationId "eipalloc", "elastic-ip", "allocation ID", "InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound";
    /// An elastic address's association.
    AddressAssociationKind AddressAssociationId "eipassoc", "elastic-ip-association", "association ID", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound";
    /// A key pair.
    KeyPairKind KeyPairId "key", "key-pair", "key pair ID", "InvalidKeyPair.Malformed", "InvalidKeyPair.NotFound";
    /// A host: the provider's machine.
    HostKind HostId "host", "host", "host", "InvalidHostID.Malformed", "InvalidHostID.NotFound";
    /// A VPC's way out for IPv6 that lets nobody in.
    EgressOnlyGatewayKind EgressOnlyGatewayId "eigw", "egress-only-internet-gateway", "egressOnlyInternetGateway ID", "InvalidEgressOnlyInternetGatewayId.Malformed", "InvalidGatewayID.NotFound";
    /// A gateway that many share one address of.
    NatGatewayKind NatGatewayId "nat", "natgateway", "natGateway ID", "InvalidNatGatewayID.Malformed", "NatGatewayNotFound";
    /// A connection of two VPCs.
    PeeringKind PeeringId "pcx", "vpc-peering-connection", "vpcPeeringConnection ID", "InvalidVpcPeeringConnectionId.Malformed", "InvalidVpcPeeringConnectionID.NotFound";
    /// A router that VPCs and VPNs are attached to.
    TransitGatewayKind TransitGatewayId "tgw", "transit-gateway", "Transit Gateway", "InvalidTransitGatewayID.Malformed", "InvalidTransitGatewayID.NotFound";
    /// An attachment of a transit gateway.
    TransitGatewayAttachmentKind TransitGatewayAttachmentId "tgw-attach", "transit-gateway-attachment", "Transit Gateway Attachment", "InvalidTransitGatewayAttachmentID.Malformed", "InvalidTransitGatewayAttachmentID.NotFound";
    /// A route table of a transit gateway.
    TransitGatewayRouteTableKind TransitGatewayRouteTableId "tgw-rtb", "transit-gateway-route-table", "Transit Gateway Route Table", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound";
    /// A service's presence in a VPC.
    EndpointKindId EndpointId "vpce", "vpc-endpoint", "Vpc Endpoint Id", "InvalidVpcEndpointId.Malformed", "InvalidVpcEndpointId.NotFound";
    /// The other side's device of a VPN.
    CustomerGatewayKind CustomerGatewayId "cgw", "customer-gateway", "customerGateway ID", "InvalidCustomerGatewayId.Malformed", "InvalidCustomerGatewayID.NotFound";
    /// A VPC's side of a VPN.
    VpnGatewayKind VpnGatewayId "vgw", "vpn-gateway", "vpnGateway ID", "InvalidVpnGatewayID.Malformed", "InvalidVpnGatewayID.NotFound";
    /// A VPN.
    VpnConnectionKind VpnConnectionId "vpn", "vpn-connection", "vpnConnection ID", "InvalidVpnConnectionID.Malformed", "InvalidVpnConnectionID.NotFound";
    /// A list of blocks with a name.
    PrefixListKind PrefixListId "pl", "prefix-list", "prefix list ID", "InvalidPrefixListId.Malformed", "InvalidPrefixListID.NotFound";
    /// A record of the traffic of an interface, a subnet or a VPC.
    FlowLogKind FlowLogId "fl", "vpc-flow-log", "flow log", "InvalidFlowLogId.Malformed", "InvalidFlowLogId.NotFound";
    /// What is to be analysed for reachability.
    InsightsPathKind InsightsPathId "nip", "network-insights-path", "network insights path", "InvalidNetworkInsightsPathId.Malformed", "InvalidNetworkInsightsPathId.NotFound";
    /// An analysis of reachability.
    InsightsAnalysisKind InsightsAnalysisId "nia", "network-insights-analysis", "network insights analysis", "InvalidNetworkInsightsAnalysisId.Malformed", "InvalidNetworkInsightsAnalysisId.NotFound";
    /// An instance's association with an instance profile.
    ProfileAssociationKind ProfileAssociationId "iip-assoc", "iam-instance-profile-association", "association ID", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound";
    /// A VPC's association with a block.
    VpcCidrKind VpcCidrId "vpc-cidr-assoc", "vpc-cidr-block-association", "association ID", "InvalidVpcCidrBlockAssociationID.Malformed", "InvalidVpcCidrBlockAssociationID.NotFound";
    /// A subnet's association with a block.
    SubnetCidrKind SubnetCidrId "subnet-cidr-assoc", "subnet-cidr-block-association", "association ID", "InvalidSubnetCidrBlockAssociationID.Malformed", "InvalidSubnetCidrBlockAssociationID.NotFound";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_written() {
        for text in ["i-0123456789abcdef0", "i-fffffffffffffffff", "i-1234abcd", "i-00000000"] {
            assert_eq!(text.parse::<InstanceId>().unwrap().to_string(), text);
        }
        assert_ne!("i-00000000".parse::<InstanceId>().unwrap(), "i-00000000000000000".parse().unwrap());
    }

    #[test]
    fn a_malformed_id_has_its_kinds_code() {
        for text in
            ["", "i", "i-", "i-xyz", "vpc-0123456789abcdef0", "i-0123456789ABCDEF0", "i-0123456789abcdef", "i-+1234567"]
        {
            let error = text.parse::<InstanceId>().unwrap_err();
            assert_eq!(error.code, "InvalidInstanceID.Malformed", "{text}");
        }
        assert_eq!("sg-1".parse::<SecurityGroupId>().unwrap_err().code, "InvalidGroupId.Malformed");
    }

    #[test]
    fn ids_are_stored_as_they_are_shown() {
        for text in ["i-0123456789abcdef0", "i-fffffffffffffffff", "i-1234abcd"] {
            let id: InstanceId = text.parse().unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        }
        let association: RouteTableAssociationId = "rtbassoc-0123456789abcdef0".parse().unwrap();
        assert_eq!(serde_json::to_string(&association).unwrap(), "\"rtbassoc-0123456789abcdef0\"");
        let longest: SubnetCidrId = "subnet-cidr-assoc-0123456789abcdef0".parse().unwrap();
        assert_eq!(serde_json::to_string(&longest).unwrap(), "\"subnet-cidr-assoc-0123456789abcdef0\"");
    }

    #[test]
    fn an_attachment_is_no_interface() {
        assert!("eni-attach-0123456789abcdef0".parse::<InterfaceId>().is_err());
        assert!("eni-attach-0123456789abcdef0".parse::<AttachmentId>().is_ok());
    }
}
