//! AWS Signature Version 4, on the side that verifies.
//!
//! In two steps, since the secret is looked up between them: [`parse`] reads who claims to have signed what, in
//! which scope; [`verify`] checks that claim with the key that belongs to it. Deriving that key costs four HMACs
//! and depends on the scope alone, so it is a value of its own ([`SigningKey`]) that callers keep.
//!
//! The rules are those of "Create a signed AWS API request" in the IAM user guide. What AWS leaves open is
//! decided strictly: whatever could be read in two ways is refused, all `x-amz-` headers that
//! decide anything must be signed, and the whole body is always covered.

mod canonical;
mod claim;
mod error;
mod key;
mod moment;
mod sign;

pub use claim::{Claim, Place, Scope, parse};
pub use error::AuthError;
pub use key::SigningKey;
pub use sign::{amz_date, presign, sign};

use aws_lc_rs::digest;

use crate::protocol::RequestParts;

/// How far the clocks of client and server may be apart.
pub const MAX_SKEW_MS: i64 = 15 * 60 * 1_000;

/// The only algorithm that is verified.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The end of every credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// The body of a request, or its hash where the caller has it.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The body itself.
    Bytes(&'a [u8]),
    /// Its SHA-256.
    Sha256([u8; 32]),
}

impl Payload<'_> {
    fn sha256(self) -> [u8; 32] {
        match self {
            Payload::Sha256(hash) => hash,
            Payload::Bytes(bytes) => {
                let mut hash = [0; 32];
                hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
                hash
            }
        }
    }
}

/// Verifies that `claim`, which [`parse`] read from the same request, was made with `key` and not long ago.
///
/// # Errors
/// When the clocks disagree, the body isn't the one that was signed, or the signature is another.
pub fn verify(
    claim: &Claim,
    parts: &RequestParts<'_>,
    payload: Payload<'_>,
    key: &SigningKey,
    now_ms: i64,
) -> Result<(), AuthError> {
    claim.check_time(now_ms)?;
    let payload_text = canonical::payload_text(claim, parts, payload)?;
    let request_hash = canonical::request_hash(claim, parts, &payload_text)?;
    let string_to_sign = canonical::string_to_sign(claim, &request_hash);
    if key.is_signature(string_to_sign.as_bytes(), &claim.signature) {
        Ok(())
    } else {
        Err(AuthError::SignatureMismatch)
    }
}

/// Appends the lower-case hexadecimal digits of `bytes`.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}
