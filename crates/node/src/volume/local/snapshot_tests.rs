//! Snapshots of real qcow2 files, written and compared by QEMU's own tools.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use landfall_chunks::{Domain, Folder, Keys, Manifest, Objects, Root, Store};
use landfall_model::{AccountId, ChunkRoot, ImageId, SnapshotId};

use super::*;

const MIB: u64 = 1 << 20;
const SECRET: [u8; 32] = [7; 32];

struct Place {
    folder: tempfile::TempDir,
    volumes: LocalVolumes,
    objects: Arc<dyn Objects>,
    asked: Arc<AtomicU32>,
}

/// None where QEMU's tools aren't installed.
fn place(test: &str) -> Option<Place> {
    for tool in ["qemu-img", "qemu-nbd", "qemu-io"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("SKIPPED {test}: {tool} isn't installed");
            return None;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let image = File::options().read(true).write(true).create_new(true).open(images.join("a.qcow2")).unwrap();
    qcow2::write_empty(&image, 8 * MIB, None).unwrap();
    let objects: Arc<dyn Objects> = Arc::new(Folder::open(folder.path().join("chunks")).unwrap());
    let store = SnapshotStore::new(objects.clone());
    let asked = Arc::new(AtomicU32::new(0));
    let volumes = LocalVolumes::new(folder.path().join("volumes"), images).unwrap().with_reserve(0).with_store(store);
    let counter = asked.clone();
    volumes.learn(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(SECRET)
    }));
    Some(Place { folder, volumes, objects, asked })
}

fn plan(number: u128, size_bytes: u64, source: VolumeSource) -> VolumePlan {
    VolumePlan {
        id: VolumeId::from_random(number),
        size_bytes,
        source,
        encrypted: false,
        wanted: true,
        snapshots: vec![],
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
        size_bytes: 0,
        moment: id,
        taken: false,
        before_boot: None,
    }
}

fn of(made: &SnapshotMade) -> VolumeSource {
    VolumeSource::Chunks(ChunkRoot { domain: AccountId::PROVIDER, root: made.root.clone(), data_key: None })
}

impl Place {
    fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output = Command::new(tool).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{tool} {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn path(&self, plan: &VolumePlan) -> String {
        self.volumes.path(plan.id).to_string_lossy().into_owned()
    }

    /// Writes a pattern to a file, from a place on.
    fn write(&self, path: &str, pattern: u8, at: u64, bytes: u64) {
        self.run("qemu-io", &["-f", "qcow2", "-c", &format!("write -P {pattern} {at} {bytes}"), path]);
    }

    /// That two disks read the same, as QEMU has it.
    fn assert_same(&self, one: &VolumePlan, other: &VolumePlan) {
        self.run("qemu-img", &["compare", "-f", "qcow2", "-F", "qcow2", &self.path(one), &self.path(other)]);
    }

    /// How many chunk files are in the store.
    fn files(&self) -> usize {
        let found = self.run("find", &[&self.folder.path().join("chunks").to_string_lossy(), "-type", "f"]);
        found.lines().count()
    }
}

#[test]
fn what_a_snapshot_has_comes_back_as_a_volume() {
    let Some(place) = place("what_a_snapshot_has_comes_back_as_a_volume") else { return };
    // A clone of an image, with own data across the ends of blocks and at the very end, which isn't that of a block.
    let image = place.folder.path().join("images/a.qcow2").to_string_lossy().into_owned();
    place.write(&image, 1, MIB, 2 * MIB);
    let source =
        ImagePlan { id: ImageId::from_random(1), file: "a.qcow2".into(), size_bytes: 8 * MIB, direct_boot: None };
    let size = 3 * (1 << 30) + 64 * 1024;
    let disk = plan(1, size, VolumeSource::Image(source));
    place.volumes.ensure(&disk).unwrap();
    place.write(&place.path(&disk), 2, 2 * MIB + 300_000 / 512 * 512, MIB);
    place.write(&place.path(&disk), 3, (1 << 30) - 65536, 131_072);
    place.write(&place.path(&disk), 4, size - 65536, 65536);
    let told = std::cell::RefCell::new(vec![]);
    let made = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|percent| told.borrow_mut().push(percent));
    let (made, told) = (made.unwrap(), told.into_inner());
    assert!(told.is_sorted_by(|one, other| one < other) && told.len() > 2 && told.last() == Some(&100), "{told:?}");
    // Blocks 2 to 6 (image and clone), both sides of the GiB, the last one.
    assert_eq!(made.full_bytes, 8 * 512 * 1024);
    let copy = plan(2, size, of(&made));
    assert_eq!(place.volumes.ensure(&copy).unwrap(), size);
    place.assert_same(&disk, &copy);
    place.run("qemu-img", &["check", "-f", "qcow2", &place.path(&copy)]);
    let open = place.volumes.open(&copy).unwrap();
    assert!(open.file.is_some() && open.base.is_none());
    // A larger one has zeros after it; a smaller one is refused, and nothing of it is left.
    let larger = plan(3, 4 << 30, of(&made));
    place.volumes.ensure(&larger).unwrap();
    place.assert_same(&larger, &copy);
    assert!(matches!(place.volumes.ensure(&plan(4, 1 << 30, of(&made))), Err(DriverError::Final(_))));
    assert_eq!(place.volumes.inspect().unwrap(), [disk.id, copy.id, larger.id].into());
    assert!(place.asked.load(Ordering::Relaxed) >= 4, "secrets aren't kept");
}

