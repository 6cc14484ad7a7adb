//! The protocol between a host's agent and the control plane. The agent calls; the control plane answers. It is the same
//! whether both are one process or a network apart.
//!
//! The agent says hello with its identity and what its machine has, fetches its plan by long poll, reports what it
//! observed, and answers requests that go beside the plan (console output). Reports carry the incarnation and the
//! revision of the plan that they were made under; older ones are ignored.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::delivery::RoleCredentials;
use crate::host::HostFacts;
use crate::id::{FlowLogId, HostId, InstanceId, InterfaceId, NatGatewayId, SnapshotId, VolumeId, VpnConnectionId};
use crate::plan::PlanUpdate;
use crate::scope::AccountId;
use crate::time::Timestamp;
use crate::volume::DiskLimits;

/// What an agent asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AgentCall {
    /// First words after a start. Gives the agent its host's id and begins its lease.
    Hello {
        /// The secret that a host's agent identifies itself with, made when the host was joined.
        token: String,
        /// What its machine has.
        facts: HostFacts,
    },
    /// Keeps the lease; also fetches what changed in the plan and what is asked. Answered at once when there is
    /// something, otherwise after `wait_ms`.
    Poll {
        /// The incarnation of the plan that the agent has; 0 for none.
        incarnation: u64,
        /// The revision of the plan that the agent has; 0 for none.
        since: u64,
        /// How long to wait for something new, in milliseconds.
        wait_ms: u64,
    },
    /// What the agent observed on its machine.
    Report(Report),
    /// The answer to a request.
    Answer {
        /// The request's number.
        id: u64,
        /// What it asked for, or why not, for a person to read.
        result: Result<Answer, String>,
    },
    /// Asks for the credentials of an instance's role, which plans don't have. Only the host that the instance is placed on
    /// gets them.
    RoleCredentials {
        /// Whose.
        instance: InstanceId,
    },
    /// Asks for the secret of an account's part of the chunk store, which plans don't have. Only a host gets it that has a
    /// volume which is made of it, or a snapshot to make in it.
    ChunkSecret {
        /// Whose.
        domain: AccountId,
    },
    /// Asks for the keys of an encrypted volume, which plans don't have. Only the host that the volume is on gets them.
    VolumeKeys {
        /// Which.
        volume: VolumeId,
    },
    /// Asks for the keys of a VPN's tunnels, which plans don't have. Only the host that the VPN is placed on gets them.
    TunnelKeys {
        /// Which.
        vpn: VpnConnectionId,
    },
}

/// What the control plane answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AgentReply {
    /// To `Hello`.
    Welcome {
        /// The host's id.
        host: HostId,
        /// How long the lease lasts without a poll, in milliseconds.
        lease_ms: u64,
    },
    /// To `Poll`.
    Work {
        /// What changed in the plan.
        plan: PlanUpdate,
        /// What is asked beside the plan.
        requests: Vec<HostRequest>,
    },
    /// To `Report` and `Answer`: taken.
    Taken,
    /// To `RoleCredentials`. None where the instance isn't placed on this host, or has no role that EC2 may take.
    RoleCredentials {
        /// The credentials.
        credentials: Option<RoleCredentials>,
    },
    /// To `ChunkSecret`: 32 bytes in base64. None where the host has no use for it.
    ChunkSecret {
        /// The secret.
        secret: Option<Secret>,
    },
    /// To `VolumeKeys`.
    VolumeKeys {
        /// The keys, or why there are none.
        keys: Result<VolumeKeys, NoKeys>,
    },
    /// To `TunnelKeys`: a key for each tunnel, in the plan's order. None where the VPN isn't placed on this host.
    TunnelKeys {
        /// The keys.
        keys: Vec<TunnelKey>,
    },
    /// The agent isn't known, or its lease went to another: it must say hello again and change nothing meanwhile.
    Refused {
        /// Why, for the log.
        reason: String,
    },
}

/// The keys of an encrypted volume: 32 bytes each, in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeKeys {
    /// That of the volume.
    pub own: Secret,
    /// That of the snapshot that it is made of, where that is sealed and its key can be had.
    pub source: Option<Secret>,
}

/// Why a host gets no keys of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoKeys {
    /// The volume isn't on this host, or isn't encrypted.
    NotHere,
    /// Its KMS key can't be used.
    Unusable,
    /// The control plane can't open the key's material just now, which is its own trouble.
    Trouble,
}

/// The key of a VPN's tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelKey {
    /// Which key: `TunnelPlan::key_version`.
    pub version: u64,
    /// The key itself.
    pub key: Secret,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Something that is asked of a host beside the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRequest {
    /// Its number, echoed by the answer.
    pub id: u64,
    /// How long the answer is waited for, in milliseconds.
    pub timeout_ms: u64,
    /// What.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// The last 64 KiB of an instance's console.
    Console {
        /// Which.
        instance: InstanceId,
    },
}

/// Answers to what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The console's bytes, and when the last of them came.
    Console {
        /// The bytes as the guest wrote them, in base64.
        output: String,
        /// When the log was last written.
        at: Timestamp,
    },
}

