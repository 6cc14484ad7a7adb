//! The driver itself: what it is told once, and the things that it does.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use landfall_model::plan::{DiskPlan, SnapshotPlan};
use landfall_model::{InstanceId, InterfaceId, SnapshotId, Timestamp, VolumeId};

use super::HypervisorError;
use super::cgroup::{self, Groups};
use super::console::ConsoleLog;
use super::machine::Machine;
use super::record::{Folder, Phase, Record};
use super::words::Words;
use crate::crash::crash_point;
use crate::driver::{
    DriverError, DriverResult, Guest, GuestState, HeldDisk, Hypervisor, Launch, OpenTheDisk, OpenTheFleece,
    OpenThePort, PowerAction,
};

/// How many guests are asked at once.
const INSPECTORS: usize = 8;

/// What the driver is told when it is made.
#[derive(Clone, Debug)]
pub struct QemuConfig {
    /// Where guests' folders are: records, locks, monitors. Empty after a restart of the machine, as `/run` is.
    pub runtime_dir: PathBuf,
    /// Where console logs are.
    pub state_dir: PathBuf,
    /// Where images' kernels are.
    pub image_dir: PathBuf,
    /// What was found on this machine by [`super::detect`].
    pub machine: Machine,
    /// The first of the users that guests run as.
    pub uid_base: u32,
    /// How many users there are for guests.
    pub uid_count: u32,
    /// How long each of a console's two files gets.
    pub console_limit_bytes: u64,
    /// The name of the folder of guests' control groups, where the agent has none of its own.
    pub cgroup_name: String,
}

impl QemuConfig {
    /// The usual: users above the range that systemd gives to containers, and consoles of twice one MiB.
    pub fn new(runtime_dir: PathBuf, state_dir: PathBuf, image_dir: PathBuf, machine: Machine) -> Self {
        QemuConfig {
            runtime_dir,
            state_dir,
            image_dir,
            machine,
            uid_base: 1_900_000_000,
            uid_count: 65_536,
            console_limit_bytes: 1 << 20,
            cgroup_name: "landfall".into(),
        }
    }
}

/// Runs guests with QEMU on this machine.
pub struct QemuHypervisor {
    pub(super) config: QemuConfig,
    pub(super) groups: Groups,
    /// Held while a user is chosen and recorded.
    pub(super) uids: Mutex<()>,
    cells: Mutex<HashMap<InstanceId, Arc<Cell>>>,
}

/// What this process keeps of a guest. All of it may be lost.
#[derive(Default)]
pub(super) struct Cell {
    /// Held by whoever changes something about the guest.
    action: Mutex<()>,
    /// Whether that is a start.
    pub(super) starting: AtomicBool,
    /// Held by whoever talks to the monitor for inspection.
    pub(super) look: Mutex<Look>,
    /// The process, where it is our child.
    pub(super) body: Mutex<Option<Body>>,
}

/// What inspection remembers between two times.
#[derive(Default)]
pub(super) struct Look {
    /// Until when a monitor that didn't answer isn't asked again.
    pub(super) deaf_until: Option<Instant>,
    /// When a guest that waits for disk space was last told to go on.
    pub(super) resumed_at: Option<Instant>,
}

/// A guest's process that is our child.
pub(super) struct Body {
    pub(super) child: Child,
    pub(super) words: Words,
}

/// Locks even what a thread left behind that panicked: all this data may be lost anyway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cell {
    pub(super) fn act(&self) -> MutexGuard<'_, ()> {
        lock(&self.action)
    }

    pub(super) fn try_act(&self) -> Option<MutexGuard<'_, ()>> {
        match self.action.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A failure that may pass.
pub(super) fn retry(what: &str) -> impl Fn(std::io::Error) -> DriverError + '_ {
    move |error| DriverError::Retry(format!("{what}: {error}"))
}

impl QemuHypervisor {
    /// Makes the driver and its folders. Needs root.
    pub fn new(config: QemuConfig) -> Result<Self, HypervisorError> {
        if !nix::unistd::geteuid().is_root() {
            return Err(HypervisorError::NeedsRoot);
        }
        for path in [&config.runtime_dir, &config.state_dir] {
            use std::os::unix::fs::DirBuilderExt;
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|source| HypervisorError::Folder { path: path.clone(), source })?;
        }
        let groups = Groups::detect(&config.cgroup_name);
        for bound in groups.missing() {
            tracing::warn!(bound, "this machine has no such control group: guests run without that bound");
        }
        if let Some(reason) = &config.machine.why_not {
            tracing::warn!(%reason, "guests are emulated: slow, and not isolated from each other by any guarantee");
        }
        Ok(QemuHypervisor { config, groups, uids: Mutex::default(), cells: Mutex::default() })
    }

    /// What guests run with.
    pub fn machine(&self) -> &Machine {
        &self.config.machine
    }

    pub(super) fn cell(&self, id: InstanceId) -> Arc<Cell> {
        lock(&self.cells).entry(id).or_default().clone()
    }

    pub(super) fn folder(&self, id: InstanceId) -> Folder {
        Folder::new(&self.config.runtime_dir, id)
    }

    pub(super) fn log(&self, id: InstanceId) -> ConsoleLog {
        ConsoleLog::new(self.config.state_dir.join(id.to_string()), self.config.console_limit_bytes)
    }

    /// Every control group that a guest may have: where it was started in, and where it would be now.
    pub(super) fn groups_of(&self, id: InstanceId, record: Option<&Record>) -> Vec<PathBuf> {
        let mut groups: BTreeSet<PathBuf> = self.groups.paths(&id.to_string()).into_iter().collect();
        groups.extend(record.into_iter().flat_map(|record| record.groups.iter().cloned()));
        groups.into_iter().collect()
    }

    fn inspect_one(&self, id: InstanceId) -> DriverResult<Option<Guest>> {
        let (cell, folder) = (self.cell(id), self.folder(id));
        let record = folder.record().map_err(retry("reading what is recorded of a guest"))?;
        let record = match record {
            Some(record) if record.phase != Phase::Preparing => record,
            // Being started, or left so by an agent that died.
            _ => match self.finish_start(id, &cell, &folder)? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        let (state, devices) = self.state(id, &cell, &folder, &record)?;
        let Record { boot, reboots, machine, .. } = record;
        Ok(Some(Guest { id, boot, reboots, state, machine, devices }))
    }

    fn remove_all(&self, id: InstanceId, cell: &Cell) -> DriverResult<()> {
        let folder = self.folder(id);
        let record = folder.record().ok().flatten();
        if folder.running(record.as_ref()).map_err(retry("looking for the guest"))?.is_some() {
            return Err(DriverError::Retry(format!("{id} still runs")));
        }
        self.reap(cell);
        self.log(id).remove().map_err(retry("removing the console's log"))?;
        cgroup::remove(&self.groups_of(id, record.as_ref())).map_err(retry("removing the control group"))?;
        folder.remove().map_err(retry("removing the guest's folder"))
    }

    /// Takes note of our child's end, so that it leaves no zombie.
    pub(super) fn reap(&self, cell: &Cell) {
        if let Some(body) = lock(&cell.body).as_mut()
            && let Err(error) = body.child.try_wait()
        {
            tracing::warn!(%error, "waiting for a guest's process failed");
        }
    }
}

