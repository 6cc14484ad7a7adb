//! Images: the provider's, which everybody sees, and those that accounts make of snapshots, keep for themselves or share.
//!
//! An account's image has no bytes and no state of its own: it names snapshots, and is as far as they are. Whoever may
//! launch from it may have volumes of its snapshots, for that launch alone.
//!
//! Looks across accounts: an image that is shared is seen by those it is shared with.

pub mod change;
pub mod create;

use std::collections::BTreeSet;

use landfall_model::{
    AccountId, BootMode, DeregistrationProtection, Image, ImageDefaults, ImageId, ImageTraits, Instance, InstanceType,
    OwnImage, Scope, SnapshotState, VolumeKind, VolumeShape,
};

use crate::ebs::Encryption;
use crate::fault::Fault;
use crate::sharing;
use crate::value::ImageDefaultsTable;
use crate::view::View;
use crate::volume::{NewDisk, NewVolume};

/// An image, whosever it is.
#[derive(Clone, Copy, Debug)]
pub enum FoundImage<'v> {
    /// The provider's.
    Provided(&'v Image),
    /// An account's.
    Own(&'v OwnImage),
}

/// What an image says of the machines that it is for.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'v> {
    /// Such as `x86_64`.
    pub architecture: &'v str,
    /// Such as `Linux/UNIX`.
    pub platform_details: &'v str,
    /// The firmware that it boots by, if it says which.
    pub boot_mode: Option<BootMode>,
    /// Memory that it needs, in MiB.
    pub min_memory_mib: u64,
}

/// How far an account's image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// Snapshots of it are being made.
    Pending,
    /// It can be launched from.
    Available,
    /// A snapshot of it couldn't be made: why, for its owner.
    Failed(String),
    /// Its owner has switched it off.
    Disabled,
}

impl ImageState {
    /// The state in AWS's words.
    pub fn name(&self) -> &'static str {
        match self {
            ImageState::Pending => "pending",
            ImageState::Available => "available",
            ImageState::Failed(_) => "failed",
            ImageState::Disabled => "disabled",
        }
    }
}

impl<'v> FoundImage<'v> {
    /// What it says of the machines that it is for.
    pub fn traits(self) -> Traits<'v> {
        match self {
            FoundImage::Provided(image) => Traits {
                architecture: &image.architecture,
                platform_details: &image.platform_details,
                boot_mode: Some(BootMode::LegacyBios),
                min_memory_mib: image.min_memory_mib,
            },
            FoundImage::Own(image) => (&image.traits).into(),
        }
    }

    /// What an instance keeps of it, since it may go before the instance does.
    pub fn kept_traits(self) -> Option<ImageTraits> {
        match self {
            FoundImage::Provided(_) => None,
            FoundImage::Own(image) => Some(image.traits.clone()),
        }
    }

    /// The root device's name.
    pub fn root_device(self) -> &'v str {
        match self {
            FoundImage::Provided(image) => &image.root_device,
            FoundImage::Own(image) => &image.root_device,
        }
    }

    /// Whether metadata options start as `required`.
    pub fn imds_v2(self) -> bool {
        match self {
            FoundImage::Provided(image) => image.imds_v2,
            FoundImage::Own(image) => image.imds_v2,
        }
    }

    /// Whether everybody may launch from it.
    pub fn is_public(self) -> bool {
        match self {
            FoundImage::Provided(_) => true,
            FoundImage::Own(image) => image.is_public,
        }
    }

    /// Its owner: an alias where there is one, or an account.
    pub fn owner(self) -> String {
        match self {
            FoundImage::Provided(image) => {
                let name = image.names.first();
                name.map_or_else(String::new, |name| name.alias.clone().unwrap_or_else(|| name.owner.clone()))
            }
            FoundImage::Own(image) => image.scope.account.to_string(),
        }
    }

    /// The disks that a launch from it makes, the root one first.
    pub fn disks(self) -> Vec<NewDisk> {
        match self {
            FoundImage::Provided(image) => {
                let shape =
                    VolumeShape { size_gib: image.size_gib, kind: VolumeKind::Gp3, iops: None, throughput_mib: None };
                let source = Some((image.id, image.snapshot));
                vec![NewDisk {
                    device: image.root_device.clone(),
                    delete_on_termination: true,
                    volume: NewVolume {
                        shape,
                        encryption: Encryption::default(),
                        image: source,
                        snapshot: None,
                        of_image: None,
                    },
                }]
            }
            FoundImage::Own(image) => {
                let disks = image.disks.iter().map(|disk| NewDisk {
                    device: disk.device.clone(),
                    delete_on_termination: disk.delete_on_termination,
                    volume: NewVolume {
                        shape: disk.shape,
                        encryption: Encryption { asked: disk.encrypted, key: None },
                        image: None,
                        snapshot: disk.snapshot,
                        of_image: Some(image.id),
                    },
                });
                disks.collect()
            }
        }
    }

    /// That it can be launched from now.
    pub(crate) fn check_launch(self, view: &View<'_>) -> Result<(), Fault> {
        let FoundImage::Own(image) = self else { return Ok(()) };
        match view.image_state(image) {
            ImageState::Available => Ok(()),
            state => {
                let message = format!("AMI '{}' is {}, and cannot be run", image.id, state.name());
                Err(Fault::Taken { code: "InvalidAMIID.Unavailable", message })
            }
        }
    }
}

