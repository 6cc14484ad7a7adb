//! What records tell of what a call did besides: keys that services used for it, and calls made of its parts. They say what
//! was done, also that it failed, and not what was asked for.

use serde_json::{Value, json};

use super::records;
use crate::harness::{ACCOUNT, OTHER_ACCOUNT, World, at, column, list};

const SM: &str = "secretsmanager";
const FIRST: &str = "00000000-0000-4000-8000-000000000001";

/// The records after so many, each with whose events it is in, its name and its error.
fn told(world: &World, after: usize) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = records(world).into_iter().skip(after);
    all.map(|it| (text(&it["recipientAccountId"]), text(&it["eventName"]), text(&it["errorCode"]))).collect()
}

fn own(name: &str, error: &str) -> (String, String, String) {
    (ACCOUNT.into(), name.into(), error.into())
}

fn key(world: &World) -> String {
    at(&world.root().ok_of("kms", "CreateKey", &[]), "KeyMetadata.Arn").to_owned()
}

#[test]
fn a_use_of_a_key_that_is_denied_or_fails_is_told_as_what_it_is() {
    let world = World::new();
    let (root, key) = (world.root(), key(&world));
    let secret = [("Name", "db"), ("SecretString", "hidden"), ("KmsKeyId", &key), ("ClientRequestToken", FIRST)];
    root.ok_of(SM, "CreateSecret", &secret);
    let put = [("Name", "/db"), ("Value", "hidden"), ("Type", "SecureString"), ("KeyId", key.as_str())];
    root.ok_of("ssm", "PutParameter", &put);
    let reader = r#"{"Statement":[{"Effect":"Allow","Action":["secretsmanager:*","ssm:*"],"Resource":"*"}]}"#;
    let kim = world.user("kim", reader);
    let before = records(&world).len();
    kim.refused_of(SM, "GetSecretValue", &[("SecretId", "db")]);
    kim.refused_of("ssm", "GetParameter", &[("Name", "/db"), ("WithDecryption:", "true")]);
    let (denied, failed) = ("AccessDeniedException", "DisabledException");
    let both = ["GetSecretValue", "Decrypt", "GetParameter", "Decrypt"].map(|name| own(name, denied));
    assert_eq!(told(&world, before), both);
    let decrypt = records(&world).remove(before + 1);
    assert_eq!(decrypt["eventSource"], json!("kms.amazonaws.com"));
    assert_eq!(decrypt["userIdentity"]["userName"], json!("kim"));
    assert_eq!(decrypt["userIdentity"]["invokedBy"], json!("secretsmanager.amazonaws.com"));
    assert_eq!(decrypt["resources"][0]["ARN"], json!(key));
    assert_eq!(decrypt["requestParameters"]["encryptionContext"]["SecretVersionId"], json!(FIRST));
    // A key that is off is asked, and says so.
    root.ok_of("kms", "DisableKey", &[("KeyId", &key)]);
    let before = records(&world).len();
    root.refused_of(SM, "GetSecretValue", &[("SecretId", "db")]);
    assert_eq!(told(&world, before), [own("GetSecretValue", "DecryptionFailure"), own("Decrypt", failed)]);
}

#[test]
fn only_what_was_done_with_a_key_is_told() {
    let world = World::new();
    let (root, key) = (world.root(), key(&world));
    let secret = [("Name", "db"), ("SecretString", "hidden"), ("KmsKeyId", &key), ("ClientRequestToken", FIRST)];
    root.ok_of(SM, "CreateSecret", &secret);
    // The same version again is compared, and nothing is encrypted.
    let before = records(&world).len();
    let again = [("SecretId", "db"), ("SecretString", "hidden"), ("ClientRequestToken", FIRST)];
    root.ok_of(SM, "PutSecretValue", &again);
    assert_eq!(told(&world, before), [own("PutSecretValue", ""), own("Decrypt", "")]);
    // Another value is refused, after the key was used all the same.
    let before = records(&world).len();
    let other = [again[0], ("SecretString", "other"), again[2]];
    root.refused_of(SM, "PutSecretValue", &other);
    assert_eq!(told(&world, before), [own("PutSecretValue", "ResourceExistsException"), own("Decrypt", "")]);
    // Whichever tier comes out decides how a parameter is encrypted.
    let long = "x".repeat(5_000);
    let put = |value: &str, name: &str| {
        let call = [("Name", name), ("Value", value), ("Type", "SecureString"), ("KeyId", key.as_str())];
        root.ok_of("ssm", "PutParameter", &[&call[..], &[("Tier", "Intelligent-Tiering")]].concat());
    };
    let before = records(&world).len();
    put("short", "/short");
    put(&long, "/long");
    let names: Vec<_> = told(&world, before).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, ["PutParameter", "Encrypt", "PutParameter", "GenerateDataKey"]);
}

