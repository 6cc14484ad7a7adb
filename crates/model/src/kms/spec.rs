//! What keys are made of and what may be done with them: which algorithms go with which key. Source: the KMS Developer
//! Guide, "Key spec reference".

use serde::{Deserialize, Serialize};

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeySpec {
    SymmetricDefault,
    #[serde(rename = "HMAC_224")]
    Hmac224,
    #[serde(rename = "HMAC_256")]
    Hmac256,
    #[serde(rename = "HMAC_384")]
    Hmac384,
    #[serde(rename = "HMAC_512")]
    Hmac512,
    #[serde(rename = "RSA_2048")]
    Rsa2048,
    #[serde(rename = "RSA_3072")]
    Rsa3072,
    #[serde(rename = "RSA_4096")]
    Rsa4096,
    #[serde(rename = "ECC_NIST_P256")]
    EccNistP256,
    #[serde(rename = "ECC_NIST_P384")]
    EccNistP384,
    #[serde(rename = "ECC_NIST_P521")]
    EccNistP521,
    #[serde(rename = "ECC_SECG_P256K1")]
    EccSecgP256k1,
}

/// Kinds of specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SpecFamily {
    Symmetric,
    Hmac,
    Rsa,
    Ecc,
}

/// What may be done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyUsage {
    EncryptDecrypt,
    SignVerify,
    GenerateVerifyMac,
    KeyAgreement,
}

/// How bytes are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EncryptionAlgorithm {
    #[default]
    #[serde(rename = "SYMMETRIC_DEFAULT")]
    SymmetricDefault,
    #[serde(rename = "RSAES_OAEP_SHA_1")]
    RsaesOaepSha1,
    #[serde(rename = "RSAES_OAEP_SHA_256")]
    RsaesOaepSha256,
}

/// How messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SigningAlgorithm {
    #[serde(rename = "RSASSA_PSS_SHA_256")]
    RsassaPssSha256,
    #[serde(rename = "RSASSA_PSS_SHA_384")]
    RsassaPssSha384,
    #[serde(rename = "RSASSA_PSS_SHA_512")]
    RsassaPssSha512,
    #[serde(rename = "RSASSA_PKCS1_V1_5_SHA_256")]
    RsassaPkcs1Sha256,
    #[serde(rename = "RSASSA_PKCS1_V1_5_SHA_384")]
    RsassaPkcs1Sha384,
    #[serde(rename = "RSASSA_PKCS1_V1_5_SHA_512")]
    RsassaPkcs1Sha512,
    #[serde(rename = "ECDSA_SHA_256")]
    EcdsaSha256,
    #[serde(rename = "ECDSA_SHA_384")]
    EcdsaSha384,
    #[serde(rename = "ECDSA_SHA_512")]
    EcdsaSha512,
}

/// How messages are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MacAlgorithm {
    #[serde(rename = "HMAC_SHA_224")]
    HmacSha224,
    #[serde(rename = "HMAC_SHA_256")]
    HmacSha256,
    #[serde(rename = "HMAC_SHA_384")]
    HmacSha384,
    #[serde(rename = "HMAC_SHA_512")]
    HmacSha512,
}

/// The word by which a value goes on the wire.
macro_rules! words {
    ($($type:ident),*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.serialize(f)
            }
        }
    )*};
}

words!(KeySpec, KeyUsage, EncryptionAlgorithm, SigningAlgorithm, MacAlgorithm);

impl KeySpec {
    /// Its kind.
    pub const fn family(self) -> SpecFamily {
        match self {
            Self::SymmetricDefault => SpecFamily::Symmetric,
            Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => SpecFamily::Hmac,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => SpecFamily::Rsa,
            Self::EccNistP256 | Self::EccNistP384 | Self::EccNistP521 | Self::EccSecgP256k1 => SpecFamily::Ecc,
        }
    }

    /// Whether a key of this kind may be for that.
    pub const fn allows(self, usage: KeyUsage) -> bool {
        match self.family() {
            SpecFamily::Symmetric => matches!(usage, KeyUsage::EncryptDecrypt),
            SpecFamily::Hmac => matches!(usage, KeyUsage::GenerateVerifyMac),
            SpecFamily::Rsa => matches!(usage, KeyUsage::EncryptDecrypt | KeyUsage::SignVerify),
            SpecFamily::Ecc => match usage {
                KeyUsage::SignVerify => true,
                KeyUsage::KeyAgreement => !matches!(self, Self::EccSecgP256k1),
                _ => false,
            },
        }
    }

    /// Bytes of a key's material, where that is just random bytes.
    pub const fn material_bytes(self) -> usize {
        match self {
            Self::Hmac224 => 28,
            Self::Hmac384 => 48,
            Self::Hmac512 => 64,
            _ => 32,
        }
    }
}

/// The algorithms by which a key encrypts.
pub const fn encryption_algorithms(spec: KeySpec, usage: KeyUsage) -> &'static [EncryptionAlgorithm] {
    use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256, SymmetricDefault};
    match (spec.family(), usage) {
        (SpecFamily::Symmetric, _) => &[SymmetricDefault],
        (SpecFamily::Rsa, KeyUsage::EncryptDecrypt) => &[RsaesOaepSha1, RsaesOaepSha256],
        _ => &[],
    }
}

/// The algorithms by which a key signs.
pub const fn signing_algorithms(spec: KeySpec, usage: KeyUsage) -> &'static [SigningAlgorithm] {
    use SigningAlgorithm::{
        EcdsaSha256, EcdsaSha384, EcdsaSha512, RsassaPkcs1Sha256, RsassaPkcs1Sha384, RsassaPkcs1Sha512,
        RsassaPssSha256, RsassaPssSha384, RsassaPssSha512,
    };
    if !matches!(usage, KeyUsage::SignVerify) {
        return &[];
    }
    match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &[
            RsassaPkcs1Sha256,
            RsassaPkcs1Sha384,
            RsassaPkcs1Sha512,
            RsassaPssSha256,
            RsassaPssSha384,
            RsassaPssSha512,
        ],
        KeySpec::EccNistP256 | KeySpec::EccSecgP256k1 => &[EcdsaSha256],
        KeySpec::EccNistP384 => &[EcdsaSha384],
        KeySpec::EccNistP521 => &[EcdsaSha512],
        _ => &[],
    }
}

/// The algorithms by which a key authenticates.
pub const fn mac_algorithms(spec: KeySpec) -> &'static [MacAlgorithm] {
    match spec {
        KeySpec::Hmac224 => &[MacAlgorithm::HmacSha224],
        KeySpec::Hmac256 => &[MacAlgorithm::HmacSha256],
        KeySpec::Hmac384 => &[MacAlgorithm::HmacSha384],
        KeySpec::Hmac512 => &[MacAlgorithm::HmacSha512],
        _ => &[],
    }
}
