//! What a disk is in QEMU: names and options of its nodes, the same on the command line and over the monitor.

use landfall_model::{DiskLimits, Rate, SnapshotId, VolumeId};
use serde_json::{Value, json};

use crate::volume::key::DiskKey;
use crate::volume::luks;

/// The serial number of a volume's disk, and the name of its device: the volume's id without the dash, as EC2's are, and
/// all of the twenty characters that virtio has for it.
pub fn serial(volume: VolumeId) -> String {
    volume.to_string().replace('-', "")
}

/// The name of a volume's device.
pub fn device(volume: VolumeId) -> String {
    serial(volume)
}

/// The volume whose device has that name.
pub fn volume_of_device(name: &str) -> Option<VolumeId> {
    format!("vol-{}", name.strip_prefix("vol")?).parse().ok()
}

const GROUP: &str = "limits-";

/// The name of a volume's throttle group.
pub fn group(volume: VolumeId) -> String {
    format!("{GROUP}{volume}")
}

/// The volume whose throttle group has that name.
pub fn volume_of_group(name: &str) -> Option<VolumeId> {
    name.strip_prefix(GROUP)?.parse().ok()
}

/// All nodes of a volume, from the top, whether it is a clone or not.
pub fn chain(volume: VolumeId) -> [String; 5] {
    let below = |part| format!("{volume}.{part}");
    [volume.to_string(), below("qcow2"), below("file"), below("base"), below("bfile")]
}

/// The node that a pulled disk's device gets, and the one below it.
pub fn dead(volume: VolumeId) -> (String, String) {
    (format!("{volume}.dead"), format!("{volume}.none"))
}

/// The name of the object that holds a volume's passphrase while its file is opened.
pub fn secret(volume: VolumeId) -> String {
    format!("key-{volume}")
}

/// That object. It goes over the monitor alone, never on the command line.
pub fn secret_options(volume: VolumeId, key: &DiskKey) -> Value {
    json!({ "qom-type": "secret", "id": secret(volume), "data": key.passphrase().as_str() })
}

/// The nodes below the throttle, from the bottom: the volume's own file and, where it is a clone, its image, by the sets
/// of their descriptors. Every layer is named, so that QEMU never follows a path in a header.
pub fn nodes(volume: VolumeId, file: u64, base: Option<u64>, encrypted: bool) -> Vec<Value> {
    let [_, qcow2, own, image, image_file] = chain(volume);
    let mut nodes = Vec::new();
    if let Some(set) = base {
        nodes.push(json!({
            "driver": "file", "node-name": image_file, "filename": format!("/dev/fdset/{set}"),
            "read-only": true, "auto-read-only": false,
        }));
        nodes.push(json!({
            "driver": "qcow2", "node-name": image, "file": image_file, "backing": null, "read-only": true,
        }));
    }
    nodes.push(json!({
        "driver": "file", "node-name": own, "filename": format!("/dev/fdset/{file}"),
        "discard": "unmap", "auto-read-only": false,
    }));
    let mut top = json!({
        "driver": "qcow2", "node-name": qcow2, "file": own, "backing": base.map(|_| image), "discard": "unmap",
    });
    if encrypted {
        top["encrypt"] = luks::options(&secret(volume));
    }
    nodes.push(top);
    nodes
}

/// The topmost node, which the device has and which keeps to the group's limits. It has the volume's own name.
pub fn throttle(volume: VolumeId) -> Value {
    throttle_over(volume, &chain(volume)[1])
}

/// The same with another node below it: what was written through that one goes on without a pause.
pub fn throttle_over(volume: VolumeId, below: &str) -> Value {
    json!({ "driver": "throttle", "node-name": volume.to_string(), "throttle-group": group(volume), "file": below })
}

/// All nodes of what is held of a disk for a snapshot, from the top: what is read, the filter that keeps what is
/// overwritten, and what it keeps that in: a qcow2 in a part of fixed length of a file.
pub fn held_chain(snapshot: SnapshotId) -> [String; 5] {
    let below = |part| format!("{snapshot}.{part}");
    [snapshot.to_string(), below("cbw"), below("qcow2"), below("part"), below("file")]
}

