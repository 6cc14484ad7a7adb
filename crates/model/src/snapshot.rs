//! Snapshots of volumes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ebs::DataKey;
use crate::id::{ImageId, SnapshotId, VolumeId};
use crate::region::Region;
use crate::scope::{AccountId, Scope, Scoped};
use crate::time::Timestamp;

/// What a volume was at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: SnapshotId,
    /// The volume, which may be gone; a copy has none.
    pub volume: Option<VolumeId>,
    /// The size of the volume as it was, in GiB.
    pub size_gib: u32,
    /// What its owner says of it.
    pub description: String,
    /// What it is encrypted with, if it is.
    #[serde(default)]
    pub data_key: Option<DataKey>,
    /// The moment.
    pub started_at: Timestamp,
    /// When it was whole.
    pub completed_at: Option<Timestamp>,
    /// How far it is.
    pub state: SnapshotState,
    /// Accounts that may make volumes of it.
    pub shared_with: BTreeSet<AccountId>,
    /// Whether everybody may.
    pub is_public: bool,
}

/// How far a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotState {
    /// The host of its volume is making it.
    Pending(SnapshotTask),
    /// Whole.
    Completed {
        /// What it has.
        contents: Contents,
        /// What its blocks come to that aren't zeros, before compression, in bytes; unknown of a clone of an image.
        full_bytes: Option<u64>,
    },
    /// It couldn't be made: why, for its owner.
    Failed(String),
}

/// The making of a snapshot. In the chunk store it is a session, open as long as this is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTask {
    /// The session's number.
    pub session: u64,
    /// What it builds on, which must stay in the store as long as this is there.
    pub base: Option<ChunkRoot>,
    /// Snapshots of one moment share this: the id of the first of them.
    pub moment: SnapshotId,
    /// How much of it is stored.
    pub percent: u8,
    /// Whether its moment has been taken of a running instance: what it is to have is lost with that one's machine.
    #[serde(default)]
    pub taken: bool,
    /// The start of the volume's instance that waits for it: it is of what the machine wrote until it was shut down for
    /// that.
    #[serde(default)]
    pub before_boot: Option<u64>,
}

/// What is on a volume or in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Zeros.
    Zeros,
    /// What is in an image, and zeros after it.
    Image(ImageId),
    /// What is in the chunk store.
    Chunks(ChunkRoot),
}

impl Contents {
    /// The root in the chunk store, if it is there.
    pub fn root(&self) -> Option<&ChunkRoot> {
        match self {
            Contents::Chunks(root) => Some(root),
            Contents::Zeros | Contents::Image(_) => None,
        }
    }
}

/// A snapshot in the chunk store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChunkRoot {
    /// Whose chunks they are: those of another account where it shared the snapshot that this was made from.
    pub domain: AccountId,
    /// The root, as the chunk store writes it.
    pub root: String,
    /// What the chunks are sealed with, if they are: a volume that is made of them may have another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_key: Option<DataKey>,
}

impl Snapshot {
    /// The key of its row.
    pub fn key(&self) -> Scoped<SnapshotId> {
        self.scope.key(self.id)
    }

    /// What making it is about, while it is being made.
    pub fn task(&self) -> Option<&SnapshotTask> {
        match &self.state {
            SnapshotState::Pending(task) => Some(task),
            SnapshotState::Completed { .. } | SnapshotState::Failed(_) => None,
        }
    }

    /// What it has, once it is whole.
    pub fn contents(&self) -> Option<&Contents> {
        match &self.state {
            SnapshotState::Completed { contents, .. } => Some(contents),
            SnapshotState::Pending(_) | SnapshotState::Failed(_) => None,
        }
    }

    /// Its state in AWS's words.
    pub fn status(&self) -> &'static str {
        match self.state {
            SnapshotState::Pending(_) => "pending",
            SnapshotState::Completed { .. } => "completed",
            SnapshotState::Failed(_) => "error",
        }
    }

    /// How much of it is there, in AWS's words.
    pub fn progress(&self) -> String {
        match &self.state {
            SnapshotState::Pending(task) => format!("{}%", task.percent),
            SnapshotState::Completed { .. } => "100%".to_owned(),
            SnapshotState::Failed(_) => "0%".to_owned(),
        }
    }

    /// Whether an account may make volumes of it.
    pub fn is_open_to(&self, account: AccountId) -> bool {
        self.is_public || self.scope.account == account || self.shared_with.contains(&account)
    }

    /// Whom it is shared with, for the index: accounts, or everybody, in its region.
    pub fn sharing(&self) -> BTreeSet<(Region, Option<AccountId>)> {
        let everybody = self.is_public.then_some((self.scope.region, None));
        self.shared_with.iter().map(|account| (self.scope.region, Some(*account))).chain(everybody).collect()
    }
}

/// An account's part of the chunk store, so far as the control plane keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDomain {
    /// Whose.
    pub account: AccountId,
    /// The first session number that wasn't given yet. Numbers are never given twice.
    pub next_session: u64,
}
