//! Material that its owner brings: how it is unwrapped, and whether it is what a key can be made of.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use landfall_model::KmsKey;
use landfall_model::kms::{EncryptionAlgorithm, KeySpec, SpecFamily, WrappingAlgorithm, WrappingKeySpec};

use super::asymmetric;
use super::material::{Made, Refused, Secret, curve};
use crate::vault::Vault;

/// What ids of material are derived for.
const PURPOSE: &str = "ids of imported key material";

/// Unwraps material that was wrapped for that RSA key. The RSA_AES algorithms wrap it with an AES key (RFC 5649), and that
/// with the RSA key; both follow upon each other. Source: the KMS Developer Guide, "Select a wrapping algorithm".
pub fn unwrap(
    private: &Secret,
    spec: WrappingKeySpec,
    algorithm: WrappingAlgorithm,
    wrapped: &[u8],
) -> Result<Secret, Refused> {
    use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256};
    let oaep = match algorithm {
        WrappingAlgorithm::RsaesOaepSha1 | WrappingAlgorithm::RsaAesKeyWrapSha1 => RsaesOaepSha1,
        WrappingAlgorithm::RsaesOaepSha256 | WrappingAlgorithm::RsaAesKeyWrapSha256 => RsaesOaepSha256,
    };
    if !algorithm.wraps_twice() {
        return asymmetric::decrypt(private, oaep, wrapped).map(Secret::new);
    }
    let (key, material) = wrapped.split_at_checked(spec.bytes()).ok_or(Refused)?;
    let key = Secret::new(asymmetric::decrypt(private, oaep, key)?);
    let mut opened = vec![0; material.len()];
    let length = AesKek::new(&AES_256, key.bytes())?.unwrap_with_padding(material, &mut opened)?.len();
    opened.truncate(length);
    Ok(Secret::new(opened))
}

/// Reads material for a key of that spec: random bytes of its length, or a private key in PKCS #8.
pub fn read(spec: KeySpec, material: &Secret) -> Result<Made, Refused> {
    let bytes = material.bytes();
    let public_key = match spec.family() {
        SpecFamily::Symmetric | SpecFamily::Hmac if bytes.len() == spec.material_bytes() => None,
        SpecFamily::Symmetric | SpecFamily::Hmac => return Err(Refused),
        SpecFamily::Rsa => {
            let key = rsa::KeyPair::from_pkcs8(bytes)?;
            let modulus_bytes = match spec {
                KeySpec::Rsa2048 => 256,
                KeySpec::Rsa3072 => 384,
                _ => 512,
            };
            if key.public_modulus_len() != modulus_bytes {
                return Err(Refused);
            }
            Some(AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key())?.as_ref().to_vec())
        }
        SpecFamily::Ecc => {
            let key = EcdsaKeyPair::from_pkcs8(curve(spec), bytes)?;
            Some(AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key())?.as_ref().to_vec())
        }
    };
    Ok(Made { secret: bytes.to_vec(), public_key })
}

/// The id of material of a key. It takes the root key to tell whether a guess is right. Of a pair the public half counts:
/// a private key has several spellings.
pub fn id(vault: &Vault, key: &KmsKey, made: &Made) -> String {
    let derived = hmac::Key::new(hmac::HMAC_SHA256, &vault.derive(PURPOSE));
    let what = made.public_key.as_ref().unwrap_or(&made.secret);
    let tag = hmac::sign(&derived, &[key.arn().to_string().as_bytes(), &[0], what].concat());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
