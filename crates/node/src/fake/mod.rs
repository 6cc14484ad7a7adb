//! A machine that isn't there: strict fakes of the three drivers, and at the same time the simulated hypervisor.
//!
//! It is stricter than the real ones: it never tolerates what a correct agent doesn't do. Starting a guest that lives,
//! with a volume or a port that it doesn't know, destroying what is attached, a network whose pieces refer to others
//! that aren't there: each is a *violation*, kept for the test to find, and a panic where that is wanted.

mod drivers;
mod faults;
#[cfg(test)]
pub(crate) mod fixture;
mod guest;
mod hold;
mod tunnels;
mod wired;
mod wiring;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_model::agent::DiskSeen;
use landfall_model::plan::{DiskPlan, HostPlan, PieceKey, VolumePlan};
use landfall_model::{InstanceId, InterfaceId, Timestamp, VolumeId};

use crate::driver::{DriverError, DriverResult, Guest, GuestState, Launch, OpenDisk, OpenPort, PowerAction};

pub use drivers::{FakeHost, FakeHypervisor, FakeNetwork, FakeTunnels, FakeVolumes};
pub use faults::Faults;
use guest::{FakeGuest, Line};
pub use tunnels::silent_vpns;
pub use wired::WiredNetwork;
use wiring::FakeWiring;

/// How a fake machine behaves.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// The machine type that guests get when their plan names none.
    pub machine: String,
    /// Whether a violation panics. The simulated hypervisor of a server logs it instead.
    pub panics: bool,
    /// How long a guest takes to power off once its button is pressed; `None` if it ignores it.
    pub stop: Option<Duration>,
    /// How long a guest takes from its start until it is heard.
    pub answer: Duration,
    /// The seed of random faults.
    pub seed: u64,
    /// Of a thousand calls that do something, how many fail for no reason, before or after they did it.
    pub failures_per_mille: u32,
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            machine: "simulated-1".to_owned(),
            panics: true,
            stop: Some(Duration::ZERO),
            answer: Duration::ZERO,
            seed: 0,
            failures_per_mille: 0,
        }
    }
}

/// Slots of a guest: as few as a real one has at least.
const SLOTS: usize = 32;

/// A machine that isn't there.
pub struct FakeMachine {
    options: MachineOptions,
    now: Timestamp,
    guests: BTreeMap<InstanceId, FakeGuest>,
    /// Sizes in bytes.
    volumes: BTreeMap<VolumeId, u64>,
    attached: BTreeMap<VolumeId, InstanceId>,
    plugged: BTreeMap<InterfaceId, InstanceId>,
    wiring: FakeWiring,
    faults: Faults,
    violations: Vec<String>,
    /// Guests whose state changed by themselves or by a fault since it was last asked.
    changed: BTreeSet<InstanceId>,
    timers: BTreeSet<(Timestamp, InstanceId)>,
    starts: u64,
}

/// A disk that is as planned.
fn as_planned(disk: &DiskPlan) -> DiskSeen {
    DiskSeen { volume: disk.volume, whole: true, size_bytes: disk.size_bytes, limits: disk.limits }
}

impl FakeMachine {
    /// An empty machine.
    pub fn new(options: MachineOptions) -> Self {
        Self {
            faults: Faults::new(options.seed, options.failures_per_mille),
            options,
            now: Timestamp::default(),
            guests: BTreeMap::new(),
            volumes: BTreeMap::new(),
            attached: BTreeMap::new(),
            plugged: BTreeMap::new(),
            wiring: FakeWiring::default(),
            violations: Vec::new(),
            changed: BTreeSet::new(),
            timers: BTreeSet::new(),
            starts: 0,
        }
    }

