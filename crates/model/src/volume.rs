//! Block volumes.

use serde::{Deserialize, Serialize};

use crate::ebs::DataKey;
use crate::id::{HostId, ImageId, InstanceId, SnapshotId, VolumeId};
use crate::import::ImportSource;
use crate::interface::AttachmentState;
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::snapshot::{ChunkRoot, Contents};
use crate::time::Timestamp;

/// A block volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: VolumeId,
    /// What it is, or is being made to be.
    #[serde(flatten)]
    pub shape: VolumeShape,
    /// Its last change.
    #[serde(default)]
    pub modification: Option<VolumeModification>,
    /// Whether it goes on by itself after an error of the disk.
    #[serde(default)]
    pub auto_enable_io: bool,
    /// What it is encrypted with, if it is.
    #[serde(default)]
    pub data_key: Option<DataKey>,
    /// Its zone.
    pub zone: ZoneName,
    /// The image that it was cloned from.
    pub image: Option<ImageId>,
    /// The snapshot that it was made from: an account's, or the one that the image's mapping names.
    pub snapshot: Option<SnapshotId>,
    /// What it starts as, where that is in the chunk store. It stays there as long as the volume, whatever becomes of the
    /// snapshot.
    #[serde(default)]
    pub chunks: Option<ChunkRoot>,
    /// What it is imported from, where it is one of an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportSource>,
    /// The latest snapshot of it that is whole: what the next one builds on.
    #[serde(default)]
    pub last_snapshot: Option<SnapshotId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The instance that has it.
    pub attachment: Option<VolumeAttachment>,
    /// The host whose disk it is on. One that no machine has had yet is on none: it comes to be where it is used.
    pub host: Option<HostId>,
    /// How it is.
    pub state: VolumeState,
}

impl Volume {
    /// The key of its row.
    pub fn key(&self) -> Scoped<VolumeId> {
        self.scope.key(self.id)
    }

    /// Its size, in bytes.
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.shape.size_gib) << 30
    }

    /// What it started as.
    pub fn origin(&self) -> Contents {
        match (&self.chunks, self.image) {
            (Some(root), _) => Contents::Chunks(root.clone()),
            (None, Some(image)) => Contents::Image(image),
            (None, None) => Contents::Zeros,
        }
    }

    /// What it is seen to be: while a change is under way, what it was before.
    pub fn seen(&self) -> VolumeShape {
        self.modification.as_ref().filter(|change| change.ended_at.is_none()).map_or(self.shape, |it| it.original)
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
    /// How far it is.
    #[serde(default)]
    pub state: AttachmentState,
}

impl VolumeAttachment {
    /// Whether the machine is to have it.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.state, AttachmentState::Detaching { .. })
    }
}

/// A change of a volume while it is there: of its size, kind or speed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeModification {
    /// What it was before.
    pub original: VolumeShape,
    /// What it is to be.
    pub target: VolumeShape,
    /// Since when.
    pub started_at: Timestamp,
    /// When it was done.
    pub ended_at: Option<Timestamp>,
}

/// Size and speed of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeShape {
    /// Its size, in GiB.
    pub size_gib: u32,
    /// Its kind.
    pub kind: VolumeKind,
    /// Operations a second, where the kind has them.
    pub iops: Option<u32>,
    /// MiB a second, where the kind has it.
    pub throughput_mib: Option<u32>,
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

/// How fast a disk may be. Source: AWS's "Amazon EBS volume types".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskLimits {
    /// Operations a second.
    #[serde(default)]
    pub iops: Option<Rate>,
    /// Bytes a second.
    #[serde(default)]
    pub bytes: Option<Rate>,
    /// An operation of more bytes than this counts as several; 0 if it doesn't.
    #[serde(default)]
    pub operation_bytes: u32,
}

/// So many a second, and for a while more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// In the long run.
    pub base: u64,
    /// As long as there is credit from quieter times; the same as `base` where there is none.
    pub burst: u64,
    /// How long that lasts from full credit, in seconds.
    pub burst_s: u32,
}

impl Rate {
    const fn steady(base: u64) -> Self {
        Rate { base, burst: base, burst_s: 1 }
    }

    fn bursting(base: u64, burst: u64, burst_s: u32) -> Self {
        if burst > base { Rate { base, burst, burst_s } } else { Rate::steady(base) }
    }
}

const MIB: u64 = 1 << 20;
/// A gp2 volume's credit of 5.4 million operations at 3,000 a second.
const GP2_BURST_S: u32 = 1800;
/// What the hard-disk kinds' credit of one TiB a TiB comes to at their burst rates, at the least.
const HDD_BURST_S: u32 = 4194;

impl VolumeShape {
    /// How fast it may be.
    pub fn limits(&self) -> DiskLimits {
        let iops = u64::from(self.iops.unwrap_or(0));
        // Rates of the hard-disk kinds grow with the size, a TiB at a time.
        let per_tib = |mib: u64| (mib * MIB * u64::from(self.size_gib)) >> 10;
        let (iops, bytes, operation_bytes) = match self.kind {
            VolumeKind::Gp3 => {
                let mib = u64::from(self.throughput_mib.unwrap_or(125));
                (Some(Rate::steady(iops)), Rate::steady(mib * MIB), 256 << 10)
            }
            VolumeKind::Gp2 => {
                let mib = if self.size_gib <= 170 { 128 } else { 250 };
                (Some(Rate::bursting(iops, 3000, GP2_BURST_S)), Rate::steady(mib * MIB), 256 << 10)
            }
            // 256 KiB an operation, to the most that the kind has.
            VolumeKind::Io1 => (Some(Rate::steady(iops)), Rate::steady((iops * MIB / 4).min(1000 * MIB)), 256 << 10),
            VolumeKind::Io2 => (Some(Rate::steady(iops)), Rate::steady((iops * MIB / 4).min(4000 * MIB)), 256 << 10),
            VolumeKind::St1 => {
                let (base, burst) = (per_tib(40).min(500 * MIB), per_tib(250).min(500 * MIB));
                (Some(Rate::steady(500)), Rate::bursting(base, burst, HDD_BURST_S), 1 << 20)
            }
            VolumeKind::Sc1 => {
                let (base, burst) = (per_tib(12).min(192 * MIB), per_tib(80).min(250 * MIB));
                (Some(Rate::steady(250)), Rate::bursting(base, burst, HDD_BURST_S), 1 << 20)
            }
            VolumeKind::Standard => (Some(Rate::bursting(100, 200, GP2_BURST_S)), Rate::steady(90 * MIB), 256 << 10),
        };
        DiskLimits { iops, bytes: Some(bytes), operation_bytes }
    }
}