impl<'v> From<&'v ImageTraits> for Traits<'v> {
    fn from(traits: &'v ImageTraits) -> Self {
        Traits {
            architecture: &traits.architecture,
            platform_details: &traits.platform_details,
            boot_mode: traits.boot_mode,
            min_memory_mib: traits.min_memory_mib,
        }
    }
}

/// That machines of a type boot by what an image asks for.
pub(crate) fn check_boot(mode: Option<BootMode>, kind: InstanceType) -> Result<(), Fault> {
    if mode == Some(BootMode::Uefi) && !kind.has_uefi() {
        let message = format!(
            "The {} instance type does not support an AMI with a boot mode of UEFI. Only instance types built on the Nitro \
             System support UEFI. Specify an instance type that supports UEFI, and try again.",
            kind.name()
        );
        return Err(Fault::Taken { code: "InvalidParameterValue", message });
    }
    Ok(())
}

/// Whether an image is protected from deregistration at a moment.
pub fn is_protected(image: &OwnImage, now: landfall_model::Timestamp) -> bool {
    match image.protection {
        DeregistrationProtection::Off => false,
        DeregistrationProtection::On { .. } => true,
        DeregistrationProtection::Cooling(until) => now < until,
    }
}

impl<'v> View<'v> {
    /// The image that goes by that id, if this account may launch from it.
    pub fn find_image(&self, id: ImageId) -> Option<FoundImage<'v>> {
        self.image(id).map(FoundImage::Provided).or_else(|| self.own_image(id).map(FoundImage::Own))
    }

    /// An account's image that this one may launch from: its own, or one that is shared with it.
    pub fn own_image(&self, id: ImageId) -> Option<&'v OwnImage> {
        let Scope { account, region } = self.scope();
        let cloud = self.tables();
        let is_shared = |row: &OwnImage| row.scope.account == account || sharing::shares(cloud, row.scope.account);
        let may = |row: &&OwnImage| row.scope.region == region && row.is_open_to(account) && is_shared(row);
        cloud.own_images.by_id(&id).find(may)
    }

    /// The images that other accounts share with this one, or with everybody, by id.
    pub fn shared_images(&self) -> Vec<&'v OwnImage> {
        let Scope { account, region } = self.scope();
        let cloud = self.tables();
        let rows = [Some(account), None].into_iter().flat_map(|with| cloud.own_images.by_sharing(&(region, with)));
        let is_theirs = |row: &&OwnImage| row.scope.account != account && sharing::shares(cloud, row.scope.account);
        let mut rows: Vec<_> = rows.filter(is_theirs).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows
    }

    /// How far an image is.
    pub fn image_state(&self, image: &OwnImage) -> ImageState {
        if image.is_disabled {
            return ImageState::Disabled;
        }
        let ids: BTreeSet<_> = image.snapshots();
        let rows = ids.iter().filter_map(|id| self.tables().snapshots.by_id(id).find(|row| row.scope == image.scope));
        let mut state = ImageState::Available;
        for row in rows {
            match &row.state {
                SnapshotState::Failed(why) => return ImageState::Failed(why.clone()),
                SnapshotState::Pending(_) => state = ImageState::Pending,
                SnapshotState::Completed { .. } => {}
            }
        }
        state
    }

    /// What the image of an instance says, or said, of the machines that it is for.
    pub fn traits(&self, instance: &'v Instance) -> Option<Traits<'v>> {
        match &instance.spec.traits {
            Some(traits) => Some(traits.into()),
            None => self.image(instance.spec.image).map(|image| FoundImage::Provided(image).traits()),
        }
    }

    /// What holds for this account's images in this region.
    pub fn image_defaults(&self) -> ImageDefaults {
        let row = self.find::<ImageDefaultsTable, u8>(0).cloned();
        // AWS blocks it in accounts that shared no image publicly before 2023, as no new one has.
        row.unwrap_or(ImageDefaults { scope: self.scope(), blocks_public: true })
    }
}

/// That the caller owns an image that it sees: only its owner changes it.
pub fn need_own<'v>(view: &View<'v>, id: ImageId) -> Result<&'v OwnImage, Fault> {
    let account: AccountId = view.scope().account;
    match view.find_image(id) {
        Some(FoundImage::Own(row)) if row.scope.account == account => Ok(row),
        Some(_) => {
            let message = format!("Not authorized for image:{id}");
            Err(Fault::Taken { code: "AuthFailure", message })
        }
        None => Err(Fault::no_such(id)),
    }
}
