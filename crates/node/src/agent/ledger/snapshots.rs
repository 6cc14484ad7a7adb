//! What the ledger tells decisions about snapshots: which are still to be made, and where what they are to have is.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::plan::{HostPlan, InstancePlan, VolumePlan};
use landfall_model::{InstanceId, SnapshotId, VolumeId};

use super::super::reconcile::{WantedSnapshot, has_process};
use super::super::volume::{LOST, Origin, STARTED, VolumeHistory};
use super::{Entry, VolumeEntry, has_pulled};
use crate::driver::Guest;

/// The snapshots that are still to be made of an instance's volumes, those among them that it is to have no more; and those
/// that were made of what its guest holds and that the control plane hasn't heard of: until it has, this process alone knows
/// of them, and the next one would have nothing to make them of.
pub(super) fn snapshots_of(
    plan: &HostPlan,
    volumes: &BTreeMap<VolumeId, VolumeEntry>,
    piece: Option<&InstancePlan>,
    guest: Option<&Guest>,
) -> Vec<WantedSnapshot> {
    let planned = piece.into_iter().flat_map(|piece| piece.disks.iter().map(|disk| disk.volume));
    let devices = guest.and_then(|guest| guest.devices.as_ref());
    let has = devices.iter().flat_map(|devices| devices.disks.keys().copied());
    let all: BTreeSet<VolumeId> = planned.chain(has).collect();
    let mut wanted = Vec::new();
    for id in all {
        let (Some(piece), Some(entry)) = (plan.volume(id), volumes.get(&id)) else { continue };
        let is_kept = |id| entry.history.has_made(id) && devices.is_some_and(|devices| devices.held.contains_key(&id));
        let lacking = piece.snapshots.iter().filter(|it| entry.history.lacks(it.id) || is_kept(it.id));
        wanted.extend(lacking.map(|it| WantedSnapshot {
            id: it.id,
            volume: id,
            moment: it.moment,
            taken: it.taken || entry.history.has_taken(it.id),
            at_rest: it.before_boot.is_some(),
        }));
    }
    wanted
}

/// Where what a snapshot is to have can be read, by the guests that may have its volume. A guest that isn't known well
/// enough is waited for. One of what was there before a start is only ever read of a volume at rest, and never once a guest
/// of that start was there: what that one holds, or left, is of a later moment.
pub(super) fn origin<'a>(
    plan: Option<&VolumePlan>,
    snapshot: SnapshotId,
    history: &VolumeHistory,
    holders: impl Iterator<Item = (InstanceId, &'a Entry, bool)>,
) -> Origin {
    let planned = plan.and_then(|plan| plan.snapshots.iter().find(|it| it.id == snapshot));
    let before_boot = planned.and_then(|it| it.before_boot);
    // What an agent of an earlier version had a guest hold for one at rest is nobody's moment.
    let is_taken = before_boot.is_none() && (history.has_taken(snapshot) || planned.is_some_and(|it| it.taken));
    let without = if is_taken { Origin::Lost(LOST) } else { Origin::AtRest };
    for (id, entry, is_stale) in holders {
        let Some(guest) = &entry.guest else {
            if entry.busy || is_stale {
                return Origin::Awaited;
            }
            continue;
        };
        if before_boot.is_some_and(|before| guest.boot >= before) {
            return Origin::Lost(STARTED);
        }
        let devices = guest.devices.as_ref().filter(|_| before_boot.is_none());
        let held = devices.and_then(|devices| devices.held.get(&snapshot));
        if held.is_some_and(|hold| hold.whole) && has_process(guest) {
            return Origin::Held(id);
        }
        let is_over = !has_process(guest) || has_pulled(entry, guest);
        if entry.busy || is_stale || (!is_over && (!is_taken || guest.devices.is_none())) {
            return Origin::Awaited;
        }
    }
    without
}
