//! Denials by the circumstances of a call, as the examples of AWS's documentation write them.

use crate::harness::{ACCOUNT, Answer, Client, OTHER_ACCOUNT, World, at, params};

/// A policy that allows everything but what the statement denies.
fn but(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},
        {{"Effect":"Deny","Action":{actions},"Resource":"*","Condition":{condition}}}]}}"#
    )
}

fn send(client: &Client<'_>, service: &str, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send(service, action, &params(pairs.iter().copied()))
}

#[test]
fn a_denial_looks_at_what_sent_the_call() {
    let world = World::new();
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let ask = |client: &Client<'_>, name: &'static str, value: &str| {
        client.post_with("ec2", &[(name, value), form], b"Action=DescribeVpcs&Version=2016-11-15").status
    };
    let no_console = but(r#""ec2:*""#, r#"{"StringLike":{"aws:UserAgent":"*console.amazonaws.com*"}}"#);
    let ann = world.user("ann", &no_console);
    assert_eq!(ask(&ann, "user-agent", "aws-cli/2.0"), 200);
    assert_eq!(ask(&ann, "user-agent", "console.amazonaws.com"), 403);
    assert_eq!(ask(&ann, "referer", "console.amazonaws.com"), 200);
    let from_site = but(r#""ec2:*""#, r#"{"StringNotLike":{"aws:Referer":"https://www.example.com/*"}}"#);
    let bob = world.user("bob", &from_site);
    assert_eq!(ask(&bob, "referer", "https://www.example.com/page"), 200);
    assert_eq!(ask(&bob, "referer", "https://elsewhere.example/"), 403);
    assert_eq!(bob.call("DescribeVpcs", &[]).status, 403, "without one");
}

/// A key that is used through services only, or through one of them.
#[test]
fn a_denial_tells_a_service_from_its_caller() {
    let world = World::new();
    let root = world.root();
    let key = root.ok_of("kms", "CreateKey", &[]);
    let key = at(&key, "KeyMetadata.KeyId");
    let token = "12345678901234567890123456789012";
    let secret = [("Name", "s"), ("SecretString", "x"), ("KmsKeyId", key), ("ClientRequestToken", token)];
    root.ok_of("secretsmanager", "CreateSecret", &secret);
    root.ok_of("ssm", "PutParameter", &[("Name", "p"), ("Value", "x"), ("Type", "SecureString"), ("KeyId", key)]);
    let sealed = root.ok_of("kms", "Encrypt", &[("KeyId", key), ("Plaintext", "eA==")]);
    let sealed = at(&sealed, "CiphertextBlob");
    let calls = [
        ("kms", "Decrypt", vec![("CiphertextBlob", sealed)]),
        ("secretsmanager", "GetSecretValue", vec![("SecretId", "s")]),
        ("ssm", "GetParameter", vec![("Name", "p"), ("WithDecryption:", "true")]),
    ];
    let ssm = "ssm.amazonaws.com";
    for (number, (condition, may)) in [
        (r#"{"Bool":{"aws:ViaAWSService":"false"}}"#.to_owned(), [false, true, true]),
        (r#"{"Bool":{"aws:ViaAWSService":"true"}}"#.to_owned(), [true, false, false]),
        (format!(r#"{{"ForAnyValue:StringEquals":{{"aws:CalledVia":"{ssm}"}}}}"#), [true, true, false]),
        (format!(r#"{{"StringEquals":{{"aws:CalledViaFirst":"{ssm}"}}}}"#), [true, true, false]),
        (format!(r#"{{"StringNotEquals":{{"aws:CalledViaLast":"{ssm}"}}}}"#), [false, false, true]),
    ]
    .into_iter()
    .enumerate()
    {
        let user = world.user(&format!("u{number}"), &but(r#""kms:Decrypt""#, &condition));
        for ((service, action, pairs), may) in calls.iter().zip(may) {
            let answer = send(&user, service, action, pairs);
            assert_eq!(answer.status == 200, may, "{action} with {condition}: {}", answer.body);
        }
    }
    // What a caller does himself is through nobody, whatever service it is of.
    let user =
        world.user("direct", &but(r#"["ec2:*","secretsmanager:*"]"#, r#"{"Bool":{"aws:ViaAWSService":"true"}}"#));
    assert_eq!(user.call("DescribeVpcs", &[]).status, 200);
    assert_eq!(send(&user, "secretsmanager", "GetSecretValue", &[("SecretId", "s")]).status, 200);
}

/// The data perimeter of AWS's examples: nothing but what is the account's own.
#[test]
fn a_denial_fences_off_what_is_anothers() {
    let world = World::new();
    let (root, other) = (world.root(), world.other());
    let fence = format!(r#"{{"StringNotEquals":{{"aws:ResourceAccount":"{ACCOUNT}"}}}}"#);
    let fenced = world.user("fenced", &but(r#""*""#, &fence));
    let free = world.user("free", &but(r#""ec2:StopInstances""#, "{}"));
    let vpc = crate::network::default_vpc(&root);
    let role = |owner: &Client<'_>| {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        owner.ok_of("iam", "CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust)]);
    };
    role(&root);
    role(&other);
    let policy = |account: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{account}","{ACCOUNT}"]}},"Action":"kms:*","Resource":"*"}}]}}"#
        )
    };
    let key = |owner: &Client<'_>| {
        let key = owner.ok_of("kms", "CreateKey", &[("Policy", &policy(OTHER_ACCOUNT))]);
        at(&key, "KeyMetadata.Arn").to_owned()
    };
    let (own_key, other_key) = (key(&root), key(&other));
    let arn = |account: &str| format!("arn:aws:iam::{account}:role/r");
    let (own_role, other_role) = (arn(ACCOUNT), arn(OTHER_ACCOUNT));
    for (service, action, pairs, is_own) in [
        ("ec2", "DescribeVpcs", vec![], true),
        ("iam", "ListUsers", vec![], true),
        ("ec2", "CreateTags", vec![("ResourceId.1", vpc.as_str()), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")], true),
        ("sts", "AssumeRole", vec![("RoleArn", own_role.as_str()), ("RoleSessionName", "se")], true),
        ("sts", "AssumeRole", vec![("RoleArn", other_role.as_str()), ("RoleSessionName", "se")], false),
        ("kms", "DescribeKey", vec![("KeyId", own_key.as_str())], true),
        ("kms", "DescribeKey", vec![("KeyId", other_key.as_str())], false),
    ] {
        let (fenced, free) = (send(&fenced, service, action, &pairs), send(&free, service, action, &pairs));
        assert_eq!(free.status, 200, "{action} {pairs:?}: {}", free.body);
        assert_eq!(fenced.status == 200, is_own, "{action} {pairs:?}: {}", fenced.body);
    }
}
