//! Block device mappings as RunInstances gives them, joined with what the image says.

use std::collections::BTreeSet;

use landfall_cloud::ebs::Encryption;
use landfall_cloud::image::FoundImage;
use landfall_cloud::volume::{NewDisk, NewVolume};
use landfall_cloud::{Fault, View};
use landfall_model::{SnapshotId, VolumeKind, VolumeShape};
use serde::Deserialize;

use super::unsupported::{Unsupported, refuse_parameters};
use crate::error::ApiError;

/// One disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BlockDeviceIn {
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
    #[serde(default)]
    encrypted: bool,
    kms_key_id: Option<String>,
    outpost_arn: Option<Unsupported>,
    availability_zone: Option<Unsupported>,
    availability_zone_id: Option<Unsupported>,
    volume_initialization_rate: Option<Unsupported>,
    ebs_card_index: Option<Unsupported>,
}

/// The disks that an instance gets: the image's, changed as asked, then those that were asked for besides.
pub fn volumes(view: &View<'_>, image: FoundImage<'_>, mappings: &[BlockDeviceIn]) -> Result<Vec<NewDisk>, ApiError> {
    let mut volumes = image.disks();
    let mut named = BTreeSet::new();
    for mapping in mappings {
        refuse_parameters!(mapping; virtual_name);
        let device =
            mapping.device_name.as_deref().ok_or_else(|| ApiError::missing("BlockDeviceMapping.DeviceName"))?;
        check_device(device)?;
        if !named.insert(device) {
            let message = format!("'{device}' is used more than once in the block device mapping.");
            return Err(ApiError::new("InvalidBlockDeviceMapping", message));
        }
        let is_root = device == image.root_device();
        if mapping.no_device.is_some() {
            if is_root {
                return Err(ApiError::invalid("NoDevice", device, "The root device cannot be suppressed."));
            }
            volumes.retain(|volume| volume.device != device);
            continue;
        }
        let asked = mapping.ebs.clone().unwrap_or_default();
        asked.refuse()?;
        match volumes.iter_mut().find(|volume| volume.device == device) {
            Some(disk) if asked.is_of(disk) => asked.change(disk),
            Some(_) if is_root => {
                // The root disk is what the image says.
                let message = format!("snapshotId cannot be modified on root device {device}");
                return Err(ApiError::new("InvalidBlockDeviceMapping", message));
            }
            Some(disk) => *disk = asked.more(view, device)?,
            None => volumes.push(asked.more(view, device)?),
        }
    }
    Ok(volumes)
}

/// The snapshots that disks are to be made of.
pub fn snapshots(mappings: &[BlockDeviceIn]) -> impl Iterator<Item = SnapshotId> + '_ {
    mappings.iter().filter_map(|mapping| mapping.ebs.as_ref()?.snapshot_id)
}

impl EbsIn {
    fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; outpost_arn, availability_zone, availability_zone_id, volume_initialization_rate,
            ebs_card_index);
        Ok(())
    }

    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }

    /// Whether a disk of the image is made of what is asked for, or nothing else is.
    fn is_of(&self, disk: &NewDisk) -> bool {
        let snapshot = disk.volume.snapshot.or(disk.volume.image.map(|(_, snapshot)| snapshot));
        self.snapshot_id.is_none_or(|id| Some(id) == snapshot)
    }

    fn change(self, disk: &mut NewDisk) {
        if self.encrypted || self.kms_key_id.is_some() {
            disk.volume.encryption = self.encryption();
        }
        let shape = &mut disk.volume.shape;
        // Speeds of the image's are for its own kind.
        let keeps = self.volume_type.is_none_or(|kind| kind == shape.kind);
        shape.size_gib = self.volume_size.unwrap_or(shape.size_gib);
        shape.kind = self.volume_type.unwrap_or(shape.kind);
        shape.iops = self.iops.or(shape.iops.filter(|_| keeps));
        shape.throughput_mib = self.throughput.or(shape.throughput_mib.filter(|_| keeps));
        disk.delete_on_termination = self.delete_on_termination.unwrap_or(disk.delete_on_termination);
    }

    /// A disk besides the root one: of zeroes, or of a snapshot.
    fn more(self, view: &View<'_>, device: &str) -> Result<NewDisk, ApiError> {
        let source = self.snapshot_id.map(|id| view.snapshot(id).ok_or_else(|| Fault::no_such(id))).transpose()?;
        let size = self.volume_size.or(source.map(|row| row.size_gib));
        let shape = VolumeShape {
            size_gib: size.ok_or_else(|| ApiError::missing("Ebs.VolumeSize"))?,
            kind: self.volume_type.unwrap_or(VolumeKind::Gp2),
            iops: self.iops,
            throughput_mib: self.throughput,
        };
        Ok(NewDisk {
            device: device.to_owned(),
            delete_on_termination: self.delete_on_termination.unwrap_or(true),
            volume: NewVolume {
                shape,
                encryption: self.encryption(),
                image: None,
                snapshot: source.map(|row| row.id),
                of_image: None,
            },
        })
    }
}

/// Names that EC2 takes on Linux: `/dev/sd[a-z][1-15]`, `/dev/xvd[a-z][a-z]`, also without `/dev/`.
pub fn check_device(device: &str) -> Result<(), ApiError> {
    let name = device.strip_prefix("/dev/").unwrap_or(device);
    let rest = name.strip_prefix("sd").or_else(|| name.strip_prefix("xvd"));
    let letters = rest.map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit()));
    let is_fine = letters.is_some_and(|l| (1..=2).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_lowercase()))
        && rest.is_some_and(|rest| rest.len() <= 4);
    if is_fine { Ok(()) } else { Err(ApiError::invalid("DeviceName", device, "It is not a valid device name.")) }
}
