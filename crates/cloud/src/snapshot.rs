//! Snapshots: made of volumes by their hosts, shared, copied, deleted, and volumes made of them.
//!
//! What a snapshot has is in its row: zeros, an image's contents, or a root in the chunk store. So one of a volume that
//! nothing ever had is whole at once, a copy is only a row, and deleting one in whatever order takes nothing from another:
//! whoever still needs its chunks (a snapshot that builds on it, a volume made of it) has the root in a row of its own
//! ([`crate::chunk_store`]).
//!
//! Looks across accounts: a snapshot that is shared is seen by those it is shared with.

use std::collections::BTreeSet;

use landfall_model::agent::{SnapshotPhase, SnapshotSeen};
use landfall_model::{
    AccountId, ChunkRoot, Contents, ImageId, ImportState, InstanceId, Scope, Snapshot, SnapshotId, SnapshotState,
    SnapshotTask, Volume, VolumeId, VolumeKind, VolumeState,
};

use crate::chunk_store;
use crate::ebs::{self, Encryption};
use crate::fault::{Fault, QuotaKind};
use crate::sharing::{self, Sharing};
use crate::tag;
use crate::tx::Tx;
use crate::value::{Instances, Snapshots, Volumes};
use crate::view::View;

/// Accounts that a snapshot may be shared with. Source: "Amazon EBS quotas", "Share an Amazon EBS snapshot".
const MAX_SHARED_WITH: usize = 1000;

/// Makes a snapshot of a volume as it is now.
pub fn create(tx: &mut Tx<'_, '_>, volume: VolumeId, description: &str) -> Result<SnapshotId, Fault> {
    let row = tx.view().need::<Volumes, _>(volume)?.clone();
    check_usable(&row)?;
    check_room(tx, &[&row])?;
    let id = tx.new_id();
    put(tx, id, &row, description, id, None);
    Ok(id)
}

/// Makes snapshots of an instance's volumes, all as they are at one moment, but for those that are left out. Returns them
/// in the order of the volumes: the root one first. With a start of the instance they are of what it left when it was shut
/// down for that start, which waits for them.
pub fn create_of_instance(
    tx: &mut Tx<'_, '_>,
    instance: InstanceId,
    without_root: bool,
    without: &[VolumeId],
    description: &str,
    before_boot: Option<u64>,
) -> Result<Vec<SnapshotId>, Fault> {
    let view = tx.view();
    let machine = view.need::<Instances, _>(instance)?;
    let all: Vec<Volume> = view.volumes_of(machine).into_iter().cloned().collect();
    let is_root = |row: &Volume| row.attachment.as_ref().is_some_and(|it| it.device == machine.spec.root_device);
    for id in without {
        match all.iter().find(|row| row.id == *id) {
            None => {
                let message = format!("The volume '{id}' is not attached to the instance '{instance}'.");
                return Err(Fault::Refused(message));
            }
            Some(row) if is_root(row) => {
                let message = format!("'{id}' is the root volume, which ExcludeBootVolume leaves out.");
                return Err(Fault::Refused(message));
            }
            Some(_) => {}
        }
    }
    let is_left_out = |row: &Volume| without.contains(&row.id) || (without_root && is_root(row));
    let rows: Vec<Volume> = all.into_iter().filter(|row| !is_left_out(row)).collect();
    if rows.is_empty() {
        return Err(Fault::Refused(format!("There is no volume of '{instance}' left to make a snapshot of.")));
    }
    rows.iter().try_for_each(check_usable)?;
    check_room(tx, &rows.iter().collect::<Vec<_>>())?;
    let ids: Vec<SnapshotId> = rows.iter().map(|_| tx.new_id()).collect();
    for (id, row) in ids.iter().zip(&rows) {
        put(tx, *id, row, description, ids[0], before_boot);
    }
    Ok(ids)
}

/// Makes the snapshot that an imported disk becomes, of the volume that was made of it, which is the provider's.
pub(crate) fn create_of_import(tx: &mut Tx<'_, '_>, volume: &Volume, description: &str) -> Result<SnapshotId, Fault> {
    check_count(tx, 1)?;
    let id = tx.new_id();
    put(tx, id, volume, description, id, None);
    Ok(id)
}

