//! Instances: launches, their life, what is shown and what may be changed.

use landfall_model::agent::Phase;
use landfall_state::Value as _;

use crate::harness::{Case, Client, IMAGE, World, at, column, find, list, params};
use crate::network::launch;

/// The cases of instance operations.
pub const CASES: &[Case] = &[
    Case::ec2(
        "RunInstances",
        |client| {
            params([
                ("ImageId", IMAGE),
                ("InstanceType", "t3.micro"),
                ("MinCount", "1"),
                ("MaxCount", "2"),
                ("KeyName", &key_pair(client)),
                ("SecurityGroupId.1", &group(client)),
                ("SubnetId", &subnet(client)),
                ("UserData", "IyEvYmluL3NoCg=="),
                ("BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
                ("BlockDeviceMapping.1.Ebs.VolumeSize", "4"),
                ("TagSpecification.1.ResourceType", "instance"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
                ("MetadataOptions.HttpTokens", "required"),
                ("ClientToken", "once"),
            ])
        },
        RUN_BAD,
    ),
    Case::ec2("DescribeInstances", |client| params([("InstanceId.1", launch(client, &[]))]), DESCRIBE_BAD),
    Case::ec2("DescribeInstanceStatus", running, DESCRIBE_BAD),
    Case::ec2("StartInstances", stopped, CHANGE_BAD),
    Case::ec2("StopInstances", running, CHANGE_BAD),
    Case::ec2("RebootInstances", running, CHANGE_BAD),
    Case::ec2("TerminateInstances", running, CHANGE_BAD),
    Case::ec2(
        "DescribeInstanceAttribute",
        |client| params([("InstanceId", launch(client, &[])), ("Attribute", "instanceType".into())]),
        &[
            (&[("Attribute", "instanceType")], "MissingParameter"),
            (&[("InstanceId", "i-0123456789abcdef0"), ("Attribute", "userData")], "InvalidInstanceID.NotFound"),
            (&[("InstanceId", "i-1"), ("Attribute", "userData")], "InvalidInstanceID.Malformed"),
        ],
    ),
    Case::ec2(
        "ModifyInstanceAttribute",
        |client| {
            let id = launch(client, &[]);
            params([("InstanceId", id), ("DisableApiTermination.Value", "true".into())])
        },
        &[
            (&[("DisableApiTermination.Value", "true")], "MissingParameter"),
            (
                &[("InstanceId", "i-0123456789abcdef0"), ("InstanceType.Value", "t3.large")],
                "InvalidInstanceID.NotFound",
            ),
            (&[("InstanceId", "i-1"), ("InstanceType.Value", "t3.large")], "InvalidInstanceID.Malformed"),
        ],
    ),
    Case::ec2(
        "ModifyInstanceMetadataOptions",
        |client| params([("InstanceId", launch(client, &[])), ("HttpTokens", "required".into())]),
        &[
            (&[("HttpTokens", "required")], "MissingParameter"),
            (&[("InstanceId", "i-0123456789abcdef0"), ("HttpTokens", "required")], "InvalidInstanceID.NotFound"),
        ],
    ),
];

const RUN_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("MinCount", "1"), ("MaxCount", "1")], "MissingParameter"),
    (&[("ImageId", "ami-1"), ("MinCount", "1"), ("MaxCount", "1")], "InvalidAMIID.Malformed"),
    (
        &[("ImageId", "ami-00000000000000001"), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")],
        "InvalidAMIID.NotFound",
    ),
    (&[("ImageId", IMAGE), ("InstanceType", "x9.huge"), ("MinCount", "1"), ("MaxCount", "1")], "InvalidParameterValue"),
    (
        &[("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "0"), ("MaxCount", "1")],
        "InvalidParameterValue",
    ),
    (
        &[("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "2"), ("MaxCount", "1")],
        "InvalidParameterCombination",
    ),
    (
        &[("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1"), ("KeyName", "none")],
        "InvalidKeyPair.NotFound",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SubnetId", "subnet-0123456789abcdef0"),
        ],
        "InvalidSubnetID.NotFound",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SecurityGroupId.1", "sg-0123456789abcdef0"),
        ],
        "InvalidGroup.NotFound",
    ),
    (
        &[("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1"), ("UserData", "???")],
        "InvalidParameterValue",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("InstanceMarketOptions.MarketType", "spot"),
        ],
        "UnsupportedOperation",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("TagSpecification.1.ResourceType", "vpc"),
            ("TagSpecification.1.Tag.1.Key", "a"),
        ],
        "InvalidParameterValue",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("MetadataOptions.HttpPutResponseHopLimit", "65"),
        ],
        "InvalidParameterValue",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("Placement.AvailabilityZone", "us-east-1z"),
        ],
        "InvalidParameterValue",
    ),
    (
        &[
            ("ImageId", IMAGE),
            ("InstanceType", "t3.micro"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
            ("BlockDeviceMapping.1.Ebs.VolumeSize", "99999"),
        ],
        "InvalidParameterValue",
    ),
];

