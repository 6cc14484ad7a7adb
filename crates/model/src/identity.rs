//! Accounts, principals and their access keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// An account: who rents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who an access key speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// The account itself: every demand is allowed.
    Root,
    /// A user: what its policies allow.
    User,
}

/// A principal of an account. Global: it has no region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// The unique id, such as `AIDA…`; the account's id for root.
    pub id: String,
    /// Root or user.
    pub kind: PrincipalKind,
    /// The user's name; empty for root.
    pub name: String,
    /// Policy documents by name.
    pub policies: BTreeMap<String, String>,
}

impl Principal {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        match self.kind {
            PrincipalKind::Root => Arn::iam(self.account, "root"),
            PrincipalKind::User => Arn::iam(self.account, format_args!("user/{}", self.name)),
        }
    }
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The key's id, as requests name it.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// The principal's unique id.
    pub principal: String,
    /// The secret, sealed with the root key.
    pub secret: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}
