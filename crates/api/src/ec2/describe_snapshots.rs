//! ec2:DescribeSnapshots. Lists the snapshots that the caller may use: its own, and those that others share with it.

use std::iter::Peekable;
use std::ops::Bound;

use landfall_cloud::value::Snapshots;
use landfall_cloud::{Fault, View};
use landfall_model::{AccountId, Snapshot, SnapshotId};
use serde::{Deserialize, Serialize};

use super::shape::snapshot::{SnapshotOut, snapshot, volume_of};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSnapshots {
    #[serde(default)]
    owner: Vec<String>,
    #[serde(default)]
    restorable_by: Vec<String>,
    #[serde(default)]
    snapshot_id: Vec<SnapshotId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSnapshotsResult<'v> {
    snapshot_set: Vec<SnapshotOut<'v>>,
}

impl Read for DescribeSnapshots {
    const ACTION: Action = Action::ec2("DescribeSnapshots");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "description",
            "encrypted",
            "owner-alias",
            "owner-id",
            "progress",
            "snapshot-id",
            "start-time",
            "status",
            "storage-tier",
            "tag-key",
            "transfer-type",
            "volume-id",
            "volume-size",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeSnapshotsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeSnapshotsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let owners = Who::read_all(&self.owner, &view)?;
        let users = Who::read_all(&self.restorable_by, &view)?;
        let matches = |row: &&'v Snapshot| {
            let tags = || view.tags(&row.id.to_string()).filter(|_| row.scope == view.scope());
            (owners.is_empty() || owners.contains(&Who::Account(row.scope.account)))
                && (users.is_empty() || users.iter().any(|who| who.may_restore(row, view.scope().account)))
                && (selection.is_empty() || selection.matches(tags(), |name| field(row, name)))
        };
        let rows = if self.snapshot_id.is_empty() {
            // Those of others can't be used by who asks for its own alone.
            let is_mine = |who: &Who| *who == Who::Account(view.scope().account);
            let only_own = !owners.is_empty() && owners.iter().all(is_mine);
            let start: Bound<SnapshotId> = look.page.start()?;
            let shared = if only_own { Vec::new() } else { view.shared_snapshots() };
            let own = view.from::<Snapshots, SnapshotId>(start).peekable();
            look.page.take(Merged { own, shared: shared.into_iter().peekable() }.filter(matches), |row| row.id)?
        } else {
            look.page.take(self.named(&view)?.into_iter().filter(matches), |row| row.id)?
        };
        Ok(DescribeSnapshotsResult { snapshot_set: rows.into_iter().map(|row| snapshot(&view, row)).collect() })
    }
}

impl DescribeSnapshots {
    /// The rows of the ids that were asked for, each once, in order.
    fn named<'v>(&self, view: &View<'v>) -> Result<Vec<&'v Snapshot>, ApiError> {
        let absent: Vec<_> = self.snapshot_id.iter().copied().filter(|id| view.snapshot(*id).is_none()).collect();
        if !absent.is_empty() {
            return Err(Fault::none_of(&absent).into());
        }
        let mut rows: Vec<_> = self.snapshot_id.iter().filter_map(|id| view.snapshot(*id)).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }
}

/// Own rows and shared ones, by id: neither is gathered as a whole for one page's sake.
struct Merged<'v, I: Iterator<Item = &'v Snapshot>> {
    own: Peekable<I>,
    shared: Peekable<std::vec::IntoIter<&'v Snapshot>>,
}

impl<'v, I: Iterator<Item = &'v Snapshot>> Iterator for Merged<'v, I> {
    type Item = &'v Snapshot;

    fn next(&mut self) -> Option<&'v Snapshot> {
        match (self.own.peek(), self.shared.peek()) {
            (Some(own), Some(shared)) if shared.id < own.id => self.shared.next(),
            (Some(_), _) => self.own.next(),
            (None, _) => self.shared.next(),
        }
    }
}

/// Whose snapshots, or who may make volumes of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// An account.
    Account(AccountId),
    /// Everybody.
    All,
    /// Somebody who has no snapshots here.
    Nobody,
}

impl Who {
    fn read_all(words: &[String], view: &View<'_>) -> Result<Vec<Self>, ApiError> {
        words.iter().map(|word| Self::read(word, view)).collect()
    }

    fn read(word: &str, view: &View<'_>) -> Result<Self, ApiError> {
        match word {
            "self" => Ok(Self::Account(view.scope().account)),
            "all" => Ok(Self::All),
            "amazon" | "aws-marketplace" => Ok(Self::Nobody),
            _ => {
                let account = word.parse().map(Self::Account);
                account.map_err(|_| ApiError::new("InvalidUserID.Malformed", format!("Invalid user id: \"{word}\"")))
            }
        }
    }

    /// Whether a snapshot may be used by them, as far as the caller is told: whom others share theirs with isn't.
    fn may_restore(self, row: &Snapshot, caller: AccountId) -> bool {
        match self {
            Self::Account(account) if account == caller => {
                row.scope.account == caller || row.shared_with.contains(&caller)
            }
            Self::Account(account) => row.scope.account == caller && row.shared_with.contains(&account),
            Self::All => row.is_public,
            Self::Nobody => false,
        }
    }
}

fn field<'v>(row: &'v Snapshot, name: &str) -> Values<'v> {
    match name {
        "description" => one(row.description.as_str()),
        "encrypted" => shown(row.data_key.is_some()),
        "owner-id" => shown(row.scope.account),
        "progress" => one(row.progress()),
        "snapshot-id" => shown(row.id),
        "start-time" => shown(row.started_at),
        "status" => one(row.status()),
        "storage-tier" => one("standard"),
        "volume-id" => one(volume_of(row.volume)),
        "volume-size" => shown(row.size_gib),
        // No owner has an alias, and no copy was timed.
        _ => Vec::new(),
    }
}