const DESCRIBE_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[("InstanceId.1", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
    (&[("InstanceId.1", "i-1")], "InvalidInstanceID.Malformed"),
    (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
    (&[("MaxResults", "nonsense")], "InvalidParameterValue"),
    (&[("NextToken", "nonsense")], "InvalidNextToken"),
    (&[("InstanceId.1", "i-0123456789abcdef0"), ("MaxResults", "5")], "InvalidParameterCombination"),
];

const CHANGE_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "MissingParameter"),
    (&[("InstanceId.1", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
    (&[("InstanceId.1", "i-1")], "InvalidInstanceID.Malformed"),
];

fn running(client: &Client<'_>) -> Vec<(String, String)> {
    let id = launch(client, &[]);
    client.world().settle();
    params([("InstanceId.1", id)])
}

fn stopped(client: &Client<'_>) -> Vec<(String, String)> {
    let call = running(client);
    client.ok("StopInstances", &[("InstanceId.1", &call[0].1)]);
    client.world().settle();
    call
}

fn key_pair(client: &Client<'_>) -> String {
    let key = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUtRNDBJSjRrM0FwOEk0WFBWL1AzajJHSDFqblhwcCsvN254cEpvRzR3c3IgZGVtbw==";
    client.ok("ImportKeyPair", &[("KeyName", "me"), ("PublicKeyMaterial", key)]);
    "me".into()
}

fn group(client: &Client<'_>) -> String {
    let vpc = client.ok("DescribeVpcs", &[]);
    let vpc = at(&vpc, "vpcSet.0.vpcId");
    let made = client.ok("CreateSecurityGroup", &[("GroupName", "web"), ("GroupDescription", "web"), ("VpcId", vpc)]);
    at(&made, "groupId").to_owned()
}

fn subnet(client: &Client<'_>) -> String {
    let zone = client.region.zones().nth(1).unwrap().to_string();
    let found = client.ok("DescribeSubnets", &[("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", &zone)]);
    at(&found, "subnetSet.0.subnetId").to_owned()
}

const INSTANCE: &str = "reservationSet.0.instancesSet.0";

fn describe(client: &Client<'_>, id: &str) -> landfall_wire::Tree {
    client.ok("DescribeInstances", &[("InstanceId.1", id)])
}

fn state(client: &Client<'_>, id: &str) -> String {
    at(&describe(client, id), &format!("{INSTANCE}.instanceState.name")).to_owned()
}

#[test]
fn an_instance_lives_as_ec2_says() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[]);
    let one = [("InstanceId.1", id.as_str())];
    assert_eq!(state(&client, &id), "pending");
    assert_eq!(
        client.refused("RebootInstances", &[("InstanceId.1", "i-0123456789abcdef0")]),
        "InvalidInstanceID.NotFound"
    );
    world.settle();
    assert_eq!(state(&client, &id), "running");
    client.ok("StopInstances", &one);
    assert_eq!(state(&client, &id), "stopping");
    world.settle();
    let seen = describe(&client, &id);
    assert_eq!(at(&seen, &format!("{INSTANCE}.instanceState.name")), "stopped");
    assert_eq!(at(&seen, &format!("{INSTANCE}.reason")), "User initiated (2026-11-22 10:00:00 GMT)");
    assert_eq!(at(&seen, &format!("{INSTANCE}.stateReason.code")), "Client.UserInitiatedShutdown");
    assert!(find(&seen, &format!("{INSTANCE}.ipAddress")).is_none(), "a stop takes the public address back");
    assert_eq!(client.refused("RebootInstances", &one), "IncorrectInstanceState");
    client.ok("ModifyInstanceAttribute", &[("InstanceId", &id), ("InstanceType.Value", "t3.large")]);
    client.ok("StartInstances", &one);
    world.settle();
    assert_eq!(
        client.refused("ModifyInstanceAttribute", &[("InstanceId", &id), ("InstanceType.Value", "t3.small")]),
        "IncorrectInstanceState"
    );
    assert_eq!(at(&describe(&client, &id), &format!("{INSTANCE}.instanceType")), "t3.large");
    client.ok("TerminateInstances", &one);
    assert_eq!(state(&client, &id), "shutting-down");
    world.settle();
    assert_eq!(state(&client, &id), "terminated");
    world.settle();
    client.ok("TerminateInstances", &one);
    assert_eq!(client.refused("StartInstances", &one), "IncorrectInstanceState");
    assert!(list(&client.ok("DescribeVolumes", &[]), "volumeSet").is_empty(), "its root volume went with it");
    assert!(list(&client.ok("DescribeNetworkInterfaces", &[]), "networkInterfaceSet").is_empty());
}

#[test]
fn a_terminated_instance_is_shown_for_an_hour() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[]);
    client.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    world.settle();
    for (seconds, shown) in [(3_540, true), (120, false)] {
        world.pass(seconds);
        world.transact(landfall_cloud::expiry::expire);
        let answer = client.call("DescribeInstances", &[("InstanceId.1", &id)]);
        assert_eq!(answer.status == 200, shown, "{}", answer.body);
    }
}

