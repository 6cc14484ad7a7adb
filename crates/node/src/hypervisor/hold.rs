//! What is on disks of a guest that runs, held as it was at a moment, to be read for snapshots while the guest writes on. The
//! caller holds the guest's action.
//!
//! Between a disk's throttle and its qcow2 comes a filter that copies what is overwritten to a file of its own first (QEMU's
//! `copy-before-write`), for all disks of a moment in one `blockdev-reopen`: QEMU stops their requests, puts all filters
//! in, and lets them go on, which takes about a millisecond. What is read then goes by the filter too, below the limits of
//! the guest's disk. A guest's write is never failed or held up by what can't be kept: the filter gives up what it holds.
//!
//! Any step may be the last that this process takes. The record says what may be there before anything is, and that the
//! moment is taken once it is. What was taken stays and is read by whoever comes next; of an attempt that wasn't, all is
//! cleared away. QEMU gets a socket that listens already, for it has no folder to make one in.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use landfall_model::plan::SnapshotPlan;
use landfall_model::{InstanceId, SnapshotId, VolumeId};
use serde_json::{Value, json};

use super::arguments::disk as names;
use super::cgroup;
use super::changes;
use super::disk::{add_nodes, sets_of};
use super::launch::listen;
use super::plug::{talk, tolerant};
use super::power::ACT_TIMEOUT;
use super::qemu::{QemuHypervisor, retry};
use super::qmp::{Qmp, QmpError, QmpResult};
use super::record::{Folder, HoldRecord, Record};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, HeldDisk, OpenFleece, OpenTheFleece};

/// What QEMU knows the server's socket by while it takes it over.
const SOCKET: &str = "held";
/// The memory that QEMU may need for each disk that it holds: what it copies at a time (`BLOCK_COPY_MAX_MEM`, 128 MiB) and
/// tables of the file that it copies to.
const HELD_BYTES: u64 = 160 << 20;
/// How long an export may take to end once its client is cut off.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_PAUSE: Duration = Duration::from_millis(5);

