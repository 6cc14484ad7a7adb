//! Block volumes.

use serde::{Deserialize, Serialize};

use crate::id::{HostId, ImageId, InstanceId, SnapshotId, VolumeId};
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A block volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: VolumeId,
    /// Its size, in GiB.
    pub size_gib: u32,
    /// Its kind.
    pub kind: VolumeKind,
    /// Operations a second, where the kind has them.
    pub iops: Option<u32>,
    /// MiB a second, where the kind has it.
    pub throughput_mib: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Its zone.
    pub zone: ZoneName,
    /// The image that it was cloned from.
    pub image: Option<ImageId>,
    /// The snapshot that the image's mapping names.
    pub snapshot: Option<SnapshotId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The instance that has it.
    pub attachment: Option<VolumeAttachment>,
    /// The host whose disk it is on.
    pub host: Option<HostId>,
    /// How it is.
    pub state: VolumeState,
}

impl Volume {
    /// The key of its row.
    pub fn key(&self) -> Scoped<VolumeId> {
        self.scope.key(self.id)
    }
}

/// A volume's attachment to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeAttachment {
    /// The instance.
    pub instance: InstanceId,
    /// The name that the tenant gave it, such as `/dev/sdf`.
    pub device: String,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// Since when.
    pub attached_at: Timestamp,
    /// Whether the host has it ready.
    pub attached: bool,
}

/// Kinds of volume, by AWS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeKind {
    /// General purpose, of the first generation.
    Gp2,
    /// General purpose.
    Gp3,
    /// Provisioned operations a second.
    Io1,
    /// Provisioned operations a second, durable.
    Io2,
    /// Throughput optimised.
    St1,
    /// Cold.
    Sc1,
    /// Magnetic, of the previous generation.
    Standard,
}

impl VolumeKind {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            VolumeKind::Gp2 => "gp2",
            VolumeKind::Gp3 => "gp3",
            VolumeKind::Io1 => "io1",
            VolumeKind::Io2 => "io2",
            VolumeKind::St1 => "st1",
            VolumeKind::Sc1 => "sc1",
            VolumeKind::Standard => "standard",
        }
    }
}

/// A volume's states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeState {
    /// Its host is making it.
    Creating,
    /// There and attached or to be attached.
    Present,
    /// To be destroyed; gone once the host has said so.
    Deleting,
    /// It couldn't be made.
    Error,
}
