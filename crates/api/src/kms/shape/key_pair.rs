//! Data key pairs: made for use outside, the private half given out with its ciphertext under a key.

use landfall_cloud::View;
use landfall_model::kms::{KeySpec, KeyUsage};
use serde::{Deserialize, Serialize};

use super::data_key::EncryptionContext;
use super::key::{check_algorithm, usable};
use crate::kms::crypto::material::{self, Made};
use crate::kms::crypto::symmetric;
use crate::{ApiError, Outside};

/// What a pair is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairSpec {
    /// RSA, 2048 bits.
    #[serde(rename = "RSA_2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[serde(rename = "RSA_3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[serde(rename = "RSA_4096")]
    Rsa4096,
    /// NIST's P-256.
    #[serde(rename = "ECC_NIST_P256")]
    EccNistP256,
    /// NIST's P-384.
    #[serde(rename = "ECC_NIST_P384")]
    EccNistP384,
    /// NIST's P-521.
    #[serde(rename = "ECC_NIST_P521")]
    EccNistP521,
    /// The curve of cryptocurrencies.
    #[serde(rename = "ECC_SECG_P256K1")]
    EccSecgP256k1,
}

impl PairSpec {
    /// The same as a key's spec.
    pub const fn spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
            Self::EccNistP256 => KeySpec::EccNistP256,
            Self::EccNistP384 => KeySpec::EccNistP384,
            Self::EccNistP521 => KeySpec::EccNistP521,
            Self::EccSecgP256k1 => KeySpec::EccSecgP256k1,
        }
    }
}

/// A pair that was made.
pub struct DataKeyPair {
    /// Its private half, in PKCS #8.
    pub private: Vec<u8>,
    /// Its private half, encrypted.
    pub ciphertext: Vec<u8>,
    /// Its public half, in DER.
    pub public: Vec<u8>,
}

/// Makes a pair. RSA takes up to seconds, so it is made on a thread where that may be.
pub async fn make(
    outside: &Outside,
    view: View<'_>,
    key: &str,
    context: &EncryptionContext,
    spec: PairSpec,
) -> Result<DataKeyPair, ApiError> {
    let key = usable(&view, key, KeyUsage::EncryptDecrypt)?;
    check_algorithm(key, Default::default())?;
    let made = tokio::task::spawn_blocking(move || material::make(spec.spec())).await;
    let Made { secret, public_key } = made.map_err(|_| ApiError::internal())??;
    let opened = material::open(&outside.vault, key)?;
    let ciphertext = symmetric::encrypt(key, &opened, context, &secret)?;
    Ok(DataKeyPair { private: secret, ciphertext, public: public_key.unwrap_or_default() })
}