#[test]
fn only_a_launch_that_never_ran_is_over_when_it_fails() {
    let world = World::new();
    let client = world.root();
    let (ran, never_ran) = (launch(&client, &[]), launch(&client, &[]));
    for (id, phase) in [(&ran, Phase::Running), (&ran, Phase::Failed), (&never_ran, Phase::Failed)] {
        world.report(id, phase);
    }
    assert_eq!(state(&client, &ran), "stopped", "a host's reboot must not cost an instance its disks");
    assert_eq!(state(&client, &never_ran), "shutting-down");
}

#[test]
fn an_interface_has_as_many_addresses_as_its_type_allows() {
    let world = World::new();
    let client = world.root();
    let run = |more: &[(&str, &str)]| {
        let mut all = vec![("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
        all.extend([("NetworkInterface.1.DeviceIndex", "0")].iter().chain(more));
        client.call("RunInstances", &all)
    };
    let count = |count| run(&[("NetworkInterface.1.SecondaryPrivateIpAddressCount", count)]);
    assert_eq!(count("1").status, 200);
    assert_eq!(count("2").code(), "PrivateIpAddressLimitExceeded");
    assert_eq!(count("4294967295").code(), "PrivateIpAddressLimitExceeded");
    let both = [
        ("NetworkInterface.1.NetworkInterfaceId", "eni-0123456789abcdef0"),
        ("NetworkInterface.1.PrivateIpAddress", "172.31.0.9"),
    ];
    assert_eq!(run(&both).code(), "InvalidParameterCombination");
}

#[test]
fn a_group_that_is_denied_is_denied_by_its_name_too() {
    let world = World::new();
    let group = at(
        &world.root().ok("CreateSecurityGroup", &[("GroupName", "closed"), ("GroupDescription", "closed")]),
        "groupId",
    )
    .to_owned();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},
            {{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:*:security-group/{group}"}}]}}"#
    );
    let user = world.user("narrow", &policy);
    launch(&user, &[]);
    let all = [("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
    for named in [("SecurityGroupId.1", group.as_str()), ("SecurityGroup.1", "closed")] {
        let call: Vec<_> = all.into_iter().chain([named]).collect();
        assert_eq!(user.refused("RunInstances", &call), "UnauthorizedOperation", "{named:?}");
    }
}

#[test]
fn several_ids_are_all_or_nothing() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[]);
    world.settle();
    let both = [("InstanceId.1", id.as_str()), ("InstanceId.2", "i-0123456789abcdef0")];
    for action in ["StopInstances", "TerminateInstances", "RebootInstances", "DescribeInstances"] {
        let answer = client.call(action, &both);
        assert_eq!(answer.code(), "InvalidInstanceID.NotFound");
        assert_eq!(answer.message(), "The instance ID 'i-0123456789abcdef0' does not exist");
    }
    assert_eq!(state(&client, &id), "running");
}

#[test]
fn status_shows_running_ones_and_checks_follow_evidence() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[]);
    assert!(list(&client.ok("DescribeInstanceStatus", &[]), "instanceStatusSet").is_empty());
    let all = client.ok("DescribeInstanceStatus", &[("IncludeAllInstances", "true")]);
    assert_eq!(at(&all, "instanceStatusSet.0.instanceStatus.status"), "initializing");
    world.settle();
    let seen = client.ok("DescribeInstanceStatus", &[("InstanceId.1", &id)]);
    assert_eq!(at(&seen, "instanceStatusSet.0.instanceStatus.status"), "ok");
    assert_eq!(at(&seen, "instanceStatusSet.0.instanceStatus.details.0.status"), "passed");
    client.ok("StopInstances", &[("InstanceId.1", &id)]);
    world.settle();
    assert!(list(&client.ok("DescribeInstanceStatus", &[]), "instanceStatusSet").is_empty());
}

