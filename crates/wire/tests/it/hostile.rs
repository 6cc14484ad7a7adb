//! What a stranger may send: any bytes at all end in a value or an error, never in a panic, and cost no more
//! than their size.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_wire::sigv4::{Payload, SigningKey, parse, verify};
use landfall_wire::{
    RequestParts, Time, Tree, decode_json, decode_query, decode_query_string, detect, from_tree, from_typed_tree,
    read_xml,
};
use proptest::prelude::*;
use serde::Deserialize;

/// A type that asks for every kind of value.
#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only read into")]
struct Everything {
    a: Option<u8>,
    b: Option<String>,
    c: Option<Vec<Everything>>,
    d: Option<std::collections::BTreeMap<String, f32>>,
    e: Option<Time>,
    f: Option<Choice>,
    g: Option<landfall_wire::Blob>,
    h: Option<(bool, char)>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only read into")]
enum Choice {
    Plain,
    Wrapped(Box<Everything>),
    Tuple(u8, u8),
    Struct { a: i128 },
}

fn read(tree: &Tree) {
    let _any = from_tree::<Everything>(tree);
    let _any = from_typed_tree::<Everything>(tree);
    let _any = from_tree::<serde::de::IgnoredAny>(tree);
}

/// Bytes that look like what is expected often enough to get far.
fn query_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"Action=A".to_vec()),
        Just(b"&".to_vec()),
        Just(b"=".to_vec()),
        Just(b".".to_vec()),
        Just(b"%".to_vec()),
        "[a-h]".prop_map(String::into_bytes),
        "[0-9]{1,12}".prop_map(String::into_bytes),
        Just(b".entry.1.key=".to_vec()),
        Just(b".member.".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..3),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn xml_like() -> impl Strategy<Value = Vec<u8>> {
    let part =
        prop_oneof!["</?[a-h]/?>", "&(amp|lt|x|#[0-9]{1,8}|#x[0-9a-f]{1,8});", "<!\\[CDATA\\[.{0,4}\\]\\]>", ".{0,3}"];
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat().into_bytes())
}

fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "[\\[\\]{},:]",
        "\"[a-h]\"",
        "-?[0-9]{1,20}(\\.[0-9]{1,3})?(e[0-9]{1,4})?",
        "true|false|null",
        ".{0,2}"
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| format!("{{{}}}", parts.concat()).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _any = decode_query(&bytes);
        let _any = decode_json("T.A", &bytes);
        let _any = read_xml(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _any = decode_query_string(&text);
        let _any = decode_json(&text, b"{}");
        let _any = Time::parse(&text);
        let _any = landfall_wire::Blob::parse(&text);
    }

    #[test]
    fn nothing_like_a_query_panics(bytes in query_like()) {
        if let Ok(request) = decode_query(&bytes) {
            read(&request.input);
        }
    }

    #[test]
    fn nothing_like_xml_panics(bytes in xml_like()) {
        if let Ok(tree) = read_xml(&bytes) {
            read(&tree);
        }
    }

    #[test]
    fn nothing_like_json_panics(bytes in json_like()) {
        if let Ok(request) = decode_json("T.A", &bytes) {
            read(&request.input);
        }
    }

    #[test]
    fn nothing_like_a_signature_panics(
        method in ".{0,5}",
        path in ".{0,20}",
        query in "(X-Amz-(Algorithm=AWS4-HMAC-SHA256|Credential=a/20261122/b/c/aws4_request|Date=20261122T100000Z|Expires=[0-9]{0,20}|SignedHeaders=host|Signature=[0-9a-f]{64})&|.{0,3}){0,12}",
        authorization in "(AWS4-HMAC-SHA256 )?((Credential=(a|/){0,3}/20261122/b/c/aws4_request|SignedHeaders=host(;x-amz-date)?|Signature=[0-9a-f]{64})?[, ]{0,2}){0,6}",
        date in proptest::option::of("(20261122T100000Z|.{0,20})"),
        more in proptest::collection::vec(("x-amz-(date|target|security-token|content-sha256)|host|date|content-type", proptest::collection::vec(any::<u8>(), 0..20)), 0..5),
        is_presigned in any::<bool>(),
    ) {
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &[u8]| {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
        };
        add("host", b"a");
        if !is_presigned {
            add("authorization", authorization.as_bytes());
        }
        if let Some(date) = date {
            add("x-amz-date", date.as_bytes());
        }
        for (name, value) in &more {
            add(name, value);
        }
        let parts = RequestParts { method: &method, path: &path, query: &query, headers: &headers };
        let _any = detect(&parts, "ec2");
        if let Ok(claim) = parse(&parts) {
            let key = SigningKey::derive("s", &claim.scope.date, &claim.scope.region, &claim.scope.service);
            let outcome = verify(&claim, &parts, Payload::Bytes(b""), &key, claim.signed_at_ms);
            prop_assert!(outcome.is_err(), "nobody guesses a signature");
        }
    }
}

