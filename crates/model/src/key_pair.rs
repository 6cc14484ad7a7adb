//! Key pairs: the public halves that guests let in.

use serde::{Deserialize, Serialize};

use crate::id::KeyPairId;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A key pair. Only its public half is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: KeyPairId,
    /// Its name, unique in its scope.
    pub name: String,
    /// Its algorithm.
    pub kind: KeyKind,
    /// The fingerprint, in the form that its kind and origin have.
    pub fingerprint: String,
    /// The public half, in OpenSSH's form.
    pub public_key: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KeyPair {
    /// The key of its row.
    pub fn key(&self) -> Scoped<KeyPairId> {
        self.scope.key(self.id)
    }
}

/// Algorithms of key pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// Ed25519.
    Ed25519,
}
