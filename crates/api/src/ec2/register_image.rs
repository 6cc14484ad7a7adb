//! ec2:RegisterImage. Makes an image of snapshots of the caller's own.

use landfall_cloud::image::create::{self, Registration};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{BootMode, ImageTraits};
use serde::Deserialize;

use super::create_image::NewImage;
use super::shape::TagSpecifications;
use super::shape::image::{DiskIn, KIND, check_description, demand_new};
use super::shape::snapshot;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegisterImage {
    name: String,
    #[serde(default)]
    description: String,
    architecture: Option<String>,
    root_device_name: Option<String>,
    #[serde(default)]
    block_device_mapping: Vec<DiskIn>,
    virtualization_type: Option<String>,
    sriov_net_support: Option<String>,
    #[serde(default)]
    ena_support: bool,
    boot_mode: Option<BootMode>,
    imds_support: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    /// Where an image is that isn't made of snapshots; Terraform says so of each that is by nothing.
    #[serde(default)]
    image_location: String,
    billing_product: Option<Unsupported>,
    kernel_id: Option<Unsupported>,
    ramdisk_id: Option<Unsupported>,
    tpm_support: Option<Unsupported>,
    uefi_data: Option<Unsupported>,
}

impl Write for RegisterImage {
    const ACTION: Action = Action::ec2("RegisterImage");
    type Output<'t> = NewImage;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demand_new(view, demands, Self::ACTION).request_tags(&tags);
        for id in self.block_device_mapping.iter().filter_map(DiskIn::snapshot) {
            snapshot::demand(view, demands, Self::ACTION, id);
        }
        demands.tagging_images(Self::ACTION, &tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NewImage, ApiError> {
        refuse_parameters!(self; billing_product, kernel_id, ramdisk_id, tpm_support, uefi_data);
        if !self.image_location.is_empty() {
            return Err(ApiError::unsupported("the parameter ImageLocation"));
        }
        only("Architecture", self.architecture.as_deref(), "x86_64", "i386")?;
        only("VirtualizationType", self.virtualization_type.as_deref(), "hvm", "paravirtual")?;
        only("SriovNetSupport", self.sriov_net_support.as_deref().or(Some("simple")), "simple", "")?;
        only("ImdsSupport", self.imds_support.as_deref().or(Some("v2.0")), "v2.0", "")?;
        check_description(&self.description)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        if self.block_device_mapping.is_empty() {
            return Err(ApiError::missing("BlockDeviceMapping"));
        }
        let view = tx.view();
        let disks = self.block_device_mapping.iter().filter_map(|disk| disk.disk(&view).transpose());
        let order = Registration {
            name: &self.name,
            description: &self.description,
            traits: ImageTraits {
                architecture: "x86_64".into(),
                platform_details: "Linux/UNIX".into(),
                boot_mode: self.boot_mode,
                min_memory_mib: 0,
                kernel: None,
            },
            root_device: self.root_device_name.as_deref().ok_or_else(|| ApiError::missing("RootDeviceName"))?,
            disks: disks.collect::<Result<_, _>>()?,
            imds_v2: self.imds_support.is_some(),
            ena_support: self.ena_support,
        };
        let image_id = create::register(tx, &order)?;
        tag::put(tx, KIND, &image_id.to_string(), &tags)?;
        Ok(NewImage { image_id })
    }
}

/// That a parameter has the one value that there is: another one, also where it is what AWS takes where none is given, asks
/// for what no host has.
fn only(name: &str, given: Option<&str>, expected: &str, default: &str) -> Result<(), ApiError> {
    match given.unwrap_or(default) {
        value if value == expected => Ok(()),
        value if given.is_none() => {
            let what = format!("the value '{value}' of the parameter {name}, which it has where none is given");
            Err(ApiError::unsupported(what))
        }
        value => Err(ApiError::unsupported(format_args!("the value '{value}' of the parameter {name}"))),
    }
}
