//! File shares: file systems, mount targets and access points.

use landfall_wire::Tree;

use crate::harness::{Case, Client, OTHER_ACCOUNT, Params, World, at, column, find, json, list, params, percent};

const EFS: &str = "elasticfilesystem";
const NONE: &str = "fs-0123456789abcdef9";
const NO_TARGET: &str = "fsmt-0123456789abcdef9";
const NO_POINT: &str = "fsap-0123456789abcdef9";
const NO_SUBNET: &str = "subnet-0123456789abcdef9";
const NOT_FOUND: &str = "FileSystemNotFound";
const BAD: &str = "BadRequest";
const TAGS: (&str, &str) = ("Tags:", r#"[{"Key":"Name","Value":"home"}]"#);
/// Lets everybody in who comes by a mount target, as the console's policies do.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["elasticfilesystem:ClientMount","elasticfilesystem:ClientWrite"],"Resource":"*"}]}"#;

/// Operations that are about what stands in their path, with the rest in the query or in a body.
const PATHS: &[(&str, &str, &str)] = &[
    ("CreateAccessPoint", "POST", "/access-points"),
    ("CreateFileSystem", "POST", "/file-systems"),
    ("CreateMountTarget", "POST", "/mount-targets"),
    ("CreateReplicationConfiguration", "POST", "/file-systems/{SourceFileSystemId}/replication-configuration"),
    ("CreateTags", "POST", "/create-tags/{FileSystemId}"),
    ("DeleteAccessPoint", "DELETE", "/access-points/{AccessPointId}"),
    ("DeleteFileSystem", "DELETE", "/file-systems/{FileSystemId}"),
    ("DeleteFileSystemPolicy", "DELETE", "/file-systems/{FileSystemId}/policy"),
    ("DeleteMountTarget", "DELETE", "/mount-targets/{MountTargetId}"),
    ("DeleteTags", "POST", "/delete-tags/{FileSystemId}"),
    ("DescribeAccessPoints", "GET", "/access-points"),
    ("DescribeAccountPreferences", "GET", "/account-preferences"),
    ("DescribeBackupPolicy", "GET", "/file-systems/{FileSystemId}/backup-policy"),
    ("DescribeFileSystemPolicy", "GET", "/file-systems/{FileSystemId}/policy"),
    ("DescribeFileSystems", "GET", "/file-systems"),
    ("DescribeLifecycleConfiguration", "GET", "/file-systems/{FileSystemId}/lifecycle-configuration"),
    ("DescribeMountTargetSecurityGroups", "GET", "/mount-targets/{MountTargetId}/security-groups"),
    ("DescribeMountTargets", "GET", "/mount-targets"),
    ("DescribeTags", "GET", "/tags/{FileSystemId}/"),
    ("ListTagsForResource", "GET", "/resource-tags/{ResourceId}"),
    ("ModifyMountTargetSecurityGroups", "PUT", "/mount-targets/{MountTargetId}/security-groups"),
    ("PutAccountPreferences", "PUT", "/account-preferences"),
    ("PutBackupPolicy", "PUT", "/file-systems/{FileSystemId}/backup-policy"),
    ("PutFileSystemPolicy", "PUT", "/file-systems/{FileSystemId}/policy"),
    ("PutLifecycleConfiguration", "PUT", "/file-systems/{FileSystemId}/lifecycle-configuration"),
    ("TagResource", "POST", "/resource-tags/{ResourceId}"),
    ("UntagResource", "DELETE", "/resource-tags/{ResourceId}"),
    ("UpdateFileSystem", "PUT", "/file-systems/{FileSystemId}"),
    ("UpdateFileSystemProtection", "PUT", "/file-systems/{FileSystemId}/protection"),
];

/// What a path has where a test names nothing: else it would be another path.
const UNNAMED: &[(&str, &str)] = &[
    ("SourceFileSystemId", NONE),
    ("FileSystemId", NONE),
    ("MountTargetId", NO_TARGET),
    ("AccessPointId", NO_POINT),
    ("ResourceId", NONE),
];

/// Calls an operation of this service.
pub fn ask(client: &Client<'_>, action: &str, params: &[(String, String)]) -> landfall_api::HttpAnswer {
    let (_, method, form) = PATHS.iter().find(|(name, ..)| *name == action).unwrap_or_else(|| panic!("{action}"));
    let place = |name: &str| format!("{{{name}}}");
    let mut path = format!("/2015-02-01{form}");
    let (in_path, rest): (Params, Params) = params.iter().cloned().partition(|(name, _)| form.contains(&place(name)));
    for (name, value) in in_path.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(UNNAMED.iter().copied()) {
        path = path.replace(&place(name), &percent(value));
    }
    let (mut query, mut body) = (String::new(), String::new());
    if matches!(*method, "GET" | "DELETE") {
        // A list is named once for each of its elements.
        let elements = rest.iter().flat_map(|(name, value)| match name.strip_suffix(':') {
            Some(name) => {
                let list: Vec<String> = serde_json::from_str(value).unwrap();
                list.into_iter().map(|value| (name, value)).collect()
            }
            None => vec![(name.as_str(), value.clone())],
        });
        let mut pairs: Vec<_> =
            elements.map(|(name, value)| format!("{}={}", percent(name), percent(&value))).collect();
        pairs.sort();
        query = pairs.join("&");
    } else {
        body = json(&rest);
    }
    let media = [("content-type", "application/json")];
    client.world().deliver(&client.sign_query(EFS, method, &path, &query, &media, body.as_bytes()))
}

const fn case(
    action: &'static str,
    good: fn(&Client<'_>) -> Params,
    bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
) -> Case {
    Case::of(EFS, action, good, bad)
}

const ID: &str = "FileSystemId";
const TARGET: &str = "MountTargetId";

/// The cases of file shares.
pub const CASES: &[Case] = &[
    case(
        "CreateFileSystem",
        |_| {
            let zone = ("AvailabilityZoneName", "us-east-1b");
            let fast = [("ThroughputMode", "provisioned"), ("ProvisionedThroughputInMibps:", "12.5")];
            params([("CreationToken", "one"), zone, fast[0], fast[1], ("Encrypted:", "true"), TAGS])
        },
        &[
            (&[], BAD),
            (&[("CreationToken", "")], BAD),
            (&[("CreationToken", "a"), ("PerformanceMode", "fast")], BAD),
            (&[("CreationToken", "a"), ("ThroughputMode", "provisioned")], BAD),
            (&[("CreationToken", "a"), ("ProvisionedThroughputInMibps:", "5")], BAD),
            (
                &[("CreationToken", "a"), ("ThroughputMode", "provisioned"), ("ProvisionedThroughputInMibps:", "0.5")],
                BAD,
            ),
            (
                &[("CreationToken", "a"), ("ThroughputMode", "provisioned"), ("ProvisionedThroughputInMibps:", "4000")],
                BAD,
            ),
            (
                &[("CreationToken", "a"), ("ThroughputMode", "provisioned"), ("ProvisionedThroughputInMibps:", "2000")],
                "ThroughputLimitExceeded",
            ),
            (&[("CreationToken", "a"), ("PerformanceMode", "maxIO"), ("ThroughputMode", "elastic")], BAD),
            (&[("CreationToken", "a"), ("PerformanceMode", "maxIO"), ("AvailabilityZoneName", "us-east-1a")], BAD),
            (&[("CreationToken", "a"), ("AvailabilityZoneName", "eu-west-1a")], "UnsupportedAvailabilityZone"),
            (&[("CreationToken", "a"), ("KmsKeyId", "alias/none")], BAD),
            (&[("CreationToken", "a"), ("Encrypted:", "false"), ("KmsKeyId", "alias/none")], BAD),
            (&[("CreationToken", "a"), ("Tags:", r#"[{"Key":"aws:x","Value":"y"}]"#)], BAD),
        ],
    ),
    case(
        "DescribeFileSystems",
        |client| params([(ID, share(client))]),
        &[
            (&[(ID, NONE)], NOT_FOUND),
            (&[(ID, "fs-1")], BAD),
            (&[("CreationToken", "none")], NOT_FOUND),
            (&[(ID, NONE), ("CreationToken", "none")], BAD),
            (&[("MaxItems", "0")], BAD),
            (&[("Marker", "forged")], BAD),
        ],
    ),
    case(
        "UpdateFileSystem",
        |client| params([(ID, share(client).as_str()), ("ThroughputMode", "elastic")]),
        &[
            (&[(ID, NONE), ("ThroughputMode", "elastic")], NOT_FOUND),
            (&[(ID, "x"), ("ThroughputMode", "elastic")], BAD),
            (&[(ID, NONE), ("ThroughputMode", "slow")], BAD),
        ],
    ),
    case(
        "UpdateFileSystemProtection",
        |client| params([(ID, share(client).as_str()), ("ReplicationOverwriteProtection", "DISABLED")]),
        &[
            (&[(ID, NONE), ("ReplicationOverwriteProtection", "ENABLED")], NOT_FOUND),
            (&[(ID, NONE), ("ReplicationOverwriteProtection", "REPLICATING")], BAD),
        ],
    ),
    case(
        "DeleteFileSystem",
        |client| params([(ID, share(client))]),
        &[(&[(ID, NONE)], NOT_FOUND), (&[(ID, "x")], BAD)],
    ),
    case(
        "PutFileSystemPolicy",
        |client| params([(ID, share(client).as_str()), ("Policy", POLICY)]),
        &[(&[(ID, NONE), ("Policy", POLICY)], NOT_FOUND), (&[(ID, NONE)], BAD)],
    ),
    case("DescribeFileSystemPolicy", |client| params([(ID, with_policy(client))]), &[(&[(ID, NONE)], NOT_FOUND)]),
    case("DeleteFileSystemPolicy", |client| params([(ID, with_policy(client))]), &[(&[(ID, NONE)], NOT_FOUND)]),
    case(
        "PutLifecycleConfiguration",
        |client| {
            let rules = r#"[{"TransitionToIA":"AFTER_30_DAYS"},{"TransitionToPrimaryStorageClass":"AFTER_1_ACCESS"}]"#;
            params([(ID, share(client).as_str()), ("LifecyclePolicies:", rules)])
        },
        &[
            (&[(ID, NONE), ("LifecyclePolicies:", "[]")], NOT_FOUND),
            (&[(ID, NONE)], BAD),
            (&[(ID, NONE), ("LifecyclePolicies:", "[{},{},{},{}]")], BAD),
        ],
    ),
    case(
        "DescribeLifecycleConfiguration",
        |client| {
            let id = share(client);
            let rules = r#"[{"TransitionToIA":"AFTER_7_DAYS"}]"#;
            client.ok_of(EFS, "PutLifecycleConfiguration", &[(ID, &id), ("LifecyclePolicies:", rules)]);
            params([(ID, id)])
        },
        &[(&[(ID, NONE)], NOT_FOUND)],
    ),
    case(
        "PutBackupPolicy",
        |client| params([(ID, share(client).as_str()), ("BackupPolicy:", r#"{"Status":"ENABLED"}"#)]),
        &[
            (&[(ID, NONE), ("BackupPolicy:", r#"{"Status":"ENABLED"}"#)], NOT_FOUND),
            (&[(ID, NONE), ("BackupPolicy:", r#"{"Status":"YES"}"#)], BAD),
        ],
    ),
    case(
        "DescribeBackupPolicy",
        |client| {
            let id = share(client);
            client.ok_of(EFS, "PutBackupPolicy", &[(ID, &id), ("BackupPolicy:", r#"{"Status":"DISABLED"}"#)]);
            params([(ID, id)])
        },
        &[(&[(ID, NONE)], NOT_FOUND)],
    ),
    case(
        "CreateMountTarget",
        |client| {
            let (subnet, group) = (subnet(client, 0), group(client));
            let groups = format!("[\"{group}\"]");
            params([
                (ID, share(client)),
                ("SubnetId", subnet),
                ("IpAddress", "172.31.0.77".into()),
                ("SecurityGroups:", groups),
            ])
        },
        &[
            (&[(ID, NONE), ("SubnetId", NO_SUBNET)], NOT_FOUND),
            (&[(ID, NONE), ("SubnetId", "subnet-1")], BAD),
            (&[(ID, NONE)], BAD),
            (&[(ID, NONE), ("SubnetId", NO_SUBNET), ("IpAddress", "300.1.1.1")], BAD),
        ],
    ),
    case(
        "DescribeMountTargets",
        |client| params([(ID, mounted(client).0)]),
        &[
            (&[], BAD),
            (&[(ID, NONE)], NOT_FOUND),
            (&[(TARGET, NO_TARGET)], "MountTargetNotFound"),
            (&[("AccessPointId", NO_POINT)], "AccessPointNotFound"),
            (&[(ID, NONE), (TARGET, NO_TARGET)], BAD),
        ],
    ),
    case(
        "DeleteMountTarget",
        |client| params([(TARGET, mounted(client).1)]),
        &[(&[(TARGET, NO_TARGET)], "MountTargetNotFound"), (&[(TARGET, "fsmt-x")], BAD)],
    ),
    case(
        "DescribeMountTargetSecurityGroups",
        |client| params([(TARGET, mounted(client).1)]),
        &[(&[(TARGET, NO_TARGET)], "MountTargetNotFound")],
    ),
    case(
        "ModifyMountTargetSecurityGroups",
        |client| {
            let target = mounted(client).1;
            params([(TARGET, target), ("SecurityGroups:", format!("[\"{}\"]", group(client)))])
        },
        &[
            (&[(TARGET, NO_TARGET)], "MountTargetNotFound"),
            (&[(TARGET, NO_TARGET), ("SecurityGroups:", r#"["sg-1"]"#)], BAD),
        ],
    ),
    case(
        "CreateAccessPoint",
        |client| {
            let root = r#"{"Path":"/app","CreationInfo":{"OwnerUid":1000,"OwnerGid":1000,"Permissions":"0750"}}"#;
            let user = r#"{"Uid":1000,"Gid":1000,"SecondaryGids":[27]}"#;
            let id = share(client);
            params([("ClientToken", "app"), (ID, &id), ("PosixUser:", user), ("RootDirectory:", root), TAGS])
        },
        &[
            (&[("ClientToken", "app"), (ID, NONE)], NOT_FOUND),
            (&[("ClientToken", "app")], BAD),
            (&[("ClientToken", "app"), (ID, NONE), ("PosixUser:", r#"{"Uid":-1,"Gid":0}"#)], BAD),
        ],
    ),
    case(
        "DescribeAccessPoints",
        |client| params([(ID, point(client).0)]),
        &[
            (&[(ID, NONE)], NOT_FOUND),
            (&[("AccessPointId", NO_POINT)], "AccessPointNotFound"),
            (&[("AccessPointId", NO_POINT), (ID, NONE)], BAD),
            (&[("MaxResults", "many")], BAD),
        ],
    ),
    case(
        "DeleteAccessPoint",
        |client| params([("AccessPointId", point(client).1)]),
        &[(&[("AccessPointId", NO_POINT)], "AccessPointNotFound"), (&[("AccessPointId", "fsap-")], BAD)],
    ),
    case(
        "TagResource",
        |client| params([("ResourceId", share(client).as_str()), TAGS]),
        &[(&[("ResourceId", NONE), TAGS], NOT_FOUND), (&[("ResourceId", NO_POINT), TAGS], "AccessPointNotFound")],
    ),
    case(
        "UntagResource",
        |client| params([("ResourceId", tagged(client).as_str()), ("tagKeys:", r#"["Name"]"#)]),
        &[(&[("ResourceId", NONE), ("tagKeys:", r#"["Name"]"#)], NOT_FOUND), (&[("ResourceId", NONE)], BAD)],
    ),
    case(
        "ListTagsForResource",
        |client| params([("ResourceId", tagged(client))]),
        &[(&[("ResourceId", NONE)], NOT_FOUND), (&[("ResourceId", "vol-1")], BAD)],
    ),
    case(
        "CreateTags",
        |client| params([(ID, share(client).as_str()), TAGS]),
        &[(&[(ID, NONE), TAGS], NOT_FOUND), (&[(ID, NONE)], BAD)],
    ),
    case(
        "DeleteTags",
        |client| params([(ID, tagged(client).as_str()), ("TagKeys:", r#"["Name"]"#)]),
        &[(&[(ID, NONE), ("TagKeys:", "[]")], NOT_FOUND), (&[(ID, NONE)], BAD)],
    ),
    case("DescribeTags", |client| params([(ID, tagged(client))]), &[(&[(ID, NONE)], NOT_FOUND)]),
    case(
        "PutAccountPreferences",
        |_| params([("ResourceIdType", "LONG_ID")]),
        &[(&[("ResourceIdType", "SHORT_ID")], BAD), (&[], BAD)],
    ),
    case("DescribeAccountPreferences", crate::harness::nothing, &[(&[("MaxResults", "-1")], BAD)]),
];

fn create(client: &Client<'_>, more: &[(&str, &str)]) -> Tree {
    client.ok_of(EFS, "CreateFileSystem", &[&[("CreationToken", "share")], more].concat())
}

/// A file system that can be worked with.
fn share(client: &Client<'_>) -> String {
    let id = at(&create(client, &[]), ID).to_owned();
    client.world().settle();
    id
}

fn tagged(client: &Client<'_>) -> String {
    let id = share(client);
    client.ok_of(EFS, "TagResource", &[("ResourceId", &id), TAGS]);
    id
}

fn with_policy(client: &Client<'_>) -> String {
    let id = share(client);
    client.ok_of(EFS, "PutFileSystemPolicy", &[(ID, &id), ("Policy", POLICY)]);
    id
}

/// A default subnet, by its zone.
fn subnet(client: &Client<'_>, index: usize) -> String {
    let tree = client.ok("DescribeSubnets", &[("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")]);
    let mut subnets: Vec<_> =
        list(&tree, "subnetSet").iter().map(|row| (at(row, "availabilityZone"), at(row, "subnetId"))).collect();
    subnets.sort_unstable();
    subnets[index].1.to_owned()
}

fn group(client: &Client<'_>) -> String {
    let vpc = crate::network::default_vpc(client);
    let call = [("GroupName", "nfs"), ("GroupDescription", "NFS"), ("VpcId", vpc.as_str())];
    at(&client.ok("CreateSecurityGroup", &call), "groupId").to_owned()
}

fn mount(client: &Client<'_>, id: &str, index: usize) -> String {
    let answer = client.ok_of(EFS, "CreateMountTarget", &[(ID, id), ("SubnetId", &subnet(client, index))]);
    assert_eq!(at(&answer, "LifeCycleState"), "creating");
    client.world().settle();
    at(&answer, TARGET).to_owned()
}

/// A file system with a mount target.
fn mounted(client: &Client<'_>) -> (String, String) {
    let id = share(client);
    let target = mount(client, &id, 0);
    (id, target)
}

/// A file system with an access point.
fn point(client: &Client<'_>) -> (String, String) {
    let id = share(client);
    let made = client.ok_of(EFS, "CreateAccessPoint", &[("ClientToken", "p"), (ID, &id)]);
    client.world().settle();
    (id, at(&made, "AccessPointId").to_owned())
}

fn shown(client: &Client<'_>, id: &str) -> Tree {
    find(&client.ok_of(EFS, "DescribeFileSystems", &[(ID, id)]), "FileSystems.0").unwrap().clone()
}

fn refused(client: &Client<'_>, action: &str, call: &[(&str, &str)]) -> (u16, String) {
    let answer = client.send(EFS, action, &params(call.iter().copied()));
    assert_eq!(answer.code(), at(&answer.tree(), "ErrorCode"));
    (answer.status, answer.code())
}

fn number(tree: &Tree, path: &str) -> String {
    match find(tree, path) {
        Some(Tree::Number(number)) => number.to_string(),
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn a_token_makes_one_file_system_and_answers_have_their_statuses() {
    let world = World::new();
    let client = world.root();
    let raw = |action: &str, call: &[(&str, &str)]| {
        let answer = ask(&client, action, &params(call.iter().copied()));
        (answer.status, answer.body.len())
    };
    assert_eq!(raw("CreateFileSystem", &[("CreationToken", "share")]).0, 201);
    let again = client.send(EFS, "CreateFileSystem", &params([("CreationToken", "share")]));
    assert_eq!((again.status, again.code().as_str()), (409, "FileSystemAlreadyExists"));
    let id = at(&again.tree(), ID).to_owned();
    let tree = shown(&client, &id);
    assert_eq!((at(&tree, "LifeCycleState"), number(&tree, "SizeInBytes.Value").as_str()), ("creating", "0"));
    assert_eq!(
        refused(&client, "UpdateFileSystem", &[(ID, &id), ("ThroughputMode", "elastic")]),
        (409, "IncorrectFileSystemLifeCycleState".into())
    );
    world.settle();
    let tree = shown(&client, &id);
    assert_eq!((at(&tree, "LifeCycleState"), number(&tree, "SizeInBytes.Value").as_str()), ("available", "6144"));
    assert_eq!(raw("UpdateFileSystem", &[(ID, &id), ("ThroughputMode", "elastic")]).0, 202);
    assert_eq!(at(&shown(&client, &id), "LifeCycleState"), "updating");
    world.settle();
    assert_eq!(raw("CreateTags", &[(ID, &id), TAGS]), (204, 0));
    assert_eq!(at(&shown(&client, &id), "Name"), "home");
    assert_eq!(raw("DeleteTags", &[(ID, &id), ("TagKeys:", r#"["Name"]"#)]), (204, 0));
    assert_eq!(raw("DeleteFileSystem", &[(ID, &id)]), (204, 0));
    assert_eq!(at(&shown(&client, &id), "LifeCycleState"), "deleting");
    world.settle();
    assert_eq!(refused(&client, "DescribeFileSystems", &[(ID, &id)]), (404, NOT_FOUND.into()));
    assert_eq!(raw("CreateFileSystem", &[("CreationToken", "share")]).0, 201, "the token is free again");
}

#[test]
fn a_mount_target_is_one_a_zone_and_keeps_what_it_rests_on() {
    let world = World::new();
    let client = world.root();
    let (id, first) = mounted(&client);
    let target = |more: &[(&str, &str)]| refused(&client, "CreateMountTarget", &[&[(ID, id.as_str())], more].concat());
    assert_eq!(target(&[("SubnetId", &subnet(&client, 0))]), (409, "MountTargetConflict".into()));
    assert_eq!(target(&[("SubnetId", NO_SUBNET)]), (400, "SubnetNotFound".into()));
    let (second, foreign) = (subnet(&client, 1), "[\"sg-0123456789abcdef9\"]");
    assert_eq!(target(&[("SubnetId", &second), ("SecurityGroups:", foreign)]), (400, "SecurityGroupNotFound".into()));
    let listed = client.ok_of(EFS, "DescribeMountTargets", &[(TARGET, &first)]);
    let (eni, address) = (at(&listed, "MountTargets.0.NetworkInterfaceId"), at(&listed, "MountTargets.0.IpAddress"));
    let seen = client.ok("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", eni)]);
    let shown_eni = |name: &str| at(&seen, &format!("networkInterfaceSet.0.{name}")).to_owned();
    assert_eq!(shown_eni("description"), format!("EFS mount target for {id} ({first})"));
    assert_eq!((shown_eni("requesterManaged").as_str(), shown_eni("privateIpAddress").as_str()), ("true", address));
    assert_eq!(shown_eni("interfaceType"), "efs");
    assert_eq!(client.refused("DeleteNetworkInterface", &[("NetworkInterfaceId", eni)]), "OperationNotPermitted");
    let group = group(&client);
    let groups = format!("[\"{group}\"]");
    client.ok_of(EFS, "ModifyMountTargetSecurityGroups", &[(TARGET, &first), ("SecurityGroups:", &groups)]);
    assert_eq!(client.refused("DeleteSecurityGroup", &[("GroupId", &group)]), "DependencyViolation");
    assert_eq!(client.refused("DeleteSubnet", &[("SubnetId", &subnet(&client, 0))]), "DependencyViolation");
    assert_eq!(refused(&client, "DeleteFileSystem", &[(ID, &id)]), (409, "FileSystemInUse".into()));
    client.ok_of(EFS, "DeleteMountTarget", &[(TARGET, &first)]);
    world.settle();
    assert_eq!(refused(&client, "DescribeMountTargets", &[(TARGET, &first)]), (404, "MountTargetNotFound".into()));
    client.ok("DeleteSecurityGroup", &[("GroupId", &group)]);
    client.ok_of(EFS, "DeleteFileSystem", &[(ID, &id)]);
}

#[test]
fn names_lead_to_mount_targets_as_long_as_they_are_there() {
    let world = World::new();
    let client = world.root();
    let (id, first) = mounted(&client);
    mount(&client, &id, 1);
    let vpc = crate::network::default_vpc(&client).parse().unwrap();
    let names = || {
        let scope = landfall_model::Scope { account: crate::harness::ACCOUNT.parse().unwrap(), region: client.region };
        let cloud = world.engine().read();
        let view = landfall_cloud::View::new(&cloud, scope, landfall_model::Timestamp(0));
        landfall_cloud::file_system::mount_target::names(&view, vpc)
    };
    let (all, zone) =
        (format!("{id}.efs.us-east-1.amazonaws.com"), format!("us-east-1a.{id}.efs.us-east-1.amazonaws.com"));
    let of = |name: &str| names().into_iter().find(|(own, _)| own == name).map(|(_, addresses)| addresses.len());
    assert_eq!((of(&all), of(&zone)), (Some(2), Some(1)));
    client.ok_of(EFS, "DeleteMountTarget", &[(TARGET, &first)]);
    assert_eq!((of(&all), of(&zone)), (Some(1), None));
}

#[test]
fn a_file_system_of_one_zone_is_mounted_there_alone() {
    let world = World::new();
    let client = world.root();
    let id = at(&create(&client, &[("AvailabilityZoneName", "us-east-1b")]), ID).to_owned();
    world.settle();
    let call = [(ID, id.as_str()), ("SubnetId", &subnet(&client, 0))];
    assert_eq!(refused(&client, "CreateMountTarget", &call), (400, "AvailabilityZonesMismatch".into()));
    mount(&client, &id, 1);
    let backed = client.ok_of(EFS, "DescribeBackupPolicy", &[(ID, &id)]);
    assert_eq!(at(&backed, "BackupPolicy.Status"), "ENABLED", "by default where there is one zone");
}

#[test]
fn addresses_that_are_taken_or_gone_are_told() {
    let world = World::new();
    let client = world.root();
    let id = share(&client);
    let vpc = crate::network::default_vpc(&client);
    let small = [("VpcId", vpc.as_str()), ("CidrBlock", "172.31.240.0/28"), ("AvailabilityZone", "us-east-1c")];
    let small = at(&client.ok("CreateSubnet", &small), "subnet.subnetId").to_owned();
    let eni =
        |address: &str| client.ok("CreateNetworkInterface", &[("SubnetId", &small), ("PrivateIpAddress", address)]);
    eni("172.31.240.4");
    let target = |more: &[(&str, &str)]| {
        refused(&client, "CreateMountTarget", &[&[(ID, id.as_str()), ("SubnetId", small.as_str())], more].concat())
    };
    assert_eq!(target(&[("IpAddress", "172.31.240.4")]), (409, "IpAddressInUse".into()));
    assert_eq!(target(&[("IpAddress", "10.0.0.1")]).1, BAD);
    (5..15).for_each(|n| drop(eni(&format!("172.31.240.{n}"))));
    assert_eq!(target(&[]), (409, "NoFreeAddressesInSubnet".into()));
    assert_eq!(target(&[("IpAddressType", "DUAL_STACK")]), (400, BAD.into()));
}

#[test]
fn throughput_is_lowered_once_a_day() {
    let world = World::new();
    let client = world.root();
    let id = share(&client);
    let set = |mode: &str, mibps: Option<&str>| {
        let mut call = vec![(ID, id.as_str()), ("ThroughputMode", mode)];
        call.extend(mibps.map(|mibps| ("ProvisionedThroughputInMibps:", mibps)));
        let answer = client.send(EFS, "UpdateFileSystem", &params(call));
        world.settle();
        if answer.status == 200 { String::new() } else { format!("{} {}", answer.status, answer.code()) }
    };
    assert_eq!(set("provisioned", Some("100")), "");
    assert_eq!(set("provisioned", Some("200")), "", "more is had at any time");
    assert_eq!(set("provisioned", Some("50")), "429 TooManyRequests");
    assert_eq!(set("bursting", None), "429 TooManyRequests");
    world.pass(24 * 3600);
    assert_eq!(set("bursting", None), "");
    assert_eq!(set("bursting", None), "400 BadRequest", "it is so already");
    assert!(find(&shown(&client, &id), "ProvisionedThroughputInMibps").is_none());
}

#[test]
fn the_archive_takes_elastic_throughput_and_comes_later() {
    let world = World::new();
    let client = world.root();
    let id = share(&client);
    let set = |rules: &str| {
        let answer =
            client.send(EFS, "PutLifecycleConfiguration", &params([(ID, id.as_str()), ("LifecyclePolicies:", rules)]));
        answer.status
    };
    let both = r#"[{"TransitionToIA":"AFTER_30_DAYS"},{"TransitionToArchive":"AFTER_90_DAYS"}]"#;
    assert_eq!(set(both), 400, "throughput is bursting");
    client.ok_of(EFS, "UpdateFileSystem", &[(ID, &id), ("ThroughputMode", "elastic")]);
    world.settle();
    assert_eq!(set(both), 200);
    assert_eq!(set(r#"[{"TransitionToIA":"AFTER_90_DAYS"},{"TransitionToArchive":"AFTER_30_DAYS"}]"#), 400);
    assert_eq!(set(r#"[{"TransitionToIA":"AFTER_7_DAYS"},{"TransitionToIA":"AFTER_30_DAYS"}]"#), 400);
    assert_eq!(set("[]"), 200);
    let rules = client.ok_of(EFS, "DescribeLifecycleConfiguration", &[(ID, &id)]);
    assert!(list(&rules, "LifecyclePolicies").is_empty());
}

#[test]
fn a_policy_guards_its_file_system_but_not_against_whoever_sets_it() {
    let world = World::new();
    let client = world.root();
    let id = share(&client);
    let arn = format!("arn:aws:elasticfilesystem:us-east-1:{}:file-system/{id}", crate::harness::ACCOUNT);
    assert_eq!(refused(&client, "DescribeFileSystemPolicy", &[(ID, &id)]), (404, "PolicyNotFound".into()));
    let deny = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"elasticfilesystem:{action}","Resource":"{arn}"}}]}}"#
        )
    };
    let locked = deny("PutFileSystemPolicy");
    let put = |policy: &str| refused(&client, "PutFileSystemPolicy", &[(ID, &id), ("Policy", policy)]);
    assert_eq!(put(&locked), (400, "InvalidPolicyException".into()));
    assert_eq!(put("{"), (400, "InvalidPolicyException".into()));
    client.ok_of(EFS, "PutFileSystemPolicy", &[(ID, &id), ("Policy", &deny("DescribeMountTargets"))]);
    assert_eq!(refused(&client, "DescribeMountTargets", &[(ID, &id)]), (403, "AccessDeniedException".into()));
    client.ok_of(EFS, "DeleteFileSystemPolicy", &[(ID, &id)]);
    client.ok_of(EFS, "DescribeMountTargets", &[(ID, &id)]);
    let bypass = ("BypassPolicyLockoutSafetyCheck:", "true");
    client.ok_of(EFS, "PutFileSystemPolicy", &[(ID, &id), ("Policy", &locked), bypass]);
    assert_eq!(put(POLICY), (403, "AccessDeniedException".into()));
}

#[test]
fn an_access_point_is_made_once_and_goes_with_its_file_system() {
    let world = World::new();
    let client = world.root();
    let (id, made) = point(&client);
    let again = client.send(EFS, "CreateAccessPoint", &params([("ClientToken", "p"), (ID, id.as_str())]));
    assert_eq!((again.status, again.code().as_str()), (409, "AccessPointAlreadyExists"));
    assert_eq!(at(&again.tree(), "AccessPointId"), made);
    let root = |path: &str| {
        let root = format!("{{\"Path\":\"{path}\"}}");
        refused(&client, "CreateAccessPoint", &[("ClientToken", "q"), (ID, &id), ("RootDirectory:", &root)])
    };
    assert_eq!(root("/../etc"), (400, BAD.into()));
    assert_eq!(root("/a/b/c/d/e"), (400, BAD.into()));
    let target = mount(&client, &id, 0);
    let by_point = client.ok_of(EFS, "DescribeMountTargets", &[("AccessPointId", &made)]);
    assert_eq!(column(&by_point, "MountTargets", TARGET), [target.as_str()]);
    client.ok_of(EFS, "DeleteMountTarget", &[(TARGET, &target)]);
    world.settle();
    client.ok_of(EFS, "DeleteFileSystem", &[(ID, &id)]);
    let going = client.ok_of(EFS, "DescribeAccessPoints", &[("AccessPointId", &made)]);
    assert_eq!(column(&going, "AccessPoints", "LifeCycleState"), ["deleting"]);
    world.settle();
    let gone = refused(&client, "DescribeAccessPoints", &[("AccessPointId", &made)]);
    assert_eq!(gone, (404, "AccessPointNotFound".into()));
}

#[test]
fn a_file_system_of_many_access_points_goes_in_several_transactions() {
    const POINTS: usize = 300;
    let world = World::new();
    let client = world.root();
    let id = share(&client);
    let tags = || world.engine().read().tags.iter().count();
    let before = tags();
    for n in 0..POINTS {
        client.ok_of(EFS, "CreateAccessPoint", &[("ClientToken", &format!("p{n}")), (ID, &id), TAGS]);
    }
    world.settle();
    let page = client.ok_of(EFS, "DescribeAccessPoints", &[(ID, &id), ("MaxResults", "1000")]);
    assert_eq!(list(&page, "AccessPoints").len(), 100, "no page is longer");
    assert!(find(&page, "NextToken").is_some());
    client.ok_of(EFS, "DeleteFileSystem", &[(ID, &id)]);
    let left = || world.engine().read().access_points.iter().count();
    assert_eq!(left(), POINTS);
    assert!(world.transact(landfall_cloud::expiry::pass), "there is more to do");
    assert!((1..POINTS).contains(&left()), "{} are left", left());
    assert_eq!(at(&shown(&client, &id), "LifeCycleState"), "deleting");
    let another = [("ClientToken", "another"), (ID, id.as_str())];
    let refusal = (409, "IncorrectFileSystemLifeCycleState".to_owned());
    assert_eq!(refused(&client, "CreateAccessPoint", &another), refusal);
    world.settle();
    assert_eq!((left(), tags()), (0, before), "tags go with what has them");
    assert_eq!(refused(&client, "DescribeFileSystems", &[(ID, &id)]), (404, NOT_FOUND.into()));
}

#[test]
fn a_group_of_another_network_is_not_found() {
    let world = World::new();
    let client = world.root();
    let (id, target) = mounted(&client);
    let far = at(&client.ok("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]), "vpc.vpcId").to_owned();
    let call = [("GroupName", "far"), ("GroupDescription", "far"), ("VpcId", far.as_str())];
    let group = at(&client.ok("CreateSecurityGroup", &call), "groupId").to_owned();
    let (groups, subnet) = (format!("[\"{group}\"]"), subnet(&client, 1));
    let not_found = (400, "SecurityGroupNotFound".to_owned());
    let call = [(ID, id.as_str()), ("SubnetId", subnet.as_str()), ("SecurityGroups:", groups.as_str())];
    assert_eq!(refused(&client, "CreateMountTarget", &call), not_found);
    let call = [(TARGET, target.as_str()), ("SecurityGroups:", groups.as_str())];
    assert_eq!(refused(&client, "ModifyMountTargetSecurityGroups", &call), not_found);
}

#[test]
fn lists_come_in_pages() {
    let world = World::new();
    let client = world.root();
    let make = |n: usize| client.ok_of(EFS, "CreateFileSystem", &[("CreationToken", &format!("t{n}"))]);
    let mut made: Vec<_> = (0..5).map(|n| at(&make(n), ID).to_owned()).collect();
    made.sort();
    let (mut seen, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut call = vec![("MaxItems", "2")];
        call.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let tree = client.ok_of(EFS, "DescribeFileSystems", &call);
        seen.extend(column(&tree, "FileSystems", ID).into_iter().map(str::to_owned));
        marker = find(&tree, "NextMarker").and_then(Tree::as_text).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    let all = client.ok_of(EFS, "DescribeFileSystems", &[("MaxItems", "1000")]);
    assert_eq!(column(&all, "FileSystems", ID), made, "more than a page has may be asked for");
    let tags: Vec<_> = (0..3).map(|n| format!("{{\"Key\":\"k{n}\",\"Value\":\"v\"}}")).collect();
    let tags = format!("[{}]", tags.join(","));
    client.ok_of(EFS, "TagResource", &[("ResourceId", &seen[0]), ("Tags:", &tags)]);
    let page = client.ok_of(EFS, "ListTagsForResource", &[("ResourceId", &seen[0]), ("MaxResults", "2")]);
    let next = at(&page, "NextToken");
    let rest = [("ResourceId", seen[0].as_str()), ("MaxResults", "2"), ("NextToken", next)];
    assert_eq!(column(&client.ok_of(EFS, "ListTagsForResource", &rest), "Tags", "Key"), ["k2"]);
    let two = [("ResourceId", seen[0].as_str()), ("tagKeys:", r#"["k0","k2"]"#)];
    client.ok_of(EFS, "UntagResource", &two);
    let left = client.ok_of(EFS, "ListTagsForResource", &[("ResourceId", &seen[0])]);
    assert_eq!(column(&left, "Tags", "Key"), ["k1"]);
}

#[test]
fn an_encrypted_file_system_is_under_the_accounts_own_key_or_a_named_one() {
    let world = World::new();
    let client = world.root();
    let id = at(&create(&client, &[("Encrypted:", "true")]), ID).to_owned();
    let key = at(&shown(&client, &id), "KmsKeyId").to_owned();
    let own = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/aws/elasticfilesystem")]);
    assert_eq!(at(&own, "KeyMetadata.Arn"), key);
    let made = client.ok_of("kms", "CreateKey", &[]);
    let named = at(&made, "KeyMetadata.KeyId");
    let call = [("CreationToken", "named"), ("KmsKeyId", named)];
    let other = client.ok_of(EFS, "CreateFileSystem", &call);
    assert!(at(&other, "KmsKeyId").ends_with(named));
    client.ok_of("kms", "DisableKey", &[("KeyId", named)]);
    let again = [("CreationToken", "off"), ("KmsKeyId", named)];
    assert_eq!(refused(&client, "CreateFileSystem", &again).1, BAD);
}

#[test]
fn what_no_host_can_serve_is_refused_and_so_is_replication() {
    let world = World::new();
    let client = world.root();
    let shares = |shares: landfall_model::host::Shares| {
        world.transact(|tx| {
            let mut host = tx.hosts.iter().next().unwrap().clone();
            host.facts.shares = shares;
            tx.put::<landfall_cloud::value::Hosts>(host);
        });
    };
    shares(landfall_model::host::Shares::Plain);
    let encrypted = [("CreationToken", "e"), ("Encrypted:", "true")];
    assert_eq!(refused(&client, "CreateFileSystem", &encrypted), (400, BAD.into()));
    let id = share(&client);
    shares(landfall_model::host::Shares::None);
    assert_eq!(refused(&client, "CreateFileSystem", &[("CreationToken", "p")]), (400, BAD.into()));
    let call = [(ID, id.as_str()), ("SubnetId", &subnet(&client, 0))];
    assert_eq!(refused(&client, "CreateMountTarget", &call), (400, BAD.into()));
    let answer = client.send(EFS, "CreateReplicationConfiguration", &params([("SourceFileSystemId", id.as_str())]));
    assert!(answer.status == 400 && answer.message().contains("replication"), "{}", answer.body);
}

#[test]
fn nobody_reaches_another_accounts_file_systems() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = share(&client);
    let arn = format!("arn:aws:elasticfilesystem:us-east-1:{}:file-system/{id}", crate::harness::ACCOUNT);
    for text in [id.as_str(), &arn] {
        assert_eq!(other.refused_of(EFS, "DescribeFileSystems", &[(ID, text)]), NOT_FOUND);
    }
    assert_eq!(other.refused_of(EFS, "DeleteFileSystem", &[(ID, &id)]), NOT_FOUND);
    let foreign = format!("arn:aws:elasticfilesystem:us-east-1:{OTHER_ACCOUNT}:file-system/{id}");
    assert_eq!(client.refused_of(EFS, "DescribeFileSystems", &[(ID, &foreign)]), NOT_FOUND);
    assert!(list(&other.ok_of(EFS, "DescribeFileSystems", &[]), "FileSystems").is_empty());
}

#[test]
fn what_is_in_a_file_system_is_paid_for() {
    let world = World::new();
    let client = world.root();
    let fast = [("ThroughputMode", "provisioned"), ("ProvisionedThroughputInMibps:", "30")];
    create(&client, &fast);
    world.settle();
    world.pass(86_400);
    let usage = client.send("landfall", "GetUsage", &params([("StartTime", "2026-11-01T00:00:00Z")]));
    let tree = usage.tree();
    let rows = list(&tree, "GetUsageResult.UsageRecords");
    let told: Vec<_> = rows.iter().map(|row| (at(row, "UsageType"), at(row, "Unit"), at(row, "Quantity"))).collect();
    assert_eq!(
        told,
        [("TimedStorage-ByteHrs", "GB-Mo", "0.000000190"), ("ProvisionedTP-MiBpsHrs", "MiBps-Mo", "0.999999990"),]
    );
}
