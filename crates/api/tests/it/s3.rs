//! S3: reading what buckets have, and the names of all that isn't there.

use landfall_model::BucketAccounts;
use landfall_wire::Tree;

use crate::harness::{ACCOUNT, Case, Client, OTHER_ACCOUNT, Params, World, at, column, find, nothing, params};

fn of_bucket(_: &Client<'_>) -> Params {
    params([("Bucket", "trails")])
}

fn of_object(_: &Client<'_>) -> Params {
    params([("Bucket", "trails"), ("Key", "logs/one.json")])
}

fn of_list(_: &Client<'_>) -> Params {
    params([("Bucket", "trails"), ("prefix", "logs/"), ("max-keys", "1"), ("encoding-type", "url")])
}

/// The cases of S3.
pub const CASES: &[Case] = &[
    Case::of(
        "s3",
        "ListBuckets",
        nothing,
        &[
            (&[("max-buckets", "0")], "InvalidArgument"),
            (&[("max-buckets", "10001")], "InvalidArgument"),
            (&[("continuation-token", "forged")], "InvalidArgument"),
            (&[("bucket-region", "us-west-2")], "InvalidArgument"),
        ],
    ),
    Case::of(
        "s3",
        "GetBucketLocation",
        of_bucket,
        &[(&[("Bucket", "nowhere")], "NoSuchBucket"), (&[("Bucket", "theirs")], "AccessDenied")],
    ),
    Case::of(
        "s3",
        "GetObject",
        of_object,
        &[
            (&[("Bucket", "nowhere"), ("Key", "logs/one.json")], "NoSuchBucket"),
            (&[("Bucket", "trails"), ("Key", "logs/none.json")], "NoSuchKey"),
            (&[("Bucket", "trails"), ("Key", "logs")], "NoSuchKey"),
            (&[("Bucket", "trails"), ("Key", "logs/../other.txt")], "NoSuchKey"),
            (&[("Bucket", "trails"), ("Key", "../theirs/secret.json")], "NoSuchKey"),
            (&[("Bucket", "trails"), ("Key", "logs/two.json.metadata.json")], "NoSuchKey"),
            (&[("Bucket", "theirs"), ("Key", "secret.json")], "AccessDenied"),
            (&[("Bucket", "trails"), ("Key", "logs/one.json"), ("Range", "bytes=1000-")], "InvalidRange"),
            (&[("Bucket", "trails"), ("Key", "logs/one.json"), ("If-Match", "x")], "UnsupportedOperation"),
            (&[("Bucket", "trails"), ("Key", "logs/one.json"), ("versionId", "null")], "UnsupportedOperation"),
        ],
    ),
    Case::of(
        "s3",
        "ListObjects",
        of_list,
        &[
            (&[("Bucket", "nowhere")], "NoSuchBucket"),
            (&[("Bucket", "theirs")], "AccessDenied"),
            (&[("Bucket", "trails"), ("delimiter", "/")], "UnsupportedOperation"),
            (&[("Bucket", "trails"), ("max-keys", "-1")], "InvalidArgument"),
        ],
    )
    .masking(&["LastModified", "ETag"]),
];

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

