//! What changes on disks between snapshots, noted by QEMU in bitmaps, so that the next snapshot reads nothing else.
//!
//! A bitmap begins a moment before that of its snapshot, and notes on until a later snapshot is whole: it says of more than what
//! changed, never of less. Once the snapshot is stored the bitmap gets the name of the root that came of it, and QEMU keeps
//! it in the volume's own file when the guest ends in order. So a bitmap is only ever taken for what it counts from: where a
//! snapshot is made twice, after a restart of the agent say, the one whose root is on record counts. One whose guest was
//! killed is inconsistent, says nothing any more, and goes before the disk is made larger, which QEMU refuses otherwise. A
//! disk has two of them at most: that of the snapshot that the last one builds on, and the last one's own. What a snapshot is
//! made of is a copy that stands still. All this only saves time: without a bitmap everything is read.

use landfall_model::plan::SnapshotPlan;
use landfall_model::{SnapshotId, VolumeId};
use serde_json::{Value, json};

use super::arguments::disk as names;
use super::plug::tolerant;
use super::power::ACT_TIMEOUT;
use super::qmp::{Qmp, QmpError, QmpResult};

/// A bitmap that QEMU has of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bitmap {
    name: String,
    /// Whether it says what changed.
    is_sound: bool,
}

/// The node that bitmaps are kept with: a volume's qcow2.
fn node(volume: VolumeId) -> String {
    let [_, qcow2, ..] = names::chain(volume);
    qcow2
}

/// Begins to note what changes on a disk since a snapshot. One that notes it already began earlier, which is right too.
pub(super) fn begin(qmp: &mut Qmp, volume: VolumeId, snapshot: SnapshotId) -> QmpResult<()> {
    let bitmap = json!({ "node": node(volume), "name": names::changes_from(snapshot), "persistent": false });
    tolerant(qmp.execute("block-dirty-bitmap-add", bitmap, ACT_TIMEOUT))
}

/// Gives what is noted since a snapshot the name of the root that came of it, at once or not at all.
pub(super) fn name(qmp: &mut Qmp, volume: VolumeId, snapshot: SnapshotId, root: &str) -> QmpResult<()> {
    let (node, from, since) = (node(volume), names::changes_from(snapshot), names::changes_since(root));
    let actions = json!([
        { "type": "block-dirty-bitmap-add", "data": { "node": node, "name": since, "persistent": true } },
        { "type": "block-dirty-bitmap-merge", "data": { "node": node, "target": since, "bitmaps": [from] } },
        { "type": "block-dirty-bitmap-remove", "data": { "node": node, "name": from } },
    ]);
    // Where it has that name already, it was given it before.
    tolerant(qmp.execute("transaction", json!({ "actions": actions }), ACT_TIMEOUT))
}

/// Removes what says nothing any more, so that the disk can be made larger.
pub(super) fn remove_unsound(qmp: &mut Qmp, volume: VolumeId) -> QmpResult<()> {
    for bitmap in list(qmp, volume)?.iter().filter(|bitmap| !bitmap.is_sound) {
        remove(qmp, volume, &bitmap.name)?;
    }
    Ok(())
}

fn list(qmp: &mut Qmp, volume: VolumeId) -> QmpResult<Vec<Bitmap>> {
    let answer = qmp.execute("query-named-block-nodes", json!({ "flat": true }), ACT_TIMEOUT)?;
    Ok(bitmaps(&answer, &node(volume)))
}

fn remove(qmp: &mut Qmp, volume: VolumeId, name: &str) -> QmpResult<()> {
    let old = json!({ "node": node(volume), "name": name });
    tolerant(qmp.execute("block-dirty-bitmap-remove", old, ACT_TIMEOUT))
}

