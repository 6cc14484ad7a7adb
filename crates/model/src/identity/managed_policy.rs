//! Managed policies: documents with versions, which principals and groups attach.

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A policy that an account manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// The account.
    pub account: AccountId,
    /// The unique id.
    pub id: UniqueId,
    /// Its name. Names are told apart without regard to case.
    pub name: String,
    /// Where it stands among others.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its versions last changed.
    pub updated_at: Timestamp,
    /// Its versions, oldest first. Never empty.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version that holds.
    pub default_version: u32,
    /// The number that the next version gets; numbers are never used twice.
    pub next_version: u32,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its number: `v3` is 3.
    pub number: u32,
    /// The document, as it was written.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ManagedPolicy {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::iam(self.account, format_args!("policy{}{}", self.path, self.name))
    }

    /// A version of it.
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The document that holds.
    pub fn document(&self) -> &str {
        self.version(self.default_version).map_or("", |version| &version.document)
    }
}
