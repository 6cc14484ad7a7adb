//! Material that its owner brings: what was imported into a key, and how material travels.

use serde::{Deserialize, Serialize};

use super::{KeyOrigin, KeySpec, KmsKey, SealedMaterial};
use crate::time::Timestamp;

/// Material that was imported into a key. It is remembered after it was deleted, so that no other takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Which material: 64 hexadecimal digits that follow from the key and the material, and give neither away.
    pub id: String,
    /// The material, while it is there.
    pub material: Option<SealedMaterial>,
    /// When it is to be forgotten by itself.
    pub expires_at: Option<Timestamp>,
    /// What its owner says of it.
    pub description: Option<String>,
}

impl Import {
    /// When it is to be forgotten, in milliseconds.
    pub(super) fn due(&self) -> Option<i64> {
        self.material.as_ref().and(self.expires_at).map(Timestamp::as_millis)
    }

    /// How AWS says whether it expires.
    pub const fn expiration_model(&self) -> &'static str {
        if self.expires_at.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" }
    }
}

impl KmsKey {
    /// Whether it has all material that it needs.
    pub(super) fn has_material(&self) -> bool {
        match self.origin {
            KeyOrigin::AwsKms => self.material.is_some(),
            KeyOrigin::External => {
                let mut bound = self.imports.iter().filter(|import| self.is_bound(import)).peekable();
                bound.peek().is_some() && bound.all(|import| import.material.is_some())
            }
        }
    }

    /// Whether the key has come to use that import. One that waits for a rotation may still be exchanged for another.
    pub fn is_bound(&self, import: &Import) -> bool {
        self.spec != KeySpec::SymmetricDefault || self.versions.iter().any(|version| version.id == import.id)
    }

    /// The import that waits for a rotation.
    pub fn waiting_import(&self) -> Option<&Import> {
        self.imports.iter().find(|import| !self.is_bound(import))
    }

    /// The import of that id.
    pub fn import(&self, id: &str) -> Option<&Import> {
        self.imports.iter().find(|import| import.id == id)
    }

    /// The import that is used.
    pub fn current_import(&self) -> Option<&Import> {
        match self.material_id() {
            Some(id) => self.import(id),
            None => self.imports.first(),
        }
    }

    /// The sealed material of a version; keys without versions have but one.
    pub fn sealed(&self, version: u32) -> Option<&SealedMaterial> {
        if self.origin == KeyOrigin::AwsKms {
            return self.material.as_ref();
        }
        let import = match self.spec {
            KeySpec::SymmetricDefault => {
                let id = &self.versions.iter().find(|made| made.number == version)?.id;
                self.import(id)?
            }
            _ => self.imports.first()?,
        };
        import.material.as_ref()
    }

    /// All sealed material that it has.
    pub fn materials(&self) -> impl Iterator<Item = &SealedMaterial> {
        self.material.iter().chain(self.imports.iter().filter_map(|import| import.material.as_ref()))
    }
}

/// The key that material is wrapped with on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum WrappingKeySpec {
    #[serde(rename = "RSA_2048")]
    Rsa2048,
    #[serde(rename = "RSA_3072")]
    Rsa3072,
    #[serde(rename = "RSA_4096")]
    Rsa4096,
}

impl WrappingKeySpec {
    /// The same as a key's spec.
    pub const fn spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
        }
    }

    /// The bytes of what it encrypts.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
        }
    }
}

/// How material is wrapped on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum WrappingAlgorithm {
    #[serde(rename = "RSAES_OAEP_SHA_1")]
    RsaesOaepSha1,
    #[serde(rename = "RSAES_OAEP_SHA_256")]
    RsaesOaepSha256,
    #[serde(rename = "RSA_AES_KEY_WRAP_SHA_1")]
    RsaAesKeyWrapSha1,
    #[serde(rename = "RSA_AES_KEY_WRAP_SHA_256")]
    RsaAesKeyWrapSha256,
}

impl WrappingAlgorithm {
    /// Whether an AES key wraps the material, and the RSA key only that.
    pub const fn wraps_twice(self) -> bool {
        matches!(self, Self::RsaAesKeyWrapSha1 | Self::RsaAesKeyWrapSha256)
    }
}

macro_rules! words {
    ($($type:ident),*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.serialize(f)
            }
        }
    )*};
}

words!(WrappingKeySpec, WrappingAlgorithm);
