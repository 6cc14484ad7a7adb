//! A signed request as a test holds it, and what has to be refused about one.

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_wire::sigv4::{AuthError, Payload, SigningKey, parse, verify};
use landfall_wire::{Protocol, RequestParts};

/// A whole request.
#[derive(Clone, Debug)]
pub struct Signed {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Signed {
    pub fn new(method: &str, target: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        Self { method, path, query, headers: map, body: body.to_vec() }
    }

    pub fn parts(&self) -> RequestParts<'_> {
        RequestParts { method: &self.method, path: &self.path, query: &self.query, headers: &self.headers }
    }

    /// Verifies with `secret` at `offset_ms` after it was signed.
    pub fn verify_after(&self, secret: &str, offset_ms: i64) -> Result<(), AuthError> {
        let claim = parse(&self.parts())?;
        let scope = &claim.scope;
        let key = SigningKey::derive(secret, &scope.date, &scope.region, &scope.service);
        verify(&claim, &self.parts(), Payload::Bytes(&self.body), &key, claim.signed_at_ms + offset_ms)
    }

    pub fn verify(&self, secret: &str) -> Result<(), AuthError> {
        self.verify_after(secret, 0)
    }

    /// Whatever is changed about the request, it must be refused.
    pub fn assert_tamper_proof(&self, secret: &str) {
        assert_eq!(self.verify(secret), Ok(()), "{self:?}");
        assert!(self.verify(&format!("{secret}x")).is_err(), "another secret: {self:?}");
        let mut changed = self.clone();
        changed.method.push('X');
        assert!(changed.verify(secret).is_err(), "another method: {self:?}");
        let mut changed = self.clone();
        changed.path.push_str("/more");
        assert!(changed.verify(secret).is_err(), "another path: {self:?}");
        let mut changed = self.clone();
        changed.query.push_str("&more=1");
        assert!(changed.verify(secret).is_err(), "another query: {self:?}");
        let mut changed = self.clone();
        changed.headers.insert("host", HeaderValue::from_static("elsewhere"));
        assert!(changed.verify(secret).is_err(), "another host: {self:?}");
        let mut changed = self.clone();
        changed.headers.insert("x-amz-target", HeaderValue::from_static("Other.Operation"));
        assert!(changed.verify(secret).is_err(), "another target: {self:?}");
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

fn claimed(authorization: &str, more: &[(&str, &[u8])]) -> Result<(), AuthError> {
    let mut headers: Vec<(&str, &[u8])> = vec![("host", b"example.amazonaws.com")];
    headers.push(("authorization", authorization.as_bytes()));
    headers.extend_from_slice(more);
    Signed::new("GET", "/", &headers, b"").verify(SECRET)
}

const DATE: (&str, &[u8]) = ("x-amz-date", b"20150830T123600Z");

#[test]
fn a_claim_that_is_not_well_formed_says_why() {
    let with = |from: &str, to: &str| claimed(&GOOD.replace(from, to), &[DATE]);
    assert_eq!(with("", ""), Ok(()));
    assert_eq!(with("Signature=5f", "Signature=5e"), Err(AuthError::SignatureMismatch));
    assert_eq!(with("AWS4-HMAC-SHA256", "AWS"), Err(AuthError::UnsupportedAlgorithm));
    assert_eq!(with("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), Err(AuthError::UnsupportedAlgorithm));
    assert_eq!(with("Credential=", "Credential:"), Err(AuthError::MalformedPart));
    assert_eq!(with("Credential=AKIDEXAMPLE/", "Credential="), Err(AuthError::MalformedCredential));
    assert_eq!(with("aws4_request", "aws5_request"), Err(AuthError::WrongTerminator));
    assert_eq!(with("/20150830/", "/2015083x/"), Err(AuthError::MalformedCredential));
    assert!(matches!(with("/20150830/", "/20150831/"), Err(AuthError::DateMismatch { .. })));
    assert_eq!(with("host;x-amz-date", "host;host;x-amz-date"), Err(AuthError::MalformedSignedHeaders));
    assert_eq!(with("host;x-amz-date", "x-amz-date;host"), Err(AuthError::MalformedSignedHeaders));
    assert_eq!(with("host;x-amz-date", "Host;x-amz-date"), Err(AuthError::MalformedSignedHeaders));
    assert_eq!(with("host;x-amz-date", ""), Err(AuthError::MalformedSignedHeaders));
    assert_eq!(with("host;x-amz-date", "x-amz-date"), Err(AuthError::UnsignedHeader("host".to_owned())));
    assert_eq!(with("host;x-amz-date", "host"), Err(AuthError::UnsignedHeader("x-amz-date".to_owned())));
    assert_eq!(with("host;x-amz-date", "host;x-amz-date;zone"), Err(AuthError::AbsentHeader("zone".to_owned())));
    assert_eq!(with("Signature=5f", "Signature=5"), Err(AuthError::MalformedSignature));
    assert_eq!(with("Signature=5f", "Signature=5g"), Err(AuthError::MalformedSignature));
    assert_eq!(with(", Signature=", ", Signature=00, Signature="), Err(AuthError::MalformedPart));
    let without_signature = GOOD.split(", Signature").next().unwrap();
    assert_eq!(claimed(without_signature, &[DATE]), Err(AuthError::MissingPart("Signature")));
}

#[test]
fn headers_that_count_may_come_once() {
    let twice = |header: (&str, &[u8])| claimed(GOOD, &[DATE, header]);
    assert_eq!(twice(("x-amz-date", b"20150830T123601Z")), Err(AuthError::RepeatedHeader("x-amz-date")));
    assert_eq!(twice(("authorization", b"other")), Err(AuthError::RepeatedHeader("authorization")));
    assert_eq!(twice(("host", b"other")), Err(AuthError::RepeatedHeader("host")));
    let token: (&str, &[u8]) = ("x-amz-security-token", b"a");
    assert_eq!(claimed(GOOD, &[DATE, token, token]), Err(AuthError::RepeatedHeader("x-amz-security-token")));
    assert_eq!(twice(("x-amz-target", b"A.B")), Err(AuthError::UnsignedHeader("x-amz-target".to_owned())));
    assert_eq!(twice(("x-amz-user-agent", b"php")), Ok(()));
    assert_eq!(claimed("\u{e9}", &[DATE]), Err(AuthError::UnreadableHeader("authorization")));
}

#[test]
fn a_date_must_be_there_and_be_one() {
    let signed_date = GOOD.replace("host;x-amz-date", "date;host");
    assert_eq!(claimed(GOOD, &[]), Err(AuthError::MissingDate));
    assert_eq!(claimed(GOOD, &[("date", b"20150830T123600Z")]), Err(AuthError::UnsignedHeader("date".to_owned())));
    for date in ["20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 -0000"] {
        let outcome = claimed(&signed_date, &[("date", date.as_bytes())]);
        assert_eq!(outcome, Err(AuthError::SignatureMismatch), "{date}");
    }
    for date in ["20150230T123600Z", "20150830T246000Z", "2015-08-30T12:36:00Z", "", "tomorrow", "+0150830T123600Z"] {
        assert_eq!(claimed(GOOD, &[("x-amz-date", date.as_bytes())]), Err(AuthError::BadDate), "{date}");
        assert_eq!(claimed(&signed_date, &[("date", date.as_bytes())]), Err(AuthError::BadDate), "{date}");
    }
}

#[test]
fn nothing_signed_and_everything_twice() {
    let plain = Signed::new("GET", "/", &[("host", b"a")], b"");
    assert_eq!(plain.verify(SECRET), Err(AuthError::MissingToken));
    let both = Signed::new("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", &[("authorization", GOOD.as_bytes())], b"");
    assert_eq!(both.verify(SECRET), Err(AuthError::TwoPlaces));
}

#[test]
fn a_key_id_may_hold_slashes() {
    let headers: [(&str, &[u8]); 3] =
        [("host", b"a"), ("authorization", &GOOD.replace("AKIDEXAMPLE", "any/thing at all").into_bytes()), DATE];
    let claim = parse(&Signed::new("GET", "/", &headers, b"").parts()).unwrap();
    assert_eq!(claim.access_key_id, "any/thing at all");
}

#[test]
fn each_family_has_its_own_codes() {
    let table = [
        (
            AuthError::MissingToken,
            "MissingAuthenticationToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
        ),
        (AuthError::MalformedPart, "IncompleteSignature", "IncompleteSignature", "IncompleteSignatureException"),
        (AuthError::SignatureMismatch, "AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"),
        (AuthError::UnknownAccessKey, "AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"),
        (AuthError::ExpiredSessionToken, "RequestExpired", "ExpiredToken", "ExpiredTokenException"),
    ];
    for (error, ec2, query, json) in table {
        assert_eq!(error.refusal(Protocol::Ec2Query).code, ec2);
        assert_eq!(error.refusal(Protocol::Query).code, query);
        assert_eq!(error.refusal(Protocol::Json11).code, json);
    }
    assert_eq!(AuthError::SignatureMismatch.refusal(Protocol::Ec2Query).status, 401);
    assert_eq!(AuthError::SignatureMismatch.refusal(Protocol::Query).status, 403);
}
