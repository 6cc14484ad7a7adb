//! ec2:ModifyInstanceAttribute. Changes one attribute of an instance: its type while it is stopped (vertical scaling),
//! user data, groups, protections, what its own power-off does.

use landfall_cloud::value::{Instances, UserDataTable, Volumes};
use landfall_cloud::{Tx, View, instance};
use landfall_model::{InstanceId, InstanceType, SecurityGroupId, ShutdownBehavior, UserData, VolumeId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::change::demand_each;
use super::shape::metadata::choice;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::user_data;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyInstanceAttribute {
    instance_id: InstanceId,
    attribute: Option<String>,
    value: Option<String>,
    instance_type: Option<Value<String>>,
    user_data: Option<Value<String>>,
    instance_initiated_shutdown_behavior: Option<Value<String>>,
    disable_api_termination: Option<Value<bool>>,
    disable_api_stop: Option<Value<bool>>,
    source_dest_check: Option<Value<bool>>,
    ebs_optimized: Option<Value<bool>>,
    ena_support: Option<Value<bool>>,
    #[serde(default)]
    group_id: Vec<SecurityGroupId>,
    #[serde(default)]
    block_device_mapping: Vec<BlockDeviceIn>,
    kernel: Option<Unsupported>,
    ramdisk: Option<Unsupported>,
    sriov_net_support: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Value<T> {
    value: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BlockDeviceIn {
    device_name: String,
    ebs: Option<EbsIn>,
    virtual_name: Option<Unsupported>,
    no_device: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EbsIn {
    volume_id: Option<VolumeId>,
    delete_on_termination: Option<bool>,
}

/// The one change that a request asks for.
enum Change {
    Type(String),
    UserData(String),
    Shutdown(String),
    Termination(bool),
    Stop(bool),
    SourceDest(bool),
    EbsOptimized(bool),
    EnaSupport(bool),
    Groups(Vec<SecurityGroupId>),
    Disks(Vec<BlockDeviceIn>),
}

impl Write for ModifyInstanceAttribute {
    const ACTION: Action = Action::ec2("ModifyInstanceAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
        for &group in &self.group_id {
            demands.ec2(view, Self::ACTION, group);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let id = self.instance_id;
        tx.view().need::<Instances, _>(id)?;
        match self.change()? {
            Change::Type(name) => {
                let kind = InstanceType::find(&name).ok_or_else(|| {
                    ApiError::new(
                        "InvalidInstanceAttributeValue",
                        format!("The instanceType '{name}' is not supported."),
                    )
                })?;
                instance::resize(tx, id, kind)?;
            }
            Change::UserData(text) => change_user_data(tx, id, &text)?,
            Change::Shutdown(word) => {
                let ends = choice("instanceInitiatedShutdownBehavior", &word, "terminate", "stop")?;
                let behavior = if ends { ShutdownBehavior::Terminate } else { ShutdownBehavior::Stop };
                instance::change(tx, id, |row| row.spec.shutdown_behavior = behavior)?;
            }
            Change::Termination(on) => instance::change(tx, id, |row| row.spec.disable_api_termination = on)?,
            Change::Stop(on) => instance::change(tx, id, |row| row.spec.disable_api_stop = on)?,
            Change::SourceDest(on) => instance::set_source_dest_check(tx, id, on)?,
            Change::EbsOptimized(on) => instance::change_stopped(tx, id, |row| row.spec.ebs_optimized = on)?,
            Change::EnaSupport(true) => {}
            Change::EnaSupport(false) => {
                return Err(ApiError::unsupported("the value 'false' of the parameter EnaSupport"));
            }
            Change::Groups(groups) => instance::set_groups(tx, id, &groups)?,
            Change::Disks(disks) => change_disks(tx, id, &disks)?,
        }
        Ok(Done::OK)
    }
}

impl ModifyInstanceAttribute {
    /// The change: exactly one, by its own parameter or by `Attribute` and `Value`.
    fn change(self) -> Result<Change, ApiError> {
        refuse_parameters!(self; kernel, ramdisk, sriov_net_support);
        let mut changes = Vec::new();
        if let Some(attribute) = &self.attribute {
            if let Some(value) = self.value {
                changes.push(by_name(attribute, value)?);
            } else if self.block_device_mapping.is_empty() {
                return Err(ApiError::missing("Value"));
            }
        }
        changes.extend(self.instance_type.map(|v| Change::Type(v.value)));
        changes.extend(self.user_data.map(|v| Change::UserData(v.value)));
        changes.extend(self.instance_initiated_shutdown_behavior.map(|v| Change::Shutdown(v.value)));
        changes.extend(self.disable_api_termination.map(|v| Change::Termination(v.value)));
        changes.extend(self.disable_api_stop.map(|v| Change::Stop(v.value)));
        changes.extend(self.source_dest_check.map(|v| Change::SourceDest(v.value)));
        changes.extend(self.ebs_optimized.map(|v| Change::EbsOptimized(v.value)));
        changes.extend(self.ena_support.map(|v| Change::EnaSupport(v.value)));
        if !self.group_id.is_empty() {
            changes.push(Change::Groups(self.group_id));
        }
        if !self.block_device_mapping.is_empty() {
            changes.push(Change::Disks(self.block_device_mapping));
        }
        match (changes.pop(), changes.is_empty()) {
            (Some(change), true) => Ok(change),
            (None, _) => Err(ApiError::combination("No attributes specified.")),
            (Some(_), false) => {
                Err(ApiError::combination("Fields for multiple attribute types specified: one attribute at a time."))
            }
        }
    }
}

fn by_name(attribute: &str, value: String) -> Result<Change, ApiError> {
    let on = || choice("value", &value.to_ascii_lowercase(), "true", "false");
    Ok(match attribute {
        "instanceType" => Change::Type(value),
        "userData" => Change::UserData(value),
        "instanceInitiatedShutdownBehavior" => Change::Shutdown(value),
        "disableApiTermination" => Change::Termination(on()?),
        "disableApiStop" => Change::Stop(on()?),
        "sourceDestCheck" => Change::SourceDest(on()?),
        "ebsOptimized" => Change::EbsOptimized(on()?),
        "enaSupport" => Change::EnaSupport(on()?),
        other => return Err(ApiError::invalid("attribute", other, "It can't be changed.")),
    })
}

fn change_user_data(tx: &mut Tx<'_, '_>, id: InstanceId, text: &str) -> Result<(), ApiError> {
    let data = user_data::parse(text)?;
    let (sha256, old) =
        (data.as_ref().map(|(sha256, _)| sha256.clone()), tx.view().need::<Instances, _>(id)?.spec.user_data.clone());
    instance::change_stopped(tx, id, |row| row.spec.user_data = sha256)?;
    let scope = tx.scope();
    if let Some((sha256, base64)) = data {
        tx.put::<UserDataTable>(UserData { scope, sha256, base64 });
    }
    landfall_cloud::instance::forget_user_data(tx, old);
    Ok(())
}

fn change_disks(tx: &mut Tx<'_, '_>, id: InstanceId, disks: &[BlockDeviceIn]) -> Result<(), ApiError> {
    instance::change(tx, id, |_| ())?;
    for disk in disks {
        refuse_parameters!(disk; virtual_name, no_device);
        let row = tx
            .volumes
            .by_instance(&id)
            .find(|row| row.attachment.as_ref().is_some_and(|a| a.device == disk.device_name));
        let Some(key) = row.map(landfall_model::Volume::key) else {
            let message = format!("No device is currently mapped at {}", disk.device_name);
            return Err(ApiError::new("InvalidInstanceAttributeValue", message));
        };
        let asked = disk.ebs.as_ref().ok_or_else(|| ApiError::missing("BlockDeviceMapping.Ebs"))?;
        if asked.volume_id.is_some_and(|volume| volume != key.id) {
            return Err(ApiError::unsupported("exchanging volumes by ModifyInstanceAttribute"));
        }
        if let Some(goes) = asked.delete_on_termination {
            tx.update::<Volumes, _>(&key, |row| {
                if let Some(attachment) = &mut row.attachment {
                    attachment.delete_on_termination = goes;
                }
            });
        }
    }
    Ok(())
}
