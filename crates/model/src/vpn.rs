//! Site-to-site VPN: the customer's gateway, the VPC's, and the connection with its two tunnels.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::address::{Cidr, Ipv4Cidr};
use crate::gateway::LinkState;
use crate::id::{
    CustomerGatewayId, HostId, TransitGatewayAttachmentId, TransitGatewayId, VpcId, VpnConnectionId, VpnGatewayId,
};
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// The other side's device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: CustomerGatewayId,
    /// Its address outside.
    pub address: Ipv4Addr,
    /// Its number as BGP knows it.
    pub asn: u64,
    /// The device's name.
    pub device_name: Option<String>,
    /// How it is.
    pub state: LinkState,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// A VPC's side of VPNs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnGateway {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: VpnGatewayId,
    /// Its number as BGP knows it.
    pub asn: u64,
    /// The zone that was named when it was made; it serves all.
    #[serde(default)]
    pub zone: Option<ZoneName>,
    /// The VPC that it is attached to.
    pub vpc: Option<VpcId>,
    /// The VPC that it was detached from last: shown as `detached` for a while.
    pub detached: Option<VpcId>,
    /// How it is.
    pub state: LinkState,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// A VPN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnConnection {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: VpnConnectionId,
    /// The other side's device.
    pub customer_gateway: CustomerGatewayId,
    /// This side.
    pub gateway: VpnSide,
    /// `StaticRoutesOnly`.
    pub static_routes_only: bool,
    /// What the other side may reach: the whole of IPv4 unless said otherwise.
    pub local: Ipv4Cidr,
    /// What this side may reach there.
    pub remote: Ipv4Cidr,
    /// What lies behind the other side.
    pub routes: Vec<Cidr>,
    /// Its tunnels: two.
    pub tunnels: Vec<VpnTunnel>,
    /// How it is.
    pub state: LinkState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
    /// The host that its tunnels end on.
    pub host: Option<HostId>,
    /// The number that tells it apart on a host, as a network's does; 0 as long as it has no host.
    #[serde(default)]
    pub number: u32,
}

impl VpnConnection {
    /// Whether one of its tunnels is up.
    pub fn is_up(&self) -> bool {
        self.tunnels.iter().any(|tunnel| tunnel.up)
    }

    /// When it is due: one that is being deleted waits for its host's word that nothing of it is left.
    pub fn due(&self) -> Option<i64> {
        let waits = self.state == LinkState::Deleting && self.host.is_some();
        if waits { None } else { self.state.due(self.expires_at) }
    }
}

/// What a VPN ends at on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VpnSide {
    /// A VPN gateway.
    Gateway(VpnGatewayId),
    /// A transit gateway, with the attachment that stands for the VPN there.
    Transit(TransitGatewayId, TransitGatewayAttachmentId),
}

/// A tunnel of a VPN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnTunnel {
    /// This side's address outside.
    pub outside: Ipv4Addr,
    /// The link's own block of four addresses: ours is the second, theirs the third.
    pub inside: Ipv4Cidr,
    /// The shared key, sealed with the root key.
    pub key: String,
    /// Grows when the key changes.
    #[serde(default)]
    pub key_version: u64,
    /// What was asked of it: each option by its name at the API, where it differs from AWS's default.
    pub options: TunnelOptions,
    /// Whether it is up, as its host sees it.
    pub up: bool,
    /// Since when.
    pub since: Timestamp,
    /// A sentence about it.
    pub message: String,
}

/// What may be left of a VPN on hosts that it went away from, whether or not it is still there: until they have said that
/// nothing is, its addresses and its number are nobody else's. It is the provider's, and stays when the VPN's row goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnRemains {
    /// Which.
    pub id: VpnConnectionId,
    /// The number that tells it apart on a host.
    pub number: u32,
    /// Its tunnels' addresses outside on this side.
    pub outside: Vec<Ipv4Addr>,
    /// The hosts that haven't said yet that nothing of it is left on them.
    pub hosts: BTreeSet<HostId>,
}

/// Options of a tunnel; empty lists and `None` stand for AWS's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TunnelOptions {
    /// Seconds that the first phase's keys last.
    pub phase1_lifetime_s: Option<u32>,
    /// Seconds that the second phase's keys last.
    pub phase2_lifetime_s: Option<u32>,
    /// Seconds before the end in which new keys are negotiated.
    pub rekey_margin_s: Option<u32>,
    /// By how many per cent that margin varies.
    pub rekey_fuzz_percent: Option<u32>,
    /// Packets of the replay window.
    pub replay_window: Option<u32>,
    /// Seconds after which a silent peer is dead.
    pub dpd_timeout_s: Option<u32>,
    /// `clear`, `none` or `restart`.
    pub dpd_action: Option<String>,
    /// `add` or `start`.
    pub startup_action: Option<String>,
    /// Ciphers of the first phase.
    pub phase1_encryption: Vec<String>,
    /// Ciphers of the second phase.
    pub phase2_encryption: Vec<String>,
    /// Hashes of the first phase.
    pub phase1_integrity: Vec<String>,
    /// Hashes of the second phase.
    pub phase2_integrity: Vec<String>,
    /// Groups of the first phase.
    pub phase1_groups: Vec<u32>,
    /// Groups of the second phase.
    pub phase2_groups: Vec<u32>,
    /// `ikev1`, `ikev2`.
    pub ike_versions: Vec<String>,
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
keys!(CustomerGateway CustomerGatewayId, VpnGateway VpnGatewayId, VpnConnection VpnConnectionId);