/// That a volume is available or in use.
fn check_usable(row: &Volume) -> Result<(), Fault> {
    // What was never on a host has nothing of its own yet: its snapshot would be what it is to be made of, as that lies there.
    if row.host.is_none() && row.chunks.as_ref().is_some_and(|root| root.data_key != row.data_key) {
        return Err(Fault::Unsupported(format!(
            "a snapshot of '{}', which is encrypted otherwise than what it is made of, before an instance has had it",
            row.id
        )));
    }
    // What is made where it is attached was there before, with nothing on it.
    let is_attached = row.attachment.as_ref().is_some_and(|attachment| attachment.attached_at > row.created_at);
    match row.state {
        VolumeState::Present => Ok(()),
        VolumeState::Creating if is_attached => Ok(()),
        _ => Err(Fault::WrongState(format!("Volume '{}' is not 'available' or 'in-use'.", row.id))),
    }
}

/// That the account may have so many snapshots more, and the volumes one more under way.
fn check_room(tx: &Tx<'_, '_>, volumes: &[&Volume]) -> Result<(), Fault> {
    check_count(tx, volumes.len())?;
    for row in volumes {
        // Source: "Amazon EBS quotas", concurrent snapshots per volume.
        let limit = if matches!(row.shape.kind, VolumeKind::St1 | VolumeKind::Sc1) { 1 } else { 5 };
        if tx.snapshots.by_pending.count(&row.id) >= limit {
            let message = format!("Maximum allowed in-progress snapshots for a single volume ({limit}) exceeded.");
            return Err(Fault::Taken { code: "ConcurrentSnapshotLimitExceeded", message });
        }
    }
    Ok(())
}

/// That the account may have so many snapshots more.
pub(crate) fn check_count(tx: &Tx<'_, '_>, more: usize) -> Result<(), Fault> {
    let limit = u64::from(tx.view().quotas().snapshots);
    if (tx.snapshots.by_scope.count(&tx.scope()) + more) as u64 > limit {
        return Err(Fault::Quota(QuotaKind::Of("SnapshotLimitExceeded", "snapshots"), limit));
    }
    Ok(())
}

fn put(
    tx: &mut Tx<'_, '_>,
    id: SnapshotId,
    volume: &Volume,
    description: &str,
    moment: SnapshotId,
    before_boot: Option<u64>,
) {
    let (scope, now) = (tx.scope(), tx.now());
    let state = if volume.host.is_some() {
        let base = base(&tx.view(), volume);
        let session = chunk_store::begin_session(tx, scope.account);
        SnapshotState::Pending(SnapshotTask { session, base, moment, percent: 0, taken: false, before_boot })
    } else {
        // Nothing was ever written to it.
        completed(volume.origin())
    };
    let is_whole = !matches!(state, SnapshotState::Pending(_));
    tx.put::<Snapshots>(Snapshot {
        scope,
        id,
        volume: Some(volume.id),
        size_gib: volume.seen().size_gib,
        description: description.to_owned(),
        data_key: volume.data_key.clone(),
        started_at: now,
        completed_at: is_whole.then_some(now),
        state,
        shared_with: BTreeSet::new(),
        is_public: false,
    });
}

fn completed(contents: Contents) -> SnapshotState {
    let full_bytes = (contents == Contents::Zeros).then_some(0);
    SnapshotState::Completed { contents, full_bytes }
}

/// What a snapshot of a volume builds on: the volume's latest one, or what the volume was made of. Chunks of another
/// account, or under another key, have other names, so nothing of theirs would be found.
fn base(view: &View<'_>, volume: &Volume) -> Option<ChunkRoot> {
    let last = volume.last_snapshot.and_then(|id| view.find::<Snapshots, _>(id));
    let last = last.and_then(|row| row.contents()?.root().cloned());
    last.or(volume.chunks.clone())
        .filter(|root| root.domain == volume.scope.account && root.data_key == volume.data_key)
}

