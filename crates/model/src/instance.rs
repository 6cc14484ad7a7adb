//! Instances: what was asked of them, and what was seen.

use serde::{Deserialize, Serialize};

use crate::agent::Reason;
use crate::id::{HostId, ImageId, InstanceId, ReservationId, SubnetId, VpcId};
use crate::image::ImageTraits;
use crate::plan::Power;
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: InstanceId,
    /// What was asked.
    pub spec: InstanceSpec,
    /// What was seen.
    pub status: InstanceStatus,
}

impl Instance {
    /// The key of its row.
    pub fn key(&self) -> Scoped<InstanceId> {
        self.scope.key(self.id)
    }

    /// The provider's image whose kernel starts it, where that one isn't started from its disk.
    pub fn kernel_image(&self) -> Option<ImageId> {
        match &self.spec.traits {
            Some(traits) => traits.kernel,
            None => Some(self.spec.image),
        }
    }
}

/// What was asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Whether it is to run.
    pub power: Power,
    /// How many starts were asked for, the launch included.
    pub boot: u64,
    /// How many reboots were asked for.
    pub reboots: u64,
    /// Whether the stop that was asked for last pulls the plug.
    pub forced: bool,
    /// The image that it was launched from.
    pub image: ImageId,
    /// What an account's image said, which may be gone by now; the provider's stay and are asked.
    #[serde(default)]
    pub traits: Option<ImageTraits>,
    /// The type's name.
    pub instance_type: String,
    /// The key pair's name, and its public half as it was at the launch.
    pub key: Option<(String, String)>,
    /// The zone.
    pub zone: ZoneName,
    /// The network of its primary interface.
    pub vpc: VpcId,
    /// The subnet of its primary interface.
    pub subnet: SubnetId,
    /// SHA-256 of its user data, in hexadecimal: the key of the row that holds it.
    pub user_data: Option<String>,
    /// What its own power-off does to it.
    pub shutdown_behavior: ShutdownBehavior,
    /// Whether TerminateInstances is refused.
    pub disable_api_termination: bool,
    /// Whether StopInstances is refused.
    pub disable_api_stop: bool,
    /// Whether detailed monitoring was asked for.
    pub monitoring: bool,
    /// Whether it was said to be optimised for EBS.
    pub ebs_optimized: bool,
    /// How the metadata service behaves for it.
    pub metadata: MetadataOptions,
    /// `standard` or `unlimited`, for types with CPU credits.
    pub cpu_credits: Option<String>,
    /// The root device's name, from its image.
    pub root_device: String,
    /// The call that launched it.
    pub reservation: ReservationId,
    /// Its place among those that the same call launched.
    pub launch_index: u32,
    /// The client token of that call.
    pub client_token: Option<String>,
    /// When it was started last.
    pub launched_at: Timestamp,
}

/// What was seen of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// The state that the API shows.
    pub state: InstanceState,
    /// The host that it is placed on; kept while stopped, because its volumes are there.
    pub host: Option<HostId>,
    /// Whether the host's room for it is held: not while stopped or gone.
    pub holds_capacity: bool,
    /// Why it is in this state, where that needs saying.
    pub reason: Option<Reason>,
    /// The words and time of the last transition that a user asked for, such as `User initiated (2026-11-22 10:00:00 GMT)`.
    pub transition_reason: String,
    /// The start that the host reported last.
    pub boot: u64,
    /// The reboots that the host reported.
    pub reboots: u64,
    /// Whether the guest's own system was heard since it started: the evidence of its status checks.
    pub answered: bool,
    /// When the state changed last.
    pub since: Timestamp,
    /// The machine type that it was first started with.
    pub machine: String,
    /// When its row goes, once it is terminated.
    pub expires_at: Option<Timestamp>,
}

/// An instance's states, with AWS's names and codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Being started.
    Pending,
    /// Running.
    Running,
    /// Being terminated.
    ShuttingDown,
    /// Gone, and shown for an hour more.
    Terminated,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
}

impl InstanceState {
    /// The number in the API's low byte.
    pub const fn code(self) -> u16 {
        match self {
            InstanceState::Pending => 0,
            InstanceState::Running => 16,
            InstanceState::ShuttingDown => 32,
            InstanceState::Terminated => 48,
            InstanceState::Stopping => 64,
            InstanceState::Stopped => 80,
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
        }
    }

    /// Whether it is over with the instance.
    pub const fn is_over(self) -> bool {
        matches!(self, InstanceState::ShuttingDown | InstanceState::Terminated)
    }
}

/// What an instance's own power-off does to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShutdownBehavior {
    /// It is stopped.
    #[default]
    Stop,
    /// It is terminated.
    Terminate,
}

/// How the metadata service behaves for an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// Whether it answers at all.
    pub enabled: bool,
    /// Whether a session token is required (IMDSv2 only).
    pub tokens_required: bool,
    /// The time to live of the answer that carries the token, 1 to 64.
    pub hop_limit: u8,
    /// Whether it tells the instance's tags.
    pub tags: bool,
    /// Whether its IPv6 address answers.
    pub ipv6: bool,
}

impl Default for MetadataOptions {
    /// What EC2 gives where nothing is said: both versions, one hop, no tags.
    fn default() -> Self {
        Self { enabled: true, tokens_required: false, hop_limit: 1, tags: false, ipv6: false }
    }
}