#[test]
fn the_same_token_launches_once() {
    let world = World::new();
    let client = world.root();
    let call = |count: &str| {
        client.call(
            "RunInstances",
            &[
                ("ImageId", IMAGE),
                ("InstanceType", "t3.micro"),
                ("MinCount", count),
                ("MaxCount", count),
                ("ClientToken", "t"),
            ],
        )
    };
    let (first, again) = (call("1"), call("1"));
    assert_eq!((first.status, again.status), (200, 200));
    let ids = |answer: &crate::harness::Answer| at(&answer.tree(), "instancesSet.0.instanceId").to_owned();
    assert_eq!(ids(&first), ids(&again));
    assert_ne!(at(&first.tree(), "requestId"), at(&again.tree(), "requestId"));
    assert_eq!(call("2").code(), "IdempotentParameterMismatch");
    assert_eq!(list(&client.ok("DescribeInstances", &[]), "reservationSet").len(), 1);
}

#[test]
fn protections_protect_until_they_are_lifted() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[("DisableApiTermination", "true"), ("DisableApiStop", "true")]);
    world.settle();
    let one = [("InstanceId.1", id.as_str())];
    assert_eq!(client.refused("TerminateInstances", &one), "OperationNotPermitted");
    assert_eq!(client.refused("StopInstances", &one), "OperationNotPermitted");
    let attribute = [("InstanceId", id.as_str()), ("Attribute", "disableApiTermination")];
    assert_eq!(at(&client.ok("DescribeInstanceAttribute", &attribute), "disableApiTermination.value"), "true");
    client.ok("ModifyInstanceAttribute", &[("InstanceId", &id), ("DisableApiTermination.Value", "false")]);
    client.ok("TerminateInstances", &one);
}

#[test]
fn the_metadata_service_is_had_over_ipv6_by_asking() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[("MetadataOptions.HttpProtocolIpv6", "enabled")]);
    let option = format!("{INSTANCE}.metadataOptions.httpProtocolIpv6");
    assert_eq!(at(&describe(&client, &id), &option), "enabled");
    let change = |value| [("InstanceId", id.as_str()), ("HttpProtocolIpv6", value)];
    client.ok("ModifyInstanceMetadataOptions", &change("disabled"));
    assert_eq!(at(&describe(&client, &id), &option), "disabled");
    assert_eq!(client.refused("ModifyInstanceMetadataOptions", &change("both")), "InvalidParameterValue");
}

