//! Secrets: encrypted values with versions, whose stages say which of them counts.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

use crate::arn::Arn;
use crate::identity::TrustPolicy;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A secret. What it says is in its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Whose and where.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// The six characters that end its ARN, so that a later secret of the same name has another.
    pub suffix: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The key that encrypts its values, as the request named it; none where it is the service's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Its policy, with those whom it names.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "policy")]
    pub policy: Option<TrustPolicy>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub changed_at: Timestamp,
    /// The day on which its value was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessed_at: Option<Timestamp>,
    /// When its deletion was asked for, and when it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<SecretDeletion>,
}

/// The moments of a secret that lists are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretTime {
    /// When it was made.
    Created,
    /// When it last changed.
    Changed,
    /// When it was last read.
    Accessed,
}

/// A deletion that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDeletion {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When the secret goes.
    pub due_at: Timestamp,
}

/// A version of a secret. Its value never changes; its stages move.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// Whose and where.
    pub scope: Scope,
    /// The secret's name.
    pub secret: String,
    /// Its id, which the request that made it chose.
    pub id: String,
    /// The value, encrypted, in base64.
    pub value: String,
    /// Whether the value is bytes rather than text.
    #[serde(default)]
    pub is_binary: bool,
    /// The key that encrypted it, as the secret named it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Its stages. No two versions of a secret share one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stages: BTreeSet<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The day on which it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessed_at: Option<Timestamp>,
}

impl Secret {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(self.name.clone())
    }

    /// That moment, if there was one.
    pub fn at(&self, time: SecretTime) -> Option<Timestamp> {
        match time {
            SecretTime::Created => Some(self.created_at),
            SecretTime::Changed => Some(self.changed_at),
            SecretTime::Accessed => self.accessed_at,
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Self::arn_of(self.scope, &self.name, &self.suffix)
    }

    /// The ARN of a secret of that name with that suffix.
    pub fn arn_of(scope: Scope, name: &str, suffix: &str) -> Arn {
        Arn::new("secretsmanager", scope, format_args!("secret:{name}-{suffix}"))
    }
}

impl SecretVersion {
    /// The key of its row. Names have no colon, so that a secret's versions are a range.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(Self::id_of(&self.secret, &self.id))
    }

    /// The id of a version within its scope.
    pub fn id_of(secret: &str, version: &str) -> String {
        format!("{secret}:{version}")
    }
}

/// Reads a secret's policy, also of a row that was written when those whom it names weren't kept.
fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TrustPolicy>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Policy(TrustPolicy),
    }
    Ok(Option::<Written>::deserialize(deserializer)?.map(|written| match written {
        Written::Text(document) => TrustPolicy::of(document),
        Written::Policy(policy) => policy,
    }))
}

/// Leaves the value out: what says how a row looks may end up in a log.
impl std::fmt::Debug for SecretVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretVersion")
            .field("scope", &self.scope)
            .field("secret", &self.secret)
            .field("id", &self.id)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}