/// Keeps what changed on a disk up to now since the snapshot that this one builds on, and clears away all else: what was noted
/// since others, which may be deleted by now. Returns whether it is known.
pub(super) fn keep(qmp: &mut Qmp, volume: VolumeId, snapshot: &SnapshotPlan) -> QmpResult<bool> {
    let base = snapshot.base.as_deref().map(names::changes_since);
    let bitmaps = list(qmp, volume)?;
    for bitmap in bitmaps.iter().filter(|bitmap| !bitmap.is_sound || Some(&bitmap.name) != base.as_ref()) {
        remove(qmp, volume, &bitmap.name)?;
    }
    let is_sound = |name: &String| bitmaps.iter().any(|bitmap| bitmap.is_sound && bitmap.name == *name);
    let Some(base) = base.filter(is_sound) else { return Ok(false) };
    let name = names::changes_until(snapshot.id);
    let copy = json!({ "node": node(volume), "name": name, "persistent": false, "disabled": true });
    let merge = json!({ "node": node(volume), "target": name, "bitmaps": [base] });
    let added = qmp.execute("block-dirty-bitmap-add", copy, ACT_TIMEOUT);
    match added.and_then(|_| qmp.execute("block-dirty-bitmap-merge", merge, ACT_TIMEOUT)) {
        Ok(_) => Ok(true),
        Err(QmpError::Refused { message, .. }) => {
            tracing::warn!(%volume, message, "what changed on a volume can't be told; all of it is read");
            remove(qmp, volume, &names::changes_until(snapshot.id)).map(|()| false)
        }
        Err(error) => Err(error),
    }
}

/// Forgets what changed up to a snapshot, and what is noted since it without the name of a root: nobody knows what that counts
/// from.
pub(super) fn forget(qmp: &mut Qmp, volume: VolumeId, snapshot: SnapshotId) -> QmpResult<()> {
    remove(qmp, volume, &names::changes_from(snapshot))?;
    remove(qmp, volume, &names::changes_until(snapshot))
}

/// The bitmaps that an export of what is held for a snapshot has.
pub(super) fn exported(volume: VolumeId, snapshot: SnapshotId) -> Value {
    json!([{ "node": node(volume), "name": names::changes_until(snapshot) }])
}

/// The context by which that export tells what changed.
pub(super) fn context(snapshot: SnapshotId) -> String {
    format!("qemu:dirty-bitmap:{}", names::changes_until(snapshot))
}

/// The bitmaps of ours that a node has.
fn bitmaps(answer: &Value, node: &str) -> Vec<Bitmap> {
    let nodes = answer.as_array().into_iter().flatten();
    let node = nodes.filter(|it| it.get("node-name").and_then(Value::as_str) == Some(node));
    let all = node.filter_map(|it| it.get("dirty-bitmaps")?.as_array()).flatten();
    let ours = all.filter_map(|it| {
        let flag = |key| it.get(key).and_then(Value::as_bool);
        let is_sound = flag("recording") == Some(true) && flag("inconsistent") != Some(true);
        let name = it.get("name")?.as_str().filter(|name| name.starts_with(names::CHANGES))?;
        Some(Bitmap { name: name.to_owned(), is_sound })
    });
    ours.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmaps_are_read_from_what_qemu_lists() {
        let answer = json!([
            { "node-name": "vol-1" },
            { "node-name": "vol-1.qcow2", "dirty-bitmaps": [
                { "name": "landfall-1", "recording": true, "persistent": true, "busy": false },
                { "name": "landfall-2", "recording": true, "inconsistent": true },
                { "name": "landfall-3", "recording": false },
                { "name": "snap-1.since", "recording": true },
                { "recording": true },
                7,
            ] },
            { "node-name": "vol-2.qcow2", "dirty-bitmaps": [{ "name": "landfall-4", "recording": true }] },
            7,
        ]);
        let named = |root: &str, is_sound| Bitmap { name: names::changes_since(root), is_sound };
        let expected = [named("1", true), named("2", false), named("3", false)];
        assert_eq!(bitmaps(&answer, "vol-1.qcow2"), expected);
        assert!(bitmaps(&json!(null), "vol-1.qcow2").is_empty());
    }
}
