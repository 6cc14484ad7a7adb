//! Encrypted volumes: what a guest wrote lies nowhere in clear, and comes back with its key alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use landfall_chunks::Folder;
use landfall_model::agent::SnapshotMade;
use landfall_model::plan::{DiskPlan, InstancePlan, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{AccountId, Arn, ChunkRoot, DataKey, SnapshotId, VolumeId};
use landfall_node::driver::{DriverError, GuestState, Hypervisor, Launch, PowerAction, Volumes};
use landfall_node::volume::key::{DiskKey, DiskKeys};
use landfall_node::volume::{LocalVolumes, SnapshotStore};
use serde_json::json;

use crate::disk::{ask, planned};
use crate::hypervisor::{Bench, find, volume};

const MIB: usize = 1 << 20;
/// What guests write here.
const PATTERN: [u8; 256] = [0xab; 256];

/// Each volume has a key of its own, and the sources that it is made of that of the volume 1.
fn key_of(id: VolumeId) -> DiskKey {
    DiskKey::new([id.to_string().as_bytes()[20]; 32])
}

fn volumes(folder: &Path, source: VolumeId) -> LocalVolumes {
    let store = SnapshotStore::new(Arc::new(Folder::open(folder.join("chunks")).unwrap()));
    let volumes = LocalVolumes::new(folder.join("volumes"), folder.join("images")).unwrap();
    let volumes = volumes.with_reserve(0).with_store(store);
    volumes.learn_keys(Arc::new(move |id| Ok(DiskKeys { own: key_of(id), source: Some(key_of(source)) })));
    volumes
}

fn sealed(number: u128, source: VolumeSource) -> VolumePlan {
    VolumePlan { encrypted: true, ..volume(number, source) }
}

/// What is made of a snapshot of an encrypted volume.
fn of(made: &SnapshotMade) -> VolumeSource {
    let kms_key: Arn = "arn:aws:kms:us-east-1:012345678901:key/1".parse().unwrap();
    let data_key = Some(DataKey { kms_key, version: 1, salt: "00".into() });
    VolumeSource::Chunks(ChunkRoot { domain: AccountId::PROVIDER, root: made.root.clone(), data_key })
}

fn snapshot(session: u64) -> SnapshotPlan {
    let id = SnapshotId::from_random(session.into());
    let domain = AccountId::PROVIDER;
    SnapshotPlan { id, domain, session, base: None, size_bytes: 0, moment: id, taken: false, before_boot: None }
}

/// That no file below a folder has it in clear.
fn assert_nowhere(folder: &Path, what: &[u8]) {
    let output = Command::new("find").arg(folder).args(["-type", "f"]).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    assert!(files.lines().count() > 0);
    for file in files.lines() {
        assert!(!has(&fs::read(file).unwrap(), what), "{file}");
    }
}

fn has(contents: &[u8], what: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = contents[at..].iter().position(|byte| *byte == what[0]) {
        at += found;
        if contents[at..].starts_with(what) {
            return true;
        }
        at += 1;
    }
    false
}

/// The disk as whoever has the key reads it.
fn opened(folder: &Path, id: VolumeId) -> Vec<u8> {
    let path = folder.join(format!("volumes/{id}.qcow2"));
    let raw = folder.join("opened.raw");
    tool("qemu-img", id, &["convert", "-O", "raw"], &path, &[raw.to_str().unwrap()]);
    let contents = fs::read(&raw).unwrap();
    fs::remove_file(raw).unwrap();
    contents
}

fn tool(program: &str, id: VolumeId, before: &[&str], path: &Path, after: &[&str]) {
    let options = format!("driver=qcow2,encrypt.key-secret=k,file.filename={}", path.display());
    let mut command = Command::new(program);
    command.args(before).arg("--object").arg(format!("secret,id=k,data={}", key_of(id).passphrase().as_str()));
    let output = command.arg("--image-opts").arg(options).args(after).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn has_tools(test: &str) -> bool {
    for tool in ["qemu-img", "qemu-nbd", "qemu-io"] {
        if Command::new(tool).arg("--version").output().is_err() {
            crate::skipped(test, &format!("{tool} isn't installed"));
            return false;
        }
    }
    true
}

#[test]
fn an_encrypted_volume_and_its_snapshots_lie_nowhere_in_clear() {
    if !has_tools("an_encrypted_volume_and_its_snapshots_lie_nowhere_in_clear") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let disk = sealed(1, VolumeSource::Blank);
    let keyless = LocalVolumes::new(folder.join("volumes"), folder.join("images")).unwrap().with_reserve(0);
    assert!(matches!(keyless.ensure(&disk), Err(DriverError::Later(_))), "without a key there is no volume");
    assert!(keyless.inspect().unwrap().is_empty());
    let all = volumes(folder, disk.id);
    assert_eq!(all.ensure(&disk).unwrap(), 1 << 30);
    assert_eq!(all.ensure(&disk).unwrap(), 1 << 30);
    let clear = VolumePlan { encrypted: false, ..disk.clone() };
    assert!(matches!(all.ensure(&clear), Err(DriverError::Final(_))), "it is never taken for a clear one");
    let larger = VolumePlan { size_bytes: 2 << 30, ..disk.clone() };
    assert_eq!(all.ensure(&larger).unwrap(), 2 << 30);

    // What doesn't compress, so that it would be found in a chunk.
    let noise: Vec<u8> = (0..MIB as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as u8).collect();
    fs::write(folder.join("noise"), &noise).unwrap();
    let path = folder.join(format!("volumes/{}.qcow2", disk.id));
    let write = format!("write -s {} 1M 1M", folder.join("noise").display());
    tool("qemu-io", disk.id, &["-c", &write], &path, &[]);
    fs::remove_file(folder.join("noise")).unwrap();
    let made = all.snapshot(&larger, &snapshot(1), None, &|_| {}).unwrap();
    assert_nowhere(folder, &noise[4096..4096 + 64]);

    // A volume of another key is made of it, with that one's own.
    let copy = VolumePlan { size_bytes: 2 << 30, ..sealed(2, of(&made)) };
    assert_eq!(all.ensure(&copy).unwrap(), 2 << 30);
    assert_nowhere(folder, &noise[4096..4096 + 64]);
    assert!(opened(folder, copy.id)[MIB..2 * MIB] == noise);
    // With a wrong key nothing comes of it.
    let wrong = volumes(folder, copy.id);
    let third = VolumePlan { size_bytes: 2 << 30, ..sealed(3, of(&made)) };
    assert!(wrong.ensure(&third).is_err());
    assert_eq!(all.inspect().unwrap(), [disk.id, copy.id].into());
}

/// The guest's disk and another one, as a guest's plan has the first.
fn with_disk(bench: &Bench, boot: u64, disk: &VolumePlan) -> InstancePlan {
    let root = DiskPlan { root: true, ..planned(disk, 3000) };
    InstancePlan { disks: vec![root], ..bench.plan(boot) }
}

/// Reads or writes as the guest would.
fn guest_io(bench: &Bench, id: VolumeId, what: &str) {
    let device = id.to_string().replace('-', "");
    let line = format!("qemu-io -d /machine/peripheral/{device}/virtio-backend \"{what}\"");
    let said = ask(bench, "human-monitor-command", json!({ "command-line": line }));
    let said = said.as_str().unwrap();
    assert!(!said.contains("rror") && !said.contains("failed"), "{said}");
}

/// The files without a name that a process has open.
fn nameless(pid: i32) -> Vec<PathBuf> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|fd| fd.unwrap().path());
    let is_nameless = |fd: &PathBuf| {
        let target = fs::read_link(fd).map(|to| to.to_string_lossy().into_owned()).unwrap_or_default();
        target.ends_with(" (deleted)") && !target.starts_with("/memfd:")
    };
    fds.filter(is_nameless).collect()
}