/// Deletes a snapshot, also one that is being made. What others share with it stays.
pub fn delete(tx: &mut Tx<'_, '_>, id: SnapshotId) -> Result<(), Fault> {
    let key = tx.view().need::<Snapshots, _>(id)?.key();
    let image = tx.view().image_of(id).map(|image| image.id);
    if let Some(task) = crate::import::of_snapshot(tx, id).filter(|task| task.state == ImportState::Active) {
        let message = format!("The snapshot {id} is currently in use by {}", task.name());
        return Err(Fault::Taken { code: "InvalidSnapshot.InUse", message });
    }
    // Images are made of their owner's snapshots alone.
    if let Some(image) = image.or_else(|| tx.own_images.by_snapshot(&id).next().map(|image| image.id)) {
        let message = format!("The snapshot {id} is currently in use by {image}");
        return Err(Fault::Taken { code: "InvalidSnapshot.InUse", message });
    }
    tx.delete::<Snapshots>(&key);
    tag::forget_all(tx, &id.to_string());
    Ok(())
}

/// Makes a snapshot of the same contents in this scope. It shares the chunks, whosever they are.
pub fn copy(
    tx: &mut Tx<'_, '_>,
    from: Scope,
    source: SnapshotId,
    description: &str,
    encryption: &Encryption,
) -> Result<SnapshotId, Fault> {
    let row = open_to(tx, from, tx.scope().account, source).ok_or_else(|| Fault::no_such(source))?.clone();
    let SnapshotState::Completed { .. } = row.state else { return Err(not_completed(&row)) };
    check_count(tx, 1)?;
    encryption.check()?;
    let kms_key = encryption.key_of_copy(&tx.view(), row.data_key.as_ref());
    let data_key = ebs::data_key(tx, kms_key, row.data_key.as_ref())?;
    if row.contents().and_then(Contents::root).is_some_and(|root| root.data_key != data_key) {
        return Err(Fault::Unsupported(
            "copies of snapshots that are encrypted otherwise than the snapshot itself, whose key must be named".into(),
        ));
    }
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<Snapshots>(Snapshot {
        scope,
        id,
        data_key,
        volume: None,
        description: description.to_owned(),
        started_at: now,
        completed_at: Some(now),
        shared_with: BTreeSet::new(),
        is_public: false,
        ..row
    });
    Ok(id)
}

/// Changes whom a snapshot is shared with.
pub fn share(tx: &mut Tx<'_, '_>, id: SnapshotId, change: &Sharing) -> Result<(), Fault> {
    let mut row = tx.view().need::<Snapshots, _>(id)?.clone();
    if row.data_key.is_some() && change.public == Some(true) {
        return Err(Fault::NotPermitted("Encrypted snapshots with EBS default key cannot be shared".into()));
    }
    change.apply(&mut row.shared_with, &mut row.is_public);
    if row.shared_with.len() > MAX_SHARED_WITH {
        return Err(Fault::Quota(
            QuotaKind::Of("SnapshotLimitExceeded", "accounts of a snapshot"),
            MAX_SHARED_WITH as u64,
        ));
    }
    tx.put::<Snapshots>(row);
    Ok(())
}

/// Shares a snapshot with nobody.
pub fn unshare(tx: &mut Tx<'_, '_>, id: SnapshotId) -> Result<(), Fault> {
    let key = tx.view().need::<Snapshots, _>(id)?.key();
    tx.update::<Snapshots, _>(&key, |row| {
        row.shared_with.clear();
        row.is_public = false;
    });
    Ok(())
}

/// A snapshot that a volume can be made of: one that the account may see, or one of an image that it may launch from.
pub fn source<'v>(view: &View<'v>, id: SnapshotId, of: Option<ImageId>) -> Result<&'v Snapshot, Fault> {
    let of_image = || {
        let image = view.own_image(of?).filter(|image| image.snapshots().contains(&id))?;
        view.tables().snapshots.by_id(&id).find(|row| row.scope == image.scope)
    };
    let row = view.snapshot(id).or_else(of_image).ok_or_else(|| Fault::no_such(id))?;
    row.contents().map(|_| row).ok_or_else(|| not_completed(row))
}

/// Whether two snapshots are of one lineage, as far as their rows tell: of one volume, of the same contents, or of a volume
/// that is still there and was made of what the other has.
pub fn are_related(cloud: &crate::value::Cloud, one: &Snapshot, other: &Snapshot) -> bool {
    let roots = |row: &Snapshot| -> BTreeSet<ChunkRoot> {
        let volume = row.volume.and_then(|id| cloud.volumes.by_id(&id).find(|volume| volume.scope == row.scope));
        let source = volume.and_then(|volume| volume.chunks.clone());
        row.contents().and_then(Contents::root).cloned().into_iter().chain(source).collect()
    };
    let is_of_one_volume = one.volume.is_some() && (one.volume, one.scope) == (other.volume, other.scope);
    one.key() == other.key() || is_of_one_volume || !roots(one).is_disjoint(&roots(other))
}

