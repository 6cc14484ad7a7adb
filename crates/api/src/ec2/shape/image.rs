//! Images as answers show them, disks of images as requests name them, and demands on images.

use landfall_cloud::View;
use landfall_cloud::image::{FoundImage, create::DiskChange, create::DiskChangeKind};
use landfall_model::{Arn, ImageDisk, ImageId, SnapshotId, VolumeKind, VolumeShape};
use serde::{Deserialize, Serialize};

use super::block_device::check_device;
use super::unsupported::{Unsupported, refuse_parameters};
use crate::demand::{Demand, Demands};
use crate::error::ApiError;
use crate::operation::Action;

/// The kind that tag specifications name.
pub const KIND: &str = "image";
/// The longest description. Source: the EC2 User Guide on AMIs.
const DESCRIPTION_CHARS: usize = 255;

/// A disk of an image, as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskOut<'v> {
    device_name: &'v str,
    ebs: EbsOut,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EbsOut {
    delete_on_termination: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_id: Option<SnapshotId>,
    volume_size: u32,
    volume_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput: Option<u32>,
    encrypted: bool,
}

/// The disks of an image, as answers show them.
pub fn disks(found: FoundImage<'_>) -> Vec<DiskOut<'_>> {
    match found {
        FoundImage::Provided(image) => vec![DiskOut {
            device_name: &image.root_device,
            ebs: EbsOut {
                delete_on_termination: true,
                iops: None,
                snapshot_id: Some(image.snapshot),
                volume_size: image.size_gib,
                volume_type: VolumeKind::Gp3.name(),
                throughput: None,
                encrypted: false,
            },
        }],
        FoundImage::Own(image) => image.disks.iter().map(disk).collect(),
    }
}

fn disk(disk: &ImageDisk) -> DiskOut<'_> {
    let ebs = EbsOut {
        delete_on_termination: disk.delete_on_termination,
        iops: disk.shape.iops,
        snapshot_id: disk.snapshot,
        volume_size: disk.shape.size_gib,
        volume_type: disk.shape.kind.name(),
        throughput: disk.shape.throughput_mib,
        encrypted: disk.encrypted,
    };
    DiskOut { device_name: &disk.device, ebs }
}

/// A disk of an image that is to be made, as requests name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DiskIn {
    device_name: Option<String>,
    virtual_name: Option<Unsupported>,
    no_device: Option<String>,
    ebs: Option<EbsIn>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EbsIn {
    delete_on_termination: Option<bool>,
    iops: Option<u32>,
    snapshot_id: Option<SnapshotId>,
    volume_size: Option<u32>,
    volume_type: Option<VolumeKind>,
    throughput: Option<u32>,
    encrypted: Option<bool>,
    kms_key_id: Option<Unsupported>,
    outpost_arn: Option<Unsupported>,
    availability_zone: Option<Unsupported>,
    availability_zone_id: Option<Unsupported>,
    volume_initialization_rate: Option<Unsupported>,
    ebs_card_index: Option<Unsupported>,
}

impl DiskIn {
    /// The snapshot that it names.
    pub fn snapshot(&self) -> Option<SnapshotId> {
        self.ebs.as_ref()?.snapshot_id
    }

    /// The device that it leaves out.
    pub fn left_out(&self) -> Option<&str> {
        self.device_name.as_deref().filter(|_| self.no_device.is_some())
    }

    /// The disk that it describes in full; nothing where it says that there is none.
    pub fn disk(&self, view: &View<'_>) -> Result<Option<ImageDisk>, ApiError> {
        let device = self.device()?;
        if self.no_device.is_some() {
            return Ok(None);
        }
        self.new_disk(view, device)?.map(Some).ok_or_else(|| ApiError::missing("BlockDeviceMapping.Ebs"))
    }

    /// How it changes the disks of an instance that an image is made of. Source: the EC2 API Reference on CreateImage:
    /// of a disk that is there, only whether it goes with instances can be changed. `found` says of a device that is there
    /// whether its volume is encrypted.
    pub fn change(&self, view: &View<'_>, found: impl Fn(&str) -> Option<bool>) -> Result<DiskChange, ApiError> {
        let device = self.device()?.to_owned();
        let how = match (&self.ebs, found(&device)) {
            _ if self.no_device.is_some() => DiskChangeKind::LeaveOut,
            (Some(ebs), Some(is_encrypted)) => {
                ebs.check_same(&device, is_encrypted)?;
                DiskChangeKind::Put { delete_on_termination: ebs.delete_on_termination, new: None }
            }
            (ebs, _) => {
                let delete_on_termination = ebs.as_ref().and_then(|ebs| ebs.delete_on_termination);
                DiskChangeKind::Put { delete_on_termination, new: self.new_disk(view, &device)? }
            }
        };
        Ok(DiskChange { device, how })
    }