#[test]
fn the_next_snapshot_stores_only_what_changed() {
    let Some(place) = place("the_next_snapshot_stores_only_what_changed") else { return };
    let disk = plan(1, 1 << 30, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    for n in 0..32u64 {
        place.write(&place.path(&disk), n as u8 + 1, n * 512 * 1024, 512 * 1024);
    }
    let first = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {}).unwrap();
    let before = place.files();
    place.write(&place.path(&disk), 99, 5 * 512 * 1024 + 4096, 4096);
    // What becomes zeros is zeros in the snapshot too.
    place.run("qemu-io", &["-f", "qcow2", "-c", "write -z -u 1048576 524288", &place.path(&disk)]);
    let second = place.volumes.snapshot(&disk, &snapshot(2, Some(&first)), None, &|_| {}).unwrap();
    // A chunk, the two nodes above it, and the manifest.
    assert_eq!(place.files() - before, 4);
    assert_eq!((first.full_bytes, second.full_bytes), (32 * 512 * 1024, 31 * 512 * 1024));
    let copy = plan(2, 1 << 30, of(&second));
    place.volumes.ensure(&copy).unwrap();
    place.assert_same(&disk, &copy);
    // Made again, as after a restart of the agent that didn't tell: the same, of which no more is stored than an index.
    let all = place.files();
    let again = place.volumes.snapshot(&disk, &snapshot(2, Some(&first)), None, &|_| {}).unwrap();
    assert_eq!(again.full_bytes, second.full_bytes);
    assert!(place.files() - all <= 3, "{} and {all}", place.files());
    let copy = plan(3, 1 << 30, of(&again));
    place.volumes.ensure(&copy).unwrap();
    place.assert_same(&disk, &copy);
    // A grown volume builds on its smaller self.
    place.run("qemu-img", &["resize", "-q", "-f", "qcow2", &place.path(&disk), "2G"]);
    let grown = place.volumes.snapshot(&disk, &snapshot(3, Some(&second)), None, &|_| {}).unwrap();
    let store = Store::new(
        place.objects.clone(),
        AccountId::PROVIDER.to_string().parse::<Domain>().unwrap(),
        Keys::open(&SECRET),
    );
    let manifest = Manifest::open(&store, &grown.root.parse::<Root>().unwrap()).unwrap();
    assert_eq!((manifest.blocks(), manifest.written_blocks()), (4096, 31));
}

