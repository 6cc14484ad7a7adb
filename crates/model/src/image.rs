//! Machine images: the provider's, which are files, and accounts' own, which are made of snapshots.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, InstanceId, SnapshotId};
use crate::instance_type::InstanceType;
use crate::plan::DirectBoot;
use crate::region::Region;
use crate::scope::{AccountId, Scope, Scoped};
use crate::time::Timestamp;
use crate::volume::VolumeShape;

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

/// An image that an account made: what the disks of an instance are made of. It is as far as its snapshots are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnImage {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: ImageId,
    /// Its name: no other image of its owner's has it there.
    pub name: String,
    /// What its owner says of it.
    pub description: String,
    /// What the machines are that it is for.
    pub traits: ImageTraits,
    /// The root device's name.
    pub root_device: String,
    /// The disks that a launch makes, the root one first.
    pub disks: Vec<ImageDisk>,
    /// Whether metadata options start as `required` (IMDSv2 only).
    pub imds_v2: bool,
    /// Whether it says that it has the driver of AWS's fast network cards.
    pub ena_support: bool,
    /// The instance that it was made of.
    pub source_instance: Option<InstanceId>,
    /// The image that it was copied from, or that its instance was launched from, and where that is.
    pub source_image: Option<(ImageId, Region)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is deprecated.
    pub deprecate_at: Option<Timestamp>,
    /// Whether nothing is to be launched from it.
    pub is_disabled: bool,
    /// Whether it may be deregistered.
    pub protection: DeregistrationProtection,
    /// Accounts that may launch from it.
    pub shared_with: BTreeSet<AccountId>,
    /// Whether everybody may.
    pub is_public: bool,
}

/// What an image says of the machines that it is for. Instances keep it, since the image may go before they do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageTraits {
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// What the `PlatformDetails` say, such as `Linux/UNIX`.
    pub platform_details: String,
    /// The firmware that it boots by, if it says which.
    pub boot_mode: Option<BootMode>,
    /// Memory that it needs, in MiB.
    pub min_memory_mib: u64,
    /// The provider's image whose kernel starts it directly.
    pub kernel: Option<ImageId>,
}

/// The firmware that an image boots by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootMode {
    /// BIOS.
    LegacyBios,
    /// UEFI.
    Uefi,
    /// UEFI where the type of the machine has it.
    UefiPreferred,
}

impl BootMode {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            BootMode::LegacyBios => "legacy-bios",
            BootMode::Uefi => "uefi",
            BootMode::UefiPreferred => "uefi-preferred",
        }
    }

    /// What a machine of a type boots by that is launched from such an image. Source: the EC2 User Guide, "Instance launch
    /// behavior with Amazon EC2 boot modes".
    pub fn current(mode: Option<Self>, kind: Option<InstanceType>) -> Self {
        match mode {
            Some(BootMode::Uefi) => BootMode::Uefi,
            Some(BootMode::UefiPreferred) if kind.is_some_and(InstanceType::has_uefi) => BootMode::Uefi,
            Some(BootMode::UefiPreferred | BootMode::LegacyBios) | None => BootMode::LegacyBios,
        }
    }
}

/// A disk that a launch from an image makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDisk {
    /// Its name, such as `/dev/xvda`.
    pub device: String,
    /// What it is made of; zeroes if nothing is named.
    pub snapshot: Option<SnapshotId>,
    /// Its size and speed, so far as they are said.
    pub shape: VolumeShape,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// Whether an image may be deregistered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeregistrationProtection {
    /// It may.
    #[default]
    Off,
    /// It may not.
    On {
        /// Whether it still may not for a day after this was switched off.
        cooldown: bool,
    },
    /// This was switched off, with a cool-down that lasts until then.
    Cooling(Timestamp),
}

impl OwnImage {
    /// The key of its row.
    pub fn key(&self) -> Scoped<ImageId> {
        self.scope.key(self.id)
    }

    /// The snapshots that it is made of.
    pub fn snapshots(&self) -> BTreeSet<SnapshotId> {
        self.disks.iter().filter_map(|disk| disk.snapshot).collect()
    }

    /// Whether an account may launch from it.
    pub fn is_open_to(&self, account: AccountId) -> bool {
        self.is_public || self.scope.account == account || self.shared_with.contains(&account)
    }

    /// Whom it is shared with, for the index: accounts, or everybody, in its region.
    pub fn sharing(&self) -> BTreeSet<(Region, Option<AccountId>)> {
        let everybody = self.is_public.then_some((self.scope.region, None));
        self.shared_with.iter().map(|account| (self.scope.region, Some(*account))).chain(everybody).collect()
    }

    /// Whether it is deprecated at a moment.
    pub fn is_deprecated(&self, now: Timestamp) -> bool {
        self.deprecate_at.is_some_and(|at| at <= now)
    }
}

/// What holds for an account's images in a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDefaults {
    /// Whose and where.
    pub scope: Scope,
    /// Whether none may be made public any more.
    pub blocks_public: bool,
}

impl ImageDefaults {
    /// The key of its row.
    pub fn row_key(&self) -> Scoped<u8> {
        self.scope.key(0)
    }
}