    fn device(&self) -> Result<&str, ApiError> {
        refuse_parameters!(self; virtual_name);
        let device = self.device_name.as_deref().ok_or_else(|| ApiError::missing("BlockDeviceMapping.DeviceName"))?;
        check_device(device)?;
        Ok(device)
    }

    /// The disk that it describes, if it does.
    fn new_disk(&self, view: &View<'_>, device: &str) -> Result<Option<ImageDisk>, ApiError> {
        let Some(ebs) = &self.ebs else { return Ok(None) };
        ebs.refuse()?;
        if ebs.snapshot_id.is_some() && ebs.encrypted.is_some() {
            let message =
                format!("the encrypted flag cannot be specified since device {device} has a snapshot specified.");
            return Err(ApiError::new("InvalidBlockDeviceMapping", message));
        }
        let source = ebs.snapshot_id.and_then(|id| view.snapshot(id));
        let size = ebs.volume_size.or(source.map(|row| row.size_gib));
        let size_gib = match (size, ebs.snapshot_id) {
            (Some(size), _) => size,
            (None, Some(id)) => return Err(landfall_cloud::Fault::no_such(id).into()),
            (None, None) => return Err(ApiError::missing("Ebs.VolumeSize")),
        };
        Ok(Some(ImageDisk {
            device: device.to_owned(),
            snapshot: ebs.snapshot_id,
            shape: VolumeShape {
                size_gib,
                kind: ebs.volume_type.unwrap_or(VolumeKind::Gp2),
                iops: ebs.iops,
                throughput_mib: ebs.throughput,
            },
            delete_on_termination: ebs.delete_on_termination.unwrap_or(true),
            // A new disk has nothing that it could have its encryption from.
            encrypted: ebs.encrypted == Some(true) || source.is_some_and(|row| row.data_key.is_some()),
        }))
    }
}

impl EbsIn {
    fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; kms_key_id, outpost_arn, availability_zone, availability_zone_id,
            volume_initialization_rate, ebs_card_index);
        Ok(())
    }

    /// That nothing is to be other than it is on the instance. Source: the EC2 API Reference on EbsBlockDevice: of an unencrypted
    /// volume "you must specify false", of an encrypted one false "is ignored".
    fn check_same(&self, device: &str, is_encrypted: bool) -> Result<(), ApiError> {
        self.refuse()?;
        let changes = [
            ("iops", self.iops.is_some()),
            ("snapshotId", self.snapshot_id.is_some()),
            ("volumeSize", self.volume_size.is_some()),
            ("volumeType", self.volume_type.is_some()),
            ("throughput", self.throughput.is_some()),
            ("encrypted", self.encrypted == Some(true) && !is_encrypted),
        ];
        match changes.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("{name} cannot be modified on existing device {device}");
                Err(ApiError::new("InvalidBlockDeviceMapping", message))
            }
        }
    }
}

/// That a description isn't too long.
pub fn check_description(description: &str) -> Result<(), ApiError> {
    if description.chars().count() > DESCRIPTION_CHARS {
        let why = format!("It is longer than {DESCRIPTION_CHARS} characters.");
        return Err(ApiError::invalid("Description", description.chars().take(64).collect::<String>(), why));
    }
    Ok(())
}

/// The demand of an action on an image. Its ARN has no account.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: ImageId) -> &'d mut Demand {
    let demand = demands.resource(action, Arn::ec2_public(view.scope(), id));
    demand.with("ec2:ImageID", id).with("ec2:RootDeviceType", "ebs").with("ec2:ImageType", "machine");
    if let Some(found) = view.find_image(id) {
        demand.with("ec2:Owner", found.owner()).with("ec2:Public", found.is_public());
    }
    if let Some(tags) = view.tags(&id.to_string()) {
        demand.resource_tags(tags);
    }
    demand
}

/// The demand of an action that makes an image.
pub fn demand_new<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action) -> &'d mut Demand {
    let scope = view.scope();
    let demand = demands.resource(action, Arn::ec2_public_any::<landfall_model::ImageKind>(scope));
    demand.with("ec2:Owner", scope.account)
}
