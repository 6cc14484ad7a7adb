//! Disks that come from elsewhere, and what becomes of them: a snapshot, or an image.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::id::{Id, ImageId, ImportImageTaskId, ImportSnapshotTaskId, SnapshotId, VolumeId};
use crate::image::BootMode;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// The first format of plans whose hosts import disks.
pub const IMPORTING_FORMAT: u32 = 3;

/// The form that a disk is in, as whoever imports it says: it is never guessed from the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskFormat {
    /// The bytes of the disk.
    Raw,
    /// VMware's, in one file; also stream-optimized.
    Vmdk,
    /// Microsoft's older one, fixed or dynamic.
    Vhd,
    /// Microsoft's newer one.
    Vhdx,
    /// An archive of a description and a disk in VMware's format.
    Ova,
}

impl DiskFormat {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            DiskFormat::Raw => "RAW",
            DiskFormat::Vmdk => "VMDK",
            DiskFormat::Vhd => "VHD",
            DiskFormat::Vhdx => "VHDX",
            DiskFormat::Ova => "OVA",
        }
    }
}

impl fmt::Display for DiskFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DiskFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [DiskFormat::Raw, DiskFormat::Vmdk, DiskFormat::Vhd, DiskFormat::Vhdx, DiskFormat::Ova];
        all.into_iter().find(|format| format.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}

/// Where a disk is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportPlace {
    /// An object in a bucket that a folder of the provider's stands for.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
    },
    /// What an address leads to, over TLS.
    Url(String),
    /// A file of the host, which the provider alone can name.
    Path(String),
}

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSource {
    /// Where it is.
    pub place: ImportPlace,
    /// Its form.
    pub format: DiskFormat,
}

/// A disk of an import. A host makes a volume of it, the provider's own, and then a snapshot of that, the tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedDisk {
    /// What it is taken from; nothing of a snapshot that was there before.
    pub source: Option<ImportSource>,
    /// What its owner says of it.
    pub description: String,
    /// The name that an image is to give it.
    pub device: Option<String>,
    /// The volume, until the import is over.
    pub volume: Option<VolumeId>,
    /// The snapshot, as soon as it is begun.
    pub snapshot: Option<SnapshotId>,
    /// The disk's size, once it is known, in bytes.
    pub size_bytes: u64,
    /// How much of it has been made a volume of, in hundredths.
    pub percent: u8,
    /// What was noticed on it that its owner should know.
    pub noticed: Option<String>,
}

/// What an imported image is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedImage {
    /// The platform, as its owner says: `Linux` or `Windows`.
    pub platform: Option<String>,
    /// Whose licence it has.
    pub license: Option<String>,
    /// How it boots.
    pub boot_mode: Option<BootMode>,
    /// The image, once it is there.
    pub image: Option<ImageId>,
}

/// How an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportState {
    /// Under way.
    Active,
    /// Whole.
    Completed,
    /// Ended without a result: why.
    Ended(String),
}

/// An import. It is of an image where it says what that is to be, else of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTask {
    /// Whose and where.
    pub scope: Scope,
    /// The random part of its id.
    pub bits: u64,
    /// What its owner says of it.
    pub description: String,
    /// The disks.
    pub disks: Vec<ImportedDisk>,
    /// The image.
    pub image: Option<ImportedImage>,
    /// The KMS key of what is encrypted, by its id.
    pub kms_key: Option<Arn>,
    /// How it is.
    pub state: ImportState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Option<Timestamp>,
}

impl ImportTask {
    /// The key of its row among imports of images.
    pub fn image_key(&self) -> Scoped<ImportImageTaskId> {
        self.scope.key(Id::from_random(self.bits.into()))
    }

    /// The key of its row among imports of snapshots.
    pub fn snapshot_key(&self) -> Scoped<ImportSnapshotTaskId> {
        self.scope.key(Id::from_random(self.bits.into()))
    }

    /// Its id as people see it.
    pub fn name(&self) -> String {
        if self.image.is_some() { self.image_key().id.to_string() } else { self.snapshot_key().id.to_string() }
    }

    /// When something is to be done about it.
    pub fn due(&self) -> Option<i64> {
        self.expires_at.map(Timestamp::as_millis)
    }

    /// How much of it is done, in hundredths: one half is the conversion, the other the storing.
    pub fn percent(&self, stored: impl Fn(SnapshotId) -> u8) -> u32 {
        let of_disk = |disk: &ImportedDisk| match (disk.snapshot, disk.volume) {
            (Some(id), Some(_)) => 50 + u32::from(stored(id)) / 2,
            (Some(_), None) => 100,
            (None, _) => u32::from(disk.percent) / 2,
        };
        let all: u32 = self.disks.iter().map(of_disk).sum();
        all / u32::try_from(self.disks.len().max(1)).unwrap_or(1)
    }
}
