//! Key material: made outside transactions, sealed before it is seen by one, and opened for a single use.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _};
use aws_lc_rs::{pkcs8, rsa};
use landfall_model::KmsKey;
use landfall_model::kms::{KeySpec, SealedMaterial, SpecFamily};

use crate::error::ApiError;
use crate::vault::Vault;

/// Material that was just made.
pub struct Made {
    /// The secret: random bytes, or the private half in PKCS #8.
    pub secret: Vec<u8>,
    /// The public half in DER, where there is one.
    pub public_key: Option<Vec<u8>>,
}

/// That the crypto library made no key, or can't read the one that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the crypto library refused")]
pub struct Refused;

impl From<aws_lc_rs::error::Unspecified> for Refused {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<aws_lc_rs::error::KeyRejected> for Refused {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Self {
        Self
    }
}

impl From<Refused> for ApiError {
    fn from(_: Refused) -> Self {
        tracing::error!("the crypto library refused what it should not");
        ApiError::internal()
    }
}

/// Makes a key's material. RSA takes up to seconds.
pub fn make(spec: KeySpec) -> Result<Made, Refused> {
    match spec.family() {
        SpecFamily::Symmetric | SpecFamily::Hmac => {
            let mut secret = vec![0; spec.material_bytes()];
            aws_lc_rs::rand::fill(&mut secret)?;
            Ok(Made { secret, public_key: None })
        }
        SpecFamily::Rsa => {
            let key = rsa::KeyPair::generate(match spec {
                KeySpec::Rsa2048 => KeySize::Rsa2048,
                KeySpec::Rsa3072 => KeySize::Rsa3072,
                _ => KeySize::Rsa4096,
            })?;
            let secret = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)?.as_ref().to_vec();
            let public = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key())?;
            Ok(Made { secret, public_key: Some(public.as_ref().to_vec()) })
        }
        SpecFamily::Ecc => {
            let key = EcdsaKeyPair::generate(curve(spec))?;
            let secret: pkcs8::Document = key.to_pkcs8v1()?;
            let public = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key())?;
            Ok(Made { secret: secret.as_ref().to_vec(), public_key: Some(public.as_ref().to_vec()) })
        }
    }
}

/// How keys of that curve sign, with signatures in DER.
pub fn curve(spec: KeySpec) -> &'static EcdsaSigningAlgorithm {
    match spec {
        KeySpec::EccNistP384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        KeySpec::EccNistP521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        KeySpec::EccSecgP256k1 => &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
        _ => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

/// Seals what was made, with a wrapping key of its own that is durable by then.
pub fn seal(vault: &Vault, mut made: Made) -> Result<(SealedMaterial, Option<Vec<u8>>), ApiError> {
    let wrapped = vault.wrap(&made.secret);
    made.secret.fill(0);
    let (wrapping, sealed) = wrapped.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "sealing key material");
        ApiError::internal()
    })?;
    Ok((SealedMaterial { wrapping, sealed }, made.public_key))
}

/// Makes and seals a key's material on a thread where that may take its time.
pub async fn make_sealed(vault: &Vault, spec: KeySpec) -> Result<(SealedMaterial, Option<Vec<u8>>), ApiError> {
    let vault = vault.clone();
    aside(move || seal(&vault, make(spec)?)).await
}

/// Does what takes its time on a thread where that may be.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "working with key material");
        ApiError::internal()
    })?
}

/// A key's opened secret. It is overwritten when it is let go.
pub struct Secret(Vec<u8>);

impl Secret {
    /// Those bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

/// Opens the material that a key uses.
pub fn open(vault: &Vault, key: &KmsKey) -> Result<Secret, ApiError> {
    open_version(vault, key, key.version())
}

/// Opens a version of a key's material.
pub fn open_version(vault: &Vault, key: &KmsKey, version: u32) -> Result<Secret, ApiError> {
    let unavailable = || ApiError::new("KMSInvalidStateException", format!("{} is unavailable.", key.arn()));
    let sealed = key.sealed(version).ok_or_else(unavailable)?;
    vault.unwrap(&sealed.wrapping, &sealed.sealed).map(Secret).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, key = %key.id, "opening key material");
        unavailable()
    })
}
