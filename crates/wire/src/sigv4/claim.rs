//! Reading who claims to have signed a request.

use http::HeaderMap;

use super::error::AuthError;
use super::moment::{format_basic, parse_basic, parse_date_header};
use super::{ALGORITHM, MAX_SKEW_MS, TERMINATOR};
use crate::limits::MAX_SIGNED_HEADERS;
use crate::protocol::RequestParts;
use crate::query::hex_digit;

/// For how long a presigned request may be valid: a week.
const MAX_EXPIRES_S: i64 = 7 * 24 * 3_600;

/// The `x-amz-` headers that clients leave unsigned: a session token that isn't the key's own fails by itself, and
/// what the client calls itself decides nothing.
const MAY_BE_UNSIGNED: [&str; 2] = ["x-amz-security-token", "x-amz-user-agent"];

/// What a derived key is for. With the access key's id it names a [`super::SigningKey`] in a cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The day, as `20261122`.
    pub date: String,
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The service's signing name, such as `ec2`.
    pub service: String,
}

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the `Authorization` header.
    Header,
    /// In the query string of a presigned request, which expires by itself.
    Query {
        /// Seconds from signing to expiry.
        expires_s: i64,
    },
}

/// A claim that is well-formed, and no more: nothing in it is true before [`super::verify`] said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The id of the access key.
    pub access_key_id: String,
    /// What the signature is for.
    pub scope: Scope,
    /// When it was made, in milliseconds since the epoch.
    pub signed_at_ms: i64,
    /// The session token that came with it.
    pub token: Option<String>,
    /// The names of the signed headers, in lower case, sorted, without repetition.
    pub signed_headers: Vec<String>,
    /// The signature.
    pub signature: [u8; 32],
    /// Where it stood.
    pub place: Place,
}

/// Reads the claim of a request from its `Authorization` header, or its query string where it is presigned.
///
/// # Errors
/// When there is none, two, or one that isn't well-formed, or that leaves out what must be signed.
pub fn parse(parts: &RequestParts<'_>) -> Result<Claim, AuthError> {
    let in_query = parts.query.split('&').any(|pair| pair.starts_with("X-Amz-Algorithm="));
    let claim = match (sole(parts.headers, "authorization")?, in_query) {
        (Some(_), true) => return Err(AuthError::TwoPlaces),
        (Some(value), false) => from_header(value, parts)?,
        (None, true) => from_query(parts)?,
        (None, false) => return Err(AuthError::MissingToken),
    };
    claim.check_signed_headers(parts.headers)?;
    let day = &format_basic(claim.signed_at_ms)[..8];
    if claim.scope.date != *day {
        let request_date = day.to_owned();
        return Err(AuthError::DateMismatch { scope_date: claim.scope.date, request_date });
    }
    Ok(claim)
}

/// The value of a header that may come once at most.
fn sole<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AuthError::RepeatedHeader(name));
    }
    first.to_str().map(|value| Some(value.trim())).map_err(|_| AuthError::UnreadableHeader(name))
}

fn from_header(value: &str, parts: &RequestParts<'_>) -> Result<Claim, AuthError> {
    let (algorithm, rest) = value.split_once(' ').unwrap_or((value, ""));
    if algorithm != ALGORITHM {
        return Err(AuthError::UnsupportedAlgorithm);
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=').ok_or(AuthError::MalformedPart)?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(AuthError::MalformedPart),
        };
        if slot.replace(value).is_some() {
            return Err(AuthError::MalformedPart);
        }
    }
    let (access_key_id, scope) = parse_credential(credential.ok_or(AuthError::MissingPart("Credential"))?)?;
    let signed_headers = parse_signed_headers(signed_headers.ok_or(AuthError::MissingPart("SignedHeaders"))?)?;
    let signature = parse_signature(signature.ok_or(AuthError::MissingPart("Signature"))?)?;
    let signed_at_ms = match sole(parts.headers, "x-amz-date")? {
        Some(date) => parse_basic(date).ok_or(AuthError::BadDate)?,
        None => {
            let date = sole(parts.headers, "date")?.ok_or(AuthError::MissingDate)?;
            if !signed_headers.iter().any(|name| name == "date") {
                return Err(AuthError::UnsignedHeader("date".to_owned()));
            }
            parse_date_header(date).ok_or(AuthError::BadDate)?
        }
    };
    let token = sole(parts.headers, "x-amz-security-token")?.map(str::to_owned);
    let place = Place::Header;
    Ok(Claim { access_key_id, scope, signed_at_ms, token, signed_headers, signature, place })
}

fn from_query(parts: &RequestParts<'_>) -> Result<Claim, AuthError> {
    let algorithm = query_value(parts.query, "X-Amz-Algorithm")?;
    if algorithm.as_deref() != Some(ALGORITHM) {
        return Err(AuthError::UnsupportedAlgorithm);
    }
    let required = |name| query_value(parts.query, name)?.ok_or(AuthError::MissingPart(name));
    let (access_key_id, scope) = parse_credential(&required("X-Amz-Credential")?)?;
    let signed_headers = parse_signed_headers(&required("X-Amz-SignedHeaders")?)?;
    let signature = parse_signature(&required("X-Amz-Signature")?)?;
    let signed_at_ms = parse_basic(&required("X-Amz-Date")?).ok_or(AuthError::BadDate)?;
    let expires = match query_value(parts.query, "X-Amz-Expires")? {
        Some(expires) => expires.parse().map_err(|_| AuthError::BadExpiry)?,
        None => MAX_SKEW_MS / 1_000,
    };
    if !(1..=MAX_EXPIRES_S).contains(&expires) {
        return Err(AuthError::BadExpiry);
    }
    let token = query_value(parts.query, "X-Amz-Security-Token")?;
    let place = Place::Query { expires_s: expires };
    Ok(Claim { access_key_id, scope, signed_at_ms, token, signed_headers, signature, place })
}

