//! Any request as a signed one. The input is a line each for the method, the path, the query string and headers
//! (`name:value`), then the body: no signature that wasn't made with the key is ever believed.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_wire::RequestParts;
use landfall_wire::sigv4::{Payload, SigningKey, parse, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(24, |&byte| byte == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, path, query) = (text(), text(), text());
    let mut headers = HeaderMap::new();
    let mut body: &[u8] = b"";
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        match (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            (Ok(name), Ok(value)) => drop(headers.append(name, value)),
            _ => body = line,
        }
    }
    let parts = RequestParts { method: &method, path: &path, query: &query, headers: &headers };
    let Ok(claim) = parse(&parts) else { return };
    let key = SigningKey::derive("a secret", &claim.scope.date, &claim.scope.region, &claim.scope.service);
    assert!(verify(&claim, &parts, Payload::Bytes(body), &key, claim.signed_at_ms).is_err());
});
