//! Snapshots whose blocks may be read.

use landfall_cloud::{Fault, View};
use landfall_model::{Arn, Snapshot, SnapshotId, SnapshotState};

use super::invalid;
use crate::demand::Demands;
use crate::error::ApiError;
use crate::operation::Action;

/// The demand of an action on a snapshot. Its ARN is EC2's, and has no account. Another account's tags are its own business.
pub fn demand(view: &View<'_>, demands: &mut Demands, action: Action, id: SnapshotId) {
    let demand = demands.resource(action, Arn::ec2_public(view.scope(), id));
    let is_own = view.snapshot(id).is_some_and(|row| row.scope == view.scope());
    let tags = view.tags(&id.to_string()).filter(|_| is_own);
    for (key, value) in tags.into_iter().flatten() {
        demand.with(&format!("aws:ResourceTag/{key}"), value);
    }
}

/// A snapshot whose blocks may be read: the account's own, or one that is shared with it, and whole. "Public snapshots are
/// not supported by the EBS direct APIs." Source: the EC2 User Guide, "Use EBS direct APIs to access the contents of an
/// EBS snapshot".
pub fn readable<'v>(view: &View<'v>, id: SnapshotId) -> Result<&'v Snapshot, ApiError> {
    let row = view.snapshot(id).ok_or_else(|| ApiError::from(Fault::no_such(id)))?;
    if row.is_public {
        return Err(invalid("INVALID_SNAPSHOT_ID", format!("The snapshot '{id}' is public, which is not supported.")));
    }
    if row.data_key.is_some() {
        return Err(ApiError::unsupported("reading the blocks of encrypted snapshots"));
    }
    match &row.state {
        SnapshotState::Completed { .. } => Ok(row),
        SnapshotState::Pending(_) | SnapshotState::Failed(_) => {
            let message = format!("The snapshot '{id}' is in the state {}; it must be completed.", row.status());
            Err(invalid("INVALID_SNAPSHOT_ID", message))
        }
    }
}
