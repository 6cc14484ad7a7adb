//! Trails, and looking events up. What is delivered is tested where it is: in `landfall-control`.

use landfall_wire::Tree;

use crate::harness::{Case, Client, Params, World, at, column, find, list, nothing, params};

const fn case(
    action: &'static str,
    good: fn(&Client<'_>) -> Params,
    bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
) -> Case {
    Case { service: "cloudtrail", action, good, bad, masked: &[], by: World::root }
}

const NO_NAME: &[(&[(&str, &str)], &str)] = &[
    (&[("Name", "x")], "InvalidTrailNameException"),
    (&[("Name", "none")], "TrailNotFoundException"),
    (&[("Name", "arn:aws:cloudtrail:us-east-1:111122223333:bucket/none")], "CloudTrailARNInvalidException"),
    (&[], "ValidationException"),
];
const NO_TRAIL_NAME: &[(&[(&str, &str)], &str)] = &[
    (&[("TrailName", "none"), ("EventSelectors:", "[{}]")], "TrailNotFoundException"),
    (&[("TrailName", "none"), ("AdvancedEventSelectors:", "[]")], "UnsupportedOperationException"),
    (
        &[
            ("TrailName", "none"),
            ("EventSelectors:", r#"[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]"#),
        ],
        "UnsupportedOperationException",
    ),
];
const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/events";

pub const CASES: &[Case] = &[
    case(
        "AddTags",
        |client| {
            made(client);
            params([("ResourceId", ARN), ("TagsList:", r#"[{"Key":"a","Value":"b"}]"#)])
        },
        &[
            (
                &[("ResourceId", "arn:aws:cloudtrail:us-east-1:111122223333:trail/none"), ("TagsList:", "[]")],
                "ResourceNotFoundException",
            ),
            (&[("ResourceId", "none"), ("TagsList:", "[]")], "CloudTrailARNInvalidException"),
        ],
    ),
    case(
        "CreateTrail",
        |_| {
            params([
                ("Name", "events"),
                ("S3BucketName", "trails"),
                ("S3KeyPrefix", "here"),
                ("IsMultiRegionTrail:", "true"),
                ("EnableLogFileValidation:", "true"),
                ("TagsList:", r#"[{"Key":"a","Value":"b"}]"#),
            ])
        },
        &[
            (&[("Name", "events"), ("S3BucketName", "elsewhere")], "S3BucketDoesNotExistException"),
            (&[("Name", "events"), ("S3BucketName", "../x")], "InvalidS3BucketNameException"),
            (&[("Name", "-x-"), ("S3BucketName", "trails")], "InvalidTrailNameException"),
            (
                &[("Name", "events"), ("S3BucketName", "trails"), ("S3KeyPrefix", "../../etc")],
                "InvalidS3PrefixException",
            ),
            (
                &[("Name", "events"), ("S3BucketName", "trails"), ("KmsKeyId", "alias/mine")],
                "UnsupportedOperationException",
            ),
            (
                &[
                    ("Name", "events"),
                    ("S3BucketName", "trails"),
                    ("IsMultiRegionTrail:", "true"),
                    ("IncludeGlobalServiceEvents:", "false"),
                ],
                "InvalidParameterCombinationException",
            ),
        ],
    ),
    case("DeleteTrail", named, NO_NAME),
    case("DescribeTrails", made_only, &[(&[("trailNameList:", r#"["x"]"#)], "InvalidTrailNameException")]),
    case(
        "GetEventSelectors",
        |client| {
            made(client);
            params([("TrailName", "events")])
        },
        &[(&[("TrailName", "none")], "TrailNotFoundException")],
    ),
    // The answer is an error always: no trail has insights.
    case(
        "GetInsightSelectors",
        |client| {
            made(client);
            params([("TrailName", "events")])
        },
        &[
            (&[("TrailName", "none")], "TrailNotFoundException"),
            (&[("EventDataStore", "none")], "UnsupportedOperationException"),
            (&[], "InvalidParameterCombinationException"),
        ],
    ),
    case("GetTrail", named, NO_NAME),
    case("GetTrailStatus", named, NO_NAME),
    case(
        "ListPublicKeys",
        nothing,
        &[(&[("StartTime:", "1795341600"), ("EndTime:", "1795341500")], "InvalidTimeRangeException")],
    ),
    case(
        "ListTags",
        |client| {
            made(client);
            params([("ResourceIdList:", format!("[\"{ARN}\"]"))])
        },
        &[(&[("ResourceIdList:", "[]")], "InvalidParameterCombinationException")],
    ),
    case("ListTrails", made_only, &[(&[("NextToken", "x")], "InvalidNextTokenException")]),
    case(
        "LookupEvents",
        |client| {
            client.ok("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]);
            params([("LookupAttributes:", r#"[{"AttributeKey":"EventName","AttributeValue":"CreateVpc"}]"#)])
        },
        &[
            (&[("MaxResults:", "51")], "InvalidParameterCombinationException"),
            (&[("StartTime:", "1795341600"), ("EndTime:", "1795341500")], "InvalidTimeRangeException"),
            (&[("EventCategory", "insight")], "UnsupportedOperationException"),
            (
                &[(
                    "LookupAttributes:",
                    r#"[{"AttributeKey":"EventName","AttributeValue":"a"},{"AttributeKey":"Username","AttributeValue":"b"}]"#,
                )],
                "InvalidLookupAttributesException",
            ),
        ],
    ),
    case(
        "PutEventSelectors",
        |client| {
            made(client);
            params([
                ("TrailName", "events"),
                (
                    "EventSelectors:",
                    r#"[{"ReadWriteType":"WriteOnly","ExcludeManagementEventSources":["kms.amazonaws.com"]}]"#,
                ),
            ])
        },
        NO_TRAIL_NAME,
    ),
    case(
        "PutInsightSelectors",
        |client| {
            made(client);
            params([("TrailName", "events"), ("InsightSelectors:", "[]")])
        },
        &[(
            &[("TrailName", "none"), ("InsightSelectors:", r#"[{"InsightType":"ApiCallRateInsight"}]"#)],
            "UnsupportedOperationException",
        )],
    ),
    case(
        "RemoveTags",
        |client| {
            made(client);
            params([("ResourceId", ARN), ("TagsList:", r#"[{"Key":"a"}]"#)])
        },
        &[(&[("ResourceId", "none"), ("TagsList:", "[]")], "CloudTrailARNInvalidException")],
    ),
    case("StartLogging", named, NO_NAME),
    case("StopLogging", started, NO_NAME),
    case(
        "UpdateTrail",
        |client| {
            made(client);
            params([("Name", "events"), ("S3KeyPrefix", "there"), ("EnableLogFileValidation:", "false")])
        },
        &[
            (&[("Name", "none"), ("S3KeyPrefix", "x")], "TrailNotFoundException"),
            (&[("Name", "none"), ("SnsTopicName", "x")], "UnsupportedOperationException"),
        ],
    ),
];

fn call(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Tree {
    let answer = client.send("cloudtrail", action, &params(pairs.iter().copied()));
    assert_eq!(answer.status, 200, "{action}: {}", answer.body);
    answer.tree()
}

fn made(client: &Client<'_>) {
    call(
        client,
        "CreateTrail",
        &[
            ("Name", "events"),
            ("S3BucketName", "trails"),
            ("EnableLogFileValidation:", "true"),
            ("TagsList:", r#"[{"Key":"a","Value":"b"}]"#),
        ],
    );
}

fn made_only(client: &Client<'_>) -> Params {
    made(client);
    Params::new()
}

fn named(client: &Client<'_>) -> Params {
    made(client);
    params([("Name", "events")])
}

fn started(client: &Client<'_>) -> Params {
    let named = named(client);
    call(client, "StartLogging", &[("Name", "events")]);
    named
}

/// The names of the events that a look finds, newest first.
fn looked_up(client: &Client<'_>, attribute: &str, value: &str) -> Vec<String> {
    let attributes = format!(r#"[{{"AttributeKey":"{attribute}","AttributeValue":"{value}"}}]"#);
    let found = call(client, "LookupEvents", &[("LookupAttributes:", &attributes)]);
    column(&found, "Events", "EventName").into_iter().map(str::to_owned).collect()
}

#[test]
fn events_are_looked_up_by_each_attribute_and_by_nobody_else() {
    let world = World::new();
    let root = world.root();
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let alice = world.user("alice", allow);
    let vpc = at(&alice.ok("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]), "vpc.vpcId").to_owned();
    alice.ok("DescribeVpcs", &[("VpcId.1", &vpc)]);
    alice.refused("DeleteVpc", &[("VpcId", "vpc-0123456789abcdef0")]);
    world.other().ok("CreateVpc", &[("CidrBlock", "10.8.0.0/16")]);
    assert_eq!(looked_up(&root, "Username", "alice"), ["DeleteVpc", "DescribeVpcs", "CreateVpc"]);
    assert_eq!(looked_up(&root, "ResourceName", &vpc), ["CreateVpc"]);
    assert_eq!(looked_up(&root, "AccessKeyId", &alice.access_key), ["DeleteVpc", "DescribeVpcs", "CreateVpc"]);
    assert_eq!(looked_up(&root, "EventName", "CreateVpc"), ["CreateVpc"]);
    assert_eq!(looked_up(&root, "ResourceType", "AWS::EC2::VPC"), ["DeleteVpc", "CreateVpc"]);
    assert_eq!(looked_up(&root, "ReadOnly", "false"), ["DeleteVpc", "CreateVpc"]);
    assert_eq!(looked_up(&root, "EventSource", "iam.amazonaws.com"), [""; 0]);
    let all = call(&root, "LookupEvents", &[]);
    let id = at(&all, "Events.0.EventId").to_owned();
    assert_eq!(looked_up(&root, "EventId", &id), [at(&all, "Events.0.EventName")]);
    assert_eq!(looked_up(&world.other(), "EventId", &id), [""; 0]);
    assert!(looked_up(&world.root().at("eu-central-1"), "EventName", "CreateVpc").is_empty());
    let event = at(&all, "Events.0.CloudTrailEvent");
    assert!(event.contains(&id), "{event}");
}

#[test]
fn pages_of_events_are_the_whole_newest_first() {
    let world = World::new();
    let root = world.root();
    for _ in 0..23 {
        root.ok("DescribeRegions", &[]);
        world.pass(1);
    }
    let attributes = ("LookupAttributes:", r#"[{"AttributeKey":"EventName","AttributeValue":"DescribeRegions"}]"#);
    let (mut times, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut pairs = vec![attributes, ("MaxResults:", "5")];
        pairs.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = call(&root, "LookupEvents", &pairs);
        assert!(list(&page, "Events").len() <= 5);
        times.extend(list(&page, "Events").iter().map(|event| format!("{:?}", find(event, "EventTime"))));
        token = find(&page, "NextToken").and_then(Tree::as_text).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(times.len(), 23);
    assert!(times.is_sorted_by(|a, b| a > b), "{times:?}");
    let since = format!("{}", crate::harness::NOW_MS / 1000 + 20);
    let late = call(&root, "LookupEvents", &[attributes, ("StartTime:", &since)]);
    assert_eq!(list(&late, "Events").len(), 3);
}

#[test]
fn a_trail_of_all_regions_is_seen_in_each_and_changed_at_home() {
    let world = World::new();
    let root = world.root();
    call(&root, "CreateTrail", &[("Name", "events"), ("S3BucketName", "trails"), ("IsMultiRegionTrail:", "true")]);
    let away = world.root().at("eu-central-1");
    let seen = call(&away, "DescribeTrails", &[]);
    assert_eq!(at(&seen, "trailList.0.HomeRegion"), "us-east-1");
    let own = call(&away, "DescribeTrails", &[("includeShadowTrails:", "false")]);
    assert!(list(&own, "trailList").is_empty());
    let refused = away.send("cloudtrail", "StartLogging", &params([("Name", ARN)]));
    assert_eq!(refused.code(), "InvalidHomeRegionException");
    call(&root, "StartLogging", &[("Name", "events")]);
    assert_eq!(find(&call(&away, "GetTrailStatus", &[("Name", ARN)]), "IsLogging"), Some(&Tree::Bool(true)));
    let again = root.send("cloudtrail", "CreateTrail", &params([("Name", "events"), ("S3BucketName", "trails")]));
    assert_eq!(again.code(), "TrailAlreadyExistsException");
    // Whoever may not see it may not from elsewhere either: its ARN has its home region in it, however it is named.
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"}},{{"Effect":"Deny","Action":"cloudtrail:*","Resource":"{ARN}"}}]}}"#
    );
    for region in ["us-east-1", "eu-central-1"] {
        let kept_out = world.user("kept-out", &policy).at(region);
        for (action, name) in [("GetTrail", "Name"), ("GetTrailStatus", "Name"), ("GetEventSelectors", "TrailName")] {
            assert_eq!(
                kept_out.refused_of("cloudtrail", action, &[(name, "events")]),
                "AccessDeniedException",
                "{action}"
            );
        }
    }
    call(&root, "StopLogging", &[("Name", "events")]);
    call(&root, "DeleteTrail", &[("Name", "events")]);
    let gone = call(&root, "DescribeTrails", &[("trailNameList:", r#"["events"]"#)]);
    assert!(list(&gone, "trailList").is_empty());
}

#[test]
fn a_bucket_is_there_for_its_accounts_alone() {
    let world = World::new();
    let trail = params([("Name", "events"), ("S3BucketName", "theirs")]);
    assert_eq!(world.root().send("cloudtrail", "CreateTrail", &trail).code(), "S3BucketDoesNotExistException");
    assert_eq!(world.other().send("cloudtrail", "CreateTrail", &trail).status, 200);
    let vpcs = world.root().ok("DescribeVpcs", &[]);
    let flows = |client: &Client<'_>, vpc: &str, bucket: &str| {
        let destination = format!("arn:aws:s3:::{bucket}/flows");
        let call = [
            ("ResourceType", "VPC"),
            ("ResourceId.1", vpc),
            ("TrafficType", "ALL"),
            ("LogDestinationType", "s3"),
            ("LogDestination", destination.as_str()),
        ];
        client.send("ec2", "CreateFlowLogs", &params(call))
    };
    let own = at(&vpcs, "vpcSet.0.vpcId");
    assert_eq!(flows(&world.root(), own, "theirs").code(), "InvalidParameter");
    // A folder's name may have colons, by which no other bucket is meant.
    for folder in ["theirs/x:y", "theirs/x:trails"] {
        assert_eq!(flows(&world.root(), own, folder).code(), "InvalidParameter", "{folder}");
    }
    for bucket in ["trails", "on-a-host"] {
        assert_eq!(flows(&world.root(), own, bucket).status, 200, "{bucket}");
    }
    let vpcs = world.other().ok("DescribeVpcs", &[]);
    assert_eq!(flows(&world.other(), at(&vpcs, "vpcSet.0.vpcId"), "theirs").status, 200);
}