    /// Lets time pass: guests that are due power themselves off or begin to answer.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(&(at, id)) = self.timers.first()
            && at <= self.now
        {
            self.timers.pop_first();
            if self.guests.get(&id).is_some_and(|guest| guest.off_at == Some(at)) {
                self.power_off(id);
            }
            self.changed.insert(id);
        }
    }

    /// When something happens by itself.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// What can be made to go wrong.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What was asked of this machine that a correct agent doesn't ask.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// How many guests were started, ever.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// The guests that changed by themselves since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<InstanceId> {
        std::mem::take(&mut self.changed)
    }

    fn violation(&mut self, what: String) -> DriverError {
        tracing::error!(%what, "the agent asked for something that it must never ask for");
        assert!(!self.options.panics, "violation: {what}");
        self.violations.push(what.clone());
        DriverError::Final(what)
    }

    // What happens to guests of themselves.

    /// A guest powers itself off.
    pub fn power_off(&mut self, id: InstanceId) {
        if let Some(guest) = self.guests.get_mut(&id)
            && guest.is_live()
        {
            guest.state = GuestState::PoweredOff;
            guest.off_at = None;
            guest.write(self.now, Line::PoweredOff);
            self.changed.insert(id);
        }
    }

    /// A guest's process dies.
    pub fn kill(&mut self, id: InstanceId, why: &str) {
        if self.guests.get(&id).is_some_and(|guest| guest.process) {
            self.end(id, GuestState::Dead(Some(why.to_owned())));
            self.changed.insert(id);
        }
    }

    /// A guest is paused because of what the sentence says; `None` lets it go on.
    pub fn suspend(&mut self, id: InstanceId, why: Option<&str>) {
        if let Some(guest) = self.guests.get_mut(&id)
            && guest.is_live()
        {
            guest.state = why.map_or(GuestState::Running, |why| GuestState::Suspended(why.to_owned()));
            self.changed.insert(id);
        }
    }

    /// The machine loses power: every process ends, what is on disk stays.
    pub fn crash(&mut self) {
        let ids: Vec<_> = self.guests.iter().filter(|(_, guest)| guest.process).map(|(id, _)| *id).collect();
        for id in ids {
            self.kill(id, "The host was restarted");
        }
        self.wiring = FakeWiring::default();
    }

    fn end(&mut self, id: InstanceId, state: GuestState) {
        let Some(guest) = self.guests.get_mut(&id) else { return };
        guest.state = state;
        guest.process = false;
        guest.off_at = None;
        let now = self.now;
        guest.write(now, Line::Ended);
        for volume in std::mem::take(&mut guest.disks).into_keys() {
            self.attached.remove(&volume);
        }
        guest.held.clear();
        for port in std::mem::take(&mut guest.ports) {
            self.plugged.remove(&port);
        }
    }

    // The hypervisor.

    /// One guest as found.
    pub fn inspect_one(&self, id: InstanceId) -> Option<Guest> {
        self.guests.get(&id).map(|guest| guest.found(id))
    }

    /// All guests as found.
    pub fn inspect_guests(&self) -> Vec<Guest> {
        self.guests.iter().map(|(id, guest)| guest.found(*id)).collect()
    }

    /// Starts a guest.
    pub fn start(&mut self, launch: &Launch<'_>) -> DriverResult<()> {
        let (plan, id) = (launch.plan, launch.plan.id);
        self.faults.start(id)?;
        let late = self.faults.roll()?;
        if let Some(old) = self.guests.get(&id) {
            if old.process {
                return Err(self.violation(format!("{id} was started while it has a process")));
            }
            if old.boot > plan.boot {
                let old = old.boot;
                return Err(self.violation(format!("{id} was started under boot {} after {old}", plan.boot)));
            }
        }
        if let Some(what) = self.objection(launch) {
            return Err(self.violation(format!("{id} was started {what}")));
        }
        let guest = self.guests.entry(id).or_default();
        guest.boot = plan.boot;
        guest.reboots = plan.reboots;
        guest.state = GuestState::Running;
        guest.process = true;
        guest.machine.clone_from(if plan.machine.is_empty() { &self.options.machine } else { &plan.machine });
        guest.disks = plan.disks.iter().map(|disk| (disk.volume, as_planned(disk))).collect();
        guest.ports = launch.ports.iter().map(|port| port.interface).collect();
        guest.answers_at = self.now + self.options.answer;
        guest.off_at = None;
        guest.write(self.now, Line::Booted(plan.boot));
        self.attached.extend(guest.disks.keys().map(|volume| (*volume, id)));
        self.plugged.extend(guest.ports.iter().map(|port| (*port, id)));
        if !self.options.answer.is_zero() {
            self.timers.insert((guest.answers_at, id));
        }
        self.starts += 1;
        late.map_or(Ok(()), Err)
    }

    fn objection(&self, launch: &Launch<'_>) -> Option<String> {
        let plan = launch.plan;
        if !plan.disks.iter().map(|disk| disk.volume).eq(launch.disks.iter().map(|disk| disk.volume)) {
            return Some("with other disks than planned".to_owned());
        }
        if !plan.interfaces.iter().copied().eq(launch.ports.iter().map(|port| port.interface)) {
            return Some("with other ports than planned".to_owned());
        }
        for disk in &launch.disks {
            if !self.volumes.contains_key(&disk.volume) {
                return Some(format!("with {}, which isn't there", disk.volume));
            }
            if let Some(other) = self.attached.get(&disk.volume) {
                return Some(format!("with {}, which {other} has", disk.volume));
            }
        }
        for port in &launch.ports {
            if self.wiring.mac_here(port.interface, plan.id) != Some(port.mac) {
                return Some(format!("with {}, which isn't wired for it", port.interface));
            }
            if let Some(other) = self.plugged.get(&port.interface) {
                return Some(format!("with {}, which {other} has", port.interface));
            }
        }
        None
    }

    /// Plugs a port into a guest that runs.
    pub fn plug(&mut self, id: InstanceId, port: &OpenPort) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let interface = port.interface;
        let gone = || DriverError::Retry(format!("{id} doesn't run"));
        let guest = self.guests.get(&id).filter(|guest| guest.is_live()).ok_or_else(gone)?;
        if guest.ports.contains(&interface) {
            return late.map_or(Ok(()), Err);
        }
        if guest.ports.len() + guest.disks.len() >= SLOTS {
            return Err(DriverError::Retry(format!("{id} has no free slot")));
        }
        if let Some(other) = self.plugged.get(&interface) {
            // A TAP that another guest still has can't be opened: that one is being told to give it up.
            return Err(DriverError::Retry(format!("{interface} is still plugged into {other}")));
        }
        match self.wiring.mac(interface) {
            // Planned for another guest by now, or not at all: the plan that says so is on its way.
            None => return Err(DriverError::Retry(format!("{interface} isn't wired any more"))),
            Some(mac) if mac != port.mac => {
                return Err(self.violation(format!("{interface} was plugged in with a strange hardware address")));
            }
            Some(_) => {}
        }
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.ports.push(interface);
        }
        self.plugged.insert(interface, id);
        late.map_or(Ok(()), Err)
    }

    /// Takes a port from a guest that runs.
    pub fn unplug(&mut self, id: InstanceId, port: InterfaceId, pull: bool) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let keeps = self.faults.keeps_ports() && !pull;
        if let Some(guest) = self.guests.get_mut(&id).filter(|guest| guest.is_live() && !keeps)
            && guest.ports.contains(&port)
        {
            guest.ports.retain(|own| *own != port);
            self.plugged.remove(&port);
        }
        late.map_or(Ok(()), Err)
    }

    /// Gives a running guest a disk.
    pub fn attach(&mut self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let volume = disk.volume;
        let gone = || DriverError::Retry(format!("{id} doesn't run"));
        let guest = self.guests.get(&id).filter(|guest| guest.is_live()).ok_or_else(gone)?;
        if guest.disks.contains_key(&volume) {
            return late.map_or(Ok(()), Err);
        }
        if guest.ports.len() + guest.disks.len() >= SLOTS {
            return Err(DriverError::Retry(format!("{id} has no free slot")));
        }
        match (self.attached.get(&volume), self.volumes.get(&volume)) {
            // Two guests that write to one file destroy it: QEMU's locks refuse, and the agent mustn't try.
            (Some(other), _) => {
                return Err(self.violation(format!("{volume} was attached to {id} while {other} has it")));
            }
            (None, None) => return Err(self.violation(format!("{volume} was attached, which isn't there"))),
            (None, Some(has)) if *has < disk.size_bytes => {
                return Err(self.violation(format!("{volume} was attached before it was as large as planned")));
            }
            (None, Some(_)) => {}
        }
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.disks.insert(volume, as_planned(disk));
        }
        self.attached.insert(volume, id);
        late.map_or(Ok(()), Err)
    }

    /// Takes a disk from a running guest.
    pub fn detach(&mut self, id: InstanceId, volume: VolumeId, pull: bool) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let keeps = self.faults.keeps_ports() && !pull;
        self.check_not_held(id, volume)?;
        if let Some(guest) = self.guests.get_mut(&id).filter(|guest| guest.is_live() && !keeps)
            && guest.disks.remove(&volume).is_some()
        {
            self.attached.remove(&volume);
        }
        late.map_or(Ok(()), Err)
    }

    /// Makes a running guest's disk as planned.
    pub fn tune(&mut self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let has = self.guests.get(&id).and_then(|guest| guest.disks.get(&disk.volume));
        if has.is_some_and(|has| has.size_bytes < disk.size_bytes) {
            self.check_not_held(id, disk.volume)?;
        }
        if let Some(guest) = self.guests.get_mut(&id).filter(|guest| guest.is_live())
            && let Some(seen) = guest.disks.get_mut(&disk.volume)
        {
            let size_bytes = disk.size_bytes.max(seen.size_bytes);
            *seen = DiskSeen { size_bytes, ..as_planned(disk) };
            self.volumes.insert(disk.volume, size_bytes);
        }
        late.map_or(Ok(()), Err)
    }

    /// Does something to a guest's power.
    pub fn power(&mut self, id: InstanceId, action: PowerAction) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let (now, stop) = (self.now, self.options.stop);
        let Some(guest) = self.guests.get_mut(&id) else { return late.map_or(Ok(()), Err) };
        match action {
            PowerAction::Press if guest.is_live() && guest.off_at.is_none() => match stop {
                Some(span) if span.is_zero() => self.power_off(id),
                Some(span) => {
                    guest.off_at = Some(now + span);
                    self.timers.insert((now + span, id));
                }
                None => {}
            },
            PowerAction::Press => {}
            PowerAction::Pull if guest.process => {
                // What powered itself off is still known to have done so after its process is gone.
                let state = if guest.is_live() { GuestState::Dead(None) } else { guest.state.clone() };
                self.end(id, state);
            }
            PowerAction::Pull => {}
            PowerAction::Reset if guest.is_live() => {
                guest.reboots += 1;
                guest.write(now, Line::Reset);
            }
            PowerAction::Reset => {}
        }
        late.map_or(Ok(()), Err)
    }

    /// Forgets a guest that isn't running.
    pub fn remove_guest(&mut self, id: InstanceId) -> DriverResult<()> {
        let late = self.faults.roll()?;
        if self.guests.get(&id).is_some_and(|guest| guest.process) {
            return Err(self.violation(format!("{id} was removed while it has a process")));
        }
        self.guests.remove(&id);
        late.map_or(Ok(()), Err)
    }

    /// What a simulated guest wrote on its console, and when.
    pub fn console(&self, id: InstanceId, bytes: usize) -> DriverResult<(Vec<u8>, Timestamp)> {
        let guest = self.guests.get(&id).ok_or_else(|| DriverError::Final(format!("{id} has no console yet")))?;
        let (mut text, at) = guest.console(id);
        let from = text.len().saturating_sub(bytes);
        Ok((text.split_off(from), at))
    }

    // Volumes.

    /// All volumes.
    pub fn inspect_volumes(&self) -> BTreeSet<VolumeId> {
        self.volumes.keys().copied().collect()
    }

    /// Makes a volume, or grows it.
    pub fn ensure_volume(&mut self, plan: &VolumePlan) -> DriverResult<u64> {
        self.faults.volume(plan.id)?;
        let late = self.faults.roll()?;
        if !plan.wanted {
            return Err(self.violation(format!("{} was made, which isn't wanted", plan.id)));
        }
        let is_in_use = self.attached.contains_key(&plan.id);
        let size = self.volumes.entry(plan.id).or_default();
        if !is_in_use {
            *size = plan.size_bytes.max(*size);
        }
        late.map_or(Ok(*size), Err)
    }

    /// Opens a volume.
    pub fn open_volume(&mut self, plan: &VolumePlan) -> DriverResult<OpenDisk> {
        if !self.volumes.contains_key(&plan.id) {
            return Err(self.violation(format!("{} was opened, which isn't there", plan.id)));
        }
        Ok(OpenDisk { volume: plan.id, file: None, base: None, key: None })
    }

    /// Destroys a volume.
    pub fn remove_volume(&mut self, id: VolumeId) -> DriverResult<()> {
        let late = self.faults.roll()?;
        if let Some(guest) = self.attached.get(&id) {
            let what = format!("{id} was removed while {guest} has it");
            return Err(self.violation(what));
        }
        self.volumes.remove(&id);
        late.map_or(Ok(()), Err)
    }

    // The network.

    /// Makes the network as planned.
    pub fn apply_network(&mut self, plan: &HostPlan) -> DriverResult<()> {
        self.faults.network()?;
        let late = self.faults.roll()?;
        let keys = self.wiring.difference(plan);
        self.wire(keys, plan)?;
        late.map_or(Ok(()), Err)
    }

    /// Makes those pieces of the network as planned, of which alone the plan differs from the one before.
    pub fn apply_pieces(&mut self, keys: &BTreeSet<PieceKey>, plan: &HostPlan) -> DriverResult<()> {
        self.faults.network()?;
        let late = self.faults.roll()?;
        let is_wired = |key: &&PieceKey| !matches!(key, PieceKey::Volume(_) | PieceKey::Instance(_));
        self.wire(keys.iter().filter(is_wired).copied().collect(), plan)?;
        late.map_or(Ok(()), Err)
    }

    fn wire(&mut self, keys: Vec<PieceKey>, plan: &HostPlan) -> DriverResult<()> {
        match self.wiring.apply(keys, plan) {
            Ok(()) => Ok(()),
            Err(what) => Err(self.violation(what)),
        }
    }

    /// Whether a port is there to be opened.
    pub fn is_wired(&self, id: InterfaceId) -> bool {
        self.wiring.mac(id).is_some()
    }

    /// Opens a port.
    pub fn open_port(&mut self, id: InterfaceId) -> DriverResult<OpenPort> {
        match self.wiring.mac(id) {
            Some(mac) => Ok(OpenPort { interface: id, mac, tap: None, mtu: 1500 }),
            None => Err(self.violation(format!("{id} was opened, which isn't wired"))),
        }
    }

    /// The ports whose guests were heard.
    pub fn heard(&self) -> BTreeSet<InterfaceId> {
        let answering = self.guests.values().filter(|guest| guest.answers(self.now));
        answering.flat_map(|guest| guest.ports.iter().copied()).collect()
    }

    /// Whether that guest was heard.
    pub fn is_heard(&self, id: InstanceId) -> bool {
        self.guests.get(&id).is_some_and(|guest| guest.answers(self.now) && !guest.ports.is_empty())
    }

    /// What is on the machine, by name: guests with a process, volumes, ports and networks. To be compared with what is
    /// planned.
    pub fn inventory(&self) -> BTreeSet<String> {
        let running = self.guests.iter().filter(|(_, guest)| guest.process).map(|(id, _)| format!("process {id}"));
        let folders = self.guests.keys().map(|id| format!("folder {id}"));
        let volumes = self.volumes.keys().map(|id| format!("volume {id}"));
        let plugged = self.plugged.iter().map(|(port, id)| format!("plug of {port} in {id}"));
        let held = self
            .guests
            .iter()
            .flat_map(|(id, guest)| guest.held.keys().map(move |it| format!("hold for {it} in {id}")));
        running.chain(folders).chain(volumes).chain(plugged).chain(held).chain(self.wiring.names()).collect()
    }
}
