//! Any text as the token of a session: none is believed that wasn't sealed here, and none that was breaks its reader,
//! whatever an older version may have sealed.
#![no_main]

use std::sync::LazyLock;

use landfall_state::RootKey;
use libfuzzer_sys::fuzz_target;

use session::Session;
use vault::Vault;

#[path = "../../crates/api/src/session.rs"]
#[allow(dead_code)]
mod session;

/// As much of the API's vault as sessions ask for.
mod vault {
    use landfall_state::RootKey;

    pub struct Vault(pub RootKey);

    impl Vault {
        pub fn issue(&self, purpose: &str, context: &str, text: &[u8]) -> String {
            self.0.issue(purpose, context, text)
        }

        pub fn redeem(&self, purpose: &str, context: &str, issued: &str) -> Option<Vec<u8>> {
            self.0.redeem(purpose, context, issued).ok()
        }
    }
}

/// Another one in each run: what an earlier run sealed is in the corpus, for a fuzzer looks into its process.
fn key() -> RootKey {
    use std::hash::{BuildHasher, RandomState};
    let word = |n: u64| RandomState::new().hash_one(n).to_le_bytes();
    let mut bytes = [0; 32];
    (0..4).for_each(|n| bytes[8 * n..8 * n + 8].copy_from_slice(&word(n as u64)));
    RootKey::from_bytes(&bytes)
}

static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault(key()));
static GOOD: LazyLock<String> = LazyLock::new(|| {
    let session = r#"{"access_key":"ASIAEXAMPLE012345678","secret":"s","account":"111122223333","principal":"AROAEXAMPLE0123456","kind":{"Role":"ann"},"policies":["{\"Version\":\"2012-10-17\",\"Statement\":[]}"],"issued_at":1795341600000,"expires_at":1795345200000}"#;
    let token = VAULT.issue("session tokens", "", session.as_bytes());
    assert!(Session::open(&VAULT, &token).is_some(), "what is altered below must be good before");
    token
});

fuzz_target!(|input: (u16, &str)| {
    let (at, text) = input;
    // The good one of this run is found, too.
    assert!(text == *GOOD || Session::open(&VAULT, text).is_none(), "{text}");
    // A good one with a piece of it replaced.
    let at = usize::from(at) % GOOD.len();
    if let (Some(start), rest) = (GOOD.get(..at), GOOD.get(at + text.len()..).unwrap_or_default()) {
        let forged = format!("{start}{text}{rest}");
        assert!(forged == *GOOD || Session::open(&VAULT, &forged).is_none(), "{forged}");
    }
    let Some(read) = Session::open(&VAULT, &VAULT.issue("session tokens", "", text.as_bytes())) else { return };
    let documents = read.policies().len();
    let _shown = (read.user_id(), read.is_limited());
    let again = Session::open(&VAULT, &read.seal(&VAULT)).expect("what was read is read again");
    assert_eq!(again.policies().len(), documents);
    assert_eq!(format!("{again:?}"), format!("{read:?}"));
});
