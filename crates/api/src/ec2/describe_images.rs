//! ec2:DescribeImages. Lists images. They are the provider's; everybody sees them under each of their names and owners.

use landfall_cloud::{Fault, View};
use landfall_model::image::ImageName;
use landfall_model::{Image, ImageId, SnapshotId};
use serde::{Deserialize, Serialize};

use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Selection, Values, maybe, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeImages {
    #[serde(default)]
    executable_by: Vec<String>,
    #[serde(default)]
    image_id: Vec<ImageId>,
    #[serde(default)]
    owner: Vec<String>,
    /// Without effect: images are neither deprecated nor disabled, so there are none to include.
    #[serde(default, rename = "IncludeDeprecated")]
    _include_deprecated: bool,
    #[serde(default, rename = "IncludeDisabled")]
    _include_disabled: bool,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImagesResult<'v> {
    images_set: Vec<ImageShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageShape<'v> {
    platform_details: &'v str,
    usage_operation: &'static str,
    block_device_mapping: [BlockDeviceMapping<'v>; 1],
    description: &'v str,
    ena_support: bool,
    hypervisor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_owner_alias: Option<&'v str>,
    name: &'v str,
    root_device_name: &'v str,
    root_device_type: &'static str,
    sriov_net_support: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    virtualization_type: &'static str,
    boot_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    imds_support: Option<&'static str>,
    deregistration_protection: &'static str,
    image_id: ImageId,
    image_location: String,
    image_state: &'static str,
    image_owner_id: &'v str,
    creation_date: String,
    is_public: bool,
    architecture: &'v str,
    image_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockDeviceMapping<'v> {
    device_name: &'v str,
    ebs: EbsBlockDevice,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EbsBlockDevice {
    delete_on_termination: bool,
    snapshot_id: SnapshotId,
    volume_size: u32,
    volume_type: &'static str,
    encrypted: bool,
}

/// An image under one of its names.
#[derive(Clone, Copy)]
struct Entry<'v> {
    image: &'v Image,
    name: &'v ImageName,
}

const VIRTUALIZATION: &str = "hvm";
const HYPERVISOR: &str = "xen";
const SRIOV: &str = "simple";
const ROOT_DEVICE_TYPE: &str = "ebs";
const STATE: &str = "available";
const IMAGE_TYPE: &str = "machine";
/// What a root volume is unless a launch says otherwise.
const VOLUME_TYPE: &str = "gp3";

impl Read for DescribeImages {
    const ACTION: Action = Action::ec2("DescribeImages");
    const PAGE_LIMIT: usize = 1000;
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "architecture",
            "block-device-mapping.delete-on-termination",
            "block-device-mapping.device-name",
            "block-device-mapping.encrypted",
            "block-device-mapping.snapshot-id",
            "block-device-mapping.volume-size",
            "block-device-mapping.volume-type",
            "creation-date",
            "description",
            "ena-support",
            "hypervisor",
            "image-id",
            "image-type",
            "is-public",
            "kernel-id",
            "manifest-location",
            "name",
            "owner-alias",
            "owner-id",
            "platform",
            "product-code",
            "product-code.type",
            "ramdisk-id",
            "root-device-name",
            "root-device-type",
            "source-image-id",
            "source-image-region",
            "source-instance-id",
            "sriov-net-support",
            "state",
            "state-reason-code",
            "state-reason-message",
            "tag-key",
            "virtualization-type",
        ],
        refused: &["free-tier-eligible", "image-allowed"],
    };
    type Output<'v> = DescribeImagesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeImagesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        check_owners(&self.owner)?;
        self.check_ids(&view)?;
        let mut entries: Vec<Entry<'v>> = view
            .tables()
            .images
            .iter()
            .flat_map(|image| image.names.iter().map(move |name| Entry { image, name }))
            .filter(|entry| self.image_id.is_empty() || self.image_id.contains(&entry.name.id))
            .filter(|entry| self.owner.is_empty() || self.owner.iter().any(|owner| entry.is_of(&view, owner)))
            // All images are public, and none is shared with anybody by name.
            .filter(|_| self.executable_by.is_empty() || self.executable_by.iter().any(|who| who == "all"))
            .filter(|entry| entry.matches(&view, &selection))
            .collect();
        // Names that share an id are one image, shown under the first that was asked for.
        entries.sort_by_key(|entry| entry.name.id);
        entries.dedup_by_key(|entry| entry.name.id);
        let page = look.page.take(entries, |entry| entry.name.id)?;
        Ok(DescribeImagesResult { images_set: page.into_iter().map(|entry| entry.shape(&view)).collect() })
    }
}

