//! What is kept on disk of a guest: one folder, readable and writable by root alone.
//!
//! - `guest.json`: what was started and how far it came, replaced as a whole.
//! - `lock`: locked by whoever starts the guest, and inherited by its process. The kernel gives the lock up when the
//!   last holder has ended and never before, so it says for certain whether somebody runs this guest.
//! - `process`: the line of `/proc/self/stat` that the guest's process wrote of itself before it became QEMU: its number
//!   and start time, to be signalled by.
//! - `look.sock`, `act.sock`: the monitors.
//! - `held.sock`: where what is held of disks for snapshots is read, as long as something is.
//! - `root/`: where the process mounts its own tree, seen by nobody else.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_model::{DiskLimits, InstanceId, InterfaceId, SnapshotId, VolumeId};
use serde::{Deserialize, Serialize};

use super::cgroup;
use super::process::Process;
use crate::crash::crash_point;

const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// What was started. Unknown fields of a later version are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The boot that it was started under.
    pub boot: u64,
    /// The reboots that it has had.
    pub reboots: u64,
    /// The machine type.
    pub machine: String,
    /// The user and group that its process runs as.
    pub uid: u32,
    /// Its control groups.
    pub groups: Vec<PathBuf>,
    /// What those groups may have of memory while nothing is held, in bytes; zero where that isn't known.
    #[serde(default)]
    pub memory_bytes: u64,
    /// How far it came.
    pub phase: Phase,
    /// Interfaces that were taken from it without its consent: a device without an interface may be left of each.
    #[serde(default)]
    pub pulled: Vec<InterfaceId>,
    /// The same of disks.
    #[serde(default)]
    pub pulled_disks: Vec<VolumeId>,
    /// What its disks were last made to be.
    #[serde(default)]
    pub disks: BTreeMap<VolumeId, DiskRecord>,
    /// What is held of its disks for snapshots, or may be since it was tried.
    #[serde(default)]
    pub held: BTreeMap<SnapshotId, HoldRecord>,
}

/// What is held of a disk for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// The disk's volume.
    pub volume: VolumeId,
    /// Whether the moment was taken. Before that, something of the attempt may be there.
    pub taken: bool,
    /// Whether QEMU knows what changed since the snapshot that this one builds on.
    #[serde(default)]
    pub knows_changes: bool,
}

/// What a guest's disk was last made to be; of one that isn't known, nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskRecord {
    /// Its size as the guest sees it, in bytes.
    pub size_bytes: u64,
    /// How fast it may be.
    pub limits: DiskLimits,
}

impl Record {
    fn lost() -> Self {
        Record {
            boot: 0,
            reboots: 0,
            machine: String::new(),
            uid: 0,
            groups: Vec::new(),
            memory_bytes: 0,
            phase: Phase::Started,
            pulled: Vec::new(),
            pulled_disks: Vec::new(),
            disks: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    /// Whether something is held of a volume's disk, or may be.
    pub fn holds(&self, volume: VolumeId) -> bool {
        self.held.values().any(|hold| hold.volume == volume)
    }
}

/// How far a guest came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its process may be there, paused; not one instruction of the guest has run.
    Preparing,
    /// The guest may have run.
    Started,
    /// It was seen powered off by itself, before its process was ended.
    PoweredOff,
    /// The plug was pulled.
    Pulled,
}

/// A guest's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder of that guest among all.
    pub fn new(all: &Path, id: InstanceId) -> Self {
        Folder { path: all.join(id.to_string()) }
    }

    /// The guests that have a folder.
    pub fn list(all: &Path) -> io::Result<Vec<InstanceId>> {
        let entries = match fs::read_dir(all) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            if let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Makes it, for root alone.
    pub fn ensure(&self) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => match fs::create_dir(self.root()) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Where the process mounts its tree.
    pub fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// The monitor for inspection.
    pub fn look(&self) -> PathBuf {
        self.path.join("look.sock")
    }

    /// The monitor for action.
    pub fn act(&self) -> PathBuf {
        self.path.join("act.sock")
    }

    /// Where what is held of disks is served.
    pub fn held(&self) -> PathBuf {
        self.path.join("held.sock")
    }

    /// Opens the file that the process describes itself in.
    pub fn process_file(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.path.join("process"))
    }

