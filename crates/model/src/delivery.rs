//! How an instance gets the credentials of its role: what its host's plan says of them, and what the host's agent is
//! handed. Plans name profile and role and hold no secret.

use serde::{Deserialize, Serialize};

use crate::agent::Secret;
use crate::arn::Arn;
use crate::identity::UniqueId;
use crate::time::Timestamp;

/// The instance profile of an instance, as its metadata service tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilePlan {
    /// Its ARN.
    pub arn: Arn,
    /// Its unique id.
    pub id: UniqueId,
    /// Since when the instance has it.
    pub since: Timestamp,
    /// What comes of it.
    pub role: RolePlan,
}

/// What an instance gets by its profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolePlan {
    /// Nothing: the profile was deleted.
    NoProfile,
    /// Nothing: the profile has no role.
    NoRole,
    /// Nothing: the role's trust policy doesn't let EC2 take it.
    Closed {
        /// The role's name.
        name: String,
    },
    /// The role's credentials.
    Open {
        /// The role's name.
        name: String,
        /// The role's unique id: another role of this name has other credentials.
        id: UniqueId,
    },
}

impl RolePlan {
    /// The role whose credentials the instance gets.
    pub fn role(&self) -> Option<&UniqueId> {
        match self {
            Self::Open { id, .. } => Some(id),
            Self::NoProfile | Self::NoRole | Self::Closed { .. } => None,
        }
    }
}

/// Credentials of a role for an instance: one session for each version of the metadata service, because policies may tell
/// by which of them credentials were delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleCredentials {
    /// The role.
    pub role: UniqueId,
    /// When they were made.
    pub issued_at: Timestamp,
    /// When they end.
    pub expires_at: Timestamp,
    /// Those for whom asks without a token.
    pub v1: SessionKey,
    /// Those for whom asks with one.
    pub v2: SessionKey,
}

/// The key of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKey {
    /// Its access key's id.
    pub access_key: String,
    /// Its secret.
    pub secret: Secret,
    /// Its token.
    pub token: Secret,
}
