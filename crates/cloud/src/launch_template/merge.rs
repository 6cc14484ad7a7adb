//! How what a request says of a launch goes together with what a template says.
//!
//! There are two ways, and AWS documents both. A **new version** that is made from another one takes over its parameters,
//! and "if you specify additional launch parameters for the new version, they overwrite any corresponding launch parameters
//! inherited from the source version"; "snapshots applied to the block device mapping are ignored when creating a new
//! version unless they are explicitly included" (the EC2 API Reference, CreateLaunchTemplateVersion). A **launch** goes
//! deeper: "If you specify a nested parameter that's part of a complex structure, the instance is launched using the complex
//! structure as specified in the launch template plus any additional nested parameters that you specify", where a tag of the
//! same key and a disk at the same device are replaced (the EC2 User Guide, "Launch an instance from a launch template").

use std::collections::HashMap;

use landfall_model::launch_template::LaunchParameters;
use serde_json::Value;

/// What tells the elements of a list apart, for lists that go together element by element.
struct Named {
    /// The list.
    list: &'static str,
    /// The member of its elements that names them.
    by: &'static str,
    /// What an element that names none goes by.
    unnamed: &'static str,
    /// Whether an element takes the place of the one of its name; otherwise it goes over that.
    replaces: bool,
}

/// Lists whose elements have names. All others are one parameter: a launch that lists groups has these and no others.
const NAMED: [Named; 4] = [
    Named { list: "BlockDeviceMapping", by: "DeviceName", unnamed: "", replaces: true },
    Named { list: "NetworkInterface", by: "DeviceIndex", unnamed: "0", replaces: false },
    Named { list: "TagSpecification", by: "ResourceType", unnamed: "", replaces: false },
    Named { list: "Tag", by: "Key", unnamed: "", replaces: true },
];

/// Members of which one takes the other's place.
const EITHER: [(&str, &str); 2] = [("SecurityGroup", "SecurityGroupId"), ("AvailabilityZone", "AvailabilityZoneId")];

/// The parameters of a launch: those of a template, and over them those that the request says itself.
pub fn overlay(mut template: LaunchParameters, request: LaunchParameters) -> LaunchParameters {
    for (one, other) in EITHER {
        for (said, instead) in [(one, other), (other, one)] {
            if request.contains_key(said) {
                template.remove(instead);
            }
        }
    }
    for (name, value) in request {
        match template.get_mut(&name) {
            Some(below) => lay(&name, below, value),
            None => _ = template.insert(name, value),
        }
    }
    template
}

/// The parameters of a version that is made from another one.
pub fn inherit(mut source: LaunchParameters, new: LaunchParameters) -> LaunchParameters {
    for disk in source.get_mut("BlockDeviceMapping").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(ebs) = disk.get_mut("Ebs").and_then(Value::as_object_mut) {
            ebs.remove("SnapshotId");
        }
    }
    source.extend(new);
    source
}

fn lay(name: &str, below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => *below = overlay(std::mem::take(below), above),
        (Value::Array(below), Value::Array(above)) => match NAMED.iter().find(|named| named.list == name) {
            Some(named) => lay_list(named, below, above),
            None => *below = above,
        },
        (below, above) => *below = above,
    }
}

fn lay_list(named: &Named, below: &mut Vec<Value>, above: Vec<Value>) {
    // Of several with one name the first is meant; of the request's own all are kept, to be refused as without a template.
    let mut places = HashMap::new();
    for (place, element) in below.iter().enumerate() {
        places.entry(name_of(named, element)).or_insert(place);
    }
    for element in above {
        match places.remove(&name_of(named, &element)).and_then(|place| below.get_mut(place)) {
            Some(other) if !named.replaces => lay("", other, element),
            Some(other) => *other = element,
            None => below.push(element),
        }
    }
}