impl Hypervisor for QemuHypervisor {
    /// A guest whose start is under way in another thread isn't listed: its caller has the answer first. One of which
    /// only the console's log is left, as after a restart of the machine, is listed as dead under boot 0.
    fn inspect(&self) -> DriverResult<Vec<Guest>> {
        let ids = Folder::list(&self.config.runtime_dir).map_err(retry("listing guests"))?;
        let size = ids.len().div_ceil(INSPECTORS).max(4);
        let mut guests = Vec::new();
        std::thread::scope(|scope| {
            let look = |part: &[InstanceId]| part.iter().map(|id| self.inspect_one(*id)).collect::<Vec<_>>();
            let mut parts = ids.chunks(size);
            let first = parts.next().unwrap_or_default();
            let others: Vec<_> = parts.map(|part| scope.spawn(move || look(part))).collect();
            guests.extend(look(first));
            for other in others {
                match other.join() {
                    Ok(found) => guests.extend(found),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        let mut guests = guests.into_iter().filter_map(Result::transpose).collect::<DriverResult<Vec<_>>>()?;
        for id in Folder::list(&self.config.state_dir).map_err(retry("listing consoles"))? {
            let starting = self.cell(id).starting.load(Ordering::Acquire);
            if !starting && guests.iter().all(|guest| guest.id != id) {
                let state = GuestState::Dead(None);
                let machine = self.log(id).machine();
                guests.push(Guest { id, boot: 0, reboots: 0, state, machine, devices: None });
            }
        }
        Ok(guests)
    }

    fn start(&self, launch: Launch<'_>) -> DriverResult<()> {
        let cell = self.cell(launch.plan.id);
        let _action = cell.act();
        cell.starting.store(true, Ordering::Release);
        let result = self.launch(&launch, &cell);
        cell.starting.store(false, Ordering::Release);
        result
    }

    fn plug(&self, id: InstanceId, port: InterfaceId, open: &OpenThePort<'_>) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.plug_port(id, port, open)
    }

    fn unplug(&self, id: InstanceId, port: InterfaceId, pull: bool) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.unplug_port(id, port, pull)
    }

    fn attach(&self, id: InstanceId, disk: &DiskPlan, open: &OpenTheDisk<'_>) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.attach_disk(id, disk, open)
    }

    fn detach(&self, id: InstanceId, volume: VolumeId, pull: bool) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.detach_disk(id, volume, pull)
    }

    fn tune(&self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.tune_disk(id, disk)
    }

    fn hold(&self, id: InstanceId, disks: &[(VolumeId, &SnapshotPlan)], open: &OpenTheFleece<'_>) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.hold_disks(id, disks, open)
    }

    fn held(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<HeldDisk> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.serve_held(id, snapshot)
    }

    fn stored(&self, id: InstanceId, snapshot: SnapshotId, root: &str) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.name_changes(id, snapshot, root)
    }

    fn release(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        self.release_held(id, snapshot)
    }

    fn power(&self, id: InstanceId, action: PowerAction) -> DriverResult<()> {
        let cell = self.cell(id);
        let _action = cell.act();
        match action {
            PowerAction::Press => self.press(id),
            PowerAction::Pull => self.pull(id, &cell),
            PowerAction::Reset => self.reset(id),
        }
    }

    fn remove(&self, id: InstanceId) -> DriverResult<()> {
        let cell = self.cell(id);
        let action = cell.act();
        self.remove_all(id, &cell)?;
        drop(action);
        crash_point!("guest:removed");
        let mut cells = lock(&self.cells);
        // Only where nobody else has it: two cells of one guest would let two change it at once.
        if Arc::strong_count(&cell) == 2 {
            cells.remove(&id);
        }
        Ok(())
    }

    fn console(&self, id: InstanceId, bytes: usize) -> DriverResult<(Vec<u8>, Timestamp)> {
        let cell = self.cell(id);
        self.fetch_console(id, &cell);
        self.log(id).tail(bytes).map_err(retry("reading the console's log"))
    }
}