#[test]
fn a_snapshot_is_as_large_as_it_was_asked_for() {
    let Some(place) = place("a_snapshot_is_as_large_as_it_was_asked_for") else { return };
    let disk = plan(1, 4 * MIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    place.write(&place.path(&disk), 1, MIB, 2 * MIB);
    // It grew, and what was written there since is no part of it.
    place.volumes.ensure(&plan(1, 8 * MIB, VolumeSource::Blank)).unwrap();
    place.write(&place.path(&disk), 2, 6 * MIB, MIB);
    let all = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {}).unwrap();
    let asked = SnapshotPlan { size_bytes: 4 * MIB, ..snapshot(2, None) };
    let made = place.volumes.snapshot(&disk, &asked, None, &|_| {}).unwrap();
    assert_eq!((all.full_bytes, made.full_bytes), (3 * MIB, 2 * MIB));
    let copy = plan(2, 4 * MIB, of(&made));
    assert_eq!(place.volumes.ensure(&copy).unwrap(), 4 * MIB);
    place.run("qemu-io", &["-f", "qcow2", "-c", &format!("read -P 1 {MIB} {}", 2 * MIB), &place.path(&copy)]);
    // One that builds on a larger one does without.
    let smaller = SnapshotPlan { size_bytes: 4 * MIB, ..snapshot(3, Some(&all)) };
    assert_eq!(place.volumes.snapshot(&disk, &smaller, None, &|_| {}).unwrap().full_bytes, 2 * MIB);
}

