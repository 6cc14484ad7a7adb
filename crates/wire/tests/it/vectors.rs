//! AWS's SigV4 test suite: every signed request in it verifies, in the header and presigned.

use std::path::Path;

use landfall_wire::sigv4::AuthError;
use serde_json::Value;

use crate::signed::Signed;

/// Reads `GET /path HTTP/1.1`, headers with folded lines, an empty line and the body.
fn parse_http(text: &str) -> Signed {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap();
    let (method, rest) = first.split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if line.starts_with(' ') {
            let value = &mut headers.last_mut().unwrap().1;
            value.push(b' ');
            value.extend_from_slice(line.trim().as_bytes());
        } else {
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.as_bytes().to_vec()));
        }
    }
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    Signed::new(method, target, &headers, body.as_bytes())
}

#[test]
fn every_vector_verifies() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/aws_signing_test_suite.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut verified = 0;
    let mut added_later = 0;
    let mut unnormalised = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let context = &case["context"];
        let secret = context["credentials"]["secret_access_key"].as_str().unwrap();
        for form in ["header_signed_request", "query_signed_request"] {
            let mut request = parse_http(case[form].as_str().unwrap());
            // The suite's bodies are not signed where it says so: the signature is over an empty one.
            if context["sign_body"] == Value::Bool(false) {
                request.body.clear();
            }
            match request.verify(secret) {
                Ok(()) => {
                    request.assert_tamper_proof(secret);
                    verified += 1;
                }
                Err(AuthError::SignatureMismatch) if context["normalize"] == Value::Bool(false) => {
                    unnormalised.push(name)
                }
                // A token that is added to the query string after signing, as one service of AWS's wants it.
                Err(AuthError::SignatureMismatch)
                    if context["omit_session_token"] == Value::Bool(true) && form == "query_signed_request" =>
                {
                    added_later += 1;
                }
                Err(error) => panic!("{name} ({form}): {error}"),
            }
        }
    }
    // Signed without normalising the path, which only the object store's clients do, but under another service's
    // name: what isn't normal there must be refused.
    unnormalised.dedup();
    assert_eq!(unnormalised.len(), 6, "{unnormalised:?}");
    assert!(unnormalised.iter().all(|name| name.ends_with("-unnormalized")));
    assert_eq!(added_later, 1);
    assert_eq!(verified, 2 * (cases.len() - unnormalised.len()) - added_later);
}
