//! The audit: what records say, of whom, and that nothing secret is in them.

mod deeds;

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

#[test]
fn records_are_in_the_order_of_their_times_though_the_clock_goes_back() {
    let world = World::new();
    let client = world.root();
    client.ok("CreateVpc", &[("CidrBlock", "10.1.0.0/16")]);
    world.pass(5);
    client.ok("DescribeVpcs", &[]);
    world.pass(-60);
    client.ok("DescribeVpcs", &[]);
    client.ok("CreateVpc", &[("CidrBlock", "10.2.0.0/16")]);
    client.refused("DeleteVpc", &[("VpcId", "vpc-0123456789abcdef0")]);
    let kept = world.engine().bulk(audit::STREAM, 0, 10_000).unwrap();
    assert!(kept.is_sorted_by_key(|record| record.time_ms));
    let told: Vec<_> = records(&world).iter().map(|record| record["eventTime"].as_str().unwrap().to_owned()).collect();
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last().unwrap(), "2026-11-22T10:00:05Z");
}

#[test]
fn a_call_whose_client_is_gone_leaves_its_record() {
    let world = World::new();
    let client = world.root();
    let json = [("x-amz-target", "TrentService.CreateKey"), ("content-type", "application/x-amz-json-1.1")];
    let signed = client.sign("kms", "POST", "/", &json, br#"{"KeySpec":"RSA_4096","KeyUsage":"SIGN_VERIFY"}"#);
    let before = records(&world).len();
    assert!(!world.hang_up(&signed), "it was answered too soon");
    let record = last(&world);
    assert_eq!(records(&world).len(), before + 1);
    assert_eq!((&record["eventName"], &record["errorCode"]), (&json!("CreateKey"), &json!("RequestCanceled")));
    assert_eq!(record["userIdentity"]["accountId"], json!(ACCOUNT));
}

/// What is said of the uses of keys after so many records, by services: whose event, the action, the resource, the context.
fn uses(world: &World, after: usize) -> Vec<(String, String, String, String)> {
    let used = records(world).into_iter().skip(after).filter(|record| record["eventSource"] == "kms.amazonaws.com");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = used.map(|record| {
        assert_eq!(record["sourceIPAddress"], record["userIdentity"]["invokedBy"], "{record}");
        assert_eq!(record["resources"][0]["type"], json!("AWS::KMS::Key"), "{record}");
        let context = record["requestParameters"]["encryptionContext"].as_object().unwrap().values().next().cloned();
        (
            text(&record["recipientAccountId"]),
            format!("{} {}", text(&record["userIdentity"]["invokedBy"]), text(&record["eventName"])),
            text(&record["resources"][0]["ARN"]),
            text(&context.unwrap()),
        )
    });
    told.collect()
}

#[test]
fn whoever_has_a_key_sees_which_service_used_it_for_whom() {
    const SM: &str = "secretsmanager";
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{OTHER_ACCOUNT}"]}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let key = owner.ok_of("kms", "CreateKey", &[("Policy", &policy)]);
    let key = at(&key, "KeyMetadata.Arn").to_owned();
    let before = records(&world).len();
    let token = "00000000-0000-4000-8000-000000000001";
    let call = [("Name", "db"), ("SecretString", "hidden"), ("ClientRequestToken", token), ("KmsKeyId", &key)];
    let arn = at(&owner.ok_of(SM, "CreateSecret", &call), "ARN").to_owned();
    let used = |account: &str, what: &str, context: &str| {
        (account.to_owned(), what.to_owned(), key.clone(), context.to_owned())
    };
    assert_eq!(uses(&world, before), [used(ACCOUNT, "secretsmanager.amazonaws.com GenerateDataKey", &arn)]);
    assert_eq!(records(&world)[before]["responseElements"]["arn"], json!(arn));
    let open = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER_ACCOUNT}"}},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}]}}"#
    );
    owner.ok_of(SM, "PutResourcePolicy", &[("SecretId", "db"), ("ResourcePolicy", &open)]);
    // Another account's call shows in both, the secret's and the key's event each with its own resource.
    let before = records(&world).len();
    stranger.ok_of(SM, "GetSecretValue", &[("SecretId", &arn)]);
    let decrypt = "secretsmanager.amazonaws.com Decrypt";
    assert_eq!(uses(&world, before), [used(OTHER_ACCOUNT, decrypt, &arn), used(ACCOUNT, decrypt, &arn)]);
    let read: Vec<_> =
        records(&world).into_iter().skip(before).filter(|r| r["eventName"] == "GetSecretValue").collect();
    assert_eq!(read.len(), 2);
    for record in &read {
        let secret = json!([{ "accountId": ACCOUNT, "type": "AWS::SecretsManager::Secret", "ARN": arn }]);
        assert_eq!(record["resources"], secret);
    }
    // Who may not read uses no key.
    let before = records(&world).len();
    let nobody = world.user("nobody", r#"{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#);
    nobody.refused_of(SM, "GetSecretValue", &[("SecretId", "db")]);
    assert_eq!((uses(&world, before).len(), records(&world).len()), (0, before + 1));
    // Parameters are encrypted directly.
    let put = [("Name", "/db"), ("Value", "hidden"), ("Type", "SecureString"), ("KeyId", key.as_str())];
    owner.ok_of("ssm", "PutParameter", &put);
    owner.ok_of("ssm", "GetParameter", &[("Name", "/db"), ("WithDecryption:", "true")]);
    owner.ok_of("ssm", "GetParameter", &[("Name", "/db")]);
    let parameter = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/db");
    let expected =
        ["Encrypt", "Decrypt"].map(|action| used(ACCOUNT, &format!("ssm.amazonaws.com {action}"), &parameter));
    assert_eq!(uses(&world, before), expected);
    let found = [("LookupAttributes:", r#"[{"AttributeKey":"EventName","AttributeValue":"Encrypt"}]"#)];
    assert_eq!(crate::harness::list(&owner.ok_of("cloudtrail", "LookupEvents", &found), "Events").len(), 1);
    assert!(!records(&world).iter().any(|record| record.to_string().contains("hidden")));
}

#[test]
fn names_that_callers_choose_are_shown_as_they_are() {
    let world = World::new();
    let client = world.root();
    let key = at(&client.ok_of("kms", "CreateKey", &[]), "KeyMetadata.KeyId").to_owned();
    let context = r#"{"Password":"one","SecretARN":"two","stage":"three"}"#;
    client.ok_of("kms", "Encrypt", &[("KeyId", &key), ("Plaintext", "aGlkZGVu"), ("EncryptionContext:", context)]);
    let parameters = last(&world)["requestParameters"].clone();
    assert_eq!(parameters["encryptionContext"], serde_json::from_str::<Value>(context).unwrap());
    assert_eq!(parameters["plaintext"], json!("HIDDEN_DUE_TO_SECURITY_REASONS"));
}

#[test]
fn what_cannot_be_read_has_the_name_that_it_says() {
    let world = World::new();
    let client = world.root();
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let target = |target| [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    let told = |service: &str, method: &str, path: &str, more: &[(&'static str, &str)], body: &str| {
        let status = client.send_to(service, method, path, more, body.as_bytes()).status;
        assert!((400..500).contains(&status), "{status}");
        last(&world)["eventName"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        told("ec2", "POST", "/", &form, "Action=StopInstances&Force=1&Force=2&Version=2016-11-15"),
        "StopInstances"
    );
    assert_eq!(told("ec2", "POST", "/", &form, "Action=StopTheWorld&Version=2016-11-15"), "StopTheWorld");
    assert_eq!(told("kms", "POST", "/", &target("TrentService.Encrypt"), "{"), "Encrypt");
    assert_eq!(told("kms", "POST", "/", &target("TrentService.Enchant"), "{}"), "Enchant");
    assert_eq!(told("dynamodb", "POST", "/", &target("DynamoDB_20120810.ListTables"), "{}"), "ListTables");
    assert_eq!(told("lambda", "GET", "/2015-03-31/functions", &form, ""), "GET:/2015-03-31/functions");
}
