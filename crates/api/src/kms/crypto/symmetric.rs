//! Symmetric encryption: AES-256-GCM with a key of its own for each ciphertext.
//!
//! A key keeps one secret. Each version of its material is derived from that by number, so that rotation makes nothing
//! that would have to be sealed, and each ciphertext's key from a version and a random salt. A nonce is never needed twice
//! under one key, so it is always zero, and there is no bound on how much one key may encrypt (NIST SP 800-38D, 8.3, has
//! one for random nonces).

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use landfall_model::kms::{Ciphertext, SALT_BYTES, canonical_context};
use landfall_model::{DataKey, KmsKey};

use super::material::{Refused, Secret};

/// Encrypts with the newest version of a key's material.
pub fn encrypt(
    key: &KmsKey,
    secret: &Secret,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refused> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt)?;
    let mut ciphertext =
        Ciphertext { scope: key.scope, key: key.id, version: key.version(), salt, sealed: plaintext.to_vec() };
    let aad = authenticated(&ciphertext, context);
    let sealer = derive(secret, &ciphertext)?;
    sealer.seal_in_place_append_tag(nonce(), Aad::from(aad), &mut ciphertext.sealed)?;
    Ok(ciphertext.to_bytes())
}

/// Decrypts; refused is what was changed, or encrypted with another key or for another context.
pub fn decrypt(
    secret: &Secret,
    mut ciphertext: Ciphertext,
    context: &BTreeMap<String, String>,
) -> Result<Vec<u8>, Refused> {
    let aad = authenticated(&ciphertext, context);
    let opener = derive(secret, &ciphertext)?;
    let length = opener.open_in_place(nonce(), Aad::from(aad), &mut ciphertext.sealed)?.len();
    ciphertext.sealed.truncate(length);
    Ok(ciphertext.sealed)
}

/// What is authenticated with the sealed bytes. The header's length follows from its own first bytes, so that it can't be
/// taken for the beginning of the context.
fn authenticated(ciphertext: &Ciphertext, context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut aad = ciphertext.header();
    aad.extend(canonical_context(context));
    aad
}

/// A data key: derived as a ciphertext's key is, so that it is nowhere but where it is used.
pub fn data_key(secret: &Secret, data_key: &DataKey) -> hmac::Tag {
    let version = material_version(secret, data_key.version);
    step(version.as_ref(), "landfall kms data key ", data_key.salt.as_bytes())
}

fn derive(secret: &Secret, ciphertext: &Ciphertext) -> Result<LessSafeKey, Refused> {
    let version = material_version(secret, ciphertext.version);
    let key = step(version.as_ref(), "landfall kms ciphertext ", &ciphertext.salt);
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref())?))
}

fn material_version(secret: &Secret, version: u32) -> hmac::Tag {
    step(secret.bytes(), "landfall kms material ", &version.to_be_bytes())
}

fn step(key: &[u8], purpose: &str, about: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, &[purpose.as_bytes(), about].concat())
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