impl QemuHypervisor {
    /// Holds what is on those disks now.
    pub(super) fn hold_disks(
        &self,
        id: InstanceId,
        disks: &[(VolumeId, &SnapshotPlan)],
        open: &OpenTheFleece<'_>,
    ) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else {
            return Err(DriverError::Retry(format!("{id} doesn't run")));
        };
        let is_held = |snapshot: &SnapshotId| record.held.get(snapshot).is_some_and(|hold| hold.taken);
        if disks.iter().all(|(_, snapshot)| is_held(&snapshot.id)) {
            return Ok(());
        }
        let of_these = |hold: &HoldRecord| disks.iter().any(|(volume, _)| *volume == hold.volume);
        if record.held.values().any(|hold| hold.taken && of_these(hold)) {
            return Err(DriverError::Later(format!("a disk of {id} is held for an earlier snapshot")));
        }
        let failed = |error| DriverError::Retry(format!("holding the disks of {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let left: Vec<_> = record.held.iter().filter(|(_, hold)| of_these(hold)).map(|(id, it)| (*id, *it)).collect();
        for (snapshot, hold) in left {
            crash_point!("hold:clear");
            clear(&mut qmp, hold.volume, snapshot).map_err(failed)?;
            record.held.remove(&snapshot);
        }
        let note = |record: &mut Record, taken: Option<&[bool]>| {
            let hold = |(at, (volume, snapshot)): (usize, &(VolumeId, &SnapshotPlan))| {
                let knows_changes = taken.is_some_and(|known| known[at]);
                (snapshot.id, HoldRecord { volume: *volume, taken: taken.is_some(), knows_changes })
            };
            record.held.extend(disks.iter().enumerate().map(hold));
            folder.write_record(record).map_err(retry("recording what is held of the guest's disks"))
        };
        note(&mut record, None)?;
        if record.memory_bytes > 0 {
            let memory_bytes = record.memory_bytes + record.held.len() as u64 * HELD_BYTES;
            cgroup::raise_memory(&record.groups, memory_bytes)
                .map_err(retry("giving QEMU memory for what it holds"))?;
        }
        crash_point!("hold:open");
        let known = match take(&mut qmp, disks, open) {
            Ok(known) => known,
            Err(error) => {
                for (volume, snapshot) in disks {
                    clear(&mut qmp, *volume, snapshot.id).map_err(failed)?;
                    record.held.remove(&snapshot.id);
                }
                folder.write_record(&record).map_err(retry("recording what is held of the guest's disks"))?;
                return Err(error);
            }
        };
        crash_point!("hold:taken");
        note(&mut record, Some(&known))
    }

    /// Serves what is held for a snapshot, and connects to it.
    pub(super) fn serve_held(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<HeldDisk> {
        let failed = |error| DriverError::Retry(format!("what {id} holds for {snapshot} can't be served: {error}"));
        let found = self.runs(id)?.and_then(|(folder, record)| Some((folder, *record.held.get(&snapshot)?)));
        let Some((folder, hold)) = found.filter(|(_, hold)| hold.taken) else {
            return Err(DriverError::Retry(format!("{id} holds nothing for {snapshot}")));
        };
        let mut qmp = talk(&folder).map_err(failed)?;
        let exports = exports(&mut qmp).map_err(failed)?;
        if exports.is_empty() {
            crash_point!("held:listen");
            tolerant(qmp.execute("nbd-server-stop", json!({}), ACT_TIMEOUT)).map_err(failed)?;
            let socket = listen(&folder.held())?;
            crash_point!("held:serve");
            qmp.getfd(SOCKET, socket.as_fd(), ACT_TIMEOUT).map_err(failed)?;
            let address = json!({ "addr": { "type": "fd", "data": { "str": SOCKET } } });
            qmp.execute("nbd-server-start", address, ACT_TIMEOUT).map_err(failed)?;
        }
        let name = snapshot.to_string();
        if !exports.contains(&name) {
            tolerant(qmp.execute("blockdev-add", names::held_access(snapshot), ACT_TIMEOUT)).map_err(failed)?;
            crash_point!("held:export");
            let mut export = json!({ "type": "nbd", "id": name, "node-name": name, "name": name });
            if hold.knows_changes {
                export["bitmaps"] = changes::exported(hold.volume, snapshot);
            }
            qmp.execute("block-export-add", export, ACT_TIMEOUT).map_err(failed)?;
        }
        let connect = || UnixStream::connect(folder.held()).map_err(retry("connecting to what a guest holds"));
        let stream = Some(connect()?);
        let changes = hold.knows_changes.then(connect).transpose()?.map(|it| (it, changes::context(snapshot)));
        Ok(HeldDisk { instance: id, stream, export: name, changes })
    }

    /// Notes that what is held for a snapshot is stored: what changes since then is what changes since that root.
    pub(super) fn name_changes(&self, id: InstanceId, snapshot: SnapshotId, root: &str) -> DriverResult<()> {
        let Some((folder, record)) = self.runs(id)? else { return Ok(()) };
        let Some(hold) = record.held.get(&snapshot) else { return Ok(()) };
        let failed =
            |error| DriverError::Retry(format!("noting what changes of {id} since {snapshot} failed: {error}"));
        crash_point!("held:name");
        changes::name(&mut talk(&folder).map_err(failed)?, hold.volume, snapshot, root).map_err(failed)
    }

    /// Lets go of what is held for a snapshot.
    pub(super) fn release_held(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else { return Ok(()) };
        let Some(hold) = record.held.get(&snapshot).copied() else { return Ok(()) };
        let failed =
            |error| DriverError::Retry(format!("letting go of what {id} holds for {snapshot} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        crash_point!("release:clear");
        clear(&mut qmp, hold.volume, snapshot).map_err(failed)?;
        if exports(&mut qmp).map_err(failed)?.is_empty() {
            crash_point!("release:stop");
            tolerant(qmp.execute("nbd-server-stop", json!({}), ACT_TIMEOUT)).map_err(failed)?;
            remove_socket(&folder)?;
        }
        crash_point!("release:record");
        record.held.remove(&snapshot);
        folder.write_record(&record).map_err(retry("recording what is held of the guest's disks"))
    }
}

/// Prepares a filter for each disk, and puts all of them in at once. Returns of each whether it is known what changed on it.
fn take(qmp: &mut Qmp, disks: &[(VolumeId, &SnapshotPlan)], open: &OpenTheFleece<'_>) -> DriverResult<Vec<bool>> {
    for (volume, snapshot) in disks {
        let OpenFleece { file, limit_bytes, key } = open(*volume)?;
        let file =
            file.ok_or_else(|| DriverError::Final(format!("nothing of {volume} can be held: it has no file")))?;
        let set = qmp.add_fd(file.as_fd(), &snapshot.id.to_string(), ACT_TIMEOUT).map_err(refused)?;
        let nodes = names::held_nodes(snapshot.id, *volume, set, limit_bytes, key.is_some());
        add_nodes(qmp, *volume, nodes, key.as_ref()).map_err(refused)?;
        changes::begin(qmp, *volume, snapshot.id).map_err(refused)?;
    }
    crash_point!("hold:take");
    let over = |(volume, snapshot): &(VolumeId, &SnapshotPlan)| {
        names::throttle_over(*volume, &names::held_chain(snapshot.id)[1])
    };
    let options: Vec<Value> = disks.iter().map(over).collect();
    qmp.execute("blockdev-reopen", json!({ "options": options }), ACT_TIMEOUT).map_err(refused)?;
    disks.iter().map(|(volume, snapshot)| changes::keep(qmp, *volume, snapshot).map_err(refused)).collect()
}

/// What QEMU doesn't do, it won't do a second time either: it is too old, or the guest was started without limits.
fn refused(error: QmpError) -> DriverError {
    let words = format!("a snapshot of a running instance can't be made: {error}");
    match error {
        QmpError::Refused { .. } => DriverError::Final(words),
        _ => DriverError::Retry(words),
    }
}

/// Clears away what is held of a disk for a snapshot, as far as there is something.
fn clear(qmp: &mut Qmp, volume: VolumeId, snapshot: SnapshotId) -> QmpResult<()> {
    let name = snapshot.to_string();
    tolerant(qmp.execute("block-export-del", json!({ "id": name, "mode": "hard" }), ACT_TIMEOUT))?;
    let began = Instant::now();
    while exports(qmp)?.contains(&name) {
        if began.elapsed() > CLOSE_TIMEOUT {
            return Err(QmpError::Timeout("the end of what was read".into()));
        }
        std::thread::sleep(CLOSE_PAUSE);
    }
    let [access, ..] = names::held_chain(snapshot);
    tolerant(qmp.execute("blockdev-del", json!({ "node-name": access }), ACT_TIMEOUT))?;
    // Where the disk itself is gone there is nothing to take the filter out of.
    let options = [names::throttle(volume)];
    tolerant(qmp.execute("blockdev-reopen", json!({ "options": options }), ACT_TIMEOUT))?;
    for node in names::held_chain(snapshot).iter().skip(1) {
        tolerant(qmp.execute("blockdev-del", json!({ "node-name": node }), ACT_TIMEOUT))?;
    }
    changes::forget(qmp, volume, snapshot)?;
    // Of an attempt that was cut off.
    tolerant(qmp.execute("object-del", json!({ "id": names::secret(volume) }), ACT_TIMEOUT))?;
    let sets = qmp.execute("query-fdsets", json!({}), ACT_TIMEOUT)?;
    for set in sets_of(&sets, &name) {
        tolerant(qmp.execute("remove-fd", json!({ "fdset-id": set }), ACT_TIMEOUT))?;
    }
    // A node in use is no error of QEMU's that can be told from a node that isn't there.
    let nodes = qmp.execute("query-named-block-nodes", json!({ "flat": true }), ACT_TIMEOUT)?;
    match named(&nodes, "node-name").find(|node| node.starts_with(&name)) {
        Some(node) => Err(QmpError::Timeout(format!("closing {node}"))),
        None => Ok(()),
    }
}

/// What is served, by its names.
fn exports(qmp: &mut Qmp) -> QmpResult<BTreeSet<String>> {
    let answer = qmp.execute("query-block-exports", json!({}), ACT_TIMEOUT)?;
    Ok(named(&answer, "id").map(str::to_owned).collect())
}

fn named<'a>(answer: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    answer.as_array().into_iter().flatten().filter_map(move |it| it.get(key)?.as_str())
}

fn remove_socket(folder: &Folder) -> DriverResult<()> {
    match fs::remove_file(folder.held()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(retry("removing the socket of what was held")(error)),
        _ => Ok(()),
    }
}
