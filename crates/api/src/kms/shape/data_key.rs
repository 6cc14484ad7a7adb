//! Data keys: random bytes, given out with their ciphertext under a key.

use std::collections::BTreeMap;

use landfall_cloud::kms::KmsFault;
use landfall_model::KmsKey;
use landfall_model::kms::KeyUsage;
use serde::Deserialize;

use super::key::{check_algorithm, usable};
use crate::kms::crypto::{material, symmetric};
use crate::{ApiError, Look};

/// What a ciphertext is for.
pub type EncryptionContext = BTreeMap<String, String>;

/// How long a data key is.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum DataKeySpec {
    /// 256 bits.
    #[serde(rename = "AES_256")]
    Aes256,
    /// 128 bits.
    #[serde(rename = "AES_128")]
    Aes128,
}

/// The most random bytes that are made at once.
pub const MOST_BYTES: usize = 1024;

/// How many bytes are asked for: by number or by what they are for.
pub fn length(number: Option<usize>, spec: Option<DataKeySpec>) -> Result<usize, ApiError> {
    match (number, spec) {
        (Some(number), None) => check_length(number),
        (None, Some(DataKeySpec::Aes256)) => Ok(32),
        (None, Some(DataKeySpec::Aes128)) => Ok(16),
        _ => {
            let message = "Please specify either number of bytes or key spec.";
            Err(KmsFault::Validation(message.into()).into())
        }
    }
}

/// That so many bytes can be made.
pub fn check_length(number: usize) -> Result<usize, ApiError> {
    if (1..=MOST_BYTES).contains(&number) {
        return Ok(number);
    }
    let message = format!(
        "1 validation error detected: Value '{number}' at 'numberOfBytes' failed to satisfy constraint: Member must have value between 1 and {MOST_BYTES}"
    );
    Err(KmsFault::Validation(message).into())
}

/// A data key that was made.
pub struct DataKey<'v> {
    /// The key that encrypts it.
    pub key: &'v KmsKey,
    /// Its bytes.
    pub plaintext: Vec<u8>,
    /// Its bytes, encrypted.
    pub ciphertext: Vec<u8>,
}

/// Makes a data key.
pub fn make<'v>(
    look: &Look<'v, '_>,
    key: &str,
    context: &EncryptionContext,
    length: usize,
) -> Result<DataKey<'v>, ApiError> {
    let key = usable(&look.view, key, KeyUsage::EncryptDecrypt)?;
    check_algorithm(key, Default::default())?;
    let secret = material::open(&look.outside.vault, key)?;
    let mut plaintext = vec![0; length];
    aws_lc_rs::rand::fill(&mut plaintext).map_err(|_| ApiError::internal())?;
    let ciphertext = symmetric::encrypt(key, &secret, context, &plaintext)?;
    Ok(DataKey { key, plaintext, ciphertext })
}