impl DescribeImages {
    fn check_ids(&self, view: &View<'_>) -> Result<(), ApiError> {
        let absent: Vec<_> = self.image_id.iter().copied().filter(|id| view.image(*id).is_none()).collect();
        if absent.is_empty() { Ok(()) } else { Err(Fault::none_of(&absent).into()) }
    }
}

fn check_owners(owners: &[String]) -> Result<(), ApiError> {
    let is_account = |owner: &str| owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
    let is_alias = |owner: &str| matches!(owner, "self" | "amazon" | "aws-marketplace" | "aws-backup-vault");
    match owners.iter().find(|owner| !is_account(owner) && !is_alias(owner)) {
        None => Ok(()),
        Some(owner) => Err(ApiError::new("InvalidUserID.Malformed", format!("Invalid user id: \"{owner}\""))),
    }
}

impl<'v> Entry<'v> {
    fn is_of(&self, view: &View<'_>, owner: &str) -> bool {
        match owner {
            "self" => self.name.owner == view.scope().account.to_string(),
            _ => self.name.owner == owner || self.name.alias.as_deref() == Some(owner),
        }
    }

    fn location(&self) -> String {
        let owner = self.name.alias.as_ref().unwrap_or(&self.name.owner);
        format!("{owner}/{}", self.name.name)
    }

    fn matches(&self, view: &View<'v>, selection: &Selection) -> bool {
        selection.is_empty() || selection.matches(view.tags(&self.name.id.to_string()), |field| self.values(field))
    }

    fn values(&self, field: &str) -> Values<'v> {
        let (image, name) = (self.image, self.name);
        match field {
            "architecture" => one(image.architecture.as_str()),
            "block-device-mapping.delete-on-termination" | "ena-support" | "is-public" => one("true"),
            "block-device-mapping.device-name" | "root-device-name" => one(image.root_device.as_str()),
            "block-device-mapping.encrypted" => one("false"),
            "block-device-mapping.snapshot-id" => shown(image.snapshot),
            "block-device-mapping.volume-size" => shown(image.size_gib),
            "block-device-mapping.volume-type" => one(VOLUME_TYPE),
            "creation-date" => shown(image.created_at),
            "description" => one(image.description.as_str()),
            "hypervisor" => one(HYPERVISOR),
            "image-id" => shown(name.id),
            "image-type" => one(IMAGE_TYPE),
            "manifest-location" => one(self.location()),
            "name" => one(name.name.as_str()),
            "owner-alias" => maybe(name.alias.as_deref()),
            "owner-id" => one(name.owner.as_str()),
            "root-device-type" => one(ROOT_DEVICE_TYPE),
            "sriov-net-support" => one(SRIOV),
            "state" => one(STATE),
            "virtualization-type" => one(VIRTUALIZATION),
            // Kernels, RAM disks, product codes, sources and reasons: no image has any. `platform` is only Windows's.
            _ => Values::new(),
        }
    }

    fn shape(&self, view: &View<'v>) -> ImageShape<'v> {
        let (image, name) = (self.image, self.name);
        ImageShape {
            platform_details: &image.platform_details,
            usage_operation: "RunInstances",
            block_device_mapping: [BlockDeviceMapping {
                device_name: &image.root_device,
                ebs: EbsBlockDevice {
                    delete_on_termination: true,
                    snapshot_id: image.snapshot,
                    volume_size: image.size_gib,
                    volume_type: VOLUME_TYPE,
                    encrypted: false,
                },
            }],
            description: &image.description,
            ena_support: true,
            hypervisor: HYPERVISOR,
            image_owner_alias: name.alias.as_deref(),
            name: &name.name,
            root_device_name: &image.root_device,
            root_device_type: ROOT_DEVICE_TYPE,
            sriov_net_support: SRIOV,
            tag_set: tag_set(view, &name.id.to_string()),
            virtualization_type: VIRTUALIZATION,
            boot_mode: "legacy-bios",
            imds_support: image.imds_v2.then_some("v2.0"),
            deregistration_protection: "disabled",
            image_id: name.id,
            image_location: self.location(),
            image_state: STATE,
            image_owner_id: &name.owner,
            creation_date: image.created_at.to_string(),
            is_public: true,
            architecture: &image.architecture,
            image_type: IMAGE_TYPE,
        }
    }
}
