//! What requests leave behind besides resources: user data by its hash, and answers remembered by client token.

use serde::{Deserialize, Serialize};

use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// User data, once for however many instances have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserData {
    /// Whose and where.
    pub scope: Scope,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// The bytes, in base64.
    pub base64: String,
}

/// A request that was made with a client token, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientToken {
    /// Whose and where.
    pub scope: Scope,
    /// The action and the token, such as `ec2:RunInstances:4f2c…`.
    pub token: String,
    /// SHA-256 of the request without its token, in hexadecimal.
    pub request_sha256: String,
    /// The answer's body, without its request id.
    pub answer: String,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

impl UserData {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(self.sha256.clone())
    }
}

impl ClientToken {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(self.token.clone())
    }
}