/// The processor time of this thread: what others do on the machine doesn't count.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn shortest(mut run: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        let start = cpu_time();
        run();
        cpu_time() - start
    });
    times.min().unwrap()
}

/// Eight times the bytes may cost about eight times the time; a square would be sixty-four. Processor time too is
/// disturbed by neighbours, so what looks wrong is measured again: a square stays one however often it is looked at.
fn assert_linear(name: &str, mut small: impl FnMut(), mut large: impl FnMut()) {
    let mut seen = Vec::new();
    let linear = (0..20).any(|_| {
        let base = shortest(&mut small).max(Duration::from_micros(200));
        let time = shortest(&mut large);
        seen.push((base, time));
        time < base * 40
    });
    assert!(linear, "{name}: {seen:?}");
}

#[test]
fn the_time_follows_the_size() {
    const TIMES: usize = 8;
    type Case = (&'static str, fn(usize) -> String, fn(&[u8]));
    let bodies: [Case; 7] = [
        ("parameters", |n| (0..n).map(|at| format!("&P{at}=v")).collect(), |body| drop(decode_query(body))),
        ("indexes", |n| (0..n).rev().map(|at| format!("&I.{at}.N=v")).collect(), |body| drop(decode_query(body))),
        (
            "long names",
            |n| (0..n / 50).map(|at| format!("&{}{at}=v", "n".repeat(900))).collect(),
            |body| drop(decode_query(body)),
        ),
        ("escapes", |n| format!("A={}", "%41".repeat(n * 10)), |body| drop(decode_query(body))),
        (
            "json members",
            |n| format!("{{{}\"z\":0}}", (0..n).map(|at| format!("\"m{at}\":1,")).collect::<String>()),
            |body| drop(decode_json("T.A", body)),
        ),
        (
            "xml siblings",
            |n| format!("<r>{}</r>", (0..n).map(|at| format!("<m{at}/>")).collect::<String>()),
            |body| {
                drop(read_xml(body));
            },
        ),
        ("xml text", |n| format!("<r>{}</r>", "&amp;x".repeat(n)), |body| drop(read_xml(body))),
    ];
    for (name, body, decode) in bodies {
        let (small, large) = (body(2_000), body(2_000 * TIMES));
        assert_linear(name, || decode(small.as_bytes()), || decode(large.as_bytes()));
    }
}

#[test]
fn a_signature_costs_what_its_request_weighs() {
    let signed = |count: usize| {
        let query: String = (0..count).map(|at| format!("a{at}=%2F&")).collect();
        let path = "/a/..".repeat(count);
        let mut headers = HeaderMap::new();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=a/20261122/b/c/aws4_request, SignedHeaders=host;x-amz-date;x-long, Signature={}",
            "0".repeat(64)
        );
        headers.insert("host", HeaderValue::from_static("a"));
        headers.insert("x-amz-date", HeaderValue::from_static("20261122T100000Z"));
        headers.insert("x-long", HeaderValue::from_str(&"a  b".repeat(count)).unwrap());
        headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        move || {
            let parts = RequestParts { method: "GET", path: &path, query: &query, headers: &headers };
            let key = SigningKey::derive("s", "20261122", "b", "c");
            let claim = parse(&parts).unwrap();
            assert!(verify(&claim, &parts, Payload::Bytes(b""), &key, claim.signed_at_ms).is_err());
        }
    };
    assert_linear("a signature", signed(500), signed(4_000));
}