#[test]
fn user_data_comes_back_untouched_and_is_bounded() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let world = World::new();
    let client = world.root();
    let data = encode(&[0x1f, 0x8b, 0, 255, 10, 13]);
    let id = launch(&client, &[("UserData", &data)]);
    let attribute = [("InstanceId", id.as_str()), ("Attribute", "userData")];
    assert_eq!(at(&client.ok("DescribeInstanceAttribute", &attribute), "userData.value"), data);
    let call = |bytes: usize| {
        let data = encode(&vec![b'a'; bytes]);
        client.call(
            "RunInstances",
            &[
                ("ImageId", IMAGE),
                ("InstanceType", "t3.micro"),
                ("MinCount", "1"),
                ("MaxCount", "1"),
                ("UserData", &data),
            ],
        )
    };
    assert_eq!(call(16 * 1024).status, 200);
    assert_eq!(call(16 * 1024 + 1).code(), "InvalidParameterValue");
}

#[test]
fn pages_go_on_where_they_ended_whoever_else_has_instances() {
    let world = World::new();
    for client in [world.root(), world.other(), world.root().at("eu-west-1"), world.other().at("eu-west-1")] {
        let mut ids: Vec<_> = (0..7).map(|_| launch(&client, &[])).collect();
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut call = vec![("MaxResults", "5")];
            if let Some(token) = &token {
                call.push(("NextToken", token));
            }
            let page = client.ok("DescribeInstances", &call);
            for reservation in list(&page, "reservationSet") {
                seen.extend(column(reservation, "instancesSet", "instanceId").into_iter().map(str::to_owned));
            }
            token = find(&page, "nextToken").and_then(landfall_wire::Tree::as_text).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        ids.sort();
        seen.sort();
        assert_eq!(seen, ids);
    }
}

#[test]
fn names_and_addresses_are_those_of_the_zone_and_pool() {
    let world = World::new();
    let client = world.root();
    let seen = describe(&client, &launch(&client, &[]));
    let text = |path: &str| at(&seen, &format!("{INSTANCE}.{path}")).to_owned();
    let dashed = |address: &str| address.replace('.', "-");
    assert_eq!(text("privateDnsName"), format!("ip-{}.ec2.internal", dashed(&text("privateIpAddress"))));
    assert_eq!(text("dnsName"), format!("ec2-{}.compute-1.amazonaws.com", dashed(&text("ipAddress"))));
    assert_eq!(text("placement.availabilityZone"), "us-east-1a");
    assert_eq!(text("placement.availabilityZoneId"), "use1-az1");
}

#[test]
fn a_launch_that_has_no_room_leaves_nothing() {
    let world = World::new();
    let client = world.root();
    let before = world.engine().read().row_counts();
    let huge = [("ImageId", IMAGE), ("InstanceType", "r6i.24xlarge"), ("MinCount", "1000"), ("MaxCount", "1000")];
    let answer = client.call("RunInstances", &huge);
    assert_eq!((answer.status, answer.code().as_str()), (400, "InsufficientInstanceCapacity"));
    assert_eq!(world.engine().read().row_counts(), before);
}

