//! Any text as an identity provider's token, and any as its set of keys: no token that these keys didn't sign is believed.
//! The input is the token up to the first line's end, the rest the keys.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

use token::{Claimed, Jwk, read_keys};

#[path = "../../crates/api/src/web_identity/token.rs"]
#[allow(dead_code)]
mod token;

/// The public halves of the examples in RFC 7515, appendices A.2 and A.3.
const PUBLISHED: &str = r#"{"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
static KEYS: LazyLock<Vec<Jwk>> = LazyLock::new(|| {
    let keys = read_keys(PUBLISHED.as_bytes()).expect("the set is one");
    assert_eq!(keys.len(), 2);
    keys
});

fuzz_target!(|input: &str| {
    let (token, keys) = input.split_once('\n').unwrap_or((input, ""));
    let given = read_keys(keys.as_bytes()).unwrap_or_default();
    let Ok(claimed) = Claimed::read(token) else { return };
    let clients = ["client".to_owned(), String::new()];
    assert!(claimed.prove(&KEYS, &clients, 1_795_341_600).is_err(), "{token}");
    // Keys of a stranger's own may have signed: what it then proves is for somebody who was asked for.
    if let Ok(identity) = claimed.prove(&given, &clients, 1_795_341_600) {
        assert!(!identity.subject.is_empty() && clients.contains(&identity.audience));
    }
});
