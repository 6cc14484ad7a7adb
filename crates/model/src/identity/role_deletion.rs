//! What became of the deletion of a role that is linked to a service: AWS deletes those by a task.

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A task that deleted a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDeletion {
    /// Its id: `task/aws-service-role/<service>/<role>/<number>`.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// The role's name.
    pub name: String,
    /// The role's unique id.
    pub role: UniqueId,
    /// When it was done.
    pub done_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}
