//! Any bytes as a ciphertext of KMS's: what is read is written again as it was.
#![no_main]

use landfall_model::kms::Ciphertext;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = Ciphertext::parse(bytes) else { return };
    assert_eq!(read.to_bytes(), bytes);
});
