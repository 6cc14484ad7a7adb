//! The crate `aws-sigv4` as oracle: whatever it signs, we verify, and nothing else.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use landfall_wire::sigv4::{AuthError, parse};
use proptest::prelude::*;

use crate::signed::Signed;

const SIGNED_AT_MS: u64 = 1_795_341_600_000;

struct Case {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    secret: String,
    token: Option<String>,
    is_presigned: bool,
}

/// Signs as a client with that crate does.
fn signed(case: &Case) -> Signed {
    let credentials = Credentials::new("AKIDEXAMPLE", case.secret.clone(), case.token.clone(), None, "test");
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    if case.is_presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(900));
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(SIGNED_AT_MS);
    let params = SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name("ec2")
        .time(time)
        .settings(settings)
        .build()
        .unwrap();
    let question_mark = if case.query.is_empty() { "" } else { "?" };
    let target = format!("{}{question_mark}{}", case.path, case.query);
    let url = format!("http://ec2.example:4566{target}");
    let mut request = http::Request::builder().method(case.method.as_str()).uri(&url);
    request = request.header("host", "ec2.example:4566");
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let given: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(&case.method, url.clone(), given, SignableBody::Bytes(&case.body)).unwrap();
    let (instructions, _signature) = sign(signable, &params.into()).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let uri = request.uri();
    let target = uri.path_and_query().unwrap().as_str();
    let headers: Vec<(&str, &[u8])> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    Signed::new(&case.method, target, &headers, &case.body)
}

fn cases() -> impl Strategy<Value = Case> {
    let method = prop_oneof![Just("POST"), Just("GET"), Just("PUT")].prop_map(str::to_owned);
    // A last segment of dots is where this crate and botocore disagree; we follow botocore.
    let path = "(/[A-Za-z0-9_.~!*'(),:@%$-]{0,8}){1,4}/?".prop_filter("the crate `http` must take it", |path| {
        path.parse::<http::Uri>().is_ok() && !path.starts_with("//") && !path.ends_with("/.") && !path.ends_with("/..")
    });
    let query = "([A-Za-z0-9._~-]{1,6}(=([A-Za-z0-9._~:@/-]|%[0-7][0-9A-F]|\\+){0,8})?&){0,4}[a-z]{0,2}"
        .prop_filter("belongs to the signature", |query| !query.contains("X-Amz"));
    let header = ("x-(amz|my)-[a-z]{1,8}", "[!-~]([ -~]{0,20}[!-~])?");
    let headers = proptest::collection::vec(header, 0..4);
    let body = proptest::collection::vec(any::<u8>(), 0..64);
    let token = proptest::option::of("[A-Za-z0-9+/=]{1,40}");
    let secret = "[ -~]{1,40}";
    let tuple = (method, path, query, headers, body, secret, token, any::<bool>());
    tuple.prop_map(|(method, path, query, headers, body, secret, token, is_presigned)| Case {
        method,
        path,
        query,
        headers: headers.into_iter().filter(|(name, _)| name != "x-amz-date").collect(),
        body,
        secret,
        token,
        is_presigned,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_aws_sigv4_signs_verifies(case in cases().prop_map(std::rc::Rc::new)) {
        let request = signed(&case);
        request.assert_tamper_proof(&case.secret);
        let claim = parse(&request.parts()).unwrap();
        prop_assert_eq!(&claim.token, &case.token);
        prop_assert_eq!(&claim.access_key_id, "AKIDEXAMPLE");
        prop_assert_eq!(&claim.scope.region, "eu-central-1");
        prop_assert_eq!(claim.signed_at_ms, i64::try_from(SIGNED_AT_MS).unwrap());
        let mut changed = request.clone();
        changed.body.push(0);
        prop_assert!(changed.verify(&case.secret).is_err());
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}?{} {:?} presigned: {}", self.method, self.path, self.query, self.headers, self.is_presigned)
    }
}

fn simple(is_presigned: bool) -> Signed {
    signed(&Case {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: b"Action=DescribeInstances&Version=2016-11-15".to_vec(),
        secret: "secret".to_owned(),
        token: None,
        is_presigned,
    })
}

#[test]
fn clocks_may_differ_by_a_quarter_of_an_hour() {
    const QUARTER_MS: i64 = 15 * 60 * 1_000;
    for request in [simple(false), simple(true)] {
        assert_eq!(request.verify_after("secret", QUARTER_MS), Ok(()));
        assert_eq!(request.verify_after("secret", -QUARTER_MS), Ok(()));
        let late = request.verify_after("secret", QUARTER_MS + 1_000);
        assert!(matches!(late, Err(AuthError::Expired { .. })), "{late:?}");
        let early = request.verify_after("secret", -QUARTER_MS - 1_000);
        assert!(matches!(early, Err(AuthError::NotYetCurrent { .. })), "{early:?}");
        for far in [i64::MIN / 2, i64::MAX / 2] {
            assert!(request.verify_after("secret", far).is_err());
        }
    }
}

#[test]
fn a_stated_payload_hash_must_be_the_bodys() {
    let mut request = simple(false);
    request.headers.insert("x-amz-content-sha256", http::HeaderValue::from_static("UNSIGNED-PAYLOAD"));
    assert_eq!(request.verify("secret"), Err(AuthError::UnsignedHeader("x-amz-content-sha256".to_owned())));
    let hash = |text: &str| {
        signed(&Case {
            headers: vec![("x-amz-content-sha256".to_owned(), text.to_owned())],
            body: b"body".to_vec(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            secret: "secret".to_owned(),
            token: None,
            is_presigned: false,
        })
        .verify("secret")
    };
    assert_eq!(hash("230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"), Ok(()));
    assert_eq!(
        hash("230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb6"),
        Err(AuthError::PayloadMismatch)
    );
    for text in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
        assert_eq!(hash(text), Err(AuthError::UnsupportedPayload(text.to_owned())));
    }
}
