//! Launch templates: their versions, what a launch makes of them, and who may launch from one.

use landfall_wire::Tree;

use crate::harness::{ACCOUNT, Case, Client, IMAGE, IMAGE_ALIAS, World, at, column, find, list, params};
use crate::network::launch;

const TEMPLATE: &str = "lt-0123456789abcdef0";
const TYPE: &str = "LaunchTemplateData.InstanceType";

/// The cases of launch templates.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateLaunchTemplate",
        |_| {
            params([
                ("LaunchTemplateName", "web"),
                ("VersionDescription", "first"),
                ("LaunchTemplateData.ImageId", IMAGE),
                (TYPE, "t3.micro"),
                // AWS makes such a template, and says what is wrong with it.
                ("LaunchTemplateData.KeyName", "nobody's"),
                ("LaunchTemplateData.CpuOptions.CoreCount", "1"),
                ("TagSpecification.1.ResourceType", "launch-template"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
                ("ClientToken", "once"),
            ])
        },
        &[
            (&[("LaunchTemplateName", "web")], "MissingParameter"),
            (&[(TYPE, "t3.micro")], "MissingParameter"),
            (&[("LaunchTemplateName", "we"), (TYPE, "t3.micro")], "InvalidLaunchTemplateName.MalformedException"),
            (&[("LaunchTemplateName", "a b c"), (TYPE, "t3.micro")], "InvalidLaunchTemplateName.MalformedException"),
            (
                &[("LaunchTemplateName", "web"), ("LaunchTemplateData.UserData", "no base64!")],
                "InvalidUserData.Malformed",
            ),
            (&[("LaunchTemplateName", "web"), ("LaunchTemplateData.Nonsense", "1")], "UnknownParameter"),
            (&[("LaunchTemplateName", "web"), ("LaunchTemplateData.EbsOptimized", "1")], "InvalidParameterValue"),
            (&[("LaunchTemplateName", "web"), ("LaunchTemplateData.Operator.Principal", "x")], "UnsupportedOperation"),
            (
                &[
                    ("LaunchTemplateName", "web"),
                    (TYPE, "t3.micro"),
                    ("TagSpecification.1.ResourceType", "instance"),
                    ("TagSpecification.1.Tag.1.Key", "Name"),
                ],
                "InvalidParameterValue",
            ),
        ],
    ),
    Case::ec2(
        "CreateLaunchTemplateVersion",
        |client| {
            params([
                ("LaunchTemplateId", template(client, "web").as_str()),
                ("SourceVersion", "1"),
                ("VersionDescription", "second"),
                ("LaunchTemplateData.NetworkInterface.1.DeviceIndex", "0"),
                ("LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1", "sg-0123456789abcdef0"),
                ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
                ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", "4"),
                ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
                ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "Name"),
                ("LaunchTemplateData.TagSpecification.1.Tag.1.Value", "web"),
                ("ClientToken", "once"),
            ])
        },
        &[
            (&[("LaunchTemplateId", TEMPLATE)], "MissingParameter"),
            (&[("LaunchTemplateId", TEMPLATE), (TYPE, "t3.micro")], "InvalidLaunchTemplateId.NotFound"),
            (&[("LaunchTemplateId", "lt-1"), (TYPE, "t3.micro")], "InvalidLaunchTemplateId.Malformed"),
            (&[("LaunchTemplateName", "web"), (TYPE, "t3.micro")], "InvalidLaunchTemplateName.NotFoundException"),
            (
                &[("LaunchTemplateName", "web"), ("LaunchTemplateId", TEMPLATE), (TYPE, "t3.micro")],
                "InvalidParameterCombination",
            ),
            (&[("LaunchTemplateId", TEMPLATE), ("SourceVersion", "x"), (TYPE, "a")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "ModifyLaunchTemplate",
        |client| {
            let id = template(client, "web");
            version(client, &id, "t3.small");
            params([("LaunchTemplateId", id.as_str()), ("SetDefaultVersion", "2"), ("ClientToken", "once")])
        },
        &[
            (&[("LaunchTemplateId", TEMPLATE), ("SetDefaultVersion", "1")], "InvalidLaunchTemplateId.NotFound"),
            (&[("LaunchTemplateId", TEMPLATE)], "MissingParameter"),
            (&[("SetDefaultVersion", "1")], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DeleteLaunchTemplate",
        |client| params([("LaunchTemplateId", template(client, "web"))]),
        &[
            (&[("LaunchTemplateId", TEMPLATE)], "InvalidLaunchTemplateId.NotFound"),
            (&[("LaunchTemplateName", "web")], "InvalidLaunchTemplateName.NotFoundException"),
            (&[], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DeleteLaunchTemplateVersions",
        |client| {
            let id = template(client, "web");
            version(client, &id, "t3.small");
            params([
                ("LaunchTemplateId", id.as_str()),
                ("LaunchTemplateVersion.1", "1"),
                ("LaunchTemplateVersion.2", "2"),
                ("LaunchTemplateVersion.3", "9"),
            ])
        },
        &[
            (&[("LaunchTemplateId", TEMPLATE)], "MissingParameter"),
            (&[("LaunchTemplateVersion.1", "1")], "MissingParameter"),
            (&[("LaunchTemplateId", TEMPLATE), ("LaunchTemplateVersion.1", "$Latest")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeLaunchTemplates",
        |client| {
            template(client, "web");
            params::<&str, &str>([])
        },
        &[
            (&[("LaunchTemplateId.1", TEMPLATE)], "InvalidLaunchTemplateId.NotFound"),
            (&[("LaunchTemplateName.1", "web")], "InvalidLaunchTemplateName.NotFoundException"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("MaxResults", "201")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeLaunchTemplateVersions",
        |client| {
            let id = template(client, "web");
            version(client, &id, "t3.small");
            params([("LaunchTemplateId", id)])
        },
        &[
            (&[("LaunchTemplateId", TEMPLATE)], "InvalidLaunchTemplateId.NotFound"),
            (&[("LaunchTemplateName", "web")], "InvalidLaunchTemplateName.NotFoundException"),
            (&[], "MissingParameter"),
            (&[("LaunchTemplateVersion.1", "1")], "InvalidParameterCombination"),
            (&[("LaunchTemplateVersion.1", "$Newest")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "GetLaunchTemplateData",
        |client| params([("InstanceId", launch(client, &[("UserData", "IyEvYmluL3NoCg==")]))]),
        &[
            (&[("InstanceId", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
            (&[("InstanceId", "i-1")], "InvalidInstanceID.Malformed"),
            (&[], "MissingParameter"),
        ],
    ),
];

/// A template of an image and a type, with those parameters more; its id.
fn template_with(client: &Client<'_>, name: &str, more: &[(&str, &str)]) -> String {
    let mut all = vec![("LaunchTemplateName", name), ("LaunchTemplateData.ImageId", IMAGE), (TYPE, "t3.micro")];
    all.extend(more);
    at(&client.ok("CreateLaunchTemplate", &all), "launchTemplate.launchTemplateId").to_owned()
}

fn template(client: &Client<'_>, name: &str) -> String {
    template_with(client, name, &[])
}

/// A further version of another type; its number.
fn version(client: &Client<'_>, id: &str, kind: &str) -> String {
    let call = [("LaunchTemplateId", id), ("SourceVersion", "$Latest"), (TYPE, kind)];
    at(&client.ok("CreateLaunchTemplateVersion", &call), "launchTemplateVersion.versionNumber").to_owned()
}

/// Launches one instance; what is shown of it.
fn run(client: &Client<'_>, more: &[(&str, &str)]) -> Tree {
    let mut all = vec![("MinCount", "1"), ("MaxCount", "1")];
    all.extend(more);
    find(&client.ok("RunInstances", &all), "instancesSet.0").unwrap().clone()
}

fn tags(tree: &Tree) -> Vec<(String, String)> {
    let tags = list(tree, "tagSet").iter();
    tags.map(|tag| (at(tag, "key").to_owned(), at(tag, "value").to_owned())).collect()
}

fn numbers(client: &Client<'_>, more: &[(&str, &str)]) -> Vec<String> {
    let seen = client.ok("DescribeLaunchTemplateVersions", more);
    column(&seen, "launchTemplateVersionSet", "versionNumber").into_iter().map(str::to_owned).collect()
}

#[test]
fn a_launch_takes_the_version_that_it_names() {
    let world = World::new();
    let client = world.root();
    let id = template(&client, "web");
    assert_eq!(version(&client, &id, "t3.small"), "2");
    assert_eq!(version(&client, &id, "t3.medium"), "3");
    client.ok("ModifyLaunchTemplate", &[("LaunchTemplateName", "web"), ("SetDefaultVersion", "2")]);
    let by_name = ("LaunchTemplate.LaunchTemplateName", "web");
    for (asked, number, kind) in [
        (None, "2", "t3.small"),
        (Some("$Default"), "2", "t3.small"),
        (Some("$Latest"), "3", "t3.medium"),
        (Some("1"), "1", "t3.micro"),
    ] {
        let version = asked.map(|version| ("LaunchTemplate.Version", version));
        let call: Vec<_> = [by_name].into_iter().chain(version).collect();
        let seen = run(&client, &call);
        assert_eq!(at(&seen, "instanceType"), kind);
        let own = [("aws:ec2launchtemplate:id", id.as_str()), ("aws:ec2launchtemplate:version", number)];
        assert_eq!(tags(&seen), own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    let absent = [by_name, ("LaunchTemplate.Version", "4"), ("MinCount", "1"), ("MaxCount", "1")];
    let answer = client.call("RunInstances", &absent);
    assert_eq!(answer.code(), "InvalidLaunchTemplateId.VersionNotFound");
    let message = format!("Could not find the specified version 4 for the launch template with ID {id}.");
    assert_eq!(answer.message(), message);
}

#[test]
fn a_request_goes_over_its_template() {
    let world = World::new();
    let client = world.root();
    let id = template_with(
        &client,
        "web",
        &[
            ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
            ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "Owner"),
            ("LaunchTemplateData.TagSpecification.1.Tag.1.Value", "TeamB"),
            ("LaunchTemplateData.TagSpecification.1.Tag.2.Key", "Use"),
            ("LaunchTemplateData.TagSpecification.1.Tag.2.Value", "web"),
            ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
            ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", "4"),
            ("LaunchTemplateData.BlockDeviceMapping.2.DeviceName", "/dev/sdg"),
            ("LaunchTemplateData.BlockDeviceMapping.2.Ebs.VolumeSize", "5"),
            ("LaunchTemplateData.MetadataOptions.HttpTokens", "required"),
            ("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", "3"),
            ("LaunchTemplateData.DisableApiTermination", "true"),
            ("LaunchTemplateData.Monitoring.Enabled", "true"),
        ],
    );
    let seen = run(
        &client,
        &[
            ("LaunchTemplate.LaunchTemplateId", &id),
            ("InstanceType", "t3.small"),
            ("DisableApiTermination", "false"),
            ("MetadataOptions.HttpPutResponseHopLimit", "1"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sdg"),
            ("BlockDeviceMapping.1.Ebs.VolumeSize", "6"),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "Owner"),
            ("TagSpecification.1.Tag.1.Value", "TeamA"),
        ],
    );
    assert_eq!(at(&seen, "instanceType"), "t3.small");
    assert_eq!(at(&seen, "imageId"), IMAGE);
    assert_eq!(at(&seen, "metadataOptions.httpTokens"), "required");
    assert_eq!(at(&seen, "metadataOptions.httpPutResponseHopLimit"), "1");
    let own: Vec<_> = tags(&seen).into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
    assert_eq!(own, [("Owner".to_owned(), "TeamA".to_owned()), ("Use".to_owned(), "web".to_owned())]);
    let instance = at(&seen, "instanceId");
    let volumes =
        client.ok("DescribeVolumes", &[("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", instance)]);
    let mut sizes: Vec<_> = list(&volumes, "volumeSet")
        .iter()
        .map(|row| (at(row, "attachmentSet.0.device").to_owned(), at(row, "size").to_owned()))
        .collect();
    sizes.sort();
    assert_eq!(sizes[..2], [("/dev/sdf".to_owned(), "4".to_owned()), ("/dev/sdg".to_owned(), "6".to_owned())]);
    let protected = [("InstanceId", instance), ("Attribute", "disableApiTermination")];
    assert_eq!(at(&client.ok("DescribeInstanceAttribute", &protected), "disableApiTermination.value"), "false");
}

#[test]
fn interfaces_of_a_template_exclude_what_they_would_exclude_in_a_request() {
    let world = World::new();
    let client = world.root();
    let interface = ("LaunchTemplateData.NetworkInterface.1.DeviceIndex", "0");
    let public = ("LaunchTemplateData.NetworkInterface.1.AssociatePublicIpAddress", "false");
    let id = template_with(&client, "web", &[interface, public]);
    let named = ("LaunchTemplate.LaunchTemplateId", id.as_str());
    let seen = run(&client, &[named]);
    assert!(find(&seen, "ipAddress").is_none());
    let subnet = at(&seen, "subnetId");
    let call = [named, ("SubnetId", subnet), ("MinCount", "1"), ("MaxCount", "1")];
    let answer = client.call("RunInstances", &call);
    assert_eq!(answer.code(), "InvalidParameterCombination");
    let message = "Network interfaces and an instance-level subnet ID may not be specified on the same request";
    assert_eq!(answer.message(), message);
    let index = ("NetworkInterface.1.DeviceIndex", "0");
    let seen = run(&client, &[named, index, ("NetworkInterface.1.SubnetId", subnet)]);
    assert!(find(&seen, "ipAddress").is_none(), "what the template says of the interface holds");
    assert_eq!(at(&seen, "subnetId"), subnet);
}

#[test]
fn what_no_launch_acts_on_is_kept_and_refused_by_the_launch() {
    let world = World::new();
    let client = world.root();
    let made = client.ok(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "odd"),
            ("LaunchTemplateData.ImageId", "ami-00000000000000001"),
            (TYPE, "t9.huge"),
            ("LaunchTemplateData.CpuOptions.CoreCount", "1"),
            ("LaunchTemplateData.SecurityGroupId.1", "sg-0123456789abcdef0"),
            ("LaunchTemplateData.NetworkInterface.1.DeviceIndex", "0"),
        ],
    );
    let codes = column(&made, "warning.errorSet", "code");
    let expected =
        ["UnsupportedOperation", "InvalidParameterValue", "InvalidParameterCombination", "InvalidAMIID.NotFound"];
    assert_eq!(codes, expected);
    let named = [("LaunchTemplate.LaunchTemplateName", "odd"), ("MinCount", "1"), ("MaxCount", "1")];
    let answer = client.call("RunInstances", &named);
    assert_eq!(answer.code(), "UnsupportedOperation");
    assert!(answer.message().contains("CpuOptions"), "{}", answer.message());
    // What fleets launch from is right, but no RunInstances does.
    let fleet = client.ok(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "fleet"),
            ("LaunchTemplateData.ImageId", IMAGE),
            ("LaunchTemplateData.InstanceRequirements.VCpuCount.Min", "1"),
            ("LaunchTemplateData.InstanceRequirements.MemoryMiB.Min", "512"),
        ],
    );
    assert!(find(&fleet, "warning").is_none());
    let named = [("LaunchTemplate.LaunchTemplateName", "fleet"), ("MinCount", "1"), ("MaxCount", "1")];
    assert_eq!(client.refused("RunInstances", &named), "InvalidParameterCombination");
}

#[test]
fn versions_are_numbered_once() {
    let world = World::new();
    let client = world.root();
    let id = template(&client, "web");
    let of_it = ("LaunchTemplateId", id.as_str());
    for kind in ["t3.small", "t3.medium", "t3.large"] {
        version(&client, &id, kind);
    }
    assert_eq!(numbers(&client, &[of_it]), ["4", "3", "2", "1"]);
    let delete = |number| client.ok("DeleteLaunchTemplateVersions", &[of_it, ("LaunchTemplateVersion.1", number)]);
    let gone = "successfullyDeletedLaunchTemplateVersionSet";
    let not_gone = "unsuccessfullyDeletedLaunchTemplateVersionSet";
    assert_eq!(column(&delete("4"), gone, "versionNumber"), ["4"]);
    assert_eq!(column(&delete("4"), not_gone, "responseError.code"), ["launchTemplateVersionDoesNotExist"]);
    assert_eq!(column(&delete("1"), not_gone, "responseError.code"), ["unexpectedError"]);
    assert_eq!(numbers(&client, &[of_it, ("LaunchTemplateVersion.1", "$Latest")]), ["3"]);
    assert_eq!(version(&client, &id, "t3.xlarge"), "5");
    let asked = [of_it, ("LaunchTemplateVersion.1", "$Default"), ("LaunchTemplateVersion.2", "5")];
    assert_eq!(numbers(&client, &asked), ["5", "1"]);
    assert_eq!(numbers(&client, &[of_it, ("MinVersion", "2"), ("MaxVersion", "4")]), ["3", "2"]);
    let absent = [of_it, ("LaunchTemplateVersion.1", "4")];
    assert_eq!(client.refused("DescribeLaunchTemplateVersions", &absent), "InvalidLaunchTemplateId.VersionNotFound");
    let first = client.ok("DescribeLaunchTemplateVersions", &[of_it, ("MaxResults", "2")]);
    assert_eq!(column(&first, "launchTemplateVersionSet", "versionNumber"), ["5", "3"]);
    let next = ("NextToken", at(&first, "nextToken"));
    assert_eq!(numbers(&client, &[of_it, ("MaxResults", "2"), next]), ["2", "1"]);
    client.ok("DeleteLaunchTemplate", &[of_it]);
    assert_eq!(world.engine().read().launch_template_versions.iter().count(), 0);
    let answer = client.call("DescribeLaunchTemplates", &[("LaunchTemplateId.1", &id)]);
    assert_eq!(answer.code(), "InvalidLaunchTemplateId.NotFound");
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    assert_eq!(answer.message(), message);
}

#[test]
fn the_newest_and_default_versions_of_all_are_found_and_filtered() {
    let world = World::new();
    let client = world.root();
    let (web, other) = (template(&client, "web"), template(&client, "other"));
    version(&client, &web, "t3.small");
    let both = [("LaunchTemplateVersion.1", "$Latest"), ("LaunchTemplateVersion.2", "$Default")];
    let seen = client.ok("DescribeLaunchTemplateVersions", &both);
    let mut found: Vec<_> = list(&seen, "launchTemplateVersionSet")
        .iter()
        .map(|row| (at(row, "launchTemplateId"), at(row, "versionNumber"), at(row, "defaultVersion")))
        .collect();
    found.sort_unstable();
    let mut expected = [(web.as_str(), "1", "true"), (web.as_str(), "2", "false"), (other.as_str(), "1", "true")];
    expected.sort_unstable();
    assert_eq!(found, expected);
    for (name, value, count) in [
        ("instance-type", "t3.micro", 2),
        ("is-default-version", "false", 1),
        ("image-id", IMAGE, 3),
        ("http-tokens", "*", 0),
    ] {
        let call: Vec<_> = both.into_iter().chain([("Filter.1.Name", name), ("Filter.1.Value.1", value)]).collect();
        assert_eq!(numbers(&client, &call).len(), count, "{name}");
    }
    let named = [("Filter.1.Name", "launch-template-name"), ("Filter.1.Value.1", "w*")];
    let seen = client.ok("DescribeLaunchTemplates", &named);
    assert_eq!(column(&seen, "launchTemplates", "latestVersionNumber"), ["2"]);
}

#[test]
fn names_are_taken_once_and_tags_go_with_them() {
    let world = World::new();
    let client = world.root();
    let id = template(&client, "web");
    let again = [("LaunchTemplateName", "web"), (TYPE, "t3.micro")];
    let answer = client.call("CreateLaunchTemplate", &again);
    assert_eq!(answer.code(), "InvalidLaunchTemplateName.AlreadyExistsException");
    assert_eq!(answer.message(), "Launch template name already in use.");
    client.ok("CreateTags", &[("ResourceId.1", &id), ("Tag.1.Key", "Use"), ("Tag.1.Value", "web")]);
    let tagged = [("Filter.1.Name", "tag:Use"), ("Filter.1.Value.1", "web")];
    assert_eq!(column(&client.ok("DescribeLaunchTemplates", &tagged), "launchTemplates", "launchTemplateId"), [id]);
    client.ok("DeleteLaunchTemplate", &[("LaunchTemplateName", "web")]);
    assert_eq!(list(&client.ok("DescribeTags", &[]), "tagSet").len(), 0);
    template(&client, "web");
}

#[test]
fn who_may_launch_from_a_template_alone_may_change_nothing_of_it() {
    let world = World::new();
    let root = world.root();
    let (web, other) = (template(&root, "web"), template(&root, "other"));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*","Condition":{{
            "ArnLike":{{"ec2:LaunchTemplate":"arn:aws:ec2:us-east-1:{ACCOUNT}:launch-template/{web}"}},
            "Bool":{{"ec2:IsLaunchTemplateResource":"true"}}}}}}]}}"#
    );
    let user = world.user("launcher", &policy);
    let run = |more: &[(&str, &str)]| {
        let mut all = vec![("LaunchTemplate.LaunchTemplateId", web.as_str()), ("MinCount", "1"), ("MaxCount", "1")];
        all.extend(more);
        user.call("RunInstances", &all)
    };
    assert_eq!(run(&[("DryRun", "true")]).code(), "DryRunOperation");
    assert_eq!(run(&[]).status, 200);
    let subnet = world.root().ok("DescribeSubnets", &[]);
    let subnet = at(&subnet, "subnetSet.0.subnetId");
    for own in [("InstanceType", "t3.small"), ("ImageId", IMAGE_ALIAS), ("SubnetId", subnet), ("UserData", "eA==")] {
        assert_eq!(run(&[own]).code(), "UnauthorizedOperation", "{own:?}");
    }
    let from_another = [("LaunchTemplate.LaunchTemplateId", other.as_str()), ("MinCount", "1"), ("MaxCount", "1")];
    assert_eq!(user.refused("RunInstances", &from_another), "UnauthorizedOperation");
    let from_none = [("ImageId", IMAGE), ("MinCount", "1"), ("MaxCount", "1")];
    assert_eq!(user.refused("RunInstances", &from_none), "UnauthorizedOperation");
}

#[test]
fn a_version_is_no_place_to_keep_much_in() {
    let world = World::new();
    let root = world.root();
    let text = "x".repeat(10_000);
    let tags: Vec<_> =
        (1..=8).map(|n| format!("LaunchTemplateData.LicenseSpecification.{n}.LicenseConfigurationArn")).collect();
    let mut call = vec![("LaunchTemplateName", "large")];
    call.extend(tags.iter().map(|name| (name.as_str(), text.as_str())));
    assert_eq!(root.refused("CreateLaunchTemplate", &call), "InvalidParameterValue");
    let none = [("LaunchTemplateName", "odd"), ("LaunchTemplateData.InstanceRequirements.MemoryGiBPerVCpu.Min", "NaN")];
    assert_eq!(root.refused("CreateLaunchTemplate", &none), "InvalidParameterValue");
}

#[test]
fn what_an_instance_is_like_makes_a_template_that_launches_its_like() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[("UserData", "IyEvYmluL3NoCg=="), ("EbsOptimized", "true")]);
    world.settle();
    let data = client.ok("GetLaunchTemplateData", &[("InstanceId", &id)]);
    let data = find(&data, "launchTemplateData").unwrap();
    assert_eq!(at(data, "userData"), "IyEvYmluL3NoCg==");
    assert_eq!(at(data, "networkInterfaceSet.0.deviceIndex"), "0");
    assert_eq!(at(data, "blockDeviceMappingSet.0.ebs.volumeType"), "gp3");
    let device = at(data, "blockDeviceMappingSet.0.deviceName");
    let size = at(data, "blockDeviceMappingSet.0.ebs.volumeSize");
    let snapshot = at(data, "blockDeviceMappingSet.0.ebs.snapshotId");
    client.ok(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "like"),
            ("LaunchTemplateData.ImageId", at(data, "imageId")),
            (TYPE, at(data, "instanceType")),
            ("LaunchTemplateData.UserData", at(data, "userData")),
            ("LaunchTemplateData.EbsOptimized", at(data, "ebsOptimized")),
            ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", device),
            ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", size),
            ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.SnapshotId", snapshot),
            ("LaunchTemplateData.HibernationOptions.Configured", at(data, "hibernationOptions.configured")),
            ("LaunchTemplateData.EnclaveOptions.Enabled", at(data, "enclaveOptions.enabled")),
            ("LaunchTemplateData.MaintenanceOptions.AutoRecovery", at(data, "maintenanceOptions.autoRecovery")),
        ],
    );
    let seen = run(&client, &[("LaunchTemplate.LaunchTemplateName", "like")]);
    assert_eq!(at(&seen, "instanceType"), "t3.micro");
    assert_eq!(at(&seen, "ebsOptimized"), "true");
}

#[test]
fn an_image_may_come_from_a_parameter() {
    let world = World::new();
    let client = world.root();
    client.ok_of("ssm", "PutParameter", &[("Name", "image"), ("Type", "String"), ("Value", IMAGE)]);
    let data = ("LaunchTemplateData.ImageId", "resolve:ssm:image");
    client.ok("CreateLaunchTemplate", &[("LaunchTemplateName", "web"), data]);
    let image = |more: &[(&str, &str)]| {
        let mut all = vec![("LaunchTemplateName", "web")];
        all.extend(more);
        let seen = client.ok("DescribeLaunchTemplateVersions", &all);
        at(&seen, "launchTemplateVersionSet.0.launchTemplateData.imageId").to_owned()
    };
    assert_eq!(image(&[]), "resolve:ssm:image");
    assert_eq!(image(&[("ResolveAlias", "true")]), IMAGE);
    let named = ("LaunchTemplate.LaunchTemplateName", "web");
    assert_eq!(at(&run(&client, &[named, ("InstanceType", "t3.micro")]), "imageId"), IMAGE);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#;
    let user = world.user("blind", policy);
    let plain = [("LaunchTemplateName", "web")];
    user.ok("DescribeLaunchTemplateVersions", &plain);
    let resolved = [("LaunchTemplateName", "web"), ("ResolveAlias", "true")];
    assert_eq!(user.refused("DescribeLaunchTemplateVersions", &resolved), "UnauthorizedOperation");
    let call = [named, ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    assert_eq!(user.refused("RunInstances", &call), "UnauthorizedOperation");
}

#[test]
fn templates_and_versions_have_limits() {
    let world = World::new();
    let client = world.root();
    world.transact(|tx| {
        let mut settings = tx.provider().clone();
        settings.quotas.launch_templates = 2;
        settings.quotas.versions_per_launch_template = 2;
        tx.put::<landfall_cloud::value::SettingsTable>(settings);
    });
    let id = template(&client, "first");
    template(&client, "second");
    let third = [("LaunchTemplateName", "third"), (TYPE, "t3.micro")];
    assert_eq!(client.refused("CreateLaunchTemplate", &third), "LaunchTemplateLimitExceeded");
    version(&client, &id, "t3.small");
    let more = [("LaunchTemplateId", id.as_str()), (TYPE, "t3.small")];
    assert_eq!(client.refused("CreateLaunchTemplateVersion", &more), "VersionLimitExceeded");
    client.ok("DeleteLaunchTemplateVersions", &[("LaunchTemplateId", &id), ("LaunchTemplateVersion.1", "2")]);
    assert_eq!(version(&client, &id, "t3.small"), "3");
}

#[test]
fn the_many_versions_of_a_deleted_template_go_by_and_by() {
    use landfall_cloud::launch_template::{NewVersion, TemplateName, create_version};
    const VERSIONS: u64 = 900;
    let world = World::new();
    let client = world.root();
    let call = [("LaunchTemplateName", "many"), ("LaunchTemplateData.InstanceType", "t3.micro")];
    let make = || at(&client.ok("CreateLaunchTemplate", &call), "launchTemplate.launchTemplateId").to_owned();
    let id = make();
    let name = TemplateName::Id(id.parse().unwrap());
    world.transact(|tx| {
        for _ in 1..VERSIONS {
            let new = NewVersion { description: None, data: Default::default(), created_by: String::new() };
            create_version(tx, &name, None, new).unwrap();
        }
    });
    let left = || world.engine().read().launch_template_versions.len();
    assert_eq!(left(), 900);
    client.ok("DeleteLaunchTemplate", &[("LaunchTemplateId", &id)]);
    assert_eq!(left(), 700, "no transaction has more of them than a call may name");
    // Nobody sees what is left, and its name is free.
    let asked = [("LaunchTemplateId", id.as_str())];
    assert_eq!(client.refused("DescribeLaunchTemplateVersions", &asked), "InvalidLaunchTemplateId.NotFound");
    let next = make();
    world.expire();
    assert_eq!(left(), 1);
    assert!(world.engine().read().departed_templates.is_empty());
    client.ok("DescribeLaunchTemplateVersions", &[("LaunchTemplateId", &next)]);
}
