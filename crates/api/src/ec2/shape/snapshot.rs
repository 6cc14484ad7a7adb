//! Snapshots as answers show them, and demands on them.

use landfall_cloud::View;
use landfall_model::{AccountId, Arn, Snapshot, SnapshotId, SnapshotState, VolumeId};
use landfall_wire::Time;
use serde::Serialize;

use super::{Tag, tag_set, time};
use crate::demand::{Demand, Demands};
use crate::error::ApiError;
use crate::operation::Action;

/// The kind that tag specifications name.
pub const KIND: &str = "snapshot";
/// What EC2 shows as the volume of a snapshot that is a copy.
pub const NO_VOLUME: &str = "vol-ffffffff";
/// The longest description. Source: the EC2 API Reference on CreateSnapshot.
const DESCRIPTION_CHARS: usize = 255;

/// A snapshot.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotOut<'v> {
    snapshot_id: SnapshotId,
    volume_id: String,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'v str>,
    start_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) completion_time: Option<Time>,
    pub(crate) progress: String,
    owner_id: AccountId,
    volume_size: u32,
    description: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v str>,
    storage_tier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_snapshot_size_in_bytes: Option<u64>,
}

/// A snapshot's row as it is shown.
pub fn snapshot<'v>(view: &View<'v>, row: &'v Snapshot) -> SnapshotOut<'v> {
    let (status_message, full_snapshot_size_in_bytes) = match &row.state {
        SnapshotState::Completed { full_bytes, .. } => (None, *full_bytes),
        SnapshotState::Failed(why) => (Some(why.as_str()), None),
        SnapshotState::Pending(_) => (None, None),
    };
    SnapshotOut {
        snapshot_id: row.id,
        volume_id: volume_of(row.volume),
        status: row.status(),
        status_message,
        start_time: time(row.started_at),
        completion_time: row.completed_at.map(time),
        progress: row.progress(),
        owner_id: row.scope.account,
        volume_size: row.size_gib,
        description: &row.description,
        // Another account's tags are its own business.
        tag_set: tag_set(view, &row.id.to_string()).filter(|_| row.scope == view.scope()),
        encrypted: row.data_key.is_some(),
        kms_key_id: row.data_key.as_ref().map(|key| key.kms_key.as_str()),
        storage_tier: "standard",
        full_snapshot_size_in_bytes,
    }
}

/// The same of one that was just asked for: what is done at once isn't said to be done yet.
pub fn begun<'v>(view: &View<'v>, row: &'v Snapshot) -> SnapshotOut<'v> {
    SnapshotOut {
        status: "pending",
        completion_time: None,
        progress: String::new(),
        full_snapshot_size_in_bytes: None,
        ..snapshot(view, row)
    }
}

/// How EC2 names the volume of a snapshot.
pub fn volume_of(volume: Option<VolumeId>) -> String {
    volume.map_or_else(|| NO_VOLUME.to_owned(), |id| id.to_string())
}

/// The demand of an action on a snapshot. Its ARN has no account.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: SnapshotId) -> &'d mut Demand {
    let demand = demands.resource(action, Arn::ec2_public(view.scope(), id)).with("ec2:SnapshotID", id);
    if let Some(row) = view.snapshot(id) {
        if let Some(tags) = view.tags(&id.to_string()).filter(|_| row.scope == view.scope()) {
            demand.resource_tags(tags);
        }
        facts(demand, row);
    }
    demand
}

/// Lets conditions look at a snapshot.
pub fn facts(demand: &mut Demand, row: &Snapshot) {
    demand.with("ec2:Owner", row.scope.account).with("ec2:VolumeSize", row.size_gib);
    demand.with("ec2:Encrypted", row.data_key.is_some()).with("ec2:SnapshotTime", row.started_at);
    demand.with("ec2:ParentVolume", parent_volume(row));
}

fn parent_volume(row: &Snapshot) -> Arn {
    let name = volume_of(row.volume);
    Arn::new("ec2", row.scope, format_args!("volume/{name}"))
}

/// That a description isn't too long.
pub fn check_description(description: &str) -> Result<(), ApiError> {
    if description.chars().count() > DESCRIPTION_CHARS {
        let why = format!("It is longer than {DESCRIPTION_CHARS} characters.");
        return Err(ApiError::invalid("Description", description.chars().take(64).collect::<String>(), why));
    }
    Ok(())
}

/// That a snapshot is to be kept in the region, as all are.
pub fn check_location(location: Option<&str>) -> Result<(), ApiError> {
    match location {
        None | Some("regional") => Ok(()),
        Some("local") => Err(ApiError::unsupported("the value 'local' of the parameter Location")),
        Some(other) => Err(ApiError::invalid("Location", other, "It is 'regional' or 'local'.")),
    }
}
