//! Disks of real QEMU guests: given to them, taken away, made larger and faster while they run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use landfall_model::agent::DiskSeen;
use landfall_model::plan::{DiskPlan, VolumePlan, VolumeSource};
use landfall_model::{VolumeId, VolumeKind, VolumeShape};
use landfall_node::driver::{GuestState, Hypervisor, PowerAction, Volumes};
use landfall_node::volume::LocalVolumes;
use serde_json::{Value, json};

use crate::hypervisor::{Bench, RealGuest, find, volume, wait};

fn disks(bench: &Bench) -> BTreeMap<VolumeId, DiskSeen> {
    bench.guest().unwrap().devices.unwrap().disks
}

/// A disk of a volume, as a gp3 with so many operations a second.
pub(crate) fn planned(volume: &VolumePlan, iops: u32) -> DiskPlan {
    let size_gib = u32::try_from(volume.size_bytes >> 30).unwrap();
    let shape = VolumeShape { size_gib, kind: VolumeKind::Gp3, iops: Some(iops), throughput_mib: Some(125) };
    DiskPlan {
        volume: volume.id,
        device: "/dev/sdf".into(),
        root: false,
        size_bytes: volume.size_bytes,
        limits: shape.limits(),
    }
}

/// Asks a guest's machine something.
pub(crate) fn ask(bench: &Bench, command: &str, arguments: Value) -> Value {
    let path = bench.folder.path().join(format!("run/{}/look.sock", bench.id));
    let mut stream = UnixStream::connect(path).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = |text: Value| {
        stream.write_all(format!("{text}\n").as_bytes()).unwrap();
        loop {
            let answer: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            if answer.get("return").is_some() || answer.get("error").is_some() {
                return answer;
            }
        }
    };
    say(json!({ "execute": "qmp_capabilities" }));
    say(json!({ "execute": command, "arguments": arguments }))["return"].take()
}

/// The files that a process has open below a folder.
pub(crate) fn open_files(pid: i32, folder: &Path) -> usize {
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    fds.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok()).filter(|path| path.starts_with(folder)).count()
}

#[test]
fn a_disk_is_given_changed_and_pulled() {
    let Some(bench) = Bench::new("a_disk_is_given_changed_and_pulled") else { return };
    let folder = bench.folder.path().join("volumes");
    let volumes = LocalVolumes::new(folder.clone(), bench.folder.path().into()).unwrap().with_reserve(0);
    let small = volume(7, VolumeSource::Blank);
    assert_eq!(volumes.ensure(&small).unwrap(), 1 << 30);
    let disk = planned(&small, 3000);
    let attach = |disk: &DiskPlan| bench.qemu.attach(bench.id, disk, &|| volumes.open(&small));
    assert!(attach(&disk).is_err(), "it doesn't run");
    bench.qemu.detach(bench.id, small.id, true).unwrap();
    bench.start(&bench.plan(1)).unwrap();
    assert!(disks(&bench).is_empty());
    attach(&disk).unwrap();
    attach(&disk).unwrap();
    let seen = DiskSeen { volume: small.id, whole: true, size_bytes: 1 << 30, limits: disk.limits };
    assert_eq!(disks(&bench), [(small.id, seen.clone())].into());
    assert_eq!(find(&bench.another(), bench.id).unwrap().devices.unwrap().disks, [(small.id, seen)].into());
    assert!(volumes.remove(small.id).is_err(), "it is in use");

    // Larger and faster, as the machine itself says.
    let large = VolumePlan { size_bytes: 3 << 30, ..small.clone() };
    assert_eq!(volumes.ensure(&large).unwrap(), 1 << 30, "its guest makes it larger");
    let faster = planned(&large, 6000);
    bench.qemu.tune(bench.id, &faster).unwrap();
    bench.qemu.tune(bench.id, &faster).unwrap();
    assert_eq!((disks(&bench)[&small.id].size_bytes, disks(&bench)[&small.id].limits), (3 << 30, faster.limits));
    let limits = json!({ "path": format!("/objects/limits-{}", small.id), "property": "limits" });
    let limits = ask(&bench, "qom-get", limits);
    assert_eq!((&limits["iops-total"], &limits["bps-total"]), (&json!(6000), &json!(125 << 20)));
    let nodes = ask(&bench, "query-named-block-nodes", json!({ "flat": true }));
    let top = nodes.as_array().unwrap().iter().find(|node| node["node-name"] == json!(small.id.to_string())).unwrap();
    assert_eq!(top["image"]["virtual-size"], json!(3_u64 << 30));
    assert_eq!(volumes.ensure(&large).unwrap(), 3 << 30);

    // No system runs that could let it go; pulled, nothing of the volume is open any more.
    bench.qemu.detach(bench.id, small.id, false).unwrap();
    assert_eq!(disks(&bench).len(), 1);
    let pid = bench.pid();
    assert!(open_files(pid, &folder) > 0);
    let pulled = bench.qemu.detach(bench.id, small.id, true);
    assert!(pulled.is_ok(), "{pulled:?}: {:?}", bench.state());
    assert!(disks(&bench).is_empty());
    assert_eq!(open_files(pid, &folder), 0);
    bench.qemu.detach(bench.id, small.id, true).unwrap();
    assert!(attach(&faster).unwrap_err().to_string().contains("hasn't let go"));
    bench.qemu.power(bench.id, PowerAction::Reset).unwrap();
    // The reset lets all go that was to go.
    wait("the device to be gone", || attach(&faster).is_ok());
    assert_eq!(disks(&bench)[&small.id].size_bytes, 3 << 30);
    assert_eq!(bench.state(), Some(GuestState::Running));
}

