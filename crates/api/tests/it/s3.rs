//! S3: one operation, and the names of all that aren't there.

use crate::harness::{Case, World, at, find, nothing};

/// The cases of S3.
pub const CASES: &[Case] = &[Case::of(
    "s3",
    "ListBuckets",
    nothing,
    &[
        (&[("max-buckets", "0")], "InvalidArgument"),
        (&[("max-buckets", "10001")], "InvalidArgument"),
        (&[("continuation-token", "forged")], "InvalidArgument"),
        (&[("bucket-region", "us-west-2")], "InvalidArgument"),
    ],
)];

fn owner(client: &crate::harness::Client<'_>) -> String {
    at(&client.ok_of("s3", "ListBuckets", &[]), "Owner.ID").to_owned()
}

#[test]
fn each_account_has_one_canonical_id_everywhere() {
    let world = World::new();
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
    let (root, user) = (owner(&world.root()), owner(&world.user("alice", all)));
    assert!(root.len() == 64 && root.bytes().all(|byte| byte.is_ascii_hexdigit()), "{root}");
    assert_eq!((&root, &root), (&user, &owner(&world.root().at("eu-west-1"))));
    assert_ne!(root, owner(&world.other()));
    let answer = world.root().ok_of("s3", "ListBuckets", &[("prefix", "logs-"), ("x-id", "ListBuckets")]);
    assert_eq!(at(&answer, "Prefix"), "logs-");
    assert!(find(&answer, "Buckets.Bucket").is_none());
}

#[test]
fn what_is_not_there_is_refused_by_its_name() {
    let world = World::new();
    let xml: &[(&'static str, &str)] = &[("content-type", "text/plain")];
    for (method, path, query, name) in [
        ("PUT", "/new-bucket", "", "CreateBucket"),
        ("PUT", "/bucket/some/key", "x-id=PutObject", "PutObject"),
        ("GET", "/bucket", "list-type=2", "ListObjectsV2"),
        ("GET", "/bucket", "policy=", "GetBucketPolicy"),
    ] {
        let answer = world.deliver(&world.root().sign_query("s3", method, path, query, xml, b"data"));
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, answer.content_type), (405, "application/xml"), "{body}");
        let begins = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>MethodNotAllowed</Code>";
        assert!(body.starts_with(begins) && body.contains(&format!("the operation {name} of s3")), "{body}");
    }
    let mut forged = world.root();
    forged.secret = "another".into();
    let answer = world.deliver(&forged.sign_query("s3", "GET", "/", "", xml, b""));
    assert!(String::from_utf8(answer.body).unwrap().contains("<Code>SignatureDoesNotMatch</Code>"));
}
