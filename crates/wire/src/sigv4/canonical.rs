//! The canonical request: the one spelling of a request on which both sides agree, hashed as it is made.

use std::borrow::Cow;

use aws_lc_rs::digest;

use super::claim::{Claim, Place};
use super::error::AuthError;
use super::{ALGORITHM, Payload, TERMINATOR, push_hex};
use crate::encode_query::percent_encode;
use crate::limits::MAX_SIGNED_QUERY_PARAMETERS;
use crate::protocol::RequestParts;
use crate::query::hex_digit;

const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The services whose bodies may be large streams, and whose rules differ for it: the path is taken as it is,
/// and the payload may be left unsigned.
fn is_object_store(service: &str) -> bool {
    matches!(service, "s3" | "s3express" | "s3-object-lambda" | "s3-outposts")
}

/// The last line of the canonical request, once it is known to be true of the body.
pub(super) fn payload_text(claim: &Claim, parts: &RequestParts<'_>, payload: Payload<'_>) -> Result<String, AuthError> {
    const HEADER: &str = "x-amz-content-sha256";
    let object_store = is_object_store(&claim.scope.service);
    let mut values = parts.headers.get_all(HEADER).iter();
    let stated = match values.next() {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| AuthError::UnreadableHeader(HEADER))?.trim()),
    };
    if values.next().is_some() {
        return Err(AuthError::RepeatedHeader(HEADER));
    }
    match stated {
        Some(UNSIGNED_PAYLOAD) if object_store => return Ok(UNSIGNED_PAYLOAD.to_owned()),
        None if object_store && claim.place != Place::Header => return Ok(UNSIGNED_PAYLOAD.to_owned()),
        Some(text) if text == UNSIGNED_PAYLOAD || text.starts_with("STREAMING-") => {
            return Err(AuthError::UnsupportedPayload(text.to_owned()));
        }
        Some(_) | None => {}
    }
    let mut actual = String::with_capacity(64);
    push_hex(&mut actual, &payload.sha256());
    match stated {
        Some(stated) if stated.eq_ignore_ascii_case(&actual) => Ok(stated.to_owned()),
        Some(_) => Err(AuthError::PayloadMismatch),
        None => Ok(actual),
    }
}

/// The hash of the canonical request.
pub(super) fn request_hash(
    claim: &Claim,
    parts: &RequestParts<'_>,
    payload_text: &str,
) -> Result<digest::Digest, AuthError> {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(parts.method.as_bytes());
    hash.update(b"\n");
    hash.update(&canonical_path(parts.path, &claim.scope.service));
    hash.update(b"\n");
    hash.update(&canonical_query(parts.query, claim.place)?);
    hash.update(b"\n");
    for name in &claim.signed_headers {
        hash.update(name.as_bytes());
        for (at, value) in parts.headers.get_all(name.as_str()).iter().enumerate() {
            hash.update(if at == 0 { b":" } else { b"," });
            hash.update(&trimmed(value.as_bytes()));
        }
        hash.update(b"\n");
    }
    hash.update(b"\n");
    hash.update(claim.signed_headers.join(";").as_bytes());
    hash.update(b"\n");
    hash.update(payload_text.as_bytes());
    Ok(hash.finish())
}

/// What is signed in the end.
pub(super) fn string_to_sign(claim: &Claim, request_hash: &digest::Digest) -> String {
    let scope = &claim.scope;
    let mut text =
        format!("{ALGORITHM}\n{}\n{}/{}/{}/{TERMINATOR}\n", claim.signed_at(), scope.date, scope.region, scope.service);
    push_hex(&mut text, request_hash.as_ref());
    text
}

/// The path without dots and doubled slashes, encoded once more; an object's path as it is.
fn canonical_path<'a>(path: &'a str, service: &str) -> Cow<'a, [u8]> {
    if path.is_empty() || path == "/" {
        return Cow::Borrowed(b"/");
    }
    if is_object_store(service) {
        return Cow::Borrowed(path.as_bytes());
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let mut out = Vec::with_capacity(path.len() + 16);
    for segment in &segments {
        out.push(b'/');
        percent_encode(&mut out, segment.as_bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
    Cow::Owned(out)
}

/// The parameters in their one spelling, sorted. The signature itself is none of them.
fn canonical_query(query: &str, place: Place) -> Result<Vec<u8>, AuthError> {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if place != Place::Header && name == "X-Amz-Signature" {
            continue;
        }
        if pairs.len() == MAX_SIGNED_QUERY_PARAMETERS {
            return Err(AuthError::TooManyParameters);
        }
        pairs.push((respelled(name), respelled(value)));
    }
    pairs.sort();
    let mut out = Vec::with_capacity(query.len());
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        out.extend_from_slice(&name);
        out.push(b'=');
        out.extend_from_slice(&value);
    }
    Ok(out)
}

fn respelled(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    percent_encode(&mut out, &decode(text.as_bytes()));
    out
}

/// Undoes percent-encoding, with `+` as a space. What isn't an escape stands for itself: this only has to be
/// the same on both sides, the operation's parameters are decoded strictly.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, next @ ..]) => {
                hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| (high << 4 | low, next))
            }
            (b'+', next) => Some((b' ', next)),
            _ => None,
        };
        let (byte, next) = escaped.unwrap_or((*first, after));
        out.push(byte);
        rest = next;
    }
    out
}

/// A header's value without blanks around it and with one for each run inside it.
fn trimmed(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.windows(2).any(|pair| pair == b"  ") {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        if byte != b' ' || out.last() != Some(&b' ') {
            out.push(byte);
        }
    }
    Cow::Owned(out)
}
