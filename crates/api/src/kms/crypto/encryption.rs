//! Encryption by whatever a key is made of.

use std::collections::BTreeMap;

use landfall_model::KmsKey;
use landfall_model::kms::{Ciphertext, EncryptionAlgorithm};

use super::material::{self, Refused};
use super::{asymmetric, symmetric};
use crate::ApiError;
use crate::vault::Vault;

/// The most bytes that a symmetric key encrypts at once.
const MOST_BYTES: usize = 4096;

/// A plaintext, with the name of the material that opened it.
pub struct Opened<'v> {
    /// The plaintext.
    pub plaintext: Vec<u8>,
    /// AWS's name of the material, where it has one.
    pub material: Option<&'v str>,
}

/// That a ciphertext isn't one, or was changed, or is for another context or key. AWS says no more than that.
pub fn invalid() -> ApiError {
    ApiError::new("InvalidCiphertextException", "")
}

/// Encrypts; `context` goes with symmetric keys alone.
pub fn encrypt(
    vault: &Vault,
    key: &KmsKey,
    algorithm: EncryptionAlgorithm,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let public_key = key.public_key.as_deref();
    let most = match public_key {
        Some(public) => asymmetric::most_bytes(public, algorithm)?,
        None => MOST_BYTES,
    };
    if !(1..=most).contains(&plaintext.len()) {
        let message = format!(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and {most}"
        );
        return Err(ApiError::new("ValidationException", message));
    }
    match public_key {
        Some(public) => {
            check_no_context(context)?;
            Ok(asymmetric::encrypt(public, algorithm, plaintext)?)
        }
        None => Ok(symmetric::encrypt(key, &material::open(vault, key)?, context, plaintext)?),
    }
}

/// Decrypts what that key encrypted.
pub fn decrypt<'v>(
    vault: &Vault,
    key: &'v KmsKey,
    algorithm: EncryptionAlgorithm,
    context: &BTreeMap<String, String>,
    ciphertext: &[u8],
) -> Result<Opened<'v>, ApiError> {
    if key.public_key.is_some() {
        check_no_context(context)?;
        let secret = material::open(vault, key)?;
        let plaintext = asymmetric::decrypt(&secret, algorithm, ciphertext).map_err(|Refused| invalid())?;
        return Ok(Opened { plaintext, material: None });
    }
    let ciphertext = Ciphertext::parse(ciphertext).map_err(|_| invalid())?;
    if (key.scope, key.id) != (ciphertext.scope, ciphertext.key) {
        let message = "The key ID in the request does not identify a CMK that can perform this operation.";
        return Err(ApiError::new("IncorrectKeyException", message));
    }
    let version = ciphertext.version;
    // Material that was made here has versions by their numbers alone.
    if key.sealed(version).is_none() {
        return Err(invalid());
    }
    let secret = material::open_version(vault, key, version)?;
    let plaintext = symmetric::decrypt(&secret, ciphertext, context).map_err(|Refused| invalid())?;
    let material = key.versions.iter().find(|made| made.number == version).map(|made| made.id.as_str());
    Ok(Opened { plaintext, material })
}

fn check_no_context(context: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if context.is_empty() {
        return Ok(());
    }
    let message = "EncryptionContext is not supported with asymmetric keys.";
    Err(ApiError::new("ValidationException", message))
}
