//! Signatures, and encryption with RSA.

use aws_lc_rs::agreement::{self, ParsedPublicKey, ParsedPublicKeyFormat};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{self, EcdsaKeyPair, RsaEncoding, UnparsedPublicKey, VerificationAlgorithm};
use landfall_model::kms::{EncryptionAlgorithm, KeySpec, SigningAlgorithm, SpecFamily};

use super::material::{Refused, Secret, curve};

/// What is signed: a message, or its digest, which somebody else has made.
#[derive(Clone, Copy, Debug)]
pub enum Signed<'a> {
    /// The message.
    Message(&'a [u8]),
    /// Its digest.
    Digest(&'a [u8]),
}

/// The digest that an algorithm signs.
pub fn digest_of(algorithm: SigningAlgorithm) -> &'static digest::Algorithm {
    use SigningAlgorithm as A;
    match algorithm {
        A::RsassaPssSha256 | A::RsassaPkcs1Sha256 | A::EcdsaSha256 => &digest::SHA256,
        A::RsassaPssSha384 | A::RsassaPkcs1Sha384 | A::EcdsaSha384 => &digest::SHA384,
        A::RsassaPssSha512 | A::RsassaPkcs1Sha512 | A::EcdsaSha512 => &digest::SHA512,
    }
}

fn rsa_encoding(algorithm: SigningAlgorithm) -> Option<&'static dyn RsaEncoding> {
    use SigningAlgorithm as A;
    Some(match algorithm {
        A::RsassaPssSha256 => &signature::RSA_PSS_SHA256,
        A::RsassaPssSha384 => &signature::RSA_PSS_SHA384,
        A::RsassaPssSha512 => &signature::RSA_PSS_SHA512,
        A::RsassaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
        A::RsassaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
        A::RsassaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
        A::EcdsaSha256 | A::EcdsaSha384 | A::EcdsaSha512 => return None,
    })
}

fn verification(spec: KeySpec, algorithm: SigningAlgorithm) -> &'static dyn VerificationAlgorithm {
    use SigningAlgorithm as A;
    match algorithm {
        A::RsassaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        A::RsassaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
        A::RsassaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
        A::RsassaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        A::RsassaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        A::RsassaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        A::EcdsaSha384 => &signature::ECDSA_P384_SHA384_ASN1,
        A::EcdsaSha512 => &signature::ECDSA_P521_SHA512_ASN1,
        A::EcdsaSha256 if matches!(spec, KeySpec::EccSecgP256k1) => &signature::ECDSA_P256K1_SHA256_ASN1,
        A::EcdsaSha256 => &signature::ECDSA_P256_SHA256_ASN1,
    }
}

fn import(bytes: &[u8], algorithm: SigningAlgorithm) -> Result<Digest, Refused> {
    Ok(Digest::import_less_safe(bytes, digest_of(algorithm))?)
}

/// Signs. Takes some milliseconds with RSA.
pub fn sign(
    spec: KeySpec,
    secret: &Secret,
    algorithm: SigningAlgorithm,
    signed: Signed<'_>,
) -> Result<Vec<u8>, Refused> {
    match (spec.family(), rsa_encoding(algorithm)) {
        (SpecFamily::Rsa, Some(encoding)) => {
            let key = KeyPair::from_pkcs8(secret.bytes())?;
            let mut made = vec![0; key.public_modulus_len()];
            match signed {
                Signed::Message(message) => key.sign(encoding, &SystemRandom::new(), message, &mut made)?,
                Signed::Digest(bytes) => key.sign_digest(encoding, &import(bytes, algorithm)?, &mut made)?,
            }
            Ok(made)
        }
        (SpecFamily::Ecc, None) => {
            let key = EcdsaKeyPair::from_pkcs8(curve(spec), secret.bytes())?;
            let made = match signed {
                Signed::Message(message) => key.sign(&SystemRandom::new(), message)?,
                Signed::Digest(bytes) => key.sign_digest(&import(bytes, algorithm)?)?,
            };
            Ok(made.as_ref().to_vec())
        }
        _ => Err(Refused),
    }
}

/// Whether a signature is one, by the public half in DER.
pub fn verify(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    signed: Signed<'_>,
    made: &[u8],
) -> Result<bool, Refused> {
    let key = UnparsedPublicKey::new(verification(spec, algorithm), public_key).parse()?;
    let verified = match signed {
        Signed::Message(message) => key.verify_sig(message, made),
        Signed::Digest(bytes) => key.verify_digest_sig(&import(bytes, algorithm)?, made),
    };
    Ok(verified.is_ok())
}

/// The secret that a key shares with whoever has the private half of that public key, in DER. Refused is what is no key
/// of the same curve.
pub fn agree(spec: KeySpec, secret: &Secret, public_key: &[u8]) -> Result<Vec<u8>, Refused> {
    let curve = match spec {
        KeySpec::EccNistP256 => &agreement::ECDH_P256,
        KeySpec::EccNistP384 => &agreement::ECDH_P384,
        KeySpec::EccNistP521 => &agreement::ECDH_P521,
        _ => return Err(Refused),
    };
    let own = agreement::PrivateKey::from_private_key_der(curve, secret.bytes())?;
    let theirs = ParsedPublicKey::try_from(agreement::UnparsedPublicKey::new(curve, public_key))?;
    if theirs.format() != ParsedPublicKeyFormat::X509 {
        return Err(Refused);
    }
    agreement::agree(&own, theirs, Refused, |shared| Ok(shared.to_vec()))
}

fn oaep(algorithm: EncryptionAlgorithm) -> Result<&'static OaepAlgorithm, Refused> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::SymmetricDefault => Err(Refused),
    }
}

/// The most bytes that a public key encrypts.
pub fn most_bytes(public_key: &[u8], algorithm: EncryptionAlgorithm) -> Result<usize, Refused> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key)?)?;
    Ok(key.max_plaintext_size(oaep(algorithm)?))
}

/// Encrypts with the public half.
pub fn encrypt(public_key: &[u8], algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, Refused> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key)?)?;
    let mut made = vec![0; key.ciphertext_size()];
    Ok(key.encrypt(oaep(algorithm)?, plaintext, &mut made, None)?.to_vec())
}

/// Decrypts with the private half.
pub fn decrypt(secret: &Secret, algorithm: EncryptionAlgorithm, ciphertext: &[u8]) -> Result<Vec<u8>, Refused> {
    let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(secret.bytes())?)?;
    let mut made = vec![0; key.min_output_size()];
    Ok(key.decrypt(oaep(algorithm)?, ciphertext, &mut made, None)?.to_vec())
}
