//! The key that a secret yields for one day, region and service.

use std::fmt;

use aws_lc_rs::hmac;

use super::TERMINATOR;

/// A derived key. It signs for one scope only, so it can be kept for as long as that scope is in use; dropping
/// it is all that is needed when its secret is revoked.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Derives the key of `secret` for a date (`20261122`), a region and a service.
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let prefixed = zeroize::Zeroizing::new(["AWS4", secret].concat());
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, prefixed.as_bytes());
        for part in [date, region, service, TERMINATOR] {
            let tag = hmac::sign(&key, part.as_bytes());
            key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
        }
        Self(key)
    }

    /// Compares in constant time.
    pub(super) fn is_signature(&self, message: &[u8], signature: &[u8; 32]) -> bool {
        hmac::verify(&self.0, message, signature).is_ok()
    }

    /// The signature of a message, for clients and tests.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut signature = [0; 32];
        signature.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