/// The decoded value of a parameter that may come once at most.
fn query_value(query: &str, name: &'static str) -> Result<Option<String>, AuthError> {
    let mut found = None;
    for pair in query.split('&') {
        let Some(value) = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) else { continue };
        let decoded = super::canonical::decode(value.as_bytes());
        let text = String::from_utf8(decoded).map_err(|_| AuthError::MalformedPart)?;
        if found.replace(text).is_some() {
            return Err(AuthError::MalformedPart);
        }
    }
    Ok(found)
}

/// The longest id of an access key. Source: the IAM API Reference, `accessKeyIdType`. Failures to prove one are remembered by
/// it, before anybody knows who sent it.
const MAX_KEY_ID_BYTES: usize = 128;

/// Splits `KEY/20261122/us-east-1/ec2/aws4_request` from its end: a key's id may be any string that isn't too long.
fn parse_credential(credential: &str) -> Result<(String, Scope), AuthError> {
    let mut parts = credential.rsplitn(5, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or(AuthError::MalformedCredential);
    let (terminator, service, region, date, access_key_id) = (next()?, next()?, next()?, next()?, next()?);
    if terminator != TERMINATOR {
        return Err(AuthError::WrongTerminator);
    }
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthError::MalformedCredential);
    }
    let scope = Scope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    if access_key_id.len() > MAX_KEY_ID_BYTES {
        return Err(AuthError::MalformedCredential);
    }
    Ok((access_key_id.to_owned(), scope))
}

fn parse_signed_headers(list: &str) -> Result<Vec<String>, AuthError> {
    let mut names = Vec::new();
    for name in list.split(';') {
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
        let in_order = names.last().is_none_or(|last: &String| last.as_str() < name);
        if !is_name || !in_order || names.len() == MAX_SIGNED_HEADERS {
            return Err(AuthError::MalformedSignedHeaders);
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn parse_signature(hex: &str) -> Result<[u8; 32], AuthError> {
    let digits = hex.as_bytes();
    let mut signature = [0; 32];
    if digits.len() != 64 {
        return Err(AuthError::MalformedSignature);
    }
    for (byte, pair) in signature.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(hex_digit);
        *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or(AuthError::MalformedSignature)?;
    }
    Ok(signature)
}

impl Claim {
    /// Whether all that must be signed is, and all that is signed is there.
    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let is_signed = |name: &str| self.signed_headers.binary_search_by(|signed| signed.as_str().cmp(name)).is_ok();
        if !is_signed("host") {
            return Err(AuthError::UnsignedHeader("host".to_owned()));
        }
        sole(headers, "host")?;
        if let Some(absent) = self.signed_headers.iter().find(|name| !headers.contains_key(name.as_str())) {
            return Err(AuthError::AbsentHeader(absent.clone()));
        }
        let must_be_signed = |name: &&str| name.starts_with("x-amz-") && !MAY_BE_UNSIGNED.contains(name);
        let unsigned =
            headers.keys().map(http::HeaderName::as_str).filter(must_be_signed).find(|name| !is_signed(name));
        match unsigned {
            Some(name) => Err(AuthError::UnsignedHeader(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Whether the request is neither too old nor from the future.
    pub(super) fn check_time(&self, now_ms: i64) -> Result<(), AuthError> {
        let signed_at = self.signed_at_ms;
        let expires_ms = match self.place {
            Place::Header => MAX_SKEW_MS,
            Place::Query { expires_s } => expires_s * 1_000,
        };
        if signed_at < now_ms.saturating_sub(expires_ms) {
            let (signed_at, oldest) = (format_basic(signed_at), format_basic(now_ms.saturating_sub(expires_ms)));
            return Err(AuthError::Expired { signed_at, oldest, now: format_basic(now_ms) });
        }
        if signed_at > now_ms.saturating_add(MAX_SKEW_MS) {
            let (signed_at, newest) = (format_basic(signed_at), format_basic(now_ms.saturating_add(MAX_SKEW_MS)));
            return Err(AuthError::NotYetCurrent { signed_at, newest, now: format_basic(now_ms) });
        }
        Ok(())
    }

    /// The moment of signing as it was signed: `20261122T100000Z`.
    pub(super) fn signed_at(&self) -> String {
        format_basic(self.signed_at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_id_is_no_longer_than_they_are() {
        let parsed = |length: usize| {
            let credential = format!("{}/20261122/us-east-1/ec2/aws4_request", "A".repeat(length));
            parse_credential(&credential).map(|(id, _)| id.len())
        };
        assert_eq!(parsed(128).unwrap(), 128);
        assert!(matches!(parsed(129), Err(AuthError::MalformedCredential)));
    }
}
