//! NAT gateways and peerings: how a VPC's interfaces reach beyond it.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::id::{AddressAssociationId, AllocationId, HostId, InterfaceId, NatGatewayId, PeeringId, SubnetId, VpcId};
use crate::scope::{AccountId, Scope, Scoped};
use crate::time::Timestamp;

/// The states that most gateways and attachments pass through, named as AWS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LinkState {
    /// Being made.
    Pending,
    /// In use.
    Available,
    /// Being changed.
    Modifying,
    /// Being deleted.
    Deleting,
    /// Gone, and still shown for a while.
    Deleted,
    /// Couldn't be made.
    Failed,
}

impl LinkState {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            LinkState::Pending => "pending",
            LinkState::Available => "available",
            LinkState::Modifying => "modifying",
            LinkState::Deleting => "deleting",
            LinkState::Deleted => "deleted",
            LinkState::Failed => "failed",
        }
    }

    /// Whether it is there to be used or about to be.
    pub fn is_live(self) -> bool {
        matches!(self, LinkState::Pending | LinkState::Available | LinkState::Modifying)
    }

    /// What it becomes by itself, as soon as the answer that showed it is out.
    pub fn next(self) -> Option<LinkState> {
        match self {
            LinkState::Pending | LinkState::Modifying => Some(LinkState::Available),
            LinkState::Deleting => Some(LinkState::Deleted),
            LinkState::Available | LinkState::Deleted | LinkState::Failed => None,
        }
    }

    /// When a row in this state is due: at once if it becomes another by itself, else when it is shown no more.
    pub fn due(self, expires_at: Option<Timestamp>) -> Option<i64> {
        if self.next().is_some() { Some(AT_ONCE.as_millis()) } else { expires_at.map(Timestamp::as_millis) }
    }
}

/// When rows are due that wait for nothing.
pub const AT_ONCE: Timestamp = Timestamp(0);

/// A gateway whose users share its addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: NatGatewayId,
    /// The network.
    pub vpc: VpcId,
    /// The subnet that it is in, whose route table says where what it translated goes.
    pub subnet: SubnetId,
    /// Whether it speaks as elastic addresses; otherwise as its private ones.
    pub public: bool,
    /// Its addresses, the primary one first.
    pub addresses: Vec<NatAddress>,
    /// Its one interface.
    pub interface: InterfaceId,
    /// How it is.
    pub state: LinkState,
    /// Why it failed: a code and a sentence.
    pub failure: Option<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
    /// The host that translates.
    pub host: Option<HostId>,
    /// What it couldn't translate.
    #[serde(default, skip_serializing_if = "LackedPorts::is_none")]
    pub lacked: LackedPorts,
}

/// Flows that a NAT gateway had no port for: what AWS counts as `ErrorPortAllocation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LackedPorts {
    /// How many, of all its hosts.
    pub flows: u64,
    /// When that was last seen to grow.
    pub last_at: Option<Timestamp>,
    /// What its host's own counter said last, and which host that was. Such a counter begins at nothing again now and then.
    pub counter: Option<(HostId, u64)>,
}

impl LackedPorts {
    /// Whether nothing was ever told.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Takes what a host's counter says.
    pub fn take(&mut self, host: HostId, counter: u64, now: Timestamp) {
        let before = self.counter.filter(|(known, _)| *known == host).map_or(0, |(_, before)| before);
        let grown = if counter >= before { counter - before } else { counter };
        self.counter = Some((host, counter));
        self.flows += grown;
        if grown > 0 {
            self.last_at = Some(now);
        }
    }
}

/// An address of a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatAddress {
    /// The private address.
    pub private: Ipv4Addr,
    /// The elastic address that stands for it: its allocation, its association and itself.
    pub public: Option<(AllocationId, AddressAssociationId, Ipv4Addr)>,
}