#[test]
fn a_guest_has_encrypted_disks_and_nobody_else_has_their_keys() {
    let test = "a_guest_has_encrypted_disks";
    let Some(bench) = Bench::new(test).filter(|_| has_tools(test)) else { return };
    let folder = bench.folder.path();
    let (root, more) = (sealed(61, VolumeSource::Blank), sealed(62, VolumeSource::Blank));
    let all = volumes(folder, root.id);
    all.ensure(&root).unwrap();
    all.ensure(&more).unwrap();
    let start = |boot| {
        let plan = with_disk(&bench, boot, &root);
        bench.qemu.start(Launch { plan: &plan, disks: vec![all.open(&root).unwrap()], ports: vec![] })
    };
    start(1).unwrap();
    assert_eq!(bench.state(), Some(GuestState::Running));
    assert_eq!(find(&bench.another(), bench.id).unwrap().state, GuestState::Running);
    bench.qemu.attach(bench.id, &planned(&more, 3000), &|| all.open(&more)).unwrap();
    for disk in [&root, &more] {
        guest_io(&bench, disk.id, "write -P 0xab 1M 1M");
        guest_io(&bench, disk.id, "flush");
    }
    // The keys are neither on its command line, nor in its files, nor among its objects.
    let line = fs::read(format!("/proc/{}/cmdline", bench.pid())).unwrap();
    for disk in [&root, &more] {
        let passphrase = key_of(disk.id).passphrase();
        assert!(!has(&line, passphrase.as_bytes()));
        assert_nowhere(folder, passphrase.as_bytes());
    }
    let objects = ask(&bench, "qom-list", json!({ "path": "/objects" })).to_string();
    assert!(!objects.contains("child<secret>"), "{objects}");
    assert_nowhere(&folder.join("volumes"), &PATTERN);

    // What is overwritten while a snapshot is made isn't kept in clear either.
    let plan = snapshot(5);
    let hold = [(root.id, &plan)];
    bench.qemu.hold(bench.id, &hold, &|_| all.fleece(&root)).unwrap();
    guest_io(&bench, root.id, "write -P 0xcd 1M 1M");
    guest_io(&bench, root.id, "flush");
    let kept = nameless(bench.pid());
    assert!(!kept.is_empty());
    for file in kept {
        assert!(!has(&fs::read(&file).unwrap(), &PATTERN), "{}", file.display());
    }
    let held = bench.qemu.held(bench.id, plan.id).unwrap();
    let made = all.snapshot(&root, &plan, Some(held), &|_| {}).unwrap();
    bench.qemu.release(bench.id, plan.id).unwrap();
    let copy = sealed(63, of(&made));
    all.ensure(&copy).unwrap();
    assert!(opened(folder, copy.id)[MIB..2 * MIB].iter().all(|byte| *byte == 0xab), "it is of the moment");

    // It starts again with what it wrote.
    bench.qemu.power(bench.id, PowerAction::Pull).unwrap();
    start(2).unwrap();
    guest_io(&bench, root.id, "read -P 0xcd 1M 1M");
    assert_eq!(bench.state(), Some(GuestState::Running));
}
