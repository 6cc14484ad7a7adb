//! Groups of users.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A group: its users may do what it may. Who is in it, the users' rows say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
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
    /// Inline policies: documents by name.
    pub policies: BTreeMap<String, String>,
    /// Managed policies that are attached.
    pub attached: BTreeSet<Arn>,
}

impl Group {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::iam(self.account, format_args!("group{}{}", self.path, self.name))
    }
}