#[test]
fn secrets_that_are_read_together_are_told_each_to_whom_they_belong() {
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    let both = format!(r#"{{"AWS":["{ACCOUNT}","{OTHER_ACCOUNT}"]}}"#);
    let policy =
        format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":{both},"Action":"kms:*","Resource":"*"}}]}}"#);
    let key = at(&owner.ok_of("kms", "CreateKey", &[("Policy", &policy)]), "KeyMetadata.Arn").to_owned();
    let create = |client: &crate::harness::Client<'_>, name: &str, more: &[(&str, &str)]| {
        let call = [("Name", name), ("SecretString", "hidden"), ("ClientRequestToken", FIRST)];
        at(&client.ok_of(SM, "CreateSecret", &[&call[..], more].concat()), "ARN").to_owned()
    };
    let theirs = create(&owner, "db", &[("KmsKeyId", &key)]);
    let open = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER_ACCOUNT}"}},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}]}}"#
    );
    owner.ok_of(SM, "PutResourcePolicy", &[("SecretId", "db"), ("ResourcePolicy", &open)]);
    let own = create(&stranger, "own", &[]);
    let before = records(&world).len();
    let ids = format!(r#"["{theirs}","own","absent"]"#);
    let read = stranger.ok_of(SM, "BatchGetSecretValue", &[("SecretIdList:", ids.as_str())]);
    assert_eq!((list(&read, "SecretValues").len(), list(&read, "Errors").len()), (2, 1));
    let after: Vec<_> = records(&world).into_iter().skip(before).collect();
    let gets: Vec<_> = after.iter().filter(|record| record["eventName"] == "GetSecretValue").collect();
    let shown = |record: &Value| {
        (
            record["recipientAccountId"].clone(),
            record["requestParameters"]["secretId"].clone(),
            record["errorCode"].clone(),
        )
    };
    let (mine, other) = (json!(OTHER_ACCOUNT), json!(ACCOUNT));
    assert_eq!(
        gets.iter().map(|record| shown(record)).collect::<Vec<_>>(),
        [
            (mine.clone(), json!(theirs), Value::Null),
            (other.clone(), json!(theirs), Value::Null),
            (mine.clone(), json!("own"), Value::Null),
            (mine.clone(), json!("absent"), json!("ResourceNotFoundException")),
        ]
    );
    assert_eq!(gets[0]["sharedEventID"], gets[1]["sharedEventID"]);
    let ids: std::collections::BTreeSet<_> = after.iter().map(|record| record["eventID"].to_string()).collect();
    assert_eq!(ids.len(), after.len(), "each record has an id of its own");
    // The batch itself is its caller's alone: whoever has one of the secrets learns nothing of the others.
    let batch: Vec<_> = after.iter().filter(|record| record["eventName"] == "BatchGetSecretValue").collect();
    assert_eq!((batch.len(), &batch[0]["recipientAccountId"]), (1, &mine));
    for record in after.iter().filter(|record| record["recipientAccountId"] == other) {
        assert!(!record.to_string().contains(&own) && !record.to_string().contains("absent"), "{record}");
    }
    // Looks are found by the resources that they tell of.
    let asked = format!(r#"[{{"AttributeKey":"ResourceName","AttributeValue":"{theirs}"}}]"#);
    let found = owner.ok_of("cloudtrail", "LookupEvents", &[("LookupAttributes:", asked.as_str())]);
    assert!(column(&found, "Events", "EventName").contains(&"GetSecretValue"), "{found:?}");
    let asked = format!(r#"[{{"AttributeKey":"ResourceName","AttributeValue":"{key}"}}]"#);
    let found = owner.ok_of("cloudtrail", "LookupEvents", &[("LookupAttributes:", asked.as_str())]);
    assert!(column(&found, "Events", "EventName").contains(&"Decrypt"), "{found:?}");
}
