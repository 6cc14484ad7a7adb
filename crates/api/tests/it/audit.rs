//! The audit: what records say, of whom, and that nothing secret is in them.

use landfall_api::audit::{self, mask};
use landfall_model::Region;
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, Client, NOW_MS, OTHER_ACCOUNT, World, at, params};

const LAUNCH: [(&str, &str); 4] =
    [("ImageId", crate::harness::IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];

/// All records, oldest first.
fn records(world: &World) -> Vec<Value> {
    let records = world.engine().bulk(audit::STREAM, 0, 10_000).unwrap();
    records.iter().map(|record| serde_json::from_str(&record.record).unwrap()).collect()
}

fn last(world: &World) -> Value {
    records(world).pop().unwrap()
}

#[test]
fn every_authenticated_call_leaves_one_record() {
    let world = World::new();
    let client = world.root();
    let id = at(&client.ok("RunInstances", &LAUNCH), "instancesSet.0.instanceId").to_owned();
    let (before, revision) = (records(&world).len(), world.revision());
    // One that changes something has its record in the commit.
    client.ok("StopInstances", &[("InstanceId.1", &id)]);
    let commit = world.engine().feed(revision).try_next().unwrap().unwrap();
    let record: Value = serde_json::from_str(&commit.records[0].record).unwrap();
    assert_eq!((&record["eventSource"], &record["eventName"]), (&json!("ec2.amazonaws.com"), &json!("StopInstances")));
    assert_eq!(records(&world).len(), before + 1);
    assert_eq!(last(&world), record);
    // Writes of what was so already, looks and refusals have it beside.
    let revision = world.revision();
    client.ok("StopInstances", &[("InstanceId.1", &id)]);
    client.ok("DescribeInstances", &[]);
    client.refused("StopInstances", &[("InstanceId.1", "i-0123456789abcdef0")]);
    assert_eq!((records(&world).len(), world.revision()), (before + 4, revision));
    // What nobody proved to have sent has none.
    let mut stranger = world.root();
    stranger.access_key = "AKIANOBODY".into();
    assert_eq!(stranger.call("DescribeInstances", &[]).code(), "AuthFailure");
    assert_eq!(records(&world).len(), before + 4);
}

#[test]
fn a_record_is_one_of_cloudtrails() {
    let world = World::new();
    let answer = world.root().ok(
        "CreateTags",
        &[("ResourceId.1", crate::harness::IMAGE), ("Tag.1.Key", "Name"), ("Tag.1.Value", "a \"b\"")],
    );
    let record = last(&world);
    let request_id = at(&answer, "requestId");
    let id = record["eventID"].as_str().unwrap();
    assert_eq!(audit::time_of(id), Some(NOW_MS));
    let expected = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "Root",
            "principalId": ACCOUNT,
            "arn": format!("arn:aws:iam::{ACCOUNT}:root"),
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAROOT",
        },
        "eventTime": "2026-11-22T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateTags",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": {
            "resourcesSet": { "items": [{ "resourceId": crate::harness::IMAGE }] },
            "tagSet": { "items": [{ "key": "Name", "value": "a \"b\"" }] },
        },
        "responseElements": { "requestId": request_id, "_return": true },
        "requestID": request_id,
        "eventID": id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    });
    assert_eq!(record, expected);
    world.root().refused("DescribeInstances", &[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")]);
    let record = last(&world);
    assert_eq!(record["readOnly"], json!(true));
    assert_eq!(record["errorCode"], json!("Client.InvalidParameterValue"));
    assert_eq!(record["responseElements"], Value::Null);
    let filters =
        json!({ "filterSet": { "items": [{ "name": "nonsense", "valueSet": { "items": [{ "value": "x" }] } }] } });
    assert_eq!(record["requestParameters"], filters);
}

#[test]
fn a_launch_is_told_as_ec2_tells_it() {
    let world = World::new();
    let more =
        [("UserData", "c2VjcmV0"), ("DisableApiTermination", "true"), ("TagSpecification.1.ResourceType", "instance")];
    let more = [&more[..], &[("TagSpecification.1.Tag.1.Key", "a"), ("TagSpecification.1.Tag.1.Value", "b")]].concat();
    let id =
        at(&world.root().ok("RunInstances", &[&LAUNCH[..], &more].concat()), "instancesSet.0.instanceId").to_owned();
    let record = last(&world);
    let parameters = &record["requestParameters"];
    let apart = json!({ "items": [{ "imageId": crate::harness::IMAGE, "minCount": 1, "maxCount": 1 }] });
    assert_eq!(parameters["instancesSet"], apart);
    assert_eq!(parameters["instanceType"], json!("t3.micro"));
    assert_eq!(parameters["disableApiTermination"], json!(true));
    assert_eq!(parameters["userData"], json!("<sensitiveDataRemoved>"));
    assert_eq!(parameters["tagSpecificationSet"]["items"][0]["resourceType"], json!("instance"));
    let answered = &record["responseElements"]["instancesSet"]["items"][0];
    assert_eq!((&answered["instanceId"], &answered["launchTime"]), (&json!(id), &json!(NOW_MS)));
    assert!(!record.to_string().contains("c2VjcmV0"));
}

#[test]
fn whoever_calls_is_told_with_the_session() {
    let world = World::new();
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let user = world.user("alice", allow);
    user.ok("DescribeVpcs", &[]);
    let identity = last(&world)["userIdentity"].clone();
    assert_eq!((&identity["type"], &identity["userName"]), (&json!("IAMUser"), &json!("alice")));
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{OTHER_ACCOUNT}"]}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let send = |client: &Client<'_>, service: &str, action: &str, pairs: &[(&str, &str)]| {
        let answer = client.send(service, action, &params(pairs.iter().copied()));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.tree()
    };
    let other = world.other();
    send(&other, "iam", "CreateRole", &[("RoleName", "watch"), ("AssumeRolePolicyDocument", &trust)]);
    assert_eq!(last(&world)["awsRegion"], json!("us-east-1"));
    assert_eq!(last(&world)["responseElements"]["role"]["createDate"], json!("Nov 22, 2026, 10:00:00 AM"));
    let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/watch");
    let before = records(&world).len();
    let given = send(&user, "sts", "AssumeRole", &[("RoleArn", &arn), ("RoleSessionName", "night")]);
    // Both accounts have it: the caller's with who it was, the role's with whose.
    let both = records(&world).split_off(before);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0]["recipientAccountId"], json!(ACCOUNT));
    assert_eq!(both[0]["userIdentity"]["userName"], json!("alice"));
    assert_eq!(both[1]["recipientAccountId"], json!(OTHER_ACCOUNT));
    assert_eq!(both[1]["userIdentity"]["type"], json!("AWSAccount"));
    assert_eq!(both[0]["sharedEventID"], both[1]["sharedEventID"]);
    assert_ne!(both[0]["eventID"], both[1]["eventID"]);
    assert_eq!(both[0]["resources"], json!([{ "accountId": OTHER_ACCOUNT, "type": "AWS::IAM::Role", "ARN": arn }]));
    let credentials = |name: &str| at(&given, &format!("AssumeRoleResult.Credentials.{name}")).to_owned();
    assert_eq!(both[0]["responseElements"]["credentials"]["accessKeyId"], json!(credentials("AccessKeyId")));
    for record in &both {
        let text = record.to_string();
        assert!(
            !text.contains(&credentials("SecretAccessKey")) && !text.contains(&credentials("SessionToken")),
            "{text}"
        );
    }
    let session =
        world.client(&credentials("AccessKeyId"), &credentials("SecretAccessKey"), Some(&credentials("SessionToken")));
    session.refused("DescribeVpcs", &[]);
    let record = last(&world);
    assert_eq!(record["errorCode"], json!("Client.UnauthorizedOperation"));
    let identity = &record["userIdentity"];
    assert_eq!(identity["type"], json!("AssumedRole"));
    assert_eq!(identity["sessionContext"]["sessionIssuer"]["arn"], json!(arn));
    assert_eq!(
        identity["sessionContext"]["attributes"],
        json!({ "creationDate": "2026-11-22T10:00:00Z", "mfaAuthenticated": "false" })
    );
}

