//! Accounts: who rents, and how they stand with the provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PasswordPolicy;
use crate::gateway::AT_ONCE;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// An account: who rents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The name that its sign-in address has instead of its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What is asked of its users' passwords, where it isn't the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<PasswordPolicy>,
    /// What the provider calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where the provider reaches who rents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// How it stands.
    #[serde(default)]
    pub standing: Standing,
    /// Limits that the provider has set for it, by name; the others are everybody's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<String, u64>,
}

/// How an account stands with the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is.
    pub state: AccountState,
    /// Since when.
    pub since: Timestamp,
    /// Whether there are machines still to be stopped, or things to be deleted.
    #[serde(default)]
    pub has_work: bool,
    /// Whether its machines were stopped: then its NAT gateways and VPNs don't work either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_stopped: bool,
    /// When what a closed one has is deleted; of one of which that has begun, when it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// The states of an account, named as AWS Organizations names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// It is served.
    #[default]
    Active,
    /// It isn't served until the provider says so; what it has stays.
    Suspended,
    /// It was closed, and what it has stays for a while.
    PendingClosure,
    /// It was closed, and what it had is deleted.
    Closed,
}

impl AccountState {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
        }
    }
}

impl Account {
    /// One that is served, without a name.
    pub fn new(id: AccountId, created_at: Timestamp) -> Self {
        let standing = Standing { since: created_at, ..Standing::default() };
        let (name, email, quotas) = (String::new(), String::new(), BTreeMap::new());
        Self { id, created_at, alias: None, password_policy: None, name, email, standing, quotas }
    }

    /// The e-mail address that no other account may have, in small letters: that of one that is closed for good is free.
    pub fn address_taken(&self) -> Option<String> {
        let is_taken = !self.email.is_empty() && self.standing.state != AccountState::Closed;
        is_taken.then(|| self.email.to_lowercase())
    }

    /// When something is to be done about it by itself.
    pub fn due(&self) -> Option<i64> {
        let at = if self.standing.has_work { Some(AT_ONCE) } else { self.standing.ends_at };
        at.map(Timestamp::as_millis)
    }
}