#[test]
fn a_base_that_cannot_be_read_is_done_without() {
    let Some(place) = place("a_base_that_cannot_be_read_is_done_without") else { return };
    let disk = plan(1, 4 * MIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    place.write(&place.path(&disk), 1, MIB, 2 * MIB);
    let first = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {}).unwrap();
    let chunks = place.folder.path().join("chunks");
    let all = place.run("find", &[&chunks.to_string_lossy(), "-type", "f"]);
    // First each object by itself is gone, then all of them.
    for (n, path) in all.lines().chain([""]).enumerate() {
        let session = 10 + n as u64;
        let mut away = Vec::new();
        for path in all.lines().filter(|it| path.is_empty() || *it == path) {
            away.push((path, fs::read(path).unwrap()));
            fs::remove_file(path).unwrap();
        }
        let made = place.volumes.snapshot(&disk, &snapshot(session, Some(&first)), None, &|_| {}).unwrap();
        assert_eq!(made.full_bytes, 2 * MIB);
        for (path, bytes) in away {
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn snapshots_and_their_volumes_leave_room() {
    let Some(place) = place("snapshots_and_their_volumes_leave_room") else { return };
    let disk = plan(1, 4 * MIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    place.write(&place.path(&disk), 1, MIB, 2 * MIB);
    let made = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {}).unwrap();
    let full = place.volumes.clone().with_reserve(u64::MAX);
    let files = place.files();
    assert!(matches!(full.snapshot(&disk, &snapshot(2, None), None, &|_| {}), Err(DriverError::Retry(_))));
    assert!(place.files() <= files + 1, "no chunk was written");
    let root = ChunkRoot { domain: AccountId::PROVIDER, root: made.root, data_key: None };
    let store = SnapshotStore::new(place.objects.clone());
    store.learn(Arc::new(|_| Ok(SECRET)));
    let path = place.path(&disk);
    let mut export = Export::open(&place.volumes.folder, Path::new(&path), None, None, true).unwrap();
    let asked = std::cell::Cell::new(0);
    let refuse = |more| {
        asked.set(more);
        Err(DriverError::Retry("full".into()))
    };
    assert!(store.restore(&root, None, export.nbd(), &refuse).is_err());
    assert_eq!(asked.get(), 2 * MIB, "all of it is asked for first");
}

#[test]
fn what_cannot_be_read_is_said() {
    let Some(place) = place("what_cannot_be_read_is_said") else { return };
    let disk = plan(1, 1 << 30, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    place.write(&place.path(&disk), 1, 0, MIB);
    let made = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {}).unwrap();
    // A chunk is damaged: no volume is made of it.
    let found =
        place.run("find", &[&place.folder.path().join("chunks").to_string_lossy(), "-type", "f", "-size", "-2k"]);
    let mut damaged = 0;
    for path in found.lines() {
        let mut bytes = fs::read(path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged > 0);
    let Err(DriverError::Final(why)) = place.volumes.ensure(&plan(2, 1 << 30, of(&made))) else {
        panic!("it was made")
    };
    assert!(why.contains("store of snapshots"), "{why}");
    assert_eq!(place.volumes.inspect().unwrap(), [disk.id].into());
    // A file that isn't qcow2 any more.
    fs::write(place.volumes.path(disk.id), b"nothing").unwrap();
    let Err(DriverError::Final(why)) = place.volumes.snapshot(&disk, &snapshot(2, None), None, &|_| {}) else {
        panic!("it was read")
    };
    assert!(why.contains("no qcow2"), "{why}");
    // A host without a store says so.
    let bare = LocalVolumes::new(place.folder.path().join("bare"), place.folder.path().join("images")).unwrap();
    assert!(matches!(bare.snapshot(&disk, &snapshot(3, None), None, &|_| {}), Err(DriverError::Final(_))));
}

#[test]
fn no_name_in_a_volume_is_followed() {
    let Some(place) = place("no_name_in_a_volume_is_followed") else { return };
    let secret = place.folder.path().join("secret.raw");
    fs::write(&secret, vec![0x5a; MIB as usize]).unwrap();
    let secret = secret.to_string_lossy().into_owned();
    let disk = plan(1, MIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    let path = place.path(&disk);
    for options in [format!("data_file={secret},data_file_raw=on"), format!("backing_file={secret},backing_fmt=raw")] {
        fs::remove_file(&path).unwrap();
        place.run("qemu-img", &["create", "-q", "-f", "qcow2", "-o", &options, &path, "1M"]);
        // Making a file with its data elsewhere empties that one.
        fs::write(&secret, vec![0x5a; MIB as usize]).unwrap();
        let refused = place.volumes.snapshot(&disk, &snapshot(1, None), None, &|_| {});
        assert!(matches!(&refused, Err(DriverError::Final(why)) if why.contains("another file")), "{refused:?}");
    }
    // Also a server that is given such a file serves nothing of it.
    let mut export = Export::open(&place.volumes.folder, Path::new(&path), None, None, false).unwrap();
    let mut read = vec![1; 4096];
    export.nbd().read(0, &mut read).unwrap();
    assert!(read.iter().all(|byte| *byte == 0));
    // And it is made larger without a look at that file.
    drop(export);
    assert_eq!(place.volumes.ensure(&plan(1, 2 * MIB, VolumeSource::Blank)).unwrap(), 2 * MIB);
}

#[test]
fn a_server_sees_only_what_it_serves() {
    let Some(place) = place("a_server_sees_only_what_it_serves") else { return };
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED a_server_sees_only_what_it_serves: not root");
        return;
    }
    let disk = plan(1, MIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    let export = Export::open(&place.volumes.folder, Path::new(&place.path(&disk)), None, None, true).unwrap();
    let process = PathBuf::from(format!("/proc/{}", export.pid()));
    let root = process.join("root");
    let mut seen: Vec<String> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    seen.retain(|name| !["lib", "lib64", "usr", "etc", "dev"].contains(&name.as_str()));
    seen.sort();
    assert_eq!(seen, ["own", "top"]);
    assert!(!root.join("etc/passwd").exists());
    let status = fs::read_to_string(process.join("status")).unwrap();
    for line in
        ["Uid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000002", "CapBnd:\t0000000000000002", "NoNewPrivs:\t1"]
    {
        assert!(status.contains(line), "{line}: {status}");
    }
    drop(export);
    assert!(!process.exists());
    // What an agent left behind that was killed goes.
    let left = place.volumes.folder.join(".nbd-left");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("words"), "").unwrap();
    place.volumes.clear_unfinished().unwrap();
    assert!(!left.exists());
}
