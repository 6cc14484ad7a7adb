//! Message authentication.

use aws_lc_rs::hmac;
use landfall_model::kms::MacAlgorithm;

use super::material::Secret;

fn key(secret: &Secret, algorithm: MacAlgorithm) -> hmac::Key {
    let algorithm = match algorithm {
        MacAlgorithm::HmacSha224 => hmac::HMAC_SHA224,
        MacAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
        MacAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
        MacAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, secret.bytes())
}

/// The code of a message.
pub fn generate(secret: &Secret, algorithm: MacAlgorithm, message: &[u8]) -> Vec<u8> {
    hmac::sign(&key(secret, algorithm), message).as_ref().to_vec()
}

/// Whether that is the code of a message, compared in constant time.
pub fn verify(secret: &Secret, algorithm: MacAlgorithm, message: &[u8], code: &[u8]) -> bool {
    hmac::verify(&key(secret, algorithm), message, code).is_ok()
}
