//! Grants: what a key's owner lets somebody do with it, besides the key's policy.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::KmsKeyId;
use crate::arn::Arn;
use crate::identity::UniqueId;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// The id of a grant: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KmsGrantId(String);

/// A text that is no such id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a grant's id has 64 hexadecimal digits")]
pub struct MalformedGrantId;

impl KmsGrantId {
    /// An id made of random bits.
    pub fn from_random(high: u128, low: u128) -> Self {
        Self(format!("{high:032x}{low:032x}"))
    }
}

impl fmt::Display for KmsGrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KmsGrantId {
    type Err = MalformedGrantId;
    fn from_str(text: &str) -> Result<Self, MalformedGrantId> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() == 64 && is_hex { Ok(Self(text.into())) } else { Err(MalformedGrantId) }
    }
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsGrant {
    /// Whose key and where.
    pub scope: Scope,
    /// The key.
    pub key: KmsKeyId,
    /// Which.
    pub id: KmsGrantId,
    /// Its name, by which the same request is told to be the same.
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee: Grantee,
    /// Who else may retire the grant.
    pub retirer: Option<Grantee>,
    /// For what.
    pub operations: Vec<GrantOperation>,
    /// Under which encryption contexts.
    pub constraints: Option<GrantConstraints>,
    /// The account under whose authority it was made.
    pub issued_by: Arn,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KmsGrant {
    /// The key of its row.
    pub fn row_key(&self) -> Scoped<KmsGrantId> {
        self.scope.key(self.id.clone())
    }
}

/// Somebody who is named in a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantee {
    /// As it was named.
    pub arn: Arn,
    /// The user, role or root of that name when it was; a session is itself.
    pub id: Option<UniqueId>,
}

impl Grantee {
    /// The word by which somebody is told to be the one: the unique id, or the ARN of a session.
    pub fn word(&self) -> String {
        self.id.as_ref().map_or_else(|| self.arn.to_string(), ToString::to_string)
    }
}

/// What a grant may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum GrantOperation {
    Decrypt,
    Encrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    ReEncryptFrom,
    ReEncryptTo,
    Sign,
    Verify,
    GetPublicKey,
    CreateGrant,
    RetireGrant,
    DescribeKey,
    GenerateDataKeyPair,
    GenerateDataKeyPairWithoutPlaintext,
    GenerateMac,
    VerifyMac,
    DeriveSharedSecret,
}

impl fmt::Display for GrantOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The encryption contexts that a grant is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantConstraints {
    /// Those that have at least these pairs.
    Subset(BTreeMap<String, String>),
    /// That one alone.
    Equals(BTreeMap<String, String>),
}

impl GrantConstraints {
    /// Whether a call under that context, if it has one, may use the grant. Operations without encryption contexts have
    /// none to look at.
    pub fn hold(&self, context: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Subset(pairs) => pairs.iter().all(|(key, value)| context.get(key) == Some(value)),
            Self::Equals(pairs) => pairs == context,
        }
    }
}
