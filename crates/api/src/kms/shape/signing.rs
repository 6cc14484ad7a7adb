//! What Sign and Verify have in common.

use landfall_cloud::kms::KmsFault;
use landfall_model::KmsKey;
use landfall_model::kms::{SigningAlgorithm, signing_algorithms};
use serde::{Deserialize, Serialize};

use crate::kms::crypto::asymmetric::{Signed, digest_of};

/// The most bytes of a message.
const MOST_BYTES: usize = 4096;

/// Whether a message or its digest is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageType {
    /// The message.
    #[default]
    #[serde(rename = "RAW")]
    Raw,
    /// Its digest.
    #[serde(rename = "DIGEST")]
    Digest,
}

impl std::fmt::Display for MessageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// What is signed, if it is as long as it must be.
pub fn signed(algorithm: SigningAlgorithm, kind: MessageType, bytes: &[u8]) -> Result<Signed<'_>, KmsFault> {
    if !(1..=MOST_BYTES).contains(&bytes.len()) {
        return Err(KmsFault::Validation(format!(
            "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length between 1 and {MOST_BYTES}"
        )));
    }
    match kind {
        MessageType::Raw => Ok(Signed::Message(bytes)),
        MessageType::Digest if bytes.len() == digest_of(algorithm).output_len() => Ok(Signed::Digest(bytes)),
        MessageType::Digest => {
            Err(KmsFault::Validation(format!("Digest is invalid length for algorithm {algorithm}.")))
        }
    }
}

/// That a key signs in that way.
pub fn check_signing(row: &KmsKey, algorithm: SigningAlgorithm) -> Result<(), KmsFault> {
    if signing_algorithms(row.spec, row.usage).contains(&algorithm) {
        return Ok(());
    }
    Err(KmsFault::Usage(format!("Algorithm {algorithm} and key spec {} are incompatible.", row.spec)))
}