/// What an agent observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The incarnation of the plan that it worked from.
    pub incarnation: u64,
    /// The revision of the plan that it worked from.
    pub revision: u64,
    /// Whether it lists all that is on the machine; otherwise only what changed.
    pub full: bool,
    /// Instances.
    pub instances: Vec<InstanceSeen>,
    /// Volumes.
    pub volumes: Vec<VolumeSeen>,
    /// Snapshots that are to be made here.
    #[serde(default)]
    pub snapshots: Vec<SnapshotSeen>,
    /// Flow logs whose records are written here.
    #[serde(default)]
    pub flow_logs: Vec<FlowLogSeen>,
    /// VPNs that end here.
    #[serde(default)]
    pub vpns: Vec<VpnSeen>,
    /// NAT gateways that translate here, as far as they ever lacked ports.
    #[serde(default)]
    pub nat_gateways: Vec<NatGatewaySeen>,
    /// What runs here and isn't in the plan: left alone, to be shown to the provider.
    pub unknown: Vec<String>,
}

/// An instance as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSeen {
    /// Which.
    pub id: InstanceId,
    /// The start that this is about: `InstancePlan::boot`, echoed.
    pub boot: u64,
    /// The reboots that were carried out: `InstancePlan::reboots`, echoed.
    pub reboots: u64,
    /// How it is.
    pub phase: Phase,
    /// Whether the guest's own system was heard under this boot: it asked DHCP, the metadata service, or answered ARP.
    pub answered: bool,
    /// The machine type that it runs with, to be pinned.
    pub machine: String,
    /// Why, where something failed or ended by itself.
    pub reason: Option<Reason>,
    /// The interfaces that its machine has while it runs; nothing where the agent can't tell just now.
    #[serde(default)]
    pub interfaces: Option<Vec<InterfaceId>>,
    /// The same of its disks.
    #[serde(default)]
    pub disks: Option<Vec<DiskSeen>>,
}

/// A disk of a running machine as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSeen {
    /// The volume.
    pub volume: VolumeId,
    /// Whether the guest can use it. False of what a detachment or an attachment has left to do.
    pub whole: bool,
    /// Its size as the guest sees it, in bytes.
    pub size_bytes: u64,
    /// How fast it may be.
    pub limits: DiskLimits,
}

/// How an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Being started.
    Starting,
    /// Its machine runs.
    Running,
    /// Asked to stop and not yet stopped.
    Stopping,
    /// Not running: stopped as asked, or by itself (then there is a reason).
    Stopped,
    /// Could not be started and won't be tried again under this boot.
    Failed,
    /// Nothing of it is left on the host but its volumes.
    Gone,
}

/// Why something is as it is, as the tenant reads it in `StateReason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A code such as `Server.InternalError` or `Client.InstanceInitiatedShutdown`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// How the delivery of a flow log's records goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLogSeen {
    /// Which.
    pub id: FlowLogId,
    /// Why records couldn't be delivered, if they couldn't: a sentence for the tenant.
    pub failure: Option<String>,
}

/// A NAT gateway as observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGatewaySeen {
    /// Which.
    pub id: NatGatewayId,
    /// The flows that it had no port for, as the host's counter says: that begins at nothing again now and then.
    pub lacked: u64,
}

/// A volume as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSeen {
    /// Which.
    pub id: VolumeId,
    /// How it is.
    pub phase: VolumePhase,
    /// Its size while it is there, in bytes; 0 from agents of an earlier version.
    #[serde(default)]
    pub size_bytes: u64,
    /// What was noticed on one that was imported, for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<String>,
}

/// How a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumePhase {
    /// It is being imported: how much is done, in hundredths.
    Importing(u8),
    /// It is there and can be used.
    Ready,
    /// It couldn't be made; the sentence is for the tenant.
    Failed(String),
    /// Nothing of it is left.
    Gone,
}

/// A snapshot as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSeen {
    /// Which.
    pub id: SnapshotId,
    /// The session under which it was written: `SnapshotPlan::session`, echoed.
    pub session: u64,
    /// How it is.
    pub phase: SnapshotPhase,
    /// Whether its moment has been taken of a running instance, whose machine holds what it is to have.
    #[serde(default)]
    pub taken: bool,
}

/// How a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotPhase {
    /// So many of a hundred parts are stored.
    Working(u8),
    /// All of it is, durably.
    Made(SnapshotMade),
    /// It couldn't be made; the sentence is for the tenant.
    Failed(String),
}

/// A snapshot that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotMade {
    /// Its root, as the chunk store writes it.
    pub root: String,
    /// What its blocks come to that aren't zeros, before compression, in bytes.
    pub full_bytes: u64,
}

/// A VPN as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnSeen {
    /// Which.
    pub id: VpnConnectionId,
    /// Whether nothing of it is left on the host, though the plan still names it.
    pub gone: bool,
    /// Its tunnels.
    pub tunnels: Vec<TunnelSeen>,
}

/// A tunnel as observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelSeen {
    /// This side's address outside, by which it is known.
    pub outside: Ipv4Addr,
    /// Whether it is up.
    pub up: bool,
    /// A sentence about it, if it isn't.
    pub message: String,
}
