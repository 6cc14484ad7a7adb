//! Snapshots of volumes that running QEMU guests write to: of one moment, whatever is overwritten meanwhile, whoever asks for
//! them and dies, and never at the guest's cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use landfall_chunks::Folder;
use landfall_model::agent::SnapshotMade;
use landfall_model::plan::{DirectBoot, DiskPlan, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{AccountId, ChunkRoot, DiskLimits, InterfaceId, Mac, SnapshotId};
use landfall_node::driver::{
    DriverError, DriverResult, GuestState, HeldDisk, Hold, Hypervisor, Launch, OpenFleece, OpenPort, PowerAction,
    Volumes,
};
use landfall_node::hypervisor::QemuHypervisor;
use landfall_node::volume::{LocalVolumes, SnapshotStore};
use serde_json::json;

use crate::disk::{ask, open_files};
use crate::hypervisor::{Bench, find, tap, volume, wait};

const MIB: u64 = 1 << 20;

/// A guest with two disks, and a store of snapshots.
struct Place {
    bench: Bench,
    volumes: LocalVolumes,
    disks: [VolumePlan; 2],
}

impl Place {
    /// A place with two empty volumes.
    fn new(test: &str, first: u128) -> Option<Self> {
        for tool in ["qemu-img", "qemu-nbd", "qemu-io"] {
            if Command::new(tool).arg("--version").output().is_err() {
                crate::skipped(test, &format!("{tool} isn't installed"));
                return None;
            }
        }
        let bench = Bench::new(test)?;
        let folder = bench.folder.path();
        let store = SnapshotStore::new(Arc::new(Folder::open(folder.join("chunks")).unwrap()));
        let volumes = LocalVolumes::new(folder.join("volumes"), folder.join("images")).unwrap();
        let volumes = volumes.with_reserve(0).with_store(store);
        volumes.learn(Arc::new(|_| Ok([7; 32])));
        let disks = [first, first + 1].map(|number| volume(number, VolumeSource::Blank));
        for disk in &disks {
            volumes.ensure(disk).unwrap();
        }
        Some(Place { bench, volumes, disks })
    }

    /// The same with its guest running, whose firmware is all that runs in it, and its disks attached.
    fn running(test: &str, first: u128) -> Option<Self> {
        let place = Self::new(test, first)?;
        place.bench.start(&place.bench.plan(1)).unwrap();
        for disk in &place.disks {
            place.bench.qemu.attach(place.bench.id, &planned(disk), &|| place.volumes.open(disk)).unwrap();
        }
        Some(place)
    }

    /// Writes to a disk as the guest would, from a place on.
    fn write(&self, disk: usize, pattern: u8, at: u64, bytes: u64) {
        self.ask_disk(disk, &format!("write -P {pattern} {at} {bytes}"));
    }

    /// Has what was written to a disk be durable, as the guest would: else it may be lost where its machine is killed.
    fn flush(&self, disk: usize) {
        self.ask_disk(disk, "flush");
    }

    fn ask_disk(&self, disk: usize, what: &str) {
        let device = self.disks[disk].id.to_string().replace('-', "");
        let write = format!("qemu-io -d /machine/peripheral/{device}/virtio-backend \"{what}\"");
        let said = ask(&self.bench, "human-monitor-command", json!({ "command-line": write }));
        let said = said.as_str().unwrap();
        assert!(!said.contains("rror") && !said.contains("failed"), "{said}");
    }

    fn hold(&self, snapshots: &[(usize, &SnapshotPlan)]) -> DriverResult<()> {
        let disks: Vec<_> = snapshots.iter().map(|(disk, plan)| (self.disks[*disk].id, *plan)).collect();
        self.bench.qemu.hold(self.bench.id, &disks, &|id| {
            self.volumes.fleece(self.disks.iter().find(|disk| disk.id == id).unwrap())
        })
    }

    /// What an agent sees that is held, and whether it can be read.
    fn holds(&self, qemu: &QemuHypervisor) -> Vec<(SnapshotId, Hold)> {
        find(qemu, self.bench.id).unwrap().devices.unwrap().held.into_iter().collect()
    }

    fn save(&self, qemu: &QemuHypervisor, disk: usize, plan: &SnapshotPlan) -> DriverResult<SnapshotMade> {
        let held: HeldDisk = qemu.held(self.bench.id, plan.id)?;
        let made = self.volumes.snapshot(&self.disks[disk], plan, Some(held), &|_| {})?;
        qemu.stored(self.bench.id, plan.id, &made.root).map(|()| made)
    }

    /// Starts its guest once more, and attaches the first disk as it is by now.
    fn again(&self, disk: &VolumePlan) {
        self.bench.start(&self.bench.plan(2)).unwrap();
        self.bench.qemu.attach(self.bench.id, &planned(disk), &|| self.volumes.open(disk)).unwrap();
    }

    /// A file with all that a volume made of a snapshot has.
    fn restored(&self, number: u128, made: &SnapshotMade) -> PathBuf {
        self.restored_to(number, self.disks[0].size_bytes, made)
    }

    /// The same of a larger volume.
    fn restored_to(&self, number: u128, size_bytes: u64, made: &SnapshotMade) -> PathBuf {
        let root = ChunkRoot { domain: AccountId::PROVIDER, root: made.root.clone(), data_key: None };
        let copy = VolumePlan { size_bytes, ..volume(number, VolumeSource::Chunks(root)) };
        self.volumes.ensure(&copy).unwrap();
        let raw = self.bench.folder.path().join(format!("{number}.raw"));
        let path = self.bench.folder.path().join(format!("volumes/{}.qcow2", copy.id));
        run(Command::new("qemu-img").args(["convert", "-O", "raw"]).arg(path).arg(&raw));
        raw
    }

    /// The names of all nodes that the guest's machine has.
    fn nodes(&self) -> Vec<String> {
        let nodes = ask(&self.bench, "query-named-block-nodes", json!({ "flat": true }));
        nodes.as_array().unwrap().iter().map(|node| node["node-name"].as_str().unwrap().to_owned()).collect()
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn planned(volume: &VolumePlan) -> DiskPlan {
    DiskPlan {
        volume: volume.id,
        device: "/dev/sdf".into(),
        root: false,
        size_bytes: volume.size_bytes,
        limits: DiskLimits::default(),
    }
}

fn snapshot(session: u64, base: Option<&SnapshotMade>) -> SnapshotPlan {
    let id = SnapshotId::from_random(session.into());
    let base = base.map(|made| made.root.clone());
    SnapshotPlan {
        id,
        domain: AccountId::PROVIDER,
        session,
        base,
        size_bytes: 1 << 30,
        moment: id,
        taken: false,
        before_boot: None,
    }
}

/// Asserts that a file has that in each byte of a range.
fn assert_is(raw: &Path, pattern: u8, at: u64, bytes: u64) {
    let read = format!("read -P {pattern} {at} {bytes}");
    run(Command::new("qemu-io").args(["-r", "-f", "raw", "-c", &read]).arg(raw));
}

#[test]
fn what_disks_had_at_a_moment_is_read_while_the_guest_writes_on() {
    let Some(place) = Place::running("what_disks_had_at_a_moment", 40) else { return };
    let folder = place.bench.folder.path().join("volumes");
    let (before, files) = (place.nodes(), open_files(place.bench.pid(), &folder));
    for disk in 0..2 {
        place.write(disk, 1, MIB, 8 * MIB);
    }
    let (one, two) = (snapshot(1, None), snapshot(2, None));
    let began = Instant::now();
    place.hold(&[(0, &one), (1, &two)]).unwrap();
    eprintln!("held after {:?}", began.elapsed());
    // Over what was there, across the ends of blocks, and where nothing was.
    for disk in 0..2 {
        place.write(disk, 2, 2 * MIB + 4096, MIB);
        place.write(disk, 3, 100 * MIB, MIB);
    }
    place.hold(&[(0, &one), (1, &two)]).unwrap();
    let later = snapshot(3, None);
    assert!(matches!(place.hold(&[(0, &later)]), Err(DriverError::Later(_))), "one at a time");
    let both = [&one, &two].map(|plan| plan.id);
    let whole = |at: usize| (both[at], Hold { volume: place.disks[at].id, whole: true });
    // Another agent, after the first one was killed: it reads what that one held.
    let other = place.bench.another();
    assert_eq!(place.holds(&other), [whole(0), whole(1)]);
    // One more that dies with its connection open.
    drop(place.bench.qemu.held(place.bench.id, one.id).unwrap());
    for (disk, plan) in [&one, &two].into_iter().enumerate() {
        let made = place.save(&other, disk, plan).unwrap();
        assert_eq!(made.full_bytes, 8 * MIB);
        let raw = place.restored(50 + disk as u128, &made);
        assert_is(&raw, 1, MIB, 8 * MIB);
        assert_is(&raw, 0, 100 * MIB, MIB);
    }

    // As long as it is held, the disk stays as it is otherwise.
    let larger = DiskPlan { size_bytes: 2 << 30, ..planned(&place.disks[0]) };
    assert!(matches!(other.tune(place.bench.id, &larger), Err(DriverError::Later(_))));
    assert!(matches!(other.detach(place.bench.id, place.disks[0].id, true), Err(DriverError::Later(_))));
    other.release(place.bench.id, one.id).unwrap();
    other.release(place.bench.id, one.id).unwrap();
    assert_eq!(place.holds(&place.bench.qemu), [whole(1)]);
    other.detach(place.bench.id, place.disks[0].id, true).unwrap();
    other.release(place.bench.id, two.id).unwrap();
    assert!(place.holds(&other).is_empty());
    let left: Vec<_> = place.nodes().into_iter().filter(|node| node.starts_with("snap-")).collect();
    assert!(left.is_empty() && before.len() == 6, "{left:?}, {before:?}");
    wait("the files to be closed", || open_files(place.bench.pid(), &folder) == files / 2);
    assert!(!place.bench.folder.path().join(format!("run/{}/held.sock", place.bench.id)).exists());
    // And it can be held again.
    place.hold(&[(1, &later)]).unwrap();
    let made = place.save(&other, 1, &later).unwrap();
    assert_is(&place.restored(60, &made), 2, 2 * MIB + 4096, MIB);
    assert_eq!(place.bench.state(), Some(GuestState::Running));
}

#[test]
fn an_attempt_that_was_cut_off_is_cleared_away() {
    let Some(place) = Place::running("an_attempt_that_was_cut_off_is_cleared_away", 70) else { return };
    place.write(0, 1, 0, MIB);
    let (one, next) = (snapshot(1, None), snapshot(2, None));
    place.hold(&[(0, &one)]).unwrap();
    // As it is between the moment and the word of it.
    let record = place.bench.folder.path().join(format!("run/{}/guest.json", place.bench.id));
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"taken\":true", "\"taken\":false")).unwrap();
    assert_eq!(place.holds(&place.bench.qemu), [(one.id, Hold { volume: place.disks[0].id, whole: false })]);
    assert!(matches!(place.save(&place.bench.qemu, 0, &one), Err(DriverError::Retry(_))));
    place.write(0, 2, 0, MIB);
    // For another snapshot, since nobody wants that one any more; then for the same one again.
    place.hold(&[(0, &next)]).unwrap();
    assert_eq!(place.holds(&place.bench.qemu), [(next.id, Hold { volume: place.disks[0].id, whole: true })]);
    let made = place.save(&place.bench.qemu, 0, &next).unwrap();
    assert_is(&place.restored(80, &made), 2, 0, MIB);
    place.bench.qemu.release(place.bench.id, next.id).unwrap();
    // What can't be opened leaves nothing behind.
    let disks = [(place.disks[0].id, &one), (place.disks[1].id, &next)];
    let refused = place.bench.qemu.hold(place.bench.id, &disks, &|id| {
        if id == place.disks[1].id {
            return Err(DriverError::Final("no room".into()));
        }
        place.volumes.fleece(&place.disks[0])
    });
    assert!(matches!(refused, Err(DriverError::Final(why)) if why == "no room"));
    assert!(place.holds(&place.bench.qemu).is_empty());
    assert!(!place.nodes().iter().any(|node| node.starts_with("snap-")));
    // A machine that is gone holds nothing.
    place.hold(&[(0, &one)]).unwrap();
    place.bench.qemu.power(place.bench.id, PowerAction::Pull).unwrap();
    assert!(matches!(place.save(&place.bench.qemu, 0, &one), Err(DriverError::Retry(_))));
    place.bench.qemu.release(place.bench.id, one.id).unwrap();
    run(Command::new("qemu-img")
        .args(["check", "-q"])
        .arg(place.bench.folder.path().join(format!("volumes/{}.qcow2", place.disks[0].id))));
}

#[test]
fn a_guest_that_overwrites_more_than_there_is_room_for_writes_on() {
    let Some(place) = Place::running("a_guest_that_overwrites_more_than_there_is_room_for", 90) else { return };
    place.write(0, 1, 0, 64 * MIB);
    let one = snapshot(1, None);
    let disks = [(place.disks[0].id, &one)];
    let opened = place.bench.qemu.hold(place.bench.id, &disks, &|_| {
        let OpenFleece { file, .. } = place.volumes.fleece(&place.disks[0])?;
        let file = fs::File::from(file.unwrap());
        file.set_len(16 * MIB).unwrap();
        Ok(OpenFleece { file: Some(file.into()), limit_bytes: 16 * MIB, key: None })
    });
    opened.unwrap();
    for at in 0..64 {
        place.write(0, 2, at * MIB, MIB);
    }
    assert_eq!(place.bench.state(), Some(GuestState::Running));
    let failed = place.save(&place.bench.qemu, 0, &one);
    assert!(matches!(&failed, Err(DriverError::Final(why)) if why.contains("overwrote more")), "{failed:?}");
    place.bench.qemu.release(place.bench.id, one.id).unwrap();
    let next = snapshot(2, None);
    place.hold(&[(0, &next)]).unwrap();
    let made = place.save(&place.bench.qemu, 0, &next).unwrap();
    assert_is(&place.restored(95, &made), 2, 0, 64 * MIB);
}

#[test]
fn the_next_snapshot_of_a_running_guest_reads_only_what_changed() {
    let Some(place) = Place::running("the_next_snapshot_of_a_running_guest", 120) else { return };
    place.write(0, 1, 0, 64 * MIB);
    // How many bytes the machine has read from files, of which it has none but the disks'.
    let read = || {
        let text = fs::read_to_string(format!("/proc/{}/io", place.bench.pid())).unwrap();
        text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse::<u64>().unwrap()
    };
    let bitmaps = || {
        let nodes = ask(&place.bench, "query-named-block-nodes", json!({ "flat": true }));
        let own = format!("{}.qcow2", place.disks[0].id);
        let node = nodes.as_array().unwrap().iter().find(|it| it["node-name"] == json!(own)).unwrap();
        let names = node["dirty-bitmaps"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<_> = names.iter().filter_map(|it| Some(it["name"].as_str()?.to_owned())).collect();
        names.sort();
        names
    };
    let take = |plan: &SnapshotPlan| {
        place.hold(&[(0, plan)]).unwrap();
        place.write(0, 9, 63 * MIB, 4096);
        let before = read();
        let made = place.save(&place.bench.another(), 0, plan).unwrap();
        let bytes = read() - before;
        place.bench.qemu.release(place.bench.id, plan.id).unwrap();
        (made, bytes)
    };
    let (first, all) = take(&snapshot(1, None));
    assert!(all >= 64 * MIB, "{all}");
    let since = |made: &SnapshotMade| format!("landfall-{}", made.root);
    assert_eq!(bitmaps(), [since(&first)]);
    place.write(0, 2, 5 * MIB + 4096, 4096);
    place.write(0, 3, 200 * MIB, MIB);
    let (second, some) = take(&snapshot(2, Some(&first)));
    eprintln!("{all} bytes read at first, {some} of what changed");
    // The block of each change, that under the write while it was held, and what is read besides.
    assert!(some < 4 * MIB, "{some}");
    assert_eq!(bitmaps(), [since(&first), since(&second)], "what a later one may build on");
    let raw = place.restored(130, &second);
    assert_is(&raw, 1, 0, 5 * MIB + 4096);
    assert_is(&raw, 2, 5 * MIB + 4096, 4096);
    assert_is(&raw, 1, 6 * MIB, 57 * MIB);
    assert_is(&raw, 9, 63 * MIB, 4096);
    assert_is(&raw, 3, 200 * MIB, MIB);
    // After an orderly end it goes on.
    let again = || place.again(&place.disks[0]);
    place.bench.qemu.power(place.bench.id, PowerAction::Pull).unwrap();
    again();
    place.write(0, 4, 10 * MIB, 4096);
    let (third, some) = take(&snapshot(3, Some(&second)));
    assert!(some < 4 * MIB, "{some}");
    assert_eq!(bitmaps(), [since(&second), since(&third)]);
    assert_is(&place.restored(131, &third), 4, 10 * MIB, 4096);
    // One that was killed knows nothing any more: all is read, and only what changed is stored.
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(place.bench.pid()), nix::sys::signal::Signal::SIGKILL).unwrap();
    wait("its death", || place.bench.state() != Some(GuestState::Running));
    again();
    place.write(0, 5, 20 * MIB, 4096);
    let (fourth, all) = take(&snapshot(4, Some(&third)));
    assert!(all >= 64 * MIB, "{all}");
    assert_eq!(bitmaps(), [since(&fourth)]);
    assert_is(&place.restored(132, &fourth), 5, 20 * MIB, 4096);
    // What was noted since snapshots that are gone goes, however many there were.
    for session in 5..8 {
        let (made, _) = take(&snapshot(session, None));
        assert_eq!(bitmaps(), [since(&made)]);
    }
    // What was held and never stored counts from nothing that anybody knows.
    let unread = snapshot(8, None);
    place.hold(&[(0, &unread)]).unwrap();
    place.bench.qemu.release(place.bench.id, unread.id).unwrap();
    assert!(bitmaps().is_empty());
    // One that is made twice, by an agent that has an old plan: what changed in between isn't missing where the first counts.
    let (ninth, _) = take(&snapshot(9, None));
    place.write(0, 6, 30 * MIB, 4096);
    let (later, _) = take(&snapshot(9, None));
    assert_ne!(ninth.root, later.root);
    let (tenth, all) = take(&snapshot(10, Some(&ninth)));
    assert!(all >= 64 * MIB, "{all}");
    assert_is(&place.restored(133, &tenth), 6, 30 * MIB, 4096);
}

#[test]
fn a_disk_with_a_bitmap_grows_at_rest_and_in_use_whatever_became_of_its_guest() {
    let Some(place) = Place::running("a_disk_with_a_bitmap_grows", 140) else { return };
    let part = 64 * MIB;
    let sized = |size_bytes| VolumePlan { size_bytes, ..place.disks[0].clone() };
    let kill = || {
        place.flush(0);
        let pid = nix::unistd::Pid::from_raw(place.bench.pid());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        wait("its death", || place.bench.state() != Some(GuestState::Running));
    };
    let take = |plan: &SnapshotPlan| {
        place.hold(&[(0, plan)]).unwrap();
        let made = place.save(&place.bench.another(), 0, plan).unwrap();
        place.bench.qemu.release(place.bench.id, plan.id).unwrap();
        made
    };
    place.write(0, 1, 0, 8 * MIB);
    let base = place.disks[0].size_bytes;
    let first = take(&snapshot(1, None));
    // At rest, with one that is sound: it goes on noting, also of the new part.
    place.bench.qemu.power(place.bench.id, PowerAction::Pull).unwrap();
    let larger = sized(base + part);
    assert_eq!(place.volumes.ensure(&larger).unwrap(), base + part);
    place.again(&larger);
    place.write(0, 2, base + part - MIB, MIB);
    // Of as much as the control plane knew of then; the next one has what was written behind that.
    let cut = take(&SnapshotPlan { size_bytes: base, ..snapshot(2, Some(&first)) });
    let second = take(&SnapshotPlan { size_bytes: base + part, ..snapshot(5, Some(&cut)) });
    let raw = place.restored_to(150, base + part, &second);
    assert_is(&raw, 1, 0, 8 * MIB);
    assert_is(&raw, 0, 8 * MIB, 64 * MIB);
    assert_is(&raw, 0, base, part - MIB);
    assert_is(&raw, 2, base + part - MIB, MIB);
    // In use, with one that is sound, and with one that isn't.
    let tune = |size_bytes| {
        let disk = DiskPlan { size_bytes, ..planned(&place.disks[0]) };
        place.bench.qemu.tune(place.bench.id, &disk).unwrap();
    };
    tune(base + 2 * part);
    place.write(0, 3, base + 2 * part - MIB, MIB);
    kill();
    place.again(&sized(base + 2 * part));
    tune(base + 3 * part);
    place.write(0, 4, base + 3 * part - MIB, MIB);
    // At rest, with one that isn't.
    take(&SnapshotPlan { size_bytes: base + 3 * part, ..snapshot(6, Some(&second)) });
    kill();
    let largest = sized(base + 4 * part);
    assert_eq!(place.volumes.ensure(&largest).unwrap(), base + 4 * part);
    place.again(&largest);
    let last = take(&SnapshotPlan { size_bytes: base + 4 * part, ..snapshot(7, None) });
    let raw = place.restored_to(151, base + 4 * part, &last);
    assert_is(&raw, 3, base + 2 * part - MIB, MIB);
    assert_is(&raw, 4, base + 3 * part - MIB, MIB);
    assert_is(&raw, 0, base + 3 * part, part);
}

/// What runs in the guest of the next test: it writes rising numbers to two disks in turn, each durable before the next.
const LOAD: &str = r#"#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/lib/modules/$module"; done </lib/modules/order
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do usleep 50000; done
n=0
while true; do
    n=$((n + 1))
    for disk in vda vdb; do
        printf '%016d' $n | dd of=/dev/$disk bs=65536 seek=$((n % 64)) conv=notrunc,fsync 2>/dev/null
    done
    echo "written $n"
done
"#;
/// The places that the numbers are written to in turn.
const PLACES: u64 = 64;

/// An archive of one file in the form of `cpio -H newc`, which the kernel takes behind another one.
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let entry = |name: &str, mode: u32, content: &[u8]| {
        let fields = [1, mode, 0, 0, 1, 0, content.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        let mut bytes = b"070701".to_vec();
        bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    [entry(name, 0o100_755, content), entry("TRAILER!!!", 0, &[])].concat()
}

/// The numbers that are on a disk, by place.
fn numbers(raw: &Path) -> Vec<u64> {
    use std::os::unix::fs::FileExt;
    let file = fs::File::open(raw).unwrap();
    let read = |place: u64| {
        let mut bytes = [0; 16];
        file.read_exact_at(&mut bytes, place * 65536).unwrap();
        if bytes == [0; 16] { 0 } else { String::from_utf8(bytes.to_vec()).unwrap().parse().unwrap() }
    };
    (0..PLACES).map(read).collect()
}

#[test]
fn snapshots_of_two_disks_are_of_one_moment_under_load() {
    let test = "snapshots_of_two_disks_are_of_one_moment_under_load";
    let Some(prefix) = std::env::var("LANDFALL_MINI_IMAGE").ok() else {
        return crate::skipped(test, "LANDFALL_MINI_IMAGE names no image");
    };
    let Some(place) = Place::new(test, 100) else { return };
    let images = place.bench.folder.path().join("images");
    fs::create_dir_all(&images).unwrap();
    fs::copy(format!("{prefix}.vmlinuz"), images.join("load.vmlinuz")).unwrap();
    let mut initrd = fs::read(format!("{prefix}.initrd")).unwrap();
    initrd.resize(initrd.len().next_multiple_of(4), 0);
    initrd.extend(archive("load", LOAD.as_bytes()));
    fs::write(images.join("load.initrd"), initrd).unwrap();
    let mut plan = place.bench.plan(1);
    plan.memory_mib = 128;
    plan.direct_boot = Some(DirectBoot {
        kernel: "load.vmlinuz".into(),
        initrd: Some("load.initrd".into()),
        cmdline: "console=ttyS0 mitigations=off panic=10 rdinit=/load".into(),
    });
    plan.disks = place.disks.iter().map(planned).collect();
    plan.interfaces = vec![InterfaceId::from_random(1)];
    let (fd, _network) = tap();
    let ports =
        vec![OpenPort { interface: plan.interfaces[0], mac: Mac([2, 0, 0, 0, 0, 1]), tap: Some(fd), mtu: 1400 }];
    let disks = place.disks.iter().map(|disk| place.volumes.open(disk).unwrap()).collect();
    place.bench.qemu.start(Launch { plan: &plan, disks, ports }).unwrap();
    let last = || {
        let console = place.bench.console();
        let numbers = console.lines().filter_map(|line| line.trim().strip_prefix("written ")?.parse::<u64>().ok());
        numbers.max().unwrap_or(0)
    };
    wait("the guest to write", || last() > 100);
    for round in 0..3u64 {
        let (one, two) = (snapshot(10 * round + 1, None), snapshot(10 * round + 2, None));
        let before = last();
        let began = Instant::now();
        place.hold(&[(0, &one), (1, &two)]).unwrap();
        let took = began.elapsed();
        let held_at = last();
        // It goes on, over all that is held.
        wait("the guest to write on", || last() > held_at + PLACES);
        let made = [(0, &one), (1, &two)].map(|(disk, plan)| place.save(&place.bench.another(), disk, plan).unwrap());
        let number = u128::from(200 + 10 * round);
        let [first, second] = [0, 1].map(|at| numbers(&place.restored(number + at as u128, &made[at])));
        let (most, behind) = (*first.iter().max().unwrap(), *second.iter().max().unwrap());
        eprintln!("held in {took:?} at {most} and {behind}, between {before} and {held_at}");
        assert!(most == behind || most == behind + 1, "{most} and {behind} aren't of one moment");
        assert!(before <= most && most <= held_at + 2, "{before}, {most}, {held_at}: not of the call's moment");
        for (numbers, most) in [(first, most), (second, behind)] {
            for (place, number) in (0u64..).zip(numbers) {
                let latest = most - (most + PLACES - place) % PLACES;
                assert_eq!(number, latest, "place {place} at {most}");
            }
        }
        for plan in [&one, &two] {
            place.bench.qemu.release(place.bench.id, plan.id).unwrap();
        }
    }
    assert_eq!(place.bench.state(), Some(GuestState::Running));
}
