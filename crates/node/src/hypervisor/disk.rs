//! Disks of a guest that runs: given to it, taken away, made larger and faster over its monitor. The caller holds the
//! guest's action.
//!
//! A disk is a device on top of a chain of nodes: throttle, qcow2, file (and below the qcow2 its image), whose files are
//! sets of descriptors. Any step may be the last that this process takes. What came of it is told by two lists of QEMU's:
//! the devices, and the throttle groups, which are made before the device and go last. So a disk with a group and no
//! device is one that has something left to do: whatever comes next begins by clearing that away.
//!
//! What a guest doesn't let go of can still be pulled: its device then gets a node that fails every request, the chain is
//! closed, and the record says that what is left is a device without a volume.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use landfall_model::agent::DiskSeen;
use landfall_model::plan::DiskPlan;
use landfall_model::{InstanceId, VolumeId};
use serde_json::{Value, json};

use super::arguments::disk as names;
use super::changes;
use super::plug::{ask_to_release, free_slot, released, talk, tolerant};
use super::power::ACT_TIMEOUT;
use super::qemu::{QemuHypervisor, retry};
use super::qmp::{Qmp, QmpError, QmpResult};
use super::record::{DiskRecord, Record};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, OpenDisk, OpenTheDisk};
use crate::volume::key::DiskKey;

