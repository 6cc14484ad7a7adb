//! Signed requests of which something was changed, that come again, or that come with another's token.

use http::{HeaderName, HeaderValue};

use super::{deliver, ok, session, signed, user};
use crate::harness::{Signed, World};

/// A way to change a request.
type Change = (&'static str, fn(&mut Signed));

fn set(request: &mut Signed, name: &'static str, value: &str) {
    request.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn add(request: &mut Signed, name: &'static str, value: &str) {
    request.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

/// Replaces a text in `Authorization`, which has it.
fn reword(request: &mut Signed, from: &str, to: &str) {
    let authorization = request.headers["authorization"].to_str().unwrap().to_owned();
    assert!(authorization.contains(from), "{from} isn't in {authorization}");
    set(request, "authorization", &authorization.replacen(from, to, 1));
}

fn flip(request: &mut Signed, at_end: usize) {
    let mut authorization = request.headers["authorization"].to_str().unwrap().to_owned().into_bytes();
    let at = authorization.len() - 1 - at_end;
    authorization[at] = if authorization[at] == b'0' { b'1' } else { b'0' };
    set(request, "authorization", std::str::from_utf8(&authorization).unwrap());
}

/// Each changes one part of what was signed, or of how.
const CHANGES: &[Change] = &[
    ("the method", |r| r.method = "GET".into()),
    ("the method's case", |r| r.method = "post".into()),
    ("another method", |r| r.method = "PUT".into()),
    ("the path", |r| r.path = "/admin".into()),
    ("an escaped path", |r| r.path = "/%2e".into()),
    ("a query", |r| r.query = "Action=DeleteVpc".into()),
    ("an empty parameter", |r| r.query = "a".into()),
    ("the body", |r| r.body.push(b'&')),
    ("the body's parameters", |r| r.body.extend(b"&DryRun=true")),
    ("no body", |r| r.body.clear()),
    ("the host", |r| set(r, "host", "ec2.eu-west-1.amazonaws.com")),
    ("a second host", |r| add(r, "host", "elsewhere")),
    ("no host", |r| drop(r.headers.remove("host"))),
    ("the content type", |r| set(r, "content-type", "application/x-www-form-urlencoded")),
    ("a second content type", |r| add(r, "content-type", "text/plain")),
    ("the date", |r| set(r, "x-amz-date", "20261122T100001Z")),
    ("a second date", |r| add(r, "x-amz-date", "20261122T100000Z")),
    ("no date", |r| drop(r.headers.remove("x-amz-date"))),
    ("a date in the other header", |r| {
        r.headers.remove("x-amz-date");
        set(r, "date", "Sun, 22 Nov 2026 10:00:00 GMT");
    }),
    ("the scope's day", |r| reword(r, "/20261122/", "/20261121/")),
    ("the scope's region", |r| reword(r, "/us-east-1/", "/eu-west-1/")),
    ("the scope's service", |r| reword(r, "/ec2/", "/iam/")),
    ("the scope's end", |r| reword(r, "/aws4_request", "/aws5_request")),
    ("a longer scope", |r| reword(r, "/aws4_request", "/x/aws4_request")),
    ("the access key", |r| reword(r, "Credential=AKIA", "Credential=AKIAROOT/AKIA")),
    ("the algorithm", |r| reword(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")),
    ("an algorithm without a secret", |r| reword(r, "AWS4-HMAC-SHA256", "none")),
    ("an asymmetric algorithm", |r| reword(r, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
    ("the older version", |r| set(r, "authorization", "AWS AKIAROOT:c2lnbmF0dXJl")),
    ("no algorithm", |r| reword(r, "AWS4-HMAC-SHA256 ", "")),
    ("fewer signed headers", |r| reword(r, "content-type;host;x-amz-date", "host;x-amz-date")),
    ("the host unsigned", |r| reword(r, "content-type;host;x-amz-date", "content-type;x-amz-date")),
    ("the date unsigned", |r| reword(r, "content-type;host;x-amz-date", "content-type;host")),
    ("no signed headers", |r| reword(r, "content-type;host;x-amz-date", "")),
    ("other order", |r| reword(r, "content-type;host;x-amz-date", "host;content-type;x-amz-date")),
    ("a header twice in the list", |r| reword(r, ";host;", ";host;host;")),
    ("capitals in the list", |r| reword(r, "content-type;host", "Content-Type;host")),
    ("a header that isn't there", |r| reword(r, "x-amz-date,", "x-amz-date;x-amz-zzz,")),
    ("the signature's first digit", |r| flip(r, 63)),
    ("the signature's last digit", |r| flip(r, 0)),
    ("a shorter signature", |r| {
        let authorization = r.headers["authorization"].to_str().unwrap().to_owned();
        set(r, "authorization", &authorization[..authorization.len() - 1]);
    }),
    ("a signature of zeros", |r| {
        let authorization = r.headers["authorization"].to_str().unwrap().to_owned();
        set(r, "authorization", &format!("{}{}", &authorization[..authorization.len() - 64], "0".repeat(64)));
    }),
    ("a part twice", |r| reword(r, "SignedHeaders=", "Signature=00, SignedHeaders=")),
    ("a second authorization", |r| {
        let authorization = r.headers["authorization"].clone();
        r.headers.append("authorization", authorization);
    }),
    ("no authorization", |r| drop(r.headers.remove("authorization"))),
    ("a signature in the query, too", |r| r.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256".into()),
    ("an unsigned target", |r| add(r, "x-amz-target", "TrentService.ListKeys")),
    ("an unsigned payload", |r| add(r, "x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
    ("a streamed payload", |r| add(r, "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")),
    ("a token where there is none", |r| add(r, "x-amz-security-token", "IQoJb3JpZ2luX2Vj")),
];

fn is_refused(world: &World, what: &str, request: &Signed, number: u32) {
    let before = world.revision();
    let answer = deliver(world, request, number);
    assert!((400..500).contains(&answer.status), "{what} passed: {} {}", answer.status, answer.body);
    assert_eq!(world.revision(), before, "{what} changed something");
}

#[test]
fn whatever_is_changed_of_a_signed_request_it_is_refused() {
    let world = World::new();
    for (service, action, version) in
        [("ec2", "DescribeVpcs", "2016-11-15"), ("ec2", "CreateInternetGateway", "2016-11-15")]
    {
        let root = world.root();
        let mallory = user(&root, &world, &format!("m{}", action.len()));
        let request = signed(&root, service, action, version);
        assert_eq!(deliver(&world, &request, 0).status, 200);
        for (number, (what, change)) in (1..).zip(CHANGES) {
            let mut changed = request.clone();
            change(&mut changed);
            is_refused(&world, what, &changed, number);
        }
        // Somebody else's signature of the same request, under this key's name.
        let mut forged = signed(&mallory, service, action, version);
        reword(&mut forged, &mallory.access_key, "AKIAROOT");
        is_refused(&world, "another secret", &forged, 1_000);
    }
}

#[test]
fn a_request_is_good_for_a_quarter_of_an_hour_before_and_after() {
    let world = World::new();
    let request = signed(&world.root(), "ec2", "DescribeVpcs", "2016-11-15");
    for (seconds, status) in [(0, 200), (900, 200), (1, 400), (86_400, 400), (-86_400 - 1 - 1_800, 200), (-1, 400)] {
        world.pass(seconds);
        let answer = deliver(&world, &request, 1);
        assert_eq!(answer.status, status, "{seconds} s on: {}", answer.body);
        if status == 400 {
            assert_eq!(answer.code(), "RequestExpired");
        }
    }
}

#[test]
fn a_session_is_its_token_and_its_key_together_and_ends() {
    let world = World::new();
    let (first, second) = (session(&world.root(), &world), session(&world.root(), &world));
    let version = "2016-11-15";
    let good = signed(&first, "ec2", "DescribeVpcs", version);
    assert_eq!(deliver(&world, &good, 0).status, 200);
    let token = |client: &crate::harness::Client<'_>| client.token.clone().unwrap();
    let mut swapped = good.clone();
    set(&mut swapped, "x-amz-security-token", &token(&second));
    is_refused(&world, "another session's token", &swapped, 1);
    let mut bare = good.clone();
    bare.headers.remove("x-amz-security-token");
    is_refused(&world, "no token", &bare, 2);
    let mut twice = good.clone();
    add(&mut twice, "x-amz-security-token", &token(&first));
    is_refused(&world, "a token twice", &twice, 3);
    for at in [0, 10, token(&first).len() / 2, token(&first).len() - 1] {
        let mut text = token(&first).into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        let mut changed = good.clone();
        set(&mut changed, "x-amz-security-token", std::str::from_utf8(&text).unwrap());
        is_refused(&world, "a changed token", &changed, 4);
    }
    // A lasting key with a session's token, and a session's key with a lasting secret.
    let mut lasting = world.root();
    lasting.token = first.token.clone();
    is_refused(&world, "a lasting key's token", &signed(&lasting, "ec2", "DescribeVpcs", version), 5);
    let mut mixed = world.root();
    (mixed.access_key, mixed.token) = (first.access_key.clone(), first.token.clone());
    is_refused(&world, "a session without its secret", &signed(&mixed, "ec2", "DescribeVpcs", version), 6);
    world.pass(899);
    assert_eq!(deliver(&world, &signed(&first, "ec2", "DescribeVpcs", version), 7).status, 200);
    world.pass(1);
    let over = deliver(&world, &signed(&first, "sts", "GetCallerIdentity", "2011-06-15"), 8);
    assert_eq!((over.status, over.code().as_str()), (403, "ExpiredToken"), "{}", over.body);
}

#[test]
fn a_key_dies_with_its_user_and_takes_its_sessions_along() {
    let world = World::new();
    let root = world.root();
    let alice = user(&root, &world, "alice");
    let held = session(&alice, &world);
    let call = |client| deliver(&world, &signed(client, "sts", "GetCallerIdentity", "2011-06-15"), 1);
    assert_eq!((call(&alice).status, call(&held).status), (200, 200));
    let key = [("UserName", "alice"), ("AccessKeyId", alice.access_key.as_str())];
    for (status, expected) in [("Inactive", 403), ("Active", 200)] {
        ok(&root, "iam", "UpdateAccessKey", &[key[0], key[1], ("Status", status)]);
        assert_eq!(call(&alice).status, expected, "{status}");
    }
    ok(&root, "iam", "DeleteAccessKey", &key);
    ok(&root, "iam", "DeleteUser", &[("UserName", "alice")]);
    for client in [&alice, &held] {
        let answer = call(client);
        assert_eq!((answer.status, answer.code().as_str()), (403, "InvalidClientTokenId"), "{}", answer.body);
    }
    // A user of the same name is somebody else.
    user(&root, &world, "alice");
    assert_eq!((call(&alice).status, call(&held).status), (403, 403));
}
