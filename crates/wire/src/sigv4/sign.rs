//! Signing, for clients of our own: the command line, benchmarks, tests. It is the verifier run the other way round.

use super::claim::{Claim, Place, Scope};
use super::error::AuthError;
use super::moment::format_basic;
use super::{ALGORITHM, Payload, SigningKey, TERMINATOR, canonical, push_hex};
use crate::encode_query::percent_encode;
use crate::protocol::RequestParts;

/// `x-amz-date` as of a moment in milliseconds: what the request must carry before it is signed.
pub fn amz_date(at_ms: i64) -> String {
    format_basic(at_ms)
}

/// The value of the `Authorization` header for a request whose headers hold `host`, `x-amz-date` as of that moment, and
/// whatever else is to be signed.
///
/// # Errors
/// As verifying it would.
pub fn sign(
    parts: &RequestParts<'_>,
    body: &[u8],
    access_key: &str,
    secret: &str,
    (region, service): (&str, &str),
    at_ms: i64,
) -> Result<String, AuthError> {
    let date = format_basic(at_ms)[..8].to_owned();
    let mut signed_headers: Vec<_> = parts.headers.keys().map(|name| name.as_str().to_owned()).collect();
    signed_headers.sort();
    let claim = Claim {
        access_key_id: access_key.to_owned(),
        scope: Scope { date, region: region.to_owned(), service: service.to_owned() },
        signed_at_ms: at_ms,
        token: None,
        signed_headers,
        signature: [0; 32],
        place: Place::Header,
    };
    let payload = canonical::payload_text(&claim, parts, Payload::Bytes(body))?;
    let hash = canonical::request_hash(&claim, parts, &payload)?;
    let scope = &claim.scope;
    let key = SigningKey::derive(secret, &scope.date, region, service);
    let signature = key.sign(canonical::string_to_sign(&claim, &hash).as_bytes());
    let mut header = format!(
        "{ALGORITHM} Credential={access_key}/{}/{region}/{service}/{TERMINATOR}, SignedHeaders={}, Signature=",
        scope.date,
        claim.signed_headers.join(";")
    );
    push_hex(&mut header, &signature);
    Ok(header)
}

/// The query string of a presigned request: that of `parts`, with a signature which covers the headers that `parts` has and
/// is good for so many seconds. A session's token is in it.
///
/// # Errors
/// As verifying it would.
pub fn presign(
    parts: &RequestParts<'_>,
    body: &[u8],
    (access_key, secret, token): (&str, &str, Option<&str>),
    (region, service): (&str, &str),
    at_ms: i64,
    expires_s: i64,
) -> Result<String, AuthError> {
    let date = format_basic(at_ms);
    let day = &date[..8];
    let mut signed_headers: Vec<_> = parts.headers.keys().map(|name| name.as_str().to_owned()).collect();
    signed_headers.sort();
    let escaped = |text: &str| {
        let mut out = Vec::with_capacity(text.len());
        percent_encode(&mut out, text.as_bytes());
        String::from_utf8_lossy(&out).into_owned()
    };
    let credential = escaped(&format!("{access_key}/{day}/{region}/{service}/{TERMINATOR}"));
    let names = escaped(&signed_headers.join(";"));
    let mut query = parts.query.to_owned();
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(&format!(
        "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={expires_s}"
    ));
    if let Some(token) = token {
        query.push_str(&format!("&X-Amz-Security-Token={}", escaped(token)));
    }
    query.push_str(&format!("&X-Amz-SignedHeaders={names}"));
    let claim = Claim {
        access_key_id: access_key.to_owned(),
        scope: Scope { date: day.to_owned(), region: region.to_owned(), service: service.to_owned() },
        signed_at_ms: at_ms,
        token: token.map(str::to_owned),
        signed_headers,
        signature: [0; 32],
        place: Place::Query { expires_s },
    };
    let parts = RequestParts { query: &query, ..*parts };
    let payload = canonical::payload_text(&claim, &parts, Payload::Bytes(body))?;
    let hash = canonical::request_hash(&claim, &parts, &payload)?;
    let key = SigningKey::derive(secret, day, region, service);
    let signature = key.sign(canonical::string_to_sign(&claim, &hash).as_bytes());
    query.push_str("&X-Amz-Signature=");
    push_hex(&mut query, &signature);
    Ok(query)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::super::{Payload, parse, verify};
    use super::*;

    #[test]
    fn what_is_signed_here_verifies() {
        let at = 1_795_341_600_000;
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:4566".parse().unwrap());
        headers.insert("x-amz-date", amz_date(at).parse().unwrap());
        let body = b"Action=DescribeInstances";
        let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
        let header = sign(&parts, body, "AKIA", "secret", ("us-east-1", "ec2"), at).unwrap();
        headers.insert("authorization", header.parse().unwrap());
        let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
        let claim = parse(&parts).unwrap();
        let key = SigningKey::derive("secret", "20261122", "us-east-1", "ec2");
        assert_eq!(verify(&claim, &parts, Payload::Bytes(body), &key, at), Ok(()));
        assert!(verify(&claim, &parts, Payload::Bytes(b"other"), &key, at).is_err());
    }
}
