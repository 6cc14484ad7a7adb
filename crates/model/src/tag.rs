//! Tags: one set a resource, in one table for all kinds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scope::{Scope, Scoped};

/// The tags of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSet {
    /// Whose and where.
    pub scope: Scope,
    /// The resource's id, as text: kinds share the table.
    pub resource: String,
    /// The resource's type, such as `instance`.
    pub kind: String,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl TagSet {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(self.resource.clone())
    }

    /// The lifecycle policy that made its resource, if one did.
    pub fn lifecycle_policy(&self) -> Option<&str> {
        self.tags.get(crate::lifecycle::POLICY_TAG).filter(|_| self.is_of_shared()).map(String::as_str)
    }

    /// Whether its resource is of a kind that others see and tag as well as its owner.
    pub fn is_of_shared(&self) -> bool {
        matches!(self.kind.as_str(), "image" | "snapshot")
    }
}
