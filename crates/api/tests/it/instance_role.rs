//! What instances' role credentials are and may do, and when they end.

use landfall_api::{Vault, instance_role};
use landfall_model::delivery::{RoleCredentials, SessionKey};
use landfall_state::RootKey;

use crate::harness::{Client, World, at, params};
use crate::instance_profile::profile;
use crate::network::launch;

/// What EC2 makes for an instance at the moment, if it does.
fn made(world: &World, instance: &str) -> Option<RoleCredentials> {
    let cloud = world.engine().read();
    let row = cloud.instances.by_id(&instance.parse().unwrap()).next().unwrap();
    let now = landfall_model::Timestamp(world.engine().now_ms());
    instance_role::credentials(&Vault::new(RootKey::from_bytes(&[7; 32])), &cloud, row, now)
        .unwrap()
        .map(|lent| lent.credentials)
}

#[test]
fn that_ec2_took_a_role_is_on_record() {
    let world = World::new();
    let instance = instance(&world);
    let cloud = world.engine().read();
    let row = cloud.instances.by_id(&instance.parse().unwrap()).next().unwrap();
    let now = landfall_model::Timestamp(world.engine().now_ms());
    let lent =
        instance_role::credentials(&Vault::new(RootKey::from_bytes(&[7; 32])), &cloud, row, now).unwrap().unwrap();
    assert_eq!(lent.records.len(), 2, "one of each session");
    for (entry, session) in lent.records.iter().zip([&lent.credentials.v1, &lent.credentials.v2]) {
        let event: serde_json::Value = serde_json::from_str(&entry.record).unwrap();
        assert_eq!(
            event["userIdentity"],
            serde_json::json!({ "type": "AWSService", "invokedBy": "ec2.amazonaws.com" })
        );
        assert_eq!((&event["eventSource"], &event["eventName"]), (&"sts.amazonaws.com".into(), &"AssumeRole".into()));
        assert_eq!(event["requestParameters"]["roleSessionName"], instance.as_str());
        assert_eq!(event["requestParameters"]["roleArn"], "arn:aws:iam::111122223333:role/web");
        assert_eq!(event["responseElements"]["credentials"]["accessKeyId"], session.access_key.as_str());
        assert_eq!(event["resources"][0]["ARN"], "arn:aws:iam::111122223333:role/web");
        assert!(!entry.record.contains(&session.secret.0) && !entry.record.contains(&session.token.0));
        world.engine().append_entry(entry.clone()).unwrap();
    }
    let pairs = [("LookupAttributes:", r#"[{"AttributeKey":"EventName","AttributeValue":"AssumeRole"}]"#)];
    let found = world.root().ok_of("cloudtrail", "LookupEvents", &pairs);
    assert_eq!(crate::harness::list(&found, "Events").len(), 2, "{found:?}");
    assert_eq!(at(&found, "Events.0.EventSource"), "sts.amazonaws.com");
}

fn client<'w>(world: &'w World, key: &SessionKey) -> Client<'w> {
    world.client(&key.access_key, &key.secret.0, Some(&key.token.0))
}

fn iam(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) {
    let answer = client.send("iam", action, &params(pairs.iter().copied()));
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
}

/// Lets the role do what its statement says.
fn allow(client: &Client<'_>, statement: &str) {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    iam(client, "PutRolePolicy", &[("RoleName", "web"), ("PolicyName", "own"), ("PolicyDocument", &document)]);
}

fn instance(world: &World) -> String {
    profile(&world.root(), "web");
    launch(&world.root(), &[("IamInstanceProfile.Name", "web")])
}

#[test]
fn a_guest_is_its_role_in_the_instances_name() {
    let world = World::new();
    let instance = instance(&world);
    let lent = made(&world, &instance).unwrap();
    assert_eq!(lent.expires_at.since(lent.issued_at).as_secs(), 6 * 3600);
    for key in [&lent.v1, &lent.v2] {
        assert!(key.access_key.starts_with("ASIA") && key.access_key.len() == 20, "{}", key.access_key);
        let caller = client(&world, key).send("sts", "GetCallerIdentity", &[]).tree();
        let arn = format!("arn:aws:sts::111122223333:assumed-role/web/{instance}");
        assert_eq!(at(&caller, "GetCallerIdentityResult.Arn"), arn);
        assert_eq!(at(&caller, "GetCallerIdentityResult.UserId"), format!("{}:{instance}", lent.role));
    }
    assert!(!format!("{lent:?}").contains(&lent.v2.secret.0), "no log shows a secret");
}