/// Puts a row, as a store has it, into each table that a launch has nothing to do with.
fn put_fixtures(tx: &mut landfall_cloud::Tx<'_, '_>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../cloud/tests/fixtures");
    macro_rules! put {
        ($($table:ident $kind:literal),* $(,)?) => {$(
            let body = std::fs::read(folder.join(concat!($kind, ".v1.json"))).unwrap();
            tx.put::<landfall_cloud::value::$table>(serde_json::from_slice(&body).unwrap());
        )*};
    }
    put!(
        Parameters "parameter",
        ParameterVersions "parameter-version",
        Secrets "secret",
        SecretVersions "secret-version",
        Groups "group",
        ManagedPolicies "managed-policy",
        InstanceProfiles "instance-profile",
        MfaDevices "mfa-device",
        OidcProviders "oidc-provider",
        RoleDeletions "role-deletion",
        EgressOnlyGateways "egress-only-gateway",
        NatGateways "nat-gateway",
        Peerings "vpc-peering",
        TransitGateways "transit-gateway",
        TransitAttachments "transit-gateway-attachment",
        TransitTables "transit-gateway-route-table",
        Endpoints "vpc-endpoint",
        PrefixLists "prefix-list",
        CustomerGateways "customer-gateway",
        VpnGateways "vpn-gateway",
        VpnConnections "vpn-connection",
        VpnRemainsTable "vpn-remains",
        FlowLogs "flow-log",
        Trails "trail",
        LifecyclePolicies "lifecycle-policy",
        DigestKeys "digest-key",
        ProfileAssociations "instance-profile-association",
        InsightsPaths "network-insights-path",
        ImportImages "import-image-task",
        ImportSnapshots "import-snapshot-task",
        InsightsAnalyses "network-insights-analysis",
        EbsDefaultsTable "ebs-defaults",
        Snapshots "snapshot",
        OwnImages "own-image",
        ImageDefaultsTable "image-defaults",
        ChunkDomains "chunk-domain",
        KmsKeys "kms-key",
        KmsAliases "kms-alias",
        KmsGrants "kms-grant",
        DoomedKeys "doomed-key",
        LaunchTemplates "launch-template",
        LaunchTemplateVersions "launch-template-version",
        DepartedTemplates "departed-template",
        FileSystems "file-system",
        MountTargets "mount-target",
        AccessPoints "access-point",
        ReleasedAddresses "released-address",
    );
}

#[test]
fn a_wipe_leaves_no_row_of_any_table() {
    let world = World::new();
    let client = world.root();
    let key = key_pair(&client);
    launch(&client, &[("KeyName", &key), ("UserData", "IyEvYmluL3NoCg=="), ("ClientToken", "once")]);
    client.ok("AllocateAddress", &[]);
    let vpc = crate::network::default_vpc(&client);
    client.ok("CreateTags", &[("ResourceId.1", &vpc), ("Tag.1.Key", "Name"), ("Tag.1.Value", "web")]);
    world.transact(|tx| {
        tx.put::<landfall_cloud::value::SettingsTable>(landfall_cloud::value::default_settings());
        put_fixtures(tx);
    });
    let counts = world.engine().read().row_counts();
    assert!(counts.iter().all(|(_, count)| *count > 0), "every table has a row to begin with: {counts:?}");
    world.transact(|tx| landfall_cloud::value::wipe(tx));
    let counts = world.engine().read().row_counts();
    assert!(counts.iter().all(|(_, count)| *count == 0), "{counts:?}");
}

#[test]
fn an_instance_has_room_for_27_volumes() {
    let world = World::new();
    let client = world.root();
    let call = |disks: usize| {
        let mut call = vec![
            ("ImageId".to_owned(), IMAGE.to_owned()),
            ("InstanceType".into(), "t3.micro".into()),
            ("MinCount".into(), "1".into()),
            ("MaxCount".into(), "1".into()),
        ];
        for n in 1..=disks {
            let letters = format!("{}{}", char::from(b'a' + (n / 26) as u8), char::from(b'a' + (n % 26) as u8));
            call.push((format!("BlockDeviceMapping.{n}.DeviceName"), format!("/dev/xvd{letters}")));
            call.push((format!("BlockDeviceMapping.{n}.Ebs.VolumeSize"), "1".into()));
        }
        client.send("ec2", "RunInstances", &call)
    };
    assert_eq!(call(26).status, 200);
    assert_eq!(call(27).code(), "AttachmentLimitExceeded");
}

#[test]
fn a_terminate_after_a_forced_stop_gives_no_grace_again() {
    let world = World::new();
    let client = world.root();
    let id = launch(&client, &[]);
    world.settle();
    client.ok("StopInstances", &[("InstanceId.1", &id), ("Force", "true")]);
    client.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    assert!(world.engine().read().instances.iter().all(|row| row.spec.forced));
}
