//! Machine images.

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, SnapshotId};
use crate::plan::DirectBoot;
use crate::time::Timestamp;

/// An image. The provider's images belong to no account and no region: everybody sees them everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Which.
    pub id: ImageId,
    /// The names and owners that look-ups find it by, its own first.
    pub names: Vec<ImageName>,
    /// Its description.
    pub description: String,
    /// The virtual size of its root disk, in GiB, rounded up.
    pub size_gib: u32,
    /// The snapshot that its root mapping names.
    pub snapshot: SnapshotId,
    /// The root device's name.
    pub root_device: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Memory that it needs, in MiB.
    pub min_memory_mib: u64,
    /// What the `PlatformDetails` say, such as `Linux/UNIX`.
    pub platform_details: String,
    /// Whether its metadata options start as `required` (IMDSv2 only).
    pub imds_v2: bool,
    /// Where its bytes are.
    pub source: ImageSource,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A name that an image is found by, with whose it is said to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageName {
    /// The image's name, such as `debian-12-amd64-20261101-1`.
    pub name: String,
    /// The owner's account, such as `136693071363`.
    pub owner: String,
    /// The owner's alias, such as `amazon`.
    pub alias: Option<String>,
    /// The id that it goes by under this name; the image's own where it is the first.
    pub id: ImageId,
}

/// Where an image's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageSource {
    /// A file in the hosts' image folder.
    File {
        /// Its name there.
        file: String,
        /// The size of the disk as guests see it, in bytes.
        size_bytes: u64,
        /// A kernel to start directly.
        direct_boot: Option<DirectBoot>,
    },
    /// A record only, for the simulated hypervisor.
    Simulated,
}