fn not_completed(row: &Snapshot) -> Fault {
    Fault::WrongState(format!("Snapshot '{}' is in invalid state - {}", row.id, row.status()))
}

fn open_to(cloud: &crate::value::Cloud, place: Scope, account: AccountId, id: SnapshotId) -> Option<&Snapshot> {
    let is_shared = |row: &Snapshot| row.scope.account == account || sharing::shares(cloud, row.scope.account);
    let is_there = |row: &&Snapshot| row.scope.region == place.region && row.is_open_to(account) && is_shared(row);
    cloud.snapshots.by_id(&id).find(is_there)
}

/// Takes note of what a host says of a snapshot.
pub(crate) fn seen(tx: &mut Tx<'_, '_>, row: &Snapshot, seen: &SnapshotSeen) {
    let Some(task) = row.task().filter(|task| task.session == seen.session) else { return };
    let now = tx.now();
    match &seen.phase {
        SnapshotPhase::Working(percent) => {
            // An attempt after one that was cut off begins from nothing; what its owner saw before doesn't shrink.
            let percent = (*percent).min(99).max(task.percent);
            let next = SnapshotTask { percent, taken: task.taken || seen.taken, ..task.clone() };
            if next != *task {
                tx.update::<Snapshots, _>(&row.key(), |row| row.state = SnapshotState::Pending(next));
            }
        }
        SnapshotPhase::Made(made) => {
            let root = ChunkRoot { domain: row.scope.account, root: made.root.clone(), data_key: row.data_key.clone() };
            let full_bytes = Some(made.full_bytes);
            tx.update::<Snapshots, _>(&row.key(), |row| {
                row.state = SnapshotState::Completed { contents: Contents::Chunks(root), full_bytes };
                row.completed_at = Some(now);
            });
            note_last(tx, row);
            crate::import::stored(tx, row.id);
        }
        SnapshotPhase::Failed(why) => {
            fail(tx, row, why);
            crate::import::failed_to_store(tx, row.id);
        }
    }
}

/// Has the volume's next snapshot build on this one, unless it has a later one.
fn note_last(tx: &mut Tx<'_, '_>, row: &Snapshot) {
    let view = tx.view();
    let Some(volume) = row.volume.and_then(|id| view.find::<Volumes, _>(id)) else { return };
    let last = volume.last_snapshot.and_then(|id| view.find::<Snapshots, _>(id));
    if last.is_none_or(|last| last.started_at <= row.started_at) {
        let key = volume.key();
        tx.update::<Volumes, _>(&key, |volume| volume.last_snapshot = Some(row.id));
    }
}

fn fail(tx: &mut Tx<'_, '_>, row: &Snapshot, why: &str) {
    tx.update::<Snapshots, _>(&row.key(), |row| row.state = SnapshotState::Failed(why.to_owned()));
}

/// Ends the snapshots that were being made of a volume of which nothing is left.
pub(crate) fn volume_gone(tx: &mut Tx<'_, '_>, volume: VolumeId) {
    let rows: Vec<Snapshot> = tx.snapshots.by_pending(&volume).cloned().collect();
    for row in rows {
        fail(tx, &row, "The volume was gone before the snapshot was whole.");
    }
}

impl<'v> View<'v> {
    /// A snapshot that this account may see: its own, or one that is shared with it.
    pub fn snapshot(&self, id: SnapshotId) -> Option<&'v Snapshot> {
        open_to(self.tables(), self.scope(), self.scope().account, id)
    }

    /// The snapshots that others share with this account, or with everybody, by id.
    pub fn shared_snapshots(&self) -> Vec<&'v Snapshot> {
        let Scope { account, region } = self.scope();
        let cloud = self.tables();
        let rows = [Some(account), None].into_iter().flat_map(|with| cloud.snapshots.by_sharing(&(region, with)));
        let is_theirs = |row: &&Snapshot| row.scope.account != account && sharing::shares(cloud, row.scope.account);
        let mut rows: Vec<_> = rows.filter(is_theirs).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows
    }
}
