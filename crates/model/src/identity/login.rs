//! Passwords of users, and what an account asks of them.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A user's password. What was said is never kept, only what Argon2 makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginProfile {
    /// The hash, with its parameters and salt.
    pub password: String,
    /// Whether it is good only to set another one.
    pub must_change: bool,
    /// When the user first got a password.
    pub created_at: Timestamp,
    /// The hashes of earlier passwords, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
}

/// What an account asks of its users' passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub min_length: u32,
    /// Whether there must be a symbol.
    pub symbols: bool,
    /// Whether there must be a digit.
    pub numbers: bool,
    /// Whether there must be a capital letter.
    pub uppercase: bool,
    /// Whether there must be a small letter.
    pub lowercase: bool,
    /// Whether every user may change its own.
    pub may_change: bool,
    /// After how many days one is too old to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// How many earlier ones may not come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_prevention: Option<u32>,
    /// Whether one that is too old can only be replaced by an administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_expiry: Option<bool>,
}
