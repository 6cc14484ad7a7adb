//! Any bytes as the file of a root key: what is read as a locked one asks for bounded memory, and its text is the only one
//! that says the same. None is opened here, which would take seconds on purpose.
#![no_main]

use landfall_state::passphrase::KeyFile;
use libfuzzer_sys::fuzz_target;

const GOOD: &str = "landfall-root-key-1$argon2id$m=65536,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$v1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

fuzz_target!(|input: (usize, &[u8])| {
    let (at, bytes) = input;
    let _ = KeyFile::parse(bytes);
    // A good one with a piece of it replaced.
    let at = at % GOOD.len();
    let mut forged = GOOD.as_bytes()[..at].to_vec();
    forged.extend(bytes);
    forged.extend(GOOD.as_bytes().get(at + bytes.len()..).unwrap_or_default());
    if let Some(KeyFile::Locked(lock)) = KeyFile::parse(&forged) {
        assert_eq!(lock.to_line().as_bytes(), forged);
        assert!(lock.memory_kib() <= 1 << 20);
    }
});