#[test]
fn what_is_too_large_is_left_out() {
    let world = World::new();
    let ids: Vec<_> = (1..=900).map(|at| (format!("Filter.1.Value.{at}"), "v".repeat(200))).collect();
    let mut pairs: Vec<_> = ids.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.push(("Filter.1.Name", "vpc-id"));
    world.root().call("DescribeVpcs", &pairs);
    let record = last(&world);
    assert_eq!(record["requestParameters"]["omitted"], json!(true));
    assert!(record.to_string().len() < 4_096);
}

#[test]
fn records_are_found_by_what_they_are_about() {
    let world = World::new();
    let client = world.root();
    let id = at(&client.ok("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]), "vpc.vpcId").to_owned();
    client.ok("DescribeVpcs", &[]);
    let found = |attribute| {
        let key = audit::key(ACCOUNT, Region::DEFAULT, attribute);
        world.engine().find_bulk(audit::STREAM, key, u64::MAX, i64::MAX).unwrap()
    };
    assert_eq!(found(Some(("ResourceName", &id))).len(), 1);
    assert_eq!(found(Some(("EventName", "CreateVpc"))).len(), 1);
    assert_eq!(found(Some(("Username", "nobody"))), []);
    assert!(found(None).len() >= 2);
}

/// The members of all inputs that look like secrets are decided on, one way or the other.
#[test]
fn every_member_that_looks_secret_is_hidden_or_shown_by_decision() {
    let mut undecided = std::collections::BTreeSet::new();
    for operation in landfall_api::operations() {
        let service = operation.action.service;
        for path in (operation.members)().keys() {
            let Some(name) = path.last().filter(|name| mask::looks_secret(name)) else { continue };
            let hidden = mask::is_listed(mask::HIDDEN, service, name);
            let shown = mask::is_listed(mask::SHOWN, service, name);
            assert!(!(hidden && shown), "{service} {name} is both");
            if !hidden && !shown {
                undecided.insert((service, *name));
            }
        }
    }
    assert!(undecided.is_empty(), "neither hidden nor shown: {undecided:#?}");
}

#[test]
fn user_data_is_hidden_whichever_member_it_comes_in() {
    let world = World::new();
    let shown = |attribute: &str| {
        let named = [("InstanceId", "i-0123456789abcdef0"), ("Attribute", attribute), ("Value", "c2VjcmV0")];
        world.root().refused("ModifyInstanceAttribute", &named);
        let record = last(&world);
        assert_eq!(record["eventName"], json!("ModifyInstanceAttribute"));
        record["requestParameters"]["value"].clone()
    };
    for attribute in ["userData", "userdata", "mistaken"] {
        assert_eq!(shown(attribute), json!("<sensitiveDataRemoved>"), "{attribute}");
    }
    assert_eq!(shown("instanceType"), json!("c2VjcmV0"));
}