/// A connection of two VPCs, of one account or two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// Whose and where: the requester's.
    pub scope: Scope,
    /// Which.
    pub id: PeeringId,
    /// Who asked.
    pub requester: PeeringSide,
    /// Who was asked.
    pub accepter: PeeringSide,
    /// How it is.
    pub state: PeeringState,
    /// A sentence about it.
    pub message: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it lapses unless it is accepted, or is shown no more.
    pub expires_at: Option<Timestamp>,
    /// Who ended it, and when: that account sees it for a shorter while than the other.
    #[serde(default)]
    pub ended: Option<(AccountId, Timestamp)>,
}

/// One side of a peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringSide {
    /// Whose and where.
    pub scope: Scope,
    /// The VPC.
    pub vpc: VpcId,
    /// `AllowDnsResolutionFromRemoteVpc`: whether public names of this side's instances resolve to private addresses
    /// from the other.
    pub dns: bool,
}

/// The states of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PeeringState {
    /// Being asked for.
    InitiatingRequest,
    /// Waits for the accepter.
    PendingAcceptance,
    /// Refused by the accepter.
    Rejected,
    /// Not accepted in time.
    Expired,
    /// Accepted, and being made.
    Provisioning,
    /// In use.
    Active,
    /// Being deleted.
    Deleting,
    /// Gone, and still shown for a while.
    Deleted,
    /// Couldn't be asked for.
    Failed,
}

impl PeeringState {
    /// Its code at the API.
    pub fn name(self) -> &'static str {
        match self {
            PeeringState::InitiatingRequest => "initiating-request",
            PeeringState::PendingAcceptance => "pending-acceptance",
            PeeringState::Rejected => "rejected",
            PeeringState::Expired => "expired",
            PeeringState::Provisioning => "provisioning",
            PeeringState::Active => "active",
            PeeringState::Deleting => "deleting",
            PeeringState::Deleted => "deleted",
            PeeringState::Failed => "failed",
        }
    }

    /// What it becomes by itself, as soon as the answer that showed it is out.
    pub fn next(self) -> Option<PeeringState> {
        match self {
            PeeringState::InitiatingRequest => Some(PeeringState::PendingAcceptance),
            PeeringState::Provisioning => Some(PeeringState::Active),
            PeeringState::Deleting => Some(PeeringState::Deleted),
            _ => None,
        }
    }

    /// Whether it is in use, or may come to be.
    pub fn is_live(self) -> bool {
        use PeeringState::{Active, InitiatingRequest, PendingAcceptance, Provisioning};
        matches!(self, InitiatingRequest | PendingAcceptance | Provisioning | Active)
    }
}

impl Peering {
    /// The key of its row.
    pub fn key(&self) -> Scoped<PeeringId> {
        self.scope.key(self.id)
    }

    /// Both sides.
    pub fn sides(&self) -> [&PeeringSide; 2] {
        [&self.requester, &self.accepter]
    }

    /// The other side of a VPC, if the peering is in use and the VPC is one of the two.
    pub fn across(&self, vpc: VpcId) -> Option<&PeeringSide> {
        match self.state {
            PeeringState::Active if self.requester.vpc == vpc => Some(&self.accepter),
            PeeringState::Active if self.accepter.vpc == vpc => Some(&self.requester),
            _ => None,
        }
    }

    /// When its state changes by itself, or it is shown no more.
    pub fn due(&self) -> Option<i64> {
        let at = if self.state.next().is_some() { Some(AT_ONCE) } else { self.expires_at };
        at.map(Timestamp::as_millis)
    }

    /// Whether it needs one of its VPCs: that of the one that asked, and the other from the answer on. Nobody keeps
    /// another's VPC from being deleted by asking.
    pub fn binds(&self, vpc: VpcId) -> bool {
        let waits = matches!(self.state, PeeringState::InitiatingRequest | PeeringState::PendingAcceptance);
        self.state.is_live() && (self.requester.vpc == vpc || !waits)
    }

    /// Whether an account has one of its sides.
    pub fn concerns(&self, account: AccountId) -> bool {
        self.sides().iter().any(|side| side.scope.account == account)
    }
}

impl NatGateway {
    /// The key of its row.
    pub fn key(&self) -> Scoped<NatGatewayId> {
        self.scope.key(self.id)
    }
}