/// How long a guest's write waits until what it overwrites is kept, in seconds: then that is given up.
const KEEP_TIMEOUT_S: u64 = 20;

/// Those nodes from the bottom up to the filter, by the set of the file's descriptor.
pub fn held_nodes(snapshot: SnapshotId, volume: VolumeId, file: u64, limit_bytes: u64, encrypted: bool) -> Vec<Value> {
    let [_, filter, kept, part, own] = held_chain(snapshot);
    let [_, qcow2, ..] = chain(volume);
    let mut keeping = json!({ "driver": "qcow2", "node-name": kept, "file": part, "backing": null });
    if encrypted {
        keeping["encrypt"] = luks::options(&secret(volume));
    }
    vec![
        json!({
            "driver": "file", "node-name": own, "filename": format!("/dev/fdset/{file}"), "auto-read-only": false,
        }),
        json!({ "driver": "raw", "node-name": part, "file": own, "size": limit_bytes }),
        keeping,
        // What can't be kept breaks what is held, not the guest's write.
        json!({
            "driver": "copy-before-write", "node-name": filter, "file": qcow2, "target": kept,
            "on-cbw-error": "break-snapshot", "cbw-timeout": KEEP_TIMEOUT_S,
        }),
    ]
}

/// The node that what is held is read from.
pub fn held_access(snapshot: SnapshotId) -> Value {
    let [top, filter, ..] = held_chain(snapshot);
    json!({ "driver": "snapshot-access", "node-name": top, "file": filter })
}

/// What the names of bitmaps of ours begin with.
pub const CHANGES: &str = "landfall-";

/// The bitmap that notes what changes since the snapshot of that root.
pub fn changes_since(root: &str) -> String {
    format!("{CHANGES}{root}")
}

/// The bitmap that notes what changes from a snapshot's moment on, as long as its root isn't known.
pub fn changes_from(snapshot: SnapshotId) -> String {
    format!("{snapshot}.since")
}

/// The bitmap that says what changed up to a snapshot's moment.
pub fn changes_until(snapshot: SnapshotId) -> String {
    format!("{snapshot}.changes")
}

/// The object that holds a volume's limits.
pub fn group_options(volume: VolumeId, limits: &DiskLimits) -> Value {
    json!({ "qom-type": "throttle-group", "id": group(volume), "limits": self::limits(limits) })
}

/// Limits in QEMU's words. What is set later replaces all of them, so what has no limit is said too.
pub fn limits(limits: &DiskLimits) -> Value {
    let none = Rate { base: 0, burst: 0, burst_s: 1 };
    let (iops, bytes) = (limits.iops.unwrap_or(none), limits.bytes.unwrap_or(none));
    // A burst of no more than the base is none; QEMU wants it unset.
    let burst = |rate: Rate| if rate.burst > rate.base { (rate.burst, rate.burst_s) } else { (0, 1) };
    let ((iops_most, iops_s), (bytes_most, bytes_s)) = (burst(iops), burst(bytes));
    // An operation's size counts only where operations are limited.
    let size = if iops.base > 0 { limits.operation_bytes } else { 0 };
    json!({
        "iops-total": iops.base, "iops-total-max": iops_most, "iops-total-max-length": iops_s,
        "bps-total": bytes.base, "bps-total-max": bytes_most, "bps-total-max-length": bytes_s, "iops-size": size,
    })
}

/// The device.
pub fn device_options(volume: VolumeId, slot: &str) -> Value {
    let serial = serial(volume);
    // A full disk pauses the guest until there is room; any other error is the guest's to see.
    json!({
        "driver": "virtio-blk-pci", "id": device(volume), "drive": volume.to_string(), "serial": serial,
        "werror": "enospc", "rerror": "report", "write-cache": "on", "bus": slot,
    })
}
