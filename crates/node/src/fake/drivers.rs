//! The fake machine behind the three driver traits, for the threaded agent.
//!
//! One machine outlives many agents. Each agent gets its drivers from a *session*, which can be killed at any instant:
//! then none of its calls has any more effect, as if its process had died, also those that are under way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_model::agent::{SnapshotMade, VpnSeen};
use landfall_model::plan::{DiskPlan, HostPlan, PieceKey, SnapshotPlan, VolumePlan};
use landfall_model::{InstanceId, InterfaceId, SnapshotId, Timestamp, VolumeId};

use super::FakeMachine;
use crate::agent::{Clock, Drivers};
use crate::driver::{
    DriverError, DriverResult, FetchKeys, Guest, HeldDisk, Hypervisor, Imported, Launch, Network, OpenDisk, OpenFleece,
    OpenPort, OpenTheDisk, OpenTheFleece, OpenThePort, PowerAction, TellProgress, Tunnels, Volumes, Watch,
};

/// A fake machine that threads share.
#[derive(Clone)]
pub struct FakeHost {
    machine: Arc<Mutex<FakeMachine>>,
    clock: Clock,
    dead: Arc<AtomicBool>,
    pause: Duration,
    busy: Arc<Busy>,
}

/// How many calls that do something are under way, and the most that ever were.
#[derive(Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// The fake machine's hypervisor.
pub struct FakeHypervisor(FakeHost);
/// The fake machine's volumes.
pub struct FakeVolumes(FakeHost);
/// The fake machine's network.
pub struct FakeNetwork(FakeHost);
/// The fake machine's tunnels.
pub struct FakeTunnels(FakeHost);

impl FakeHost {
    /// Shares a machine. Each call that does something takes as long as the pause, half before and half after it.
    pub fn new(machine: FakeMachine, clock: Clock, pause: Duration) -> Self {
        Self { machine: Arc::new(Mutex::new(machine)), clock, dead: Arc::default(), pause, busy: Arc::default() }
    }

    /// The most calls that did something at the same time.
    pub fn most_at_once(&self) -> usize {
        self.busy.most.load(Ordering::SeqCst)
    }

    /// The same machine for another agent.
    pub fn session(&self) -> Self {
        Self { dead: Arc::default(), ..self.clone() }
    }

    /// Ends the agent of this session as a crash would: nothing that it calls has an effect from now on.
    pub fn kill_session(&self) {
        // With the lock held, so that no call is in the middle of its effect.
        let _machine = self.machine();
        self.dead.store(true, Ordering::SeqCst);
    }

    /// This machine behind the driver traits.
    pub fn drivers(&self) -> Drivers {
        Drivers {
            hypervisor: Arc::new(FakeHypervisor(self.clone())),
            volumes: Arc::new(FakeVolumes(self.clone())),
            network: Arc::new(FakeNetwork(self.clone())),
            tunnels: Arc::new(FakeTunnels(self.clone())),
        }
    }

