//! ec2:GetLaunchTemplateData. Says what a launch template would say of an instance that is there.

use std::borrow::Cow;

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::{Instance, InstanceId, LaunchParameters, NetworkInterface, ShutdownBehavior, Volume};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shape::change::demand_one;
use super::shape::instance::{interfaces_in_order, switch};
use super::shape::launch_template::Shown;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetLaunchTemplateData {
    instance_id: InstanceId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetLaunchTemplateDataResult {
    launch_template_data: Shown<'static>,
}

impl Read for GetLaunchTemplateData {
    const ACTION: Action = Action::ec2("GetLaunchTemplateData");
    type Output<'v> = GetLaunchTemplateDataResult;

    /// Source: the EC2 API Reference: "This action calls on other describe actions". User data and volumes are shown to
    /// whoever may see them elsewhere.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_one(view, demands, Self::ACTION, self.instance_id);
        demand_one(view, demands, Action::ec2("DescribeInstanceAttribute"), self.instance_id);
        demands.anything(Action::ec2("DescribeVolumes"));
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetLaunchTemplateDataResult, ApiError> {
        let view = look.view;
        let row = view.need::<Instances, _>(self.instance_id)?;
        Ok(GetLaunchTemplateDataResult { launch_template_data: Shown(Cow::Owned(data(&view, row))) })
    }
}

/// In the spelling of requests, as templates are kept. What of an instance is always the same here, such as the threads of
/// its processors, is left out: a launch with it would be refused.
fn data(view: &View<'_>, row: &Instance) -> LaunchParameters {
    let spec = &row.spec;
    let metadata = &spec.metadata;
    let mut data = LaunchParameters::new();
    let mut say = |name: &str, value: Value| _ = data.insert(name.into(), value);
    say("ImageId", json!(spec.image));
    say("InstanceType", json!(spec.instance_type));
    say("EbsOptimized", json!(spec.ebs_optimized));
    say("Monitoring", json!({ "Enabled": spec.monitoring }));
    say("Placement", json!({ "AvailabilityZone": spec.zone.to_string(), "GroupName": "", "Tenancy": "default" }));
    say("DisableApiTermination", json!(spec.disable_api_termination));
    say("DisableApiStop", json!(spec.disable_api_stop));
    let terminates = spec.shutdown_behavior == ShutdownBehavior::Terminate;
    say("InstanceInitiatedShutdownBehavior", json!(if terminates { "terminate" } else { "stop" }));
    say("BlockDeviceMapping", view.volumes_of(row).into_iter().filter_map(disk).collect());
    say("NetworkInterface", interfaces_in_order(view, row).into_iter().filter_map(interface).collect());
    say("HibernationOptions", json!({ "Configured": false }));
    say("EnclaveOptions", json!({ "Enabled": false }));
    say("CapacityReservationSpecification", json!({ "CapacityReservationPreference": "open" }));
    say("MaintenanceOptions", json!({ "AutoRecovery": "default" }));
    say(
        "PrivateDnsNameOptions",
        json!({
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": false,
            "EnableResourceNameDnsAAAARecord": false,
        }),
    );
    say(
        "MetadataOptions",
        json!({
            "HttpTokens": if metadata.tokens_required { "required" } else { "optional" },
            "HttpPutResponseHopLimit": metadata.hop_limit,
            "HttpEndpoint": switch(metadata.enabled),
            "HttpProtocolIpv6": switch(metadata.ipv6),
            "InstanceMetadataTags": switch(metadata.tags),
        }),
    );
    if let Some((name, _)) = &spec.key {
        say("KeyName", json!(name));
    }
    if let Some(profile) = view.profile_of(row.id) {
        say("IamInstanceProfile", json!({ "Arn": profile.arn }));
    }
    if let Some(credits) = &spec.cpu_credits {
        say("CreditSpecification", json!({ "CpuCredits": credits }));
    }
    if let Some(user_data) = view.user_data(row) {
        say("UserData", json!(user_data));
    }
    let tags: Vec<_> =
        view.tags(&row.id.to_string()).into_iter().flatten().filter(|(key, _)| !key.starts_with("aws:")).collect();
    if !tags.is_empty() {
        let list: Vec<_> = tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        say("TagSpecification", json!([{ "ResourceType": "instance", "Tag": list }]));
    }
    data
}

fn disk(row: &Volume) -> Option<Value> {
    let attachment = row.attachment.as_ref()?;
    let shape = row.seen();
    let mut ebs = LaunchParameters::new();
    ebs.insert("DeleteOnTermination".into(), json!(attachment.delete_on_termination));
    ebs.insert("Encrypted".into(), json!(row.data_key.is_some()));
    if let Some(key) = &row.data_key {
        ebs.insert("KmsKeyId".into(), json!(key.kms_key));
    }
    ebs.insert("VolumeSize".into(), json!(shape.size_gib));
    ebs.insert("VolumeType".into(), json!(shape.kind.name()));
    let more = [("Iops", shape.iops), ("Throughput", shape.throughput_mib)];
    ebs.extend(more.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into()))));
    if let Some(snapshot) = row.snapshot {
        ebs.insert("SnapshotId".into(), json!(snapshot));
    }
    Some(json!({ "DeviceName": attachment.device, "Ebs": ebs }))
}

fn interface(row: &NetworkInterface) -> Option<Value> {
    let attachment = row.attachment.as_ref()?;
    let addresses = row.addresses.iter().enumerate();
    let private: Vec<_> = addresses
        .map(|(index, address)| json!({ "Primary": index == 0, "PrivateIpAddress": address.to_string() }))
        .collect();
    let ipv6: Vec<_> = row.ipv6.iter().map(|address| json!({ "Ipv6Address": address.to_string() })).collect();
    let groups: Vec<_> = row.groups.iter().map(ToString::to_string).collect();
    Some(json!({
        "DeleteOnTermination": attachment.delete_on_termination,
        "Description": row.description,
        "DeviceIndex": attachment.device_index,
        "InterfaceType": "interface",
        "Ipv6Addresses": ipv6,
        "NetworkCardIndex": 0,
        "NetworkInterfaceId": row.id.to_string(),
        "PrivateIpAddress": row.primary().to_string(),
        "PrivateIpAddresses": private,
        "SecurityGroupId": groups,
        "SubnetId": row.subnet.to_string(),
    }))
}
