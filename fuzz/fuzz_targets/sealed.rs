//! Any text as a sealed one, or as one that was handed out, which is what tokens of sessions are: none opens that wasn't
//! sealed with the key.
#![no_main]

use std::sync::LazyLock;

use landfall_state::{RootKey, Sealed};
use libfuzzer_sys::fuzz_target;

/// Another one in each run: what an earlier run sealed is in the corpus, for a fuzzer looks into its process.
fn key() -> RootKey {
    use std::hash::{BuildHasher, RandomState};
    let word = |n: u64| RandomState::new().hash_one(n).to_le_bytes();
    let mut bytes = [0; 32];
    (0..4).for_each(|n| bytes[8 * n..8 * n + 8].copy_from_slice(&word(n as u64)));
    RootKey::from_bytes(&bytes)
}

static KEY: LazyLock<RootKey> = LazyLock::new(key);
static GOOD: LazyLock<String> = LazyLock::new(|| KEY.seal("session", b"{}").to_string());
static ISSUED: LazyLock<String> = LazyLock::new(|| KEY.issue("tokens", "session", b"{}"));

fuzz_target!(|input: (usize, &str)| {
    let (at, text) = input;
    // The good texts of this run are found, too.
    if let Ok(sealed) = text.parse::<Sealed>() {
        assert!(text == *GOOD || KEY.open("session", &sealed).is_err(), "{text}");
    }
    assert!(text == *ISSUED || KEY.redeem("tokens", "session", text).is_err(), "{text}");
    let place = at % ISSUED.len();
    if let Some(start) = ISSUED.get(..place) {
        let forged = format!("{start}{text}{}", ISSUED.get(place + text.len()..).unwrap_or_default());
        assert!(forged == *ISSUED || KEY.redeem("tokens", "session", &forged).is_err(), "{forged}");
    }
    // A good one with a piece of it replaced.
    let at = at % GOOD.len();
    let rest = GOOD.get(at + text.len()..).unwrap_or_default();
    if let Some(start) = GOOD.get(..at) {
        let forged = format!("{start}{text}{rest}");
        if forged != *GOOD
            && let Ok(sealed) = forged.parse::<Sealed>()
        {
            assert!(KEY.open("session", &sealed).is_err(), "{forged}");
        }
    }
});