    /// Takes the lock, for the guest's process to inherit. `None` if somebody has it: the guest runs.
    pub fn lock(&self) -> io::Result<Option<File>> {
        let file = self.lock_file(true)?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                // Whoever only looks holds it for a moment too.
                Err(fs::TryLockError::WouldBlock) if tries < LOCK_TRIES => tries += 1,
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
            std::thread::sleep(LOCK_PAUSE);
        }
    }

    fn lock_file(&self, create: bool) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join("lock"))
    }

    fn is_locked(&self) -> io::Result<bool> {
        let file = match self.lock_file(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(fs::TryLockError::WouldBlock) => Ok(true),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// What is recorded. `None` if nothing is yet. A damaged record counts as that of a guest of an earlier boot, so
    /// that one such file doesn't hold up all guests and the guest can still be ended.
    pub fn record(&self) -> io::Result<Option<Record>> {
        let text = match fs::read(self.path.join("guest.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        Ok(Some(serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::error!(folder = %self.path.display(), %error, "the record of a guest is damaged");
            Record::lost()
        })))
    }

    /// Replaces what is recorded, as a whole and durably.
    pub fn write_record(&self, record: &Record) -> io::Result<()> {
        let phase = record.phase;
        crash_point!("record:{phase:?}:write");
        let next = self.path.join("guest.json.next");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.sync_all()?;
        crash_point!("record:{phase:?}:rename");
        fs::rename(next, self.path.join("guest.json"))?;
        File::open(&self.path)?.sync_all()?;
        crash_point!("record:{phase:?}:written");
        Ok(())
    }

    /// The guest's processes: none if it doesn't run. The lock decides; a process that has let go of it (it was taken
    /// over from within) is still found by its own word and by its groups.
    pub fn running(&self, record: Option<&Record>) -> io::Result<Option<Running>> {
        let locked = self.is_locked()?;
        let described = fs::read(self.path.join("process")).ok();
        let described = described.and_then(|stat| Process::parse(&String::from_utf8_lossy(&stat)));
        let mut processes: Vec<Process> = Vec::new();
        if let Some((process, _)) = described
            && process.is_alive()
        {
            processes.push(process);
        }
        let members = record.map(|record| cgroup::members(&record.groups)).unwrap_or_default();
        for process in members.into_iter().filter_map(Process::with_pid) {
            if !processes.contains(&process) {
                processes.push(process);
            }
        }
        Ok((locked || !processes.is_empty()).then_some(Running { processes }))
    }

    /// Removes it with all that it holds. The record goes last, so that an interrupted removal is resumed.
    pub fn remove(&self) -> io::Result<()> {
        for name in ["look.sock", "act.sock", "held.sock", "process", "guest.json.next", "lock", "guest.json"] {
            crash_point!("folder:remove:{name}");
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        crash_point!("folder:remove");
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A guest that somebody runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its processes, the main one first. Empty for the moment between the lock and the process's word of itself.
    pub processes: Vec<Process>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let groups = vec![PathBuf::from("/none/i-1")];
        let pulled = vec![InterfaceId::from_random(4)];
        let machine = "pc-q35-7.2".into();
        let volume = VolumeId::from_random(5);
        let disks = BTreeMap::from([(volume, DiskRecord { size_bytes: 1, limits: DiskLimits::default() })]);
        let pulled_disks = vec![VolumeId::from_random(6)];
        let held =
            BTreeMap::from([(SnapshotId::from_random(7), HoldRecord { volume, taken: true, knows_changes: true })]);
        let phase = Phase::Preparing;
        let memory_bytes = 1 << 30;
        Record { boot: 3, reboots: 1, machine, uid: 9, groups, memory_bytes, phase, pulled, pulled_disks, disks, held }
    }

    #[test]
    fn a_record_is_replaced_as_a_whole_and_read_by_later_versions() {
        let all = tempfile::tempdir().unwrap();
        let folder = Folder::new(all.path(), InstanceId::from_random(1));
        assert!(Folder::list(all.path()).unwrap().is_empty());
        folder.ensure().unwrap();
        folder.ensure().unwrap();
        assert_eq!(folder.record().unwrap(), None);
        folder.write_record(&record()).unwrap();
        let started = Record { phase: Phase::Started, ..record() };
        folder.write_record(&started).unwrap();
        assert_eq!(folder.record().unwrap(), Some(started));
        let text = fs::read_to_string(folder.path.join("guest.json")).unwrap().replacen('{', "{\"later\":[1],", 1);
        fs::write(folder.path.join("guest.json"), text).unwrap();
        assert_eq!(folder.record().unwrap().unwrap().boot, 3);
        fs::write(folder.path.join("guest.json"), "{\"boot\":").unwrap();
        assert_eq!(folder.record().unwrap(), Some(Record::lost()));
        fs::write(all.path().join("other"), "").unwrap();
        assert_eq!(Folder::list(all.path()).unwrap(), [InstanceId::from_random(1)]);
        folder.remove().unwrap();
        folder.remove().unwrap();
        assert!(Folder::list(all.path()).unwrap().is_empty());
    }

    #[test]
    fn the_lock_is_held_by_one_and_seen_by_all() {
        let all = tempfile::tempdir().unwrap();
        let folder = Folder::new(all.path(), InstanceId::from_random(1));
        folder.ensure().unwrap();
        assert!(folder.running(None).unwrap().is_none());
        let lock = folder.lock().unwrap().unwrap();
        assert!(folder.lock().unwrap().is_none());
        assert!(folder.running(None).unwrap().is_some_and(|running| running.processes.is_empty()));
        drop(lock);
        assert!(folder.running(Some(&record())).unwrap().is_none());
        // One that has let go of the lock is found by its own word.
        fs::copy("/proc/self/stat", folder.path.join("process")).unwrap();
        let running = folder.running(None).unwrap().unwrap();
        assert_eq!(running.processes[0].pid, i32::try_from(std::process::id()).unwrap());
    }
}