#[test]
fn an_object_is_read_whole_or_in_part_with_what_is_told_of_it() {
    let world = World::new();
    let get = |key: &str, more: &[(&'static str, &str)]| {
        let headers = [more, &[("content-type", "application/xml")]].concat();
        world.deliver(&world.root().sign_query("s3", "GET", &format!("/trails/{key}"), "", &headers, b""))
    };
    let header = |answer: &landfall_api::HttpAnswer, name: &str| {
        answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let whole = get("logs/two.json", &[]);
    assert_eq!((whole.status, whole.content_type), (200, "binary/octet-stream"));
    assert_eq!(whole.body, br#"{"Records":["two","zwei"]}"#);
    assert_eq!(header(&whole, "x-amz-meta-signature"), "0a1b");
    assert_eq!(header(&whole, "x-amz-meta-signature-algorithm"), "SHA256withRSA");
    assert!(header(&whole, "last-modified").ends_with(" GMT") && header(&whole, "etag").starts_with('"'));
    assert_eq!(header(&get("logs/one.json", &[]), "x-amz-meta-signature"), "");
    let part = get("logs/two.json", &[("range", "bytes=2-8")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &b"Records"[..]));
    assert_eq!(header(&part, "content-range"), "bytes 2-8/26");
    assert_eq!(header(&part, "etag"), header(&whole, "etag"));
}

#[test]
fn a_bucket_is_listed_page_by_page() {
    let world = World::new();
    let list =
        |more: &[(&str, &str)]| world.root().ok_of("s3", "ListObjects", &[&[("Bucket", "trails")], more].concat());
    let keys = |answer: &Tree| -> Vec<String> {
        match find(answer, "Contents") {
            // One alone isn't known for a list.
            Some(Tree::Map(_)) => vec![at(answer, "Contents.Key").to_owned()],
            _ => column(answer, "Contents", "Key").into_iter().map(str::to_owned).collect(),
        }
    };
    assert_eq!(keys(&list(&[])), ["logs/one.json", "logs/two.json", "other.txt"]);
    let first = list(&[("max-keys", "2")]);
    assert_eq!((at(&first, "IsTruncated"), keys(&first).len()), ("true", 2));
    let rest = list(&[("max-keys", "2"), ("marker", "logs/two.json")]);
    assert_eq!((at(&rest, "IsTruncated"), at(&rest, "Marker")), ("false", "logs/two.json"));
    assert_eq!(keys(&rest), ["other.txt"]);
    assert_eq!(at(&list(&[("max-keys", "0")]), "IsTruncated"), "false");
    let spelt = list(&[("prefix", "a b"), ("encoding-type", "url")]);
    assert_eq!((at(&spelt, "Prefix"), keys(&spelt).len()), ("a%20b", 0));
}

#[test]
fn a_bucket_is_its_owners_and_who_may_not_list_it_learns_not_what_is_missing() {
    let world = World::new();
    let get = |client: &Client<'_>, bucket: &str, key: &str| {
        let answer = client.send("s3", "GetObject", &params([("Bucket", bucket), ("Key", key)]));
        if answer.status == 200 { String::new() } else { answer.code() }
    };
    let reader = world.user(
        "reader",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::trails/logs/*"}]}"#,
    );
    assert_eq!(get(&reader, "trails", "logs/one.json"), "");
    assert_eq!(get(&reader, "trails", "other.txt"), "AccessDenied");
    assert_eq!(get(&reader, "trails", "logs/none.json"), "AccessDenied");
    assert_eq!(get(&world.root(), "trails", "logs/none.json"), "NoSuchKey");
    assert_eq!(reader.refused_of("s3", "ListObjects", &[("Bucket", "trails")]), "AccessDenied");
    // One that several accounts share is the provider's.
    assert_eq!(get(&world.other(), "trails", "logs/one.json"), "AccessDenied");
    assert_eq!(
        (get(&world.other(), "theirs", "secret.json"), get(&world.root(), "theirs", "secret.json")),
        (String::new(), "AccessDenied".into())
    );
    world.transact(|tx| {
        let mut settings = tx.provider().clone();
        let both = [ACCOUNT, OTHER_ACCOUNT].map(|account| account.parse().unwrap());
        settings.bucket_accounts.insert("theirs".into(), BucketAccounts::These(both.into()));
        tx.put::<landfall_cloud::value::SettingsTable>(settings);
    });
    assert_eq!(
        (get(&world.other(), "theirs", "secret.json"), get(&world.root(), "theirs", "secret.json")),
        ("AccessDenied".into(), String::new())
    );
}

#[test]
fn reading_data_is_recorded_and_no_management_event() {
    let world = World::new();
    world.root().ok_of("s3", "GetBucketLocation", &[("Bucket", "trails")]);
    let read = world.root().send("s3", "GetObject", &of_object(&world.root()));
    assert_eq!(read.status, 200);
    world.root().ok_of("s3", "ListObjects", &[("Bucket", "trails")]);
    let kept = world.engine().bulk(landfall_api::audit::STREAM, 0, 10_000).unwrap();
    let told: Vec<_> = kept
        .iter()
        .map(|kept| serde_json::from_str::<serde_json::Value>(&kept.record).unwrap())
        .filter(|record| record["eventSource"] == "s3.amazonaws.com")
        .map(|record| (record["eventName"].as_str().unwrap().to_owned(), record["managementEvent"] == true))
        .collect();
    let wanted = [("GetBucketLocation", true), ("GetObject", false), ("ListObjects", false)];
    assert_eq!(told, wanted.map(|(name, is_management)| (name.to_owned(), is_management)));
    let found = world.root().ok_of("cloudtrail", "LookupEvents", &[]);
    let names = column(&found, "Events", "EventName");
    assert!(names.contains(&"GetBucketLocation") && !names.contains(&"GetObject"), "{names:?}");
}
