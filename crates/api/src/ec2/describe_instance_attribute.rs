//! ec2:DescribeInstanceAttribute. Shows one attribute of an instance.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::{InstanceId, ShutdownBehavior};
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use super::shape::instance::{BlockDevice, GroupIdentifier, block_devices, group_set};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstanceAttribute {
    instance_id: InstanceId,
    attribute: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstanceAttributeResult<'v> {
    instance_id: InstanceId,
    #[serde(flatten)]
    attribute: Attribute<'v>,
}

/// The one attribute, under its own name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Attribute<'v> {
    BlockDeviceMapping(Vec<BlockDevice<'v>>),
    DisableApiStop(Value<bool>),
    DisableApiTermination(Value<bool>),
    EbsOptimized(Value<bool>),
    EnaSupport(Value<bool>),
    EnclaveOptions { enabled: bool },
    GroupSet(Vec<GroupIdentifier<'v>>),
    InstanceInitiatedShutdownBehavior(Value<ShutdownBehavior>),
    InstanceType(Value<&'v str>),
    Kernel(Nothing),
    ProductCodes([(); 0]),
    Ramdisk(Nothing),
    RootDeviceName(Value<&'v str>),
    SourceDestCheck(Value<bool>),
    SriovNetSupport(Nothing),
    UserData(Maybe<'v>),
}

#[derive(Serialize)]
struct Value<T> {
    value: T,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Maybe<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'v str>,
}

impl Read for DescribeInstanceAttribute {
    const ACTION: Action = Action::ec2("DescribeInstanceAttribute");
    type Output<'v> = DescribeInstanceAttributeResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInstanceAttributeResult<'v>, ApiError> {
        let view = look.view;
        let row = view.need::<Instances, _>(self.instance_id)?;
        let primary = view.primary_interface(row.id);
        let attribute = match self.attribute.as_str() {
            "blockDeviceMapping" => Attribute::BlockDeviceMapping(block_devices(&view, row)),
            "disableApiStop" => Attribute::DisableApiStop(Value { value: row.spec.disable_api_stop }),
            "disableApiTermination" => {
                Attribute::DisableApiTermination(Value { value: row.spec.disable_api_termination })
            }
            "ebsOptimized" => Attribute::EbsOptimized(Value { value: row.spec.ebs_optimized }),
            "enaSupport" => Attribute::EnaSupport(Value { value: true }),
            "enclaveOptions" => Attribute::EnclaveOptions { enabled: false },
            "groupSet" => Attribute::GroupSet(primary.map_or_else(Vec::new, |interface| group_set(&view, interface))),
            "instanceInitiatedShutdownBehavior" => {
                Attribute::InstanceInitiatedShutdownBehavior(Value { value: row.spec.shutdown_behavior })
            }
            "instanceType" => Attribute::InstanceType(Value { value: &row.spec.instance_type }),
            "kernel" => Attribute::Kernel(Nothing {}),
            "productCodes" => Attribute::ProductCodes([]),
            "ramdisk" => Attribute::Ramdisk(Nothing {}),
            "rootDeviceName" => Attribute::RootDeviceName(Value { value: &row.spec.root_device }),
            "sourceDestCheck" => {
                let value = primary.is_none_or(|interface| interface.source_dest_check);
                Attribute::SourceDestCheck(Value { value })
            }
            "sriovNetSupport" => Attribute::SriovNetSupport(Nothing {}),
            "userData" => Attribute::UserData(Maybe { value: view.user_data(row) }),
            other => {
                return Err(ApiError::invalid("attribute", other, "Unknown attribute."));
            }
        };
        Ok(DescribeInstanceAttributeResult { instance_id: row.id, attribute })
    }
}
