//! Principals: root, users and roles, one row each, since most rules hold for all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{LoginProfile, SshPublicKey, UniqueId};
use crate::arn::Arn;
use crate::region::Region;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A principal of an account. Global: it has no region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// The unique id.
    pub id: UniqueId,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its name, as it was written; empty for root. Names are told apart without regard to case.
    pub name: String,
    /// Where it stands among others: `/` or `/division/team/`.
    pub path: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Inline policies: documents by name, as they were written.
    pub policies: BTreeMap<String, String>,
    /// Managed policies that are attached.
    pub attached: BTreeSet<Arn>,
    /// The managed policy that bounds what it may be allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Arn>,
}

/// What a principal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// The account itself: whatever nobody denies is allowed.
    Root,
    /// A user: what its and its groups' policies allow.
    User(User),
    /// A role: sessions of it act with what its policies allow.
    Role(Role),
}

/// What a user has besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The groups that it is in.
    pub groups: BTreeSet<UniqueId>,
    /// Its password, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginProfile>,
    /// Its public keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_keys: Vec<SshPublicKey>,
}

/// What a role has besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Who may take it.
    pub trust: TrustPolicy,
    /// What it is for, in a person's words.
    pub description: String,
    /// How long a session may last at most, in seconds.
    pub max_session_s: u32,
    /// The service that it is linked to, and that alone may do away with it, such as `autoscaling.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_to: Option<String>,
    /// When a session of it last called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<RoleUse>,
}

/// When and where a role was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUse {
    /// When.
    pub at: Timestamp,
    /// In which region.
    pub region: Region,
}

/// The policy of a resource: a role's trust policy, a key's, a secret's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustPolicy {
    /// The document, as it was written.
    pub document: String,
    /// Who the users and roles that it names were when it was written. Another one that takes such a name later isn't
    /// meant; one that is gone shows by its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named: BTreeMap<Arn, UniqueId>,
}

impl TrustPolicy {
    /// One that names nobody who could be gone.
    pub fn of(document: impl Into<String>) -> Self {
        Self { document: document.into(), named: BTreeMap::new() }
    }
}

impl Principal {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        match self.kind {
            PrincipalKind::Root => Arn::iam(self.account, "root"),
            PrincipalKind::User(_) => Arn::iam(self.account, format_args!("user{}{}", self.path, self.name)),
            PrincipalKind::Role(_) => Arn::iam(self.account, format_args!("role{}{}", self.path, self.name)),
        }
    }

    /// Its kind and name, such as `user/alice`, in lower case: no two of an account have the same.
    pub fn place(&self) -> String {
        match self.kind {
            PrincipalKind::Root => "root".into(),
            PrincipalKind::User(_) => Self::place_of_user(&self.name),
            PrincipalKind::Role(_) => Self::place_of_role(&self.name),
        }
    }

    /// The place of a user of that name.
    pub fn place_of_user(name: &str) -> String {
        format!("user/{}", name.to_ascii_lowercase())
    }

    /// The place of a role of that name.
    pub fn place_of_role(name: &str) -> String {
        format!("role/{}", name.to_ascii_lowercase())
    }

    /// What it has as a user.
    pub fn user(&self) -> Option<&User> {
        match &self.kind {
            PrincipalKind::User(user) => Some(user),
            PrincipalKind::Root | PrincipalKind::Role(_) => None,
        }
    }

    /// What it has as a role.
    pub fn role(&self) -> Option<&Role> {
        match &self.kind {
            PrincipalKind::Role(role) => Some(role),
            PrincipalKind::Root | PrincipalKind::User(_) => None,
        }
    }

    /// The managed policies that it needs: attached ones and its boundary.
    pub fn managed(&self) -> impl Iterator<Item = &Arn> {
        self.attached.iter().chain(&self.boundary)
    }
}