#[test]
fn what_an_attachment_leaves_behind_is_cleared_away() {
    let Some(bench) = Bench::new("what_an_attachment_leaves_behind") else { return };
    let folder = bench.folder.path().join("volumes");
    let volumes = LocalVolumes::new(folder.clone(), bench.folder.path().into()).unwrap().with_reserve(0);
    let volume = volume(8, VolumeSource::Blank);
    volumes.ensure(&volume).unwrap();
    bench.start(&bench.plan(1)).unwrap();
    // As far as one comes that is cut off before the device.
    let group = json!({ "qom-type": "throttle-group", "id": format!("limits-{}", volume.id), "limits": {} });
    ask(&bench, "object-add", group);
    let left = disks(&bench).remove(&volume.id).unwrap();
    assert!(!left.whole, "it can't be used, and isn't gone");
    bench.qemu.attach(bench.id, &planned(&volume, 3000), &|| volumes.open(&volume)).unwrap();
    assert!(disks(&bench)[&volume.id].whole);
    // All of its slots: those that are left are for others, and nothing is left open of one that got none.
    let before = open_files(bench.pid(), &folder);
    let full = (20..60).find_map(|number| {
        let more = crate::hypervisor::volume(number, VolumeSource::Blank);
        volumes.ensure(&more).unwrap();
        let result = bench.qemu.attach(bench.id, &planned(&more, 3000), &|| volumes.open(&more));
        result.err().map(|error| (error.to_string(), more.id))
    });
    let (why, last) = full.unwrap();
    assert!(why.contains("none of its slots is free"), "{why}");
    assert!(!disks(&bench).contains_key(&last));
    assert_eq!(open_files(bench.pid(), &folder), before * disks(&bench).len());
}

#[test]
fn a_guest_sees_a_disk_come_grow_and_go() {
    let Some(guest) = RealGuest::new("a_guest_sees_a_disk_come_grow_and_go") else { return };
    guest.volumes.ensure(&guest.volume).unwrap();
    guest.start();
    let bench = &guest.bench;
    let more = volume(9, VolumeSource::Blank);
    guest.volumes.ensure(&more).unwrap();
    wait("the guest to be up", || bench.console().contains("login:") || bench.console().contains("landfall"));
    let disk = planned(&more, 3000);
    bench.qemu.attach(bench.id, &disk, &|| guest.volumes.open(&more)).unwrap();
    wait("the guest to see it", || bench.console().contains("vdb"));
    bench.qemu.tune(bench.id, &DiskPlan { size_bytes: 2 << 30, ..disk }).unwrap();
    wait("the guest to see it grow", || {
        bench.console().contains("vdb: detected capacity change") || bench.console().contains("[vdb] new size")
    });
    wait("the guest to let it go", || {
        bench.qemu.detach(bench.id, more.id, false).unwrap();
        disks(bench).len() == 1
    });
    guest.volumes.remove(more.id).unwrap();
    assert_eq!(bench.state(), Some(GuestState::Running));
}
