//! ec2:DescribeImageAttribute. Shows one attribute of an image. Of another account's, who may launch from it isn't shown.

use landfall_cloud::View;
use landfall_cloud::image::FoundImage;
use landfall_cloud::{Fault, image};
use landfall_model::{AccountId, BootMode, ImageId, OwnImage};
use serde::{Deserialize, Serialize};

use super::describe_images::protection;
use super::shape::image::{DiskOut, demand, disks};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeImageAttribute {
    attribute: String,
    image_id: ImageId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImageAttributeResult<'v> {
    image_id: ImageId,
    #[serde(flatten)]
    attribute: Attribute<'v>,
}

/// An attribute; an empty structure where it has no value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Attribute<'v> {
    BlockDeviceMapping(Vec<DiskOut<'v>>),
    BootMode(Shown<&'static str>),
    DeregistrationProtection(Shown<&'static str>),
    Description(Shown<&'v str>),
    ImdsSupport(Shown<&'static str>),
    Kernel(Shown<&'static str>),
    LaunchPermission(Vec<Permission>),
    ProductCodes([(); 0]),
    Ramdisk(Shown<&'static str>),
    SriovNetSupport(Shown<&'static str>),
    TpmSupport(Shown<&'static str>),
    UefiData(Shown<&'static str>),
}

#[derive(Serialize)]
struct Shown<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
}

impl Read for DescribeImageAttribute {
    const ACTION: Action = Action::ec2("DescribeImageAttribute");
    type Output<'v> = DescribeImageAttributeResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.image_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeImageAttributeResult<'v>, ApiError> {
        let view = look.view;
        let found = view.find_image(self.image_id).ok_or_else(|| Fault::no_such(self.image_id))?;
        let own = match found {
            FoundImage::Own(row) => Some(row),
            FoundImage::Provided(_) => None,
        };
        let attribute = match self.attribute.as_str() {
            "blockDeviceMapping" => Attribute::BlockDeviceMapping(disks(found)),
            "bootMode" => Attribute::BootMode(Shown { value: found.traits().boot_mode.map(BootMode::name) }),
            "deregistrationProtection" => {
                Attribute::DeregistrationProtection(text(own.map_or("disabled", |row| protection(&view, row))))
            }
            "description" => Attribute::Description(text(match found {
                FoundImage::Provided(image) => &image.description,
                FoundImage::Own(image) => &image.description,
            })),
            "imdsSupport" => Attribute::ImdsSupport(Shown { value: found.imds_v2().then_some("v2.0") }),
            "kernel" => Attribute::Kernel(Shown { value: None }),
            "launchPermission" => Attribute::LaunchPermission(permissions(image::need_own(&view, self.image_id)?)),
            "productCodes" => Attribute::ProductCodes([]),
            "ramdisk" => Attribute::Ramdisk(Shown { value: None }),
            "sriovNetSupport" => Attribute::SriovNetSupport(text("simple")),
            "tpmSupport" => Attribute::TpmSupport(Shown { value: None }),
            "uefiData" => Attribute::UefiData(Shown { value: None }),
            "lastLaunchedTime" => {
                return Err(ApiError::unsupported("the value 'lastLaunchedTime' of the parameter Attribute"));
            }
            other => return Err(ApiError::invalid("Attribute", other, "Unknown attribute.")),
        };
        Ok(DescribeImageAttributeResult { image_id: self.image_id, attribute })
    }
}

/// Who may launch from an image besides its owner.
fn permissions(row: &OwnImage) -> Vec<Permission> {
    let all = row.is_public.then_some(Permission { group: Some("all"), user_id: None });
    let users = row.shared_with.iter().map(|account| Permission { user_id: Some(*account), group: None });
    all.into_iter().chain(users).collect()
}

fn text<T>(value: T) -> Shown<T> {
    Shown { value: Some(value) }
}
