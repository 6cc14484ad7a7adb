//! Instance profiles: how an instance gets a role.

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// An instance profile: the name under which instances get a role's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// The account.
    pub account: AccountId,
    /// The unique id.
    pub id: UniqueId,
    /// Its name. Names are told apart without regard to case.
    pub name: String,
    /// Where it stands among others.
    pub path: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The role, at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<UniqueId>,
}

impl InstanceProfile {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::iam(self.account, format_args!("instance-profile{}{}", self.path, self.name))
    }
}
