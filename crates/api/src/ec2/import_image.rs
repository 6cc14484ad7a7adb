//! ec2:ImportImage. Makes an image of a machine's disks that come from elsewhere, or of snapshots.

use landfall_cloud::ebs::Encryption;
use landfall_cloud::import::{self, NewImport, ROOT_DEVICE};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{BootMode, ImportImageTaskKind, ImportSource, ImportedDisk, ImportedImage, SnapshotId};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::block_device::check_device;
use super::shape::ebs;
use super::shape::image::{check_description, demand_new};
use super::shape::import::{
    ClientData, IMAGE_KIND, ImageTaskOut, UserBucket, check_role, demand_place, disk, image_task_begun, now, place,
    source,
};
use super::shape::snapshot;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Demands, Write};

/// The most disks of an image. Source: the VM Import/Export User Guide, "Requirements for resources".
const MOST_DISKS: usize = 21;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImportImage {
    architecture: Option<String>,
    boot_mode: Option<BootMode>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    disk_container: Vec<ImageDiskContainer>,
    #[serde(default)]
    encrypted: bool,
    hypervisor: Option<String>,
    kms_key_id: Option<String>,
    license_type: Option<String>,
    platform: Option<String>,
    role_name: Option<String>,
    usage_operation: Option<Unsupported>,
    license_specifications: Option<Unsupported>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(rename = "ClientData")]
    _client_data: Option<ClientData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ImageDiskContainer {
    description: Option<String>,
    device_name: Option<String>,
    format: Option<String>,
    snapshot_id: Option<SnapshotId>,
    url: Option<String>,
    user_bucket: Option<UserBucket>,
}

impl Write for ImportImage {
    const ACTION: Action = Action::ec2("ImportImage");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = ImageTaskOut<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(IMAGE_KIND);
        demand_new(view, demands, Self::ACTION);
        demands.new_ec2::<ImportImageTaskKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, IMAGE_KIND, &tags);
        for disk in &self.disk_container {
            match disk.snapshot_id {
                Some(id) => drop(snapshot::demand(view, demands, Self::ACTION, id)),
                None => demand_place(view, demands, place(disk.url.as_deref(), disk.user_bucket.as_ref()).as_ref()),
            }
        }
        ebs::demand_new(view, demands, self.encryption().key_of_volume(view, None).as_deref(), None);
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        ebs::own_key(view, self.encryption().key_of_volume(view, None).as_deref())
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<ImageTaskOut<'t>, ApiError> {
        let encryption = self.encryption();
        encryption.check()?;
        refuse_parameters!(self; usage_operation, license_specifications);
        one_of("Architecture", self.architecture.as_deref(), &["x86_64"])?;
        one_of("Hypervisor", self.hypervisor.as_deref(), &["xen"])?;
        one_of("LicenseType", self.license_type.as_deref(), &["BYOL"])?;
        one_of("Platform", self.platform.as_deref(), &["Linux", "Windows"])?;
        if self.boot_mode == Some(BootMode::UefiPreferred) {
            let why = "The boot mode uefi-preferred isn't supported for importing images.";
            return Err(ApiError::invalid("BootMode", "uefi-preferred", why));
        }
        check_description(&self.description)?;
        self.tag_specification.check(&[IMAGE_KIND])?;
        let tags = self.tag_specification.of(IMAGE_KIND)?;
        if self.disk_container.is_empty() {
            return Err(ApiError::missing("DiskContainers"));
        }
        if self.disk_container.len() > MOST_DISKS {
            return Err(ApiError::invalid(
                "DiskContainers",
                self.disk_container.len(),
                "An image has at most 21 disks.",
            ));
        }
        let is_encrypted = encryption.asked || encryption.key.is_some();
        if is_encrypted && self.disk_container.iter().any(|container| container.snapshot_id.is_some()) {
            let message =
                "The parameters Encrypted and KmsKeyId are not supported with a SnapshotId in DiskContainers.";
            return Err(ApiError::new("UnsupportedOperation", message));
        }
        check_devices(&self.disk_container)?;
        let view = tx.view();
        let read = |container: ImageDiskContainer| container.read(&view);
        let disks = self.disk_container.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let sources: Vec<&ImportSource> = disks.iter().filter_map(|disk| disk.source.as_ref()).collect();
        check_role(&view, self.role_name.as_deref(), &sources)?;
        let image = Some(ImportedImage {
            platform: self.platform,
            license: self.license_type,
            boot_mode: self.boot_mode,
            image: None,
        });
        let task = import::begin(tx, NewImport { description: self.description, disks, image, encryption })?;
        tag::put(tx, IMAGE_KIND, &task.name(), &tags)?;
        let view = tx.view();
        now(&view, &task).map(|task| image_task_begun(&view, task)).ok_or_else(ApiError::internal)
    }
}

/// That disks are called as disks are, and the first one as the root is.
fn check_devices(containers: &[ImageDiskContainer]) -> Result<(), ApiError> {
    for (number, device) in containers.iter().enumerate().filter_map(|(n, it)| Some((n, it.device_name.as_deref()?))) {
        check_device(device)?;
        if number == 0 && device != ROOT_DEVICE {
            let why = format!("The first disk of an image is {ROOT_DEVICE}.");
            return Err(ApiError::invalid("DeviceName", device, why));
        }
    }
    Ok(())
}

/// That a parameter has one of the values that are acted on, where it is there.
fn one_of(name: &str, value: Option<&str>, known: &[&str]) -> Result<(), ApiError> {
    match value {
        Some(value) if !known.contains(&value) => {
            Err(ApiError::invalid(name, value, format_args!("Landfall imports {}.", known.join(" and "))))
        }
        _ => Ok(()),
    }
}

impl ImageDiskContainer {
    fn read(self, view: &View<'_>) -> Result<ImportedDisk, ApiError> {
        if let Some(id) = self.snapshot_id {
            if self.format.is_some() {
                let message = "Specify Format with Url or UserBucket, and not with SnapshotId.";
                return Err(ApiError::new("InvalidParameterCombination", message));
            }
            if self.url.is_some() || self.user_bucket.is_some() {
                let message = "Specify one of SnapshotId, Url and UserBucket.";
                return Err(ApiError::new("InvalidParameterCombination", message));
            }
            let (description, device) = (self.description.unwrap_or_default(), self.device_name);
            return Ok(ImportedDisk {
                source: None,
                description,
                device,
                volume: None,
                snapshot: Some(id),
                size_bytes: 0,
                percent: 100,
                noticed: None,
            });
        }
        let source = source(view, self.format.as_deref(), self.url.as_deref(), self.user_bucket.as_ref())?;
        Ok(disk(source, self.description, self.device_name))
    }
}

impl ImportImage {
    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }
}
