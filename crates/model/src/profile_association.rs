//! Associations of instance profiles with instances: by them an instance gets a role.

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::gateway::AT_ONCE;
use crate::id::{InstanceId, ProfileAssociationId};
use crate::identity::UniqueId;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// An instance profile that an instance has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileAssociation {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: ProfileAssociationId,
    /// The instance.
    pub instance: InstanceId,
    /// The profile. It may be deleted; another one of its name isn't meant.
    pub profile: UniqueId,
    /// The profile's ARN, which shows even after the profile is deleted.
    pub arn: Arn,
    /// How it is.
    pub state: ProfileAssociationState,
    /// Since when.
    pub since: Timestamp,
}

/// The states of an association, named as AWS names them. One that is over is shown no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileAssociationState {
    /// Being made.
    Associating,
    /// There.
    Associated,
    /// Being ended.
    Disassociating,
}

impl ProfileAssociationState {
    /// Its name at the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Associating => "associating",
            Self::Associated => "associated",
            Self::Disassociating => "disassociating",
        }
    }

    /// Whether the instance has the profile, or is about to.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Associating | Self::Associated)
    }
}

impl ProfileAssociation {
    /// The key of its row.
    pub fn key(&self) -> Scoped<ProfileAssociationId> {
        self.scope.key(self.id)
    }

    /// When its state passes by itself, if it does.
    pub fn due(&self) -> Option<i64> {
        (self.state != ProfileAssociationState::Associated).then_some(AT_ONCE.as_millis())
    }
}