impl QemuHypervisor {
    /// Gives a disk to a guest.
    pub(super) fn attach_disk(&self, id: InstanceId, disk: &DiskPlan, open: &OpenTheDisk<'_>) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else {
            return Err(DriverError::Retry(format!("{id} doesn't run")));
        };
        let volume = disk.volume;
        let failed = |error| DriverError::Retry(format!("attaching {volume} to {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let has_device = devices(&mut qmp, ACT_TIMEOUT).map_err(failed)?.contains(&volume);
        if record.pulled_disks.contains(&volume) {
            if has_device {
                ask_to_release(&mut qmp, &names::device(volume)).map_err(failed)?;
                let why = "the guest hasn't let go of what was pulled before";
                return Err(DriverError::Retry(format!("{volume} can't be attached to {id}: {why}")));
            }
            close_dead(&mut qmp, volume).map_err(failed)?;
            record.pulled_disks.retain(|pulled| *pulled != volume);
        } else if has_device {
            return Ok(());
        }
        held_back(&record, volume)?;
        crash_point!("attach:clear");
        close(&mut qmp, volume).map_err(failed)?;
        record.disks.insert(volume, DiskRecord { size_bytes: disk.size_bytes, limits: disk.limits });
        folder.write_record(&record).map_err(retry("recording the guest's disks"))?;
        crash_point!("attach:open");
        let opened = open()?;
        let given = hand_over(&mut qmp, disk, &opened);
        if !matches!(given, Ok(Some(()))) {
            close(&mut qmp, volume).map_err(failed)?;
        }
        given
            .map_err(failed)?
            .ok_or_else(|| DriverError::Retry(format!("{volume} can't be attached to {id}: none of its slots is free")))
    }

    /// Takes a disk from a guest.
    pub(super) fn detach_disk(&self, id: InstanceId, volume: VolumeId, pull: bool) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else { return Ok(()) };
        let failed = |error| DriverError::Retry(format!("detaching {volume} from {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let device = names::device(volume);
        if devices(&mut qmp, ACT_TIMEOUT).map_err(failed)?.contains(&volume) && !record.pulled_disks.contains(&volume) {
            crash_point!("detach:ask");
            ask_to_release(&mut qmp, &device).map_err(failed)?;
            if !released(&mut qmp, &device).map_err(failed)? {
                if !pull {
                    return Ok(());
                }
                crash_point!("detach:pull");
                // Recorded first: from then on the device counts as one without a volume.
                record.pulled_disks.push(volume);
                folder.write_record(&record).map_err(retry("recording the guest's disks"))?;
            }
        }
        if record.pulled_disks.contains(&volume) {
            crash_point!("detach:cut");
            cut_off(&mut qmp, volume).map_err(failed)?;
        }
        // What is read for a snapshot is read to the end; the guest has no part in it any more.
        held_back(&record, volume)?;
        crash_point!("detach:close");
        close(&mut qmp, volume).map_err(failed)?;
        record.disks.remove(&volume);
        folder.write_record(&record).map_err(retry("recording the guest's disks"))
    }

    /// Makes a disk as large and as fast as planned.
    pub(super) fn tune_disk(&self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else {
            return Err(DriverError::Retry(format!("{id} doesn't run")));
        };
        let volume = disk.volume;
        let failed = |error| DriverError::Retry(format!("changing {volume} of {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let has = record.disks.get(&volume).copied().unwrap_or_default();
        if has.size_bytes < disk.size_bytes {
            held_back(&record, volume)?;
            crash_point!("tune:size");
            changes::remove_unsound(&mut qmp, volume).map_err(failed)?;
            let size = json!({ "node-name": volume.to_string(), "size": disk.size_bytes });
            qmp.execute("block_resize", size, ACT_TIMEOUT).map_err(failed)?;
        }
        // A guest that an earlier version started has no throttle group: it gets one at its next start.
        if has.limits != disk.limits && groups(&mut qmp, ACT_TIMEOUT).map_err(failed)?.contains(&volume) {
            crash_point!("tune:limits");
            let path = format!("/objects/{}", names::group(volume));
            let limits = json!({ "path": path, "property": "limits", "value": names::limits(&disk.limits) });
            qmp.execute("qom-set", limits, ACT_TIMEOUT).map_err(failed)?;
        }
        let size_bytes = disk.size_bytes.max(has.size_bytes);
        record.disks.insert(volume, DiskRecord { size_bytes, limits: disk.limits });
        folder.write_record(&record).map_err(retry("recording the guest's disks"))
    }
}

/// That nothing is held of a disk, whose chain of nodes must stay as it is otherwise.
fn held_back(record: &Record, volume: VolumeId) -> DriverResult<()> {
    if record.holds(volume) {
        return Err(DriverError::Later(format!(
            "{volume} is being read for a snapshot; it goes on when that is whole"
        )));
    }
    Ok(())
}

/// The disks that a guest has, those with something left to do among them.
pub(super) fn disks(qmp: &mut Qmp, record: &Record, timeout: Duration) -> QmpResult<BTreeMap<VolumeId, DiskSeen>> {
    let mut devices = devices(qmp, timeout)?;
    devices.retain(|volume| !record.pulled_disks.contains(volume));
    let groups = groups(qmp, timeout)?;
    let seen = devices.union(&groups).map(|volume| {
        let known = record.disks.get(volume).copied().unwrap_or_default();
        let whole = devices.contains(volume);
        (*volume, DiskSeen { volume: *volume, whole, size_bytes: known.size_bytes, limits: known.limits })
    });
    Ok(seen.collect())
}

/// The volumes that have a device.
fn devices(qmp: &mut Qmp, timeout: Duration) -> QmpResult<BTreeSet<VolumeId>> {
    let answer = qmp.execute("qom-list", json!({ "path": "/machine/peripheral" }), timeout)?;
    Ok(named(&answer, "child<virtio-blk-pci>").filter_map(names::volume_of_device).collect())
}

/// The volumes that have a throttle group.
fn groups(qmp: &mut Qmp, timeout: Duration) -> QmpResult<BTreeSet<VolumeId>> {
    let answer = qmp.execute("qom-list", json!({ "path": "/objects" }), timeout)?;
    Ok(named(&answer, "child<throttle-group>").filter_map(names::volume_of_group).collect())
}

fn named<'a>(answer: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let children = answer.as_array().into_iter().flatten();
    children
        .filter(move |child| child.get("type").and_then(Value::as_str) == Some(kind))
        .filter_map(|it| it.get("name")?.as_str())
}

/// Closes a volume's chain from the top, as far as there is one. A node in use is no error of QEMU's that can be told from
/// a node that isn't there, so it shows in the group, which then can't go either.
fn close(qmp: &mut Qmp, volume: VolumeId) -> QmpResult<()> {
    // One of an attempt that was cut off.
    tolerant(qmp.execute("object-del", json!({ "id": names::secret(volume) }), ACT_TIMEOUT))?;
    for node in names::chain(volume) {
        tolerant(qmp.execute("blockdev-del", json!({ "node-name": node }), ACT_TIMEOUT))?;
    }
    if groups(qmp, ACT_TIMEOUT)?.contains(&volume) {
        qmp.execute("object-del", json!({ "id": names::group(volume) }), ACT_TIMEOUT)?;
    }
    let sets = qmp.execute("query-fdsets", json!({}), ACT_TIMEOUT)?;
    for set in sets_of(&sets, &volume.to_string()) {
        tolerant(qmp.execute("remove-fd", json!({ "fdset-id": set }), ACT_TIMEOUT))?;
    }
    Ok(())
}

/// The sets of descriptors that were made for something of that name.
pub(super) fn sets_of(answer: &Value, name: &str) -> Vec<u64> {
    let is_its = |set: &&Value| {
        let fds = set.get("fds").and_then(Value::as_array);
        fds.into_iter().flatten().any(|fd| fd.get("opaque").and_then(Value::as_str) == Some(name))
    };
    let sets = answer.as_array().into_iter().flatten();
    sets.filter(is_its).filter_map(|set| set.get("fdset-id")?.as_u64()).collect()
}

/// Puts a node that fails every request in the place of a device's volume.
fn cut_off(qmp: &mut Qmp, volume: VolumeId) -> QmpResult<()> {
    let (dead, below) = names::dead(volume);
    let path = format!("/machine/peripheral/{}", names::device(volume));
    let drive = json!({ "path": path, "property": "drive" });
    match qmp.execute("qom-get", drive, ACT_TIMEOUT) {
        // QEMU 7.2 ends where a node is put in its own place.
        Ok(drive) if drive.as_str() == Some(dead.as_str()) => return Ok(()),
        Ok(_) => {}
        // The device is gone by now.
        Err(QmpError::Refused { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    // As large as the largest volume, so that it is never smaller than what the device has.
    let none = json!({ "driver": "null-co", "node-name": below, "size": 1_u64 << 46 });
    tolerant(qmp.execute("blockdev-add", none, ACT_TIMEOUT))?;
    let errors = json!([{ "event": "none", "errno": libc::EIO }]);
    let failing = json!({ "driver": "blkdebug", "node-name": dead, "image": below, "inject-error": errors });
    tolerant(qmp.execute("blockdev-add", failing, ACT_TIMEOUT))?;
    tolerant(qmp.execute("qom-set", json!({ "path": path, "property": "drive", "value": dead }), ACT_TIMEOUT))
}

/// Closes what a pulled disk's device had instead of its volume.
fn close_dead(qmp: &mut Qmp, volume: VolumeId) -> QmpResult<()> {
    let (dead, below) = names::dead(volume);
    for node in [dead, below] {
        tolerant(qmp.execute("blockdev-del", json!({ "node-name": node }), ACT_TIMEOUT))?;
    }
    Ok(())
}

/// Opens nodes of a volume. QEMU has its passphrase only meanwhile: once LUKS is open it needs it no more.
pub(super) fn add_nodes(qmp: &mut Qmp, volume: VolumeId, nodes: Vec<Value>, key: Option<&DiskKey>) -> QmpResult<()> {
    let add = |qmp: &mut Qmp| {
        nodes.iter().try_for_each(|node| qmp.execute("blockdev-add", node.clone(), ACT_TIMEOUT).map(drop))
    };
    let Some(key) = key else { return add(qmp) };
    // One that an attempt left which was cut off.
    tolerant(qmp.execute("object-del", json!({ "id": names::secret(volume) }), ACT_TIMEOUT))?;
    qmp.execute("object-add", names::secret_options(volume, key), ACT_TIMEOUT)?;
    crash_point!("disk:unlocked");
    let added = add(qmp);
    let forgotten = qmp.execute("object-del", json!({ "id": names::secret(volume) }), ACT_TIMEOUT).map(drop);
    added.and(forgotten)
}

/// Gives QEMU a volume's files and makes a device of them; nothing where there is no room for one.
fn hand_over(qmp: &mut Qmp, disk: &DiskPlan, opened: &OpenDisk) -> QmpResult<Option<()>> {
    let Some(file) = &opened.file else { return Ok(None) };
    let Some(slot) = free_slot(qmp)? else { return Ok(None) };
    let volume = disk.volume;
    let set = |qmp: &mut Qmp, fd: &OwnedFd| qmp.add_fd(fd.as_fd(), &volume.to_string(), ACT_TIMEOUT);
    let base = opened.base.as_ref().map(|base| set(qmp, base)).transpose()?;
    let file = set(qmp, file)?;
    let nodes = names::nodes(volume, file, base, opened.key.is_some());
    add_nodes(qmp, volume, nodes, opened.key.as_ref())?;
    qmp.execute("object-add", names::group_options(volume, &disk.limits), ACT_TIMEOUT)?;
    qmp.execute("blockdev-add", names::throttle(volume), ACT_TIMEOUT)?;
    qmp.execute("device_add", names::device_options(volume, &slot), ACT_TIMEOUT).map(|_| Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_groups_and_sets_are_read_from_what_qemu_lists() {
        let volume: VolumeId = "vol-0123456789abcdef0".parse().unwrap();
        let answer = json!([
            { "name": "type", "type": "string" },
            { "name": "vol0123456789abcdef0", "type": "child<virtio-blk-pci>" },
            { "name": "vol-strange", "type": "child<virtio-blk-pci>" },
            { "name": "vol0123456789abcdef1", "type": "child<virtio-net-pci>" },
            { "name": "limits-vol-0123456789abcdef0", "type": "child<throttle-group>" },
            { "name": "limits-7", "type": "child<throttle-group>" },
            7,
        ]);
        let devices: Vec<_> = named(&answer, "child<virtio-blk-pci>").filter_map(names::volume_of_device).collect();
        let groups: Vec<_> = named(&answer, "child<throttle-group>").filter_map(names::volume_of_group).collect();
        assert_eq!((devices, groups), (vec![volume], vec![volume]));
        let sets = json!([
            { "fdset-id": 3, "fds": [{ "fd": 9, "opaque": "vol-0123456789abcdef0" }] },
            { "fdset-id": 4, "fds": [{ "fd": 10 }] },
            { "fdset-id": 5, "fds": [{ "fd": 11, "opaque": "vol-0123456789abcdef1" }] },
        ]);
        assert_eq!(sets_of(&sets, &volume.to_string()), [3]);
        assert!(sets_of(&json!(null), "").is_empty());
    }
}
