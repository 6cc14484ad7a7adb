//! KMS keys: what they are for, in which state they are, and the sealed material that they wrap with.
//!
//! A key's material lies in its row, sealed twice over: by a wrapping key of its own, which lies in a file apart from the
//! log and goes with the key, and that by the root key. So a log, its pages or a backup of it open nothing that a deleted
//! key has wrapped.

mod ciphertext;
mod grant;
mod import;
mod key_id;
mod spec;

use serde::{Deserialize, Serialize};

pub use ciphertext::{Ciphertext, MalformedCiphertext, SALT_BYTES, canonical_context};
pub use grant::{GrantConstraints, GrantOperation, Grantee, KmsGrant, KmsGrantId, MalformedGrantId};
pub use import::{Import, WrappingAlgorithm, WrappingKeySpec};
pub use key_id::{KmsKeyId, MalformedKmsKeyId};
pub use spec::{
    EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, SigningAlgorithm, SpecFamily, encryption_algorithms,
    mac_algorithms, signing_algorithms,
};

use crate::arn::Arn;
use crate::identity::TrustPolicy;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A KMS key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsKey {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: KmsKeyId,
    /// What it is for, in its owner's words.
    pub description: String,
    /// What it is made of.
    pub spec: KeySpec,
    /// What may be done with it.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// The service that it was made for, where AWS manages it: such as `ebs`.
    pub made_for: Option<String>,
    /// Whether its owner has switched it on. What else there is to its state follows from the rest.
    pub enabled: bool,
    /// When it goes, once its deletion is scheduled.
    pub deletes_at: Option<Timestamp>,
    /// Its policy. Who is named in it is known by unique id.
    pub policy: TrustPolicy,
    /// Its material where it was made here.
    pub material: Option<SealedMaterial>,
    /// The public half of an asymmetric key, in DER (RFC 5280's SubjectPublicKeyInfo).
    pub public_key: Option<Vec<u8>>,
    /// The versions of a symmetric key's material, of which the last is used.
    pub versions: Vec<MaterialVersion>,
    /// How it rotates by itself, where it does.
    pub rotation: Option<Rotation>,
    /// What was imported into it, where its owner brings its material.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a key's material comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyOrigin {
    /// It was made here.
    #[serde(rename = "AWS_KMS")]
    AwsKms,
    /// Its owner brings it.
    #[serde(rename = "EXTERNAL")]
    External,
}

/// A key's material as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedMaterial {
    /// The name of the wrapping key.
    pub wrapping: String,
    /// The material, sealed by it.
    pub sealed: String,
}

/// A version of a symmetric key's material. Of a key whose material was made here, all are derived from the one secret
/// that is sealed, by their numbers; of one whose owner brings it, each is derived from the import of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialVersion {
    /// Its number, from 1.
    pub number: u32,
    /// How AWS names it: 64 hexadecimal digits.
    pub id: String,
    /// How it came to be.
    pub cause: RotationCause,
    /// Since when.
    pub since: Timestamp,
}

/// How a version of a key's material came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationCause {
    /// With the key.
    First,
    /// By time.
    Automatic,
    /// By request.
    OnDemand,
}

/// How a key rotates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// How often, in days.
    pub period_days: u32,
    /// When next.
    pub next_at: Timestamp,
}

/// What state a key is in, as AWS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum KeyState {
    /// It can be used.
    Enabled,
    /// Its owner has switched it off.
    Disabled,
    /// It waits for material.
    PendingImport,
    /// It waits for its deletion.
    PendingDeletion,
}

impl KeyState {
    /// AWS's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingImport => "PendingImport",
            Self::PendingDeletion => "PendingDeletion",
        }
    }
}

impl KmsKey {
    /// The key of its row.
    pub fn key(&self) -> Scoped<KmsKeyId> {
        self.scope.key(self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::new("kms", self.scope, format_args!("key/{}", self.id))
    }

    /// Its state.
    pub fn state(&self) -> KeyState {
        if self.deletes_at.is_some() {
            KeyState::PendingDeletion
        } else if !self.has_material() {
            KeyState::PendingImport
        } else if self.enabled {
            KeyState::Enabled
        } else {
            KeyState::Disabled
        }
    }

    /// When something is to be done about it, in milliseconds.
    pub fn due(&self) -> Option<i64> {
        let stays = self.deletes_at.is_none();
        let rotates = self.rotation.filter(|_| self.enabled && stays).map(|rotation| rotation.next_at);
        let times = rotates.into_iter().chain(self.deletes_at).map(Timestamp::as_millis);
        times.chain(self.imports.iter().filter_map(Import::due)).min()
    }

    /// The version of its material that is used; 0 where there is none.
    pub fn version(&self) -> u32 {
        self.versions.last().map_or(0, |version| version.number)
    }

    /// How AWS names the material that is used.
    pub fn material_id(&self) -> Option<&str> {
        self.versions.last().map(|version| version.id.as_str())
    }
}

/// Another name of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsAlias {
    /// Whose and where.
    pub scope: Scope,
    /// The name, which begins with `alias/`.
    pub name: String,
    /// The key.
    pub target: KmsKeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last pointed at another key.
    pub updated_at: Timestamp,
}

impl KmsAlias {
    /// The key of its row. Names have slashes, which a key of a row may have at its end.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(self.name.clone())
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::new("kms", self.scope, &self.name)
    }
}

/// A wrapping key that nothing may be opened with any more. Its file is yet to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoomedKey {
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}