#[test]
fn a_guest_may_do_what_the_roles_policies_say_of_it() {
    let world = World::new();
    let root = world.root();
    let instance = instance(&world);
    let lent = made(&world, &instance).unwrap();
    let may = |key: &SessionKey| client(&world, key).call("DescribeVpcs", &[]).status == 200;
    assert!(!may(&lent.v2));
    allow(&root, r#"{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}"#);
    assert!(may(&lent.v1) && may(&lent.v2));
    assert_eq!(client(&world, &lent.v2).refused("DescribeSubnets", &[]), "UnauthorizedOperation");
    let only = |condition: &str| {
        allow(
            &root,
            &format!(r#"{{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*","Condition":{condition}}}"#),
        );
        (may(&lent.v1), may(&lent.v2))
    };
    assert_eq!(only(r#"{"NumericGreaterThanEquals":{"ec2:RoleDelivery":"2.0"}}"#), (false, true));
    let arn = |id: &str| {
        format!(r#"{{"ArnEquals":{{"ec2:SourceInstanceARN":"arn:aws:ec2:us-east-1:111122223333:instance/{id}"}}}}"#)
    };
    assert_eq!(only(&arn(&instance)), (true, true));
    assert_eq!(only(&arn("i-0123456789abcdef0")), (false, false));
    let described = root.ok("DescribeInstances", &[("InstanceId.1", &instance)]);
    let row = |member: &str| at(&described, &format!("reservationSet.0.instancesSet.0.{member}")).to_owned();
    let (vpc, address) = (row("vpcId"), row("privateIpAddress"));
    assert_eq!(only(&format!(r#"{{"StringEquals":{{"aws:Ec2InstanceSourceVpc":"{vpc}"}}}}"#)), (true, true));
    assert_eq!(
        only(&format!(r#"{{"StringEquals":{{"aws:Ec2InstanceSourcePrivateIPv4":"{address}"}}}}"#)),
        (true, true)
    );
    assert_eq!(only(&format!(r#"{{"StringLike":{{"aws:userid":"*:{instance}"}}}}"#)), (true, true));
}

#[test]
fn credentials_end_with_their_time_and_with_the_role() {
    let world = World::new();
    let root = world.root();
    let instance = instance(&world);
    let lent = made(&world, &instance).unwrap();
    let code = || {
        let answer = client(&world, &lent.v2).send("sts", "GetCallerIdentity", &[]);
        (answer.status != 200).then(|| answer.code())
    };
    iam(&root, "RemoveRoleFromInstanceProfile", &[("InstanceProfileName", "web"), ("RoleName", "web")]);
    assert_eq!(made(&world, &instance), None, "nothing new is made");
    assert_eq!(code(), None, "what was delivered is good until its time, as on AWS");
    iam(&root, "AddRoleToInstanceProfile", &[("InstanceProfileName", "web"), ("RoleName", "web")]);
    world.pass(6 * 3600);
    assert_eq!(code().as_deref(), Some("ExpiredToken"));
    let lent = made(&world, &instance).unwrap();
    iam(&root, "RemoveRoleFromInstanceProfile", &[("InstanceProfileName", "web"), ("RoleName", "web")]);
    iam(&root, "DeleteRole", &[("RoleName", "web")]);
    let answer = client(&world, &lent.v2).send("sts", "GetCallerIdentity", &[]);
    assert_eq!(answer.code(), "InvalidClientTokenId");
    profile(&root, "other");
    assert_eq!(made(&world, &instance), None);
}

#[test]
fn a_role_that_ec2_may_not_take_gives_nothing() {
    let world = World::new();
    let root = world.root();
    let instance = instance(&world);
    let trust = |service: &str, effect: &str| {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        iam(&root, "UpdateAssumeRolePolicy", &[("RoleName", "web"), ("PolicyDocument", &document)]);
        made(&world, &instance).is_some()
    };
    assert!(!trust("lambda.amazonaws.com", "Allow"));
    assert!(!trust("ec2.amazonaws.com", "Deny"));
    assert!(trust("ec2.amazonaws.com", "Allow"));
    let anybody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}"#;
    iam(&root, "UpdateAssumeRolePolicy", &[("RoleName", "web"), ("PolicyDocument", anybody)]);
    assert_eq!(made(&world, &instance), None, "an account isn't the service");
    let without = launch(&root, &[]);
    assert_eq!(made(&world, &without), None);
}
