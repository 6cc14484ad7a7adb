//! Requests whose signature is in their address: as EKS proves who somebody is, and all that may be wrong with one.

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_wire::RequestParts;
use landfall_wire::sigv4::presign;

use super::{deliver, session, user};
use crate::harness::{Client, Signed, World, at};

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Presigns a call of `GET`, good for so long, with headers that are signed.
fn presigned(client: &Client<'_>, service: &str, query: &str, expires_s: i64, more: &[(&str, &str)]) -> Signed {
    let mut request = Signed {
        method: "GET".into(),
        path: "/".into(),
        query: query.into(),
        headers: HeaderMap::new(),
        body: Vec::new(),
        source: [127, 0, 0, 1].into(),
        origin: None,
    };
    for (name, value) in more.iter().chain(&[("host", "sts.us-east-1.amazonaws.com")]) {
        request.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let parts = RequestParts { method: "GET", path: "/", query, headers: &request.headers };
    let keys = (client.access_key.as_str(), client.secret.as_str(), client.token.as_deref());
    let scope = (client.region.name(), service);
    request.query = presign(&parts, b"", keys, scope, client.world().now_ms(), expires_s).unwrap();
    request
}

/// The words of the query with one of them changed.
fn reword(request: &Signed, from: &str, to: &str) -> Signed {
    assert!(request.query.contains(from), "{from} isn't in {}", request.query);
    Signed { query: request.query.replacen(from, to, 1), ..request.clone() }
}

#[test]
fn who_somebody_is_can_be_shown_to_others_as_eks_does_it() {
    let world = World::new();
    let alice = user(&world.root(), &world, "alice");
    let cluster = [("x-k8s-aws-id", "my-cluster")];
    for client in [&alice, &session(&alice, &world)] {
        let request = presigned(client, "sts", IDENTITY, 60, &cluster);
        let answer = deliver(&world, &request, 1);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(
            at(&answer.tree(), "GetCallerIdentityResult.Arn"),
            format!("arn:aws:iam::{}:user/alice", crate::harness::ACCOUNT)
        );
        let mut elsewhere = request.clone();
        elsewhere.headers.insert("x-k8s-aws-id", HeaderValue::from_static("your-cluster"));
        assert_eq!(deliver(&world, &elsewhere, 2).code(), "SignatureDoesNotMatch");
        elsewhere.headers.remove("x-k8s-aws-id");
        assert_eq!(deliver(&world, &elsewhere, 3).status / 100, 4);
    }
    let users = "Action=ListUsers&Version=2010-05-08";
    assert_eq!(deliver(&world, &presigned(&world.root(), "iam", users, 60, &[]), 4).status, 200);
    let vpcs = "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=is-default&Filter.1.Value.1=true";
    assert_eq!(deliver(&world, &presigned(&world.root(), "ec2", vpcs, 60, &[]), 5).status, 200);
}

#[test]
fn it_is_good_from_a_quarter_of_an_hour_before_until_it_expires() {
    let world = World::new();
    for (expires_s, steps) in [
        (60, &[(0, true), (60, true), (1, false), (86_400, false)][..]),
        (3_600, &[(3_600, true), (1, false)][..]),
        (604_800, &[(604_800, true), (1, false)][..]),
        (60, &[(-900, true), (-1, false)][..]),
    ] {
        let request = presigned(&world.root(), "sts", IDENTITY, expires_s, &[]);
        for (seconds, passes) in steps {
            world.pass(*seconds);
            let answer = deliver(&world, &request, 1);
            assert_eq!(answer.status == 200, *passes, "{expires_s} s, {seconds} on: {}", answer.body);
            assert!(*passes || answer.code() == "SignatureDoesNotMatch", "{}", answer.body);
        }
    }
    for expires_s in [0, -1, 604_801, i64::MAX] {
        let request = presigned(&world.root(), "sts", IDENTITY, expires_s, &[]);
        assert_eq!(deliver(&world, &request, 1).code(), "IncompleteSignature", "{expires_s}");
    }
}

#[test]
fn whatever_is_changed_of_it_it_is_refused() {
    let world = World::new();
    let held = session(&world.root(), &world);
    let request = presigned(&held, "sts", IDENTITY, 60, &[]);
    assert_eq!(deliver(&world, &request, 0).status, 200);
    let token = request.query.split('&').find(|pair| pair.starts_with("X-Amz-Security-Token=")).unwrap().to_owned();
    let signature = request.query.rsplit_once("X-Amz-Signature=").unwrap().1.to_owned();
    let other = presigned(&session(&world.root(), &world), "sts", IDENTITY, 60, &[]);
    let others_token = other.query.split('&').find(|pair| pair.starts_with("X-Amz-Security-Token=")).unwrap();
    let expires = "X-Amz-Expires=60";
    let changes = [
        reword(&request, "GetCallerIdentity", "GetSessionToken"),
        reword(&request, "&Version", "&DurationSeconds=900&Version"),
        reword(&request, expires, "X-Amz-Expires=61"),
        reword(&request, expires, "X-Amz-Expires=604800"),
        reword(&request, expires, "X-Amz-Expires=60&X-Amz-Expires=600"),
        reword(&request, expires, "X-Amz-Expires=6e1"),
        reword(&request, &format!("&{expires}"), ""),
        reword(&request, "X-Amz-Date=20261122T100000Z", "X-Amz-Date=20261122T100001Z"),
        reword(&request, "X-Amz-Date=20261122T100000Z&", ""),
        reword(&request, "%2F20261122%2F", "%2F20261121%2F"),
        reword(&request, "%2Fus-east-1%2F", "%2Feu-west-1%2F"),
        reword(&request, "%2Fsts%2F", "%2Fiam%2F"),
        reword(&request, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        reword(&request, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        reword(&request, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx-amz-date"),
        reword(&request, &token, others_token),
        reword(&request, &format!("{token}&"), ""),
        reword(&request, &token, &format!("{token}&{token}")),
        reword(&request, &signature, other.query.rsplit_once('=').unwrap().1),
        reword(&request, &signature, &signature[1..]),
        reword(&request, &format!("&X-Amz-Signature={signature}"), ""),
        reword(&request, "X-Amz-Signature=", "X-Amz-Signature=00&X-Amz-Signature="),
        reword(&request, "X-Amz-", "x-amz-"),
        Signed { method: "POST".into(), ..request.clone() },
        Signed { method: "HEAD".into(), ..request.clone() },
        Signed { path: "/x".into(), ..request.clone() },
        Signed { body: b"Action=GetSessionToken&Version=2011-06-15".to_vec(), ..request.clone() },
        Signed { query: format!("{}&DurationSeconds=900", request.query), ..request.clone() },
    ];
    for (number, changed) in (1..).zip(&changes) {
        let answer = deliver(&world, changed, number);
        assert!((400..500).contains(&answer.status), "{changed:?} passed: {} {}", answer.status, answer.body);
    }
    for (name, value) in [("x-amz-security-token", "other"), ("x-amz-target", "X.Y"), ("host", "elsewhere")] {
        let mut changed = request.clone();
        changed.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        let answer = deliver(&world, &changed, 100);
        // The token that counts is the signed one; a header of that name beside it decides nothing.
        let is_harmless = name == "x-amz-security-token";
        assert_eq!(answer.status == 200, is_harmless, "{name}: {}", answer.body);
    }
}
