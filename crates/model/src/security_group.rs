//! Security groups and their rules.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Cidr;
use crate::id::{PeeringId, PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::scope::{AccountId, Scope, Scoped};

/// A stateful firewall of interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: SecurityGroupId,
    /// Its name, unique in its VPC.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The VPC.
    pub vpc: VpcId,
}

impl SecurityGroup {
    /// The key of its row.
    pub fn key(&self) -> Scoped<SecurityGroupId> {
        self.scope.key(self.id)
    }
}

/// Inwards or outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RuleDirection {
    /// What may come in.
    Ingress,
    /// What may go out.
    Egress,
}

/// One rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: SecurityGroupRuleId,
    /// The group that has it.
    pub group: SecurityGroupId,
    /// In or out.
    pub direction: RuleDirection,
    /// Of which protocol.
    pub protocol: IpProtocol,
    /// To which ports, or of which ICMP type and code.
    pub ports: PortRange,
    /// From or to whom.
    pub peer: Peer,
    /// What it is for.
    pub description: Option<String>,
    /// Where the group is that it names, if in a peered VPC: what is still shown once the group or the peering is gone.
    #[serde(default)]
    pub peered: Option<PeeredGroup>,
}

/// Where a group of a peered VPC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeredGroup {
    /// Whose group it is.
    pub owner: AccountId,
    /// Its VPC.
    pub vpc: VpcId,
    /// The peering that led there when the rule was made.
    pub peering: PeeringId,
}

impl SecurityGroupRule {
    /// The key of its row.
    pub fn key(&self) -> Scoped<SecurityGroupRuleId> {
        self.scope.key(self.id)
    }
}

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Peer {
    /// Addresses.
    Cidr(Cidr),
    /// Every interface in that group, which may be of a peered VPC.
    Group(SecurityGroupId),
    /// Every block of that prefix list.
    PrefixList(PrefixListId),
}

/// A protocol as rules name it: all, or a number of IANA's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpProtocol {
    /// Every protocol.
    All,
    /// That one.
    Number(u8),
}

impl IpProtocol {
    /// ICMP.
    pub const ICMP: IpProtocol = IpProtocol::Number(1);
    /// TCP.
    pub const TCP: IpProtocol = IpProtocol::Number(6);
    /// UDP.
    pub const UDP: IpProtocol = IpProtocol::Number(17);
    /// ICMP for IPv6.
    pub const ICMPV6: IpProtocol = IpProtocol::Number(58);

    /// Reads what EC2 accepts: `-1`, `all`, a name, a number from 0 to 255.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => IpProtocol::All,
            "tcp" => IpProtocol::TCP,
            "udp" => IpProtocol::UDP,
            "icmp" => IpProtocol::ICMP,
            "icmpv6" => IpProtocol::ICMPV6,
            number => IpProtocol::Number(number.parse().ok()?),
        })
    }

    /// Whether rules of it name ports.
    pub fn has_ports(self) -> bool {
        matches!(self, IpProtocol::TCP | IpProtocol::UDP)
    }

    /// Whether it is ICMP, of either family.
    pub fn is_icmp(self) -> bool {
        matches!(self, IpProtocol::ICMP | IpProtocol::ICMPV6)
    }
}

/// As EC2 shows it: `-1`, a name for those that have one, otherwise the number.
impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            IpProtocol::All => f.write_str("-1"),
            IpProtocol::TCP => f.write_str("tcp"),
            IpProtocol::UDP => f.write_str("udp"),
            IpProtocol::ICMP => f.write_str("icmp"),
            IpProtocol::ICMPV6 => f.write_str("icmpv6"),
            IpProtocol::Number(number) => write!(f, "{number}"),
        }
    }
}

/// What a rule's `FromPort` and `ToPort` say: for TCP and UDP the ports, for ICMP the type and the code, −1 for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The first port, or the ICMP type.
    pub from: i32,
    /// The last port, or the ICMP code.
    pub to: i32,
}

impl PortRange {
    /// Any port, type or code.
    pub const ANY: PortRange = PortRange { from: -1, to: -1 };
}