/// The name of an element, whether it was sent as a text or is kept as a number.
fn name_of(named: &Named, element: &Value) -> String {
    match element.get(named.by) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => named.unnamed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> LaunchParameters {
        let Value::Object(map) = value else { unreachable!("parameters are an object") };
        map
    }

    fn launched(template: Value, request: Value) -> Value {
        Value::Object(overlay(of(template), of(request)))
    }

    #[test]
    fn what_a_request_says_goes_over_what_the_template_says() {
        let template = json!({ "ImageId": "ami-1", "InstanceType": "t3.micro", "EbsOptimized": true });
        let request = json!({ "InstanceType": "t3.small", "EbsOptimized": "false", "KeyName": "mine" });
        let both =
            json!({ "ImageId": "ami-1", "InstanceType": "t3.small", "EbsOptimized": "false", "KeyName": "mine" });
        assert_eq!(launched(template.clone(), request), both);
        assert_eq!(launched(template.clone(), json!({})), template);
        assert_eq!(launched(json!({}), template.clone()), template);
    }

    #[test]
    fn structures_go_together_by_their_members() {
        let template = json!({ "MetadataOptions": { "HttpTokens": "required", "HttpPutResponseHopLimit": 2 } });
        let request =
            json!({ "MetadataOptions": { "HttpPutResponseHopLimit": "1" }, "Placement": { "Tenancy": "default" } });
        let both = json!({
            "MetadataOptions": { "HttpTokens": "required", "HttpPutResponseHopLimit": "1" },
            "Placement": { "Tenancy": "default" },
        });
        assert_eq!(launched(template, request), both);
    }

    #[test]
    fn a_list_of_values_is_one_parameter() {
        let template = json!({ "SecurityGroupId": ["sg-1", "sg-2"] });
        assert_eq!(launched(template, json!({ "SecurityGroupId": ["sg-3"] })), json!({ "SecurityGroupId": ["sg-3"] }));
    }

    #[test]
    fn tags_go_together_by_kind_and_key() {
        let template = json!({ "TagSpecification": [
            { "ResourceType": "instance", "Tag": [{ "Key": "Owner", "Value": "TeamB" }, { "Key": "Use", "Value": "web" }] },
            { "ResourceType": "volume", "Tag": [{ "Key": "Owner", "Value": "TeamB" }] },
        ] });
        let request = json!({ "TagSpecification": [
            { "ResourceType": "instance", "Tag": [{ "Key": "Owner", "Value": "TeamA" }, { "Key": "Day", "Value": "1" }] },
            { "ResourceType": "network-interface", "Tag": [{ "Key": "Day", "Value": "1" }] },
        ] });
        let both = json!({ "TagSpecification": [
            { "ResourceType": "instance", "Tag": [
                { "Key": "Owner", "Value": "TeamA" }, { "Key": "Use", "Value": "web" }, { "Key": "Day", "Value": "1" },
            ] },
            { "ResourceType": "volume", "Tag": [{ "Key": "Owner", "Value": "TeamB" }] },
            { "ResourceType": "network-interface", "Tag": [{ "Key": "Day", "Value": "1" }] },
        ] });
        assert_eq!(launched(template, request), both);
    }

    #[test]
    fn a_disk_takes_the_place_of_the_one_at_its_device() {
        let template = json!({ "BlockDeviceMapping": [
            { "DeviceName": "/dev/xvda", "Ebs": { "VolumeSize": 20 } },
            { "DeviceName": "/dev/xvdb", "Ebs": { "VolumeSize": 20, "Iops": 4000, "VolumeType": "gp3" } },
        ] });
        let disk = |name: &str| json!({ "DeviceName": name, "Ebs": { "VolumeSize": "30", "VolumeType": "gp2" } });
        let request = json!({ "BlockDeviceMapping": [disk("/dev/xvdb"), disk("/dev/xvdc")] });
        let first = json!({ "DeviceName": "/dev/xvda", "Ebs": { "VolumeSize": 20 } });
        let both = json!({ "BlockDeviceMapping": [first, disk("/dev/xvdb"), disk("/dev/xvdc")] });
        assert_eq!(launched(template, request), both);
    }

    #[test]
    fn interfaces_go_together_by_their_index() {
        let template = json!({ "NetworkInterface": [
            { "SecurityGroupId": ["sg-1"], "AssociatePublicIpAddress": true },
            { "DeviceIndex": 1, "SubnetId": "subnet-1" },
        ] });
        let request = json!({ "NetworkInterface": [
            { "DeviceIndex": "0", "SubnetId": "subnet-2" },
            { "DeviceIndex": "1", "SubnetId": "subnet-2" },
            { "DeviceIndex": "2", "SubnetId": "subnet-2" },
        ] });
        let both = json!({ "NetworkInterface": [
            { "DeviceIndex": "0", "SecurityGroupId": ["sg-1"], "AssociatePublicIpAddress": true, "SubnetId": "subnet-2" },
            { "DeviceIndex": "1", "SubnetId": "subnet-2" },
            { "DeviceIndex": "2", "SubnetId": "subnet-2" },
        ] });
        assert_eq!(launched(template, request), both);
    }

    #[test]
    fn a_version_from_another_has_whole_parameters_of_its_own() {
        let source = json!({
            "ImageId": "ami-1",
            "MetadataOptions": { "HttpTokens": "required", "HttpPutResponseHopLimit": 2 },
            "TagSpecification": [{ "ResourceType": "instance", "Tag": [{ "Key": "Use", "Value": "web" }] }],
        });
        let new = json!({ "MetadataOptions": { "HttpTokens": "optional" }, "TagSpecification": [] });
        let both = json!({
            "ImageId": "ami-1", "MetadataOptions": { "HttpTokens": "optional" }, "TagSpecification": [],
        });
        assert_eq!(Value::Object(inherit(of(source), of(new))), both);
    }

    #[test]
    fn snapshots_are_not_inherited() {
        let disk = |ebs: Value| json!({ "BlockDeviceMapping": [{ "DeviceName": "/dev/xvdb", "Ebs": ebs }] });
        let source = disk(json!({ "SnapshotId": "snap-1", "VolumeSize": 20 }));
        let inherited = Value::Object(inherit(of(source.clone()), of(json!({ "KeyName": "mine" }))));
        assert_eq!(inherited["BlockDeviceMapping"], disk(json!({ "VolumeSize": 20 }))["BlockDeviceMapping"]);
        let said = Value::Object(inherit(of(source.clone()), of(source.clone())));
        assert_eq!(said, source);
    }
}