    /// The machine itself, at the present time.
    pub fn machine(&self) -> MutexGuard<'_, FakeMachine> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.set_now((self.clock)());
        machine
    }

    fn look<T>(&self, look: impl FnOnce(&mut FakeMachine) -> DriverResult<T>) -> DriverResult<T> {
        let mut machine = self.machine();
        if self.dead.load(Ordering::SeqCst) {
            return Err(DriverError::Retry("the agent of this session is dead".to_owned()));
        }
        look(&mut machine)
    }

    fn act<T>(&self, act: impl FnOnce(&mut FakeMachine) -> DriverResult<T>) -> DriverResult<T> {
        let now = self.busy.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.busy.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(self.pause / 2);
        let result = self.look(act);
        std::thread::sleep(self.pause / 2);
        self.busy.now.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

impl Hypervisor for FakeHypervisor {
    fn inspect(&self) -> DriverResult<Vec<Guest>> {
        self.0.look(|machine| Ok(machine.inspect_guests()))
    }
    fn start(&self, launch: Launch<'_>) -> DriverResult<()> {
        self.0.act(|machine| machine.start(&launch))
    }
    fn plug(&self, id: InstanceId, _: InterfaceId, open: &OpenThePort<'_>) -> DriverResult<()> {
        let port = open()?;
        self.0.act(|machine| machine.plug(id, &port))
    }
    fn unplug(&self, id: InstanceId, port: InterfaceId, pull: bool) -> DriverResult<()> {
        self.0.act(|machine| machine.unplug(id, port, pull))
    }
    fn attach(&self, id: InstanceId, disk: &DiskPlan, open: &OpenTheDisk<'_>) -> DriverResult<()> {
        open()?;
        self.0.act(|machine| machine.attach(id, disk))
    }
    fn detach(&self, id: InstanceId, volume: VolumeId, pull: bool) -> DriverResult<()> {
        self.0.act(|machine| machine.detach(id, volume, pull))
    }
    fn tune(&self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()> {
        self.0.act(|machine| machine.tune(id, disk))
    }
    fn hold(&self, id: InstanceId, disks: &[(VolumeId, &SnapshotPlan)], open: &OpenTheFleece<'_>) -> DriverResult<()> {
        disks.iter().try_for_each(|(volume, _)| open(*volume).map(drop))?;
        let disks: Vec<_> = disks.iter().map(|(volume, snapshot)| (*volume, snapshot.id)).collect();
        self.0.act(|machine| machine.hold(id, &disks))
    }
    fn held(&self, instance: InstanceId, snapshot: SnapshotId) -> DriverResult<HeldDisk> {
        Ok(HeldDisk { instance, stream: None, export: snapshot.to_string(), changes: None })
    }
    fn stored(&self, _: InstanceId, _: SnapshotId, _: &str) -> DriverResult<()> {
        Ok(())
    }
    fn release(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<()> {
        self.0.act(|machine| machine.release(id, snapshot))
    }
    fn power(&self, id: InstanceId, action: PowerAction) -> DriverResult<()> {
        self.0.act(|machine| machine.power(id, action))
    }
    fn remove(&self, id: InstanceId) -> DriverResult<()> {
        self.0.act(|machine| machine.remove_guest(id))
    }
    fn console(&self, id: InstanceId, bytes: usize) -> DriverResult<(Vec<u8>, Timestamp)> {
        self.0.look(|machine| machine.console(id, bytes))
    }
}

impl Volumes for FakeVolumes {
    fn inspect(&self) -> DriverResult<BTreeSet<VolumeId>> {
        self.0.look(|machine| Ok(machine.inspect_volumes()))
    }
    fn ensure(&self, plan: &VolumePlan) -> DriverResult<u64> {
        self.0.act(|machine| machine.ensure_volume(plan))
    }
    fn import(&self, plan: &VolumePlan, _: &Watch<'_>) -> DriverResult<Imported> {
        self.0.act(|machine| machine.ensure_volume(plan)).map(|size_bytes| Imported { size_bytes, noticed: None })
    }
    fn open(&self, plan: &VolumePlan) -> DriverResult<OpenDisk> {
        self.0.look(|machine| machine.open_volume(plan))
    }
    fn fleece(&self, _: &VolumePlan) -> DriverResult<OpenFleece> {
        Ok(OpenFleece { file: None, limit_bytes: 0, key: None })
    }
    fn snapshot(
        &self,
        plan: &VolumePlan,
        snapshot: &SnapshotPlan,
        held: Option<HeldDisk>,
        _: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        self.0.act(|machine| machine.snapshot_volume(plan, snapshot, held.map(|held| held.instance)))
    }
    fn remove(&self, id: VolumeId) -> DriverResult<()> {
        self.0.act(|machine| machine.remove_volume(id))
    }
}

impl Network for FakeNetwork {
    fn apply(&self, plan: &HostPlan) -> DriverResult<()> {
        self.0.act(|machine| machine.apply_network(plan))
    }
    fn follow(&self, plan: &HostPlan, changed: &BTreeSet<PieceKey>) -> DriverResult<()> {
        self.0.act(|machine| machine.apply_pieces(changed, plan))
    }
    fn open(&self, id: InterfaceId) -> DriverResult<OpenPort> {
        self.0.look(|machine| machine.open_port(id))
    }
    fn heard(&self) -> DriverResult<BTreeSet<InterfaceId>> {
        self.0.look(|machine| Ok(machine.heard()))
    }
    /// Nothing to forget: whether a simulated guest was heard follows from when it was started.
    fn forget(&self, _id: InterfaceId) {}
    fn unknown(&self) -> DriverResult<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Tunnels for FakeTunnels {
    fn apply(&self, plan: &HostPlan, keys: &FetchKeys<'_>) -> DriverResult<Vec<VpnSeen>> {
        let seen = super::tunnels::apply(plan, keys)?;
        self.0.look(|_| Ok(seen))
    }
}
