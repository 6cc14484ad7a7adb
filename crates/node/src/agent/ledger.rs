//! What is planned, what was seen, and what is under way on one host: the agent's whole mind, without threads, clock or
//! effects.
//!
//! It hands out [`Job`]s that can be done now, takes note of what came of them, and says what to report. The threaded
//! agent does jobs on worker threads with real drivers; the simulated host does them in place. Both are this same code.
//!
//! Two rules keep a guest from being started twice. One instance has at most one job at a time; and after each job,
//! nothing more is decided for it until an inspection that began later has told what is there.
//!
//! The cost of a change is that of what it touches, not of the whole host: what is to be looked at again is kept in
//! `ready`, what waits for a time in `due`, what may have to be reported in `unsaid`.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use landfall_model::agent::{InstanceSeen, Phase, SnapshotSeen, VolumeSeen, VpnSeen};
use landfall_model::plan::{HostPlan, Piece, PieceKey, PlanUpdate, PortLocation, Power, VolumeSource};
use landfall_model::{InstanceId, InterfaceId, SnapshotId, Timestamp, VolumeId, VpnConnectionId};

use super::history::History;
use super::reconcile::{self, Readiness, Situation, Step, is_live, next_step, seen};
use super::record::{Deliveries, Lacks};
use super::timing::Timing;
use super::volume::{Origin, Outcome, VolumeHistory, VolumeStep, next_volume_step, seen_snapshots};
use super::wiring::Wiring;
use crate::driver::{DriverError, Guest};
use snapshots::{origin, snapshots_of};

/// The mind of one host's agent.
pub struct Ledger {
    pub(super) timing: Timing,
    plan: Option<Arc<HostPlan>>,
    paused: bool,
    inspected: bool,
    inspected_volumes: bool,
    /// Counts inspections and finished jobs, so that it can be told which began first.
    tick: u64,
    pub(super) instances: BTreeMap<InstanceId, Entry>,
    pub(super) volumes: BTreeMap<VolumeId, VolumeEntry>,
    /// Which instances may hold which volumes.
    holders: BTreeSet<(VolumeId, InstanceId)>,
    pub(super) wiring: Wiring,
    ready: BTreeSet<Key>,
    due: BTreeSet<(Timestamp, Key)>,
    pub(super) unsaid_instances: BTreeSet<InstanceId>,
    pub(super) unsaid_volumes: BTreeSet<VolumeId>,
    pub(super) deliveries: Deliveries,
    pub(super) lacks: Lacks,
    pub(super) say_all: bool,
    pub(super) unknown_wiring: Vec<String>,
    /// VPNs as they were seen last, and those that there is something new to say of.
    pub(super) vpns: BTreeMap<VpnConnectionId, VpnSeen>,
    pub(super) unsaid_vpns: BTreeSet<VpnConnectionId>,
    /// Guests that are expected to change soon.
    watched: BTreeSet<InstanceId>,
    /// Running guests that weren't heard yet, with the time when listening for them slows down.
    unheard: BTreeMap<InstanceId, Timestamp>,
    /// Instances that wait for a generation of the wiring that isn't applied yet, by that generation.
    unwired: BTreeSet<(u64, InstanceId)>,
    stale: BTreeSet<InstanceId>,
    /// How many jobs are under way that may take hours, how many of them fetch disks, and what waits for one to end.
    long: usize,
    imports: usize,
    queue: BTreeSet<VolumeId>,
}

/// How many jobs that may take hours are done at a time, so that some threads are left for guests.
const LONG_JOBS: usize = 2;
/// How many of them may be imports: where those come from may be slow, and snapshots don't wait for that.
const IMPORTS: usize = 1;

/// One instance.
#[derive(Default)]
pub(super) struct Entry {
    pub guest: Option<Guest>,
    pub history: History,
    pub answered: bool,
    /// What was reported last.
    pub said: Option<InstanceSeen>,
    /// Whether the plan asks for something new, so that a report is owed even if nothing changed.
    pub owed: bool,
    busy: bool,
    touched: u64,
    due: Option<Timestamp>,
    needs_wiring: u64,
    holds: Vec<VolumeId>,
}

/// One volume.
#[derive(Default)]
pub(super) struct VolumeEntry {
    pub present: bool,
    pub history: VolumeHistory,
    pub said: Option<VolumeSeen>,
    pub owed: bool,
    busy: bool,
    /// Whether what it holds is being read for a snapshot: no guest gets it meanwhile.
    saving: bool,
    is_long: bool,
    is_import: bool,
    touched: u64,
    due: Option<Timestamp>,
}

/// What can be looked at. Volumes come first, because instances wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Volume(VolumeId),
    Instance(InstanceId),
}

/// Something to do on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Take that step for a volume.
    Volume(VolumeId, VolumeStep),
    /// Take that step for an instance.
    Instance(InstanceId, Step),
}

/// An update that doesn't start from the plan that is held: the whole plan must be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan's change doesn't start from the plan that the host has")]
pub struct StalePlan;

impl Ledger {
    /// Knows nothing yet; does nothing until it has a plan and an inspection.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            plan: None,
            paused: false,
            inspected: false,
            inspected_volumes: false,
            tick: 0,
            instances: BTreeMap::new(),
            volumes: BTreeMap::new(),
            holders: BTreeSet::new(),
            wiring: Wiring::default(),
            ready: BTreeSet::new(),
            due: BTreeSet::new(),
            unsaid_instances: BTreeSet::new(),
            unsaid_volumes: BTreeSet::new(),
            deliveries: Deliveries::default(),
            lacks: Lacks::default(),
            say_all: true,
            unknown_wiring: Vec::new(),
            vpns: BTreeMap::new(),
            unsaid_vpns: BTreeSet::new(),
            watched: BTreeSet::new(),
            unheard: BTreeMap::new(),
            unwired: BTreeSet::new(),
            stale: BTreeSet::new(),
            long: 0,
            imports: 0,
            queue: BTreeSet::new(),
        }
    }

    /// The plan that is held.
    pub fn plan(&self) -> Option<&Arc<HostPlan>> {
        self.plan.as_ref()
    }

    /// The plan, to be kept when this is given up.
    pub fn into_plan(self) -> Option<HostPlan> {
        self.plan.map(Arc::unwrap_or_clone)
    }

    /// The incarnation and revision of the plan that is held; zeroes for none.
    pub fn version(&self) -> (u64, u64) {
        self.plan.as_ref().map_or((0, 0), |plan| (plan.incarnation, plan.revision))
    }

    /// Stops handing out work (the control plane said that this agent isn't to change anything), or goes on.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether it may work: there is a plan, and nobody said not to. Without a plan everything on the machine would
    /// look superfluous.
    pub fn may_work(&self) -> bool {
        self.plan.is_some() && !self.paused
    }

    /// Takes note of a change of the plan. Returns the keys of the pieces that it touched.
    pub fn update(&mut self, update: PlanUpdate) -> Result<Vec<PieceKey>, StalePlan> {
        let keys = match (&mut self.plan, update) {
            (None, PlanUpdate::Snapshot(plan)) => {
                let keys: Vec<_> = plan.pieces.keys().copied().collect();
                self.plan = Some(Arc::new(plan));
                self.wiring.want(keys.iter().copied());
                keys
            }
            (None, _) => return Err(StalePlan),
            (Some(plan), update) => {
                let incarnation = plan.incarnation;
                let keys = Arc::make_mut(plan).apply(update).ok_or(StalePlan)?;
                self.say_all |= plan.incarnation != incarnation;
                keys
            }
        };
        let Some(plan) = self.plan.clone() else { return Ok(keys) };
        let mut wired = keys.iter().filter(|key| !matches!(key, PieceKey::Volume(_))).copied().peekable();
        if wired.peek().is_some() {
            self.wiring.want(wired);
        }
        for key in &keys {
            self.note_piece(&plan, *key);
        }
        Ok(keys)
    }

    fn note_piece(&mut self, plan: &HostPlan, key: PieceKey) {
        match key {
            PieceKey::Instance(id) => self.note_instance(plan, id),
            PieceKey::Volume(id) => {
                let entry = self.volumes.entry(id).or_default();
                match plan.volume(id) {
                    Some(piece) => entry.owed |= entry.history.wish(piece),
                    None => self.say_all |= entry.present,
                }
                self.ready.insert(Key::Volume(id));
                self.unsaid_volumes.insert(id);
                self.wake_holders(id);
            }
            PieceKey::Port(_) => {
                if let Some(Piece::Port(port)) = plan.pieces.get(&key)
                    && let PortLocation::Here(id) = port.location
                {
                    let wanted = self.wiring.wanted();
                    if let Some(entry) = self.instances.get_mut(&id) {
                        entry.needs_wiring = wanted;
                        self.unwired.insert((wanted, id));
                    }
                    self.ready.insert(Key::Instance(id));
                }
            }
            // Parts of the network that no instance waits for.
            _ => {}
        }
    }

    fn note_instance(&mut self, plan: &HostPlan, id: InstanceId) {
        self.ready.insert(Key::Instance(id));
        let Some(piece) = plan.instance(id) else {
            self.say_all |= self.instances.get(&id).is_some_and(|entry| entry.guest.is_some());
            return;
        };
        let entry = self.instances.entry(id).or_default();
        self.say_all |= entry.said.is_none() && entry.guest.is_some();
        if entry.history.wish(piece) {
            entry.owed = true;
            entry.needs_wiring = self.wiring.wanted();
            self.unwired.insert((entry.needs_wiring, id));
            for disk in &piece.disks {
                if let Some(volume) = self.volumes.get_mut(&disk.volume)
                    && volume.history.has_failed()
                {
                    volume.history.try_again();
                    self.ready.insert(Key::Volume(disk.volume));
                }
            }
        }
        let keeps = entry.busy || self.stale.contains(&id) || entry.guest.as_ref().is_some_and(is_live);
        let held = mem::take(&mut entry.holds);
        for volume in held {
            if keeps && !piece.disks.iter().any(|disk| disk.volume == volume) {
                entry.holds.push(volume);
            } else {
                self.holders.remove(&(volume, id));
                self.ready.insert(Key::Volume(volume));
            }
        }
        for disk in &piece.disks {
            entry.holds.push(disk.volume);
            self.holders.insert((disk.volume, id));
            // One that isn't to start any more keeps its volumes' snapshots waiting no longer.
            self.ready.insert(Key::Volume(disk.volume));
        }
        self.unsaid_instances.insert(id);
    }

    /// The next thing that can be done now, if any. It is under way until [`Ledger::finish`].
    pub fn next_job(&mut self, now: Timestamp) -> Option<Job> {
        if !self.may_work() || !self.is_inspected() {
            return None;
        }
        while let Some(&(at, key)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            let slot = match key {
                Key::Volume(id) => self.volumes.get_mut(&id).map(|entry| &mut entry.due),
                Key::Instance(id) => self.instances.get_mut(&id).map(|entry| &mut entry.due),
            };
            if let Some(slot) = slot {
                *slot = None;
            }
            self.ready.insert(key);
        }
        while let Some(key) = self.ready.pop_first() {
            let job = match key {
                Key::Volume(id) => self.consider_volume(id, now),
                Key::Instance(id) => self.consider_instance(id, now),
            };
            if job.is_some() {
                return job;
            }
        }
        None
    }

    fn consider_volume(&mut self, id: VolumeId, now: Timestamp) -> Option<Job> {
        let plan = self.plan.as_ref().and_then(|plan| plan.volume(id));
        let held = self.is_held(id);
        let range = (id, InstanceId::MIN)..=(id, InstanceId::MAX);
        let holders = self.holders.range(range).filter_map(|(_, id)| Some((*id, self.instances.get(id)?)));
        let holders = holders.map(|(id, entry)| (id, entry, self.stale.contains(&id)));
        let is_awaited = plan.is_some_and(|plan| plan.wanted) && self.is_awaited(id);
        let entry = self.volumes.get_mut(&id)?;
        if entry.busy {
            return None;
        }
        if plan.is_none() && !entry.present {
            if let Some(at) = self.volumes.remove(&id).and_then(|entry| entry.due) {
                self.due.remove(&(at, Key::Volume(id)));
            }
            return None;
        }
        let step = next_volume_step(plan, entry.present, held, &entry.history, now);
        let comes_first = plan.is_some_and(|plan| entry.history.is_before_a_start(plan));
        let step = match step {
            VolumeStep::Snapshot(snapshot, _) => match origin(plan, snapshot, &entry.history, holders) {
                // A guest that waits for the volume would wait for all its snapshots otherwise. One that was shut down for
                // a snapshot does.
                Origin::AtRest if !is_awaited || comes_first => VolumeStep::Snapshot(snapshot, None),
                Origin::Held(guest) => VolumeStep::Snapshot(snapshot, Some(guest)),
                Origin::AtRest | Origin::Awaited => VolumeStep::Await,
                Origin::Lost(why) => {
                    entry.history.fail_snapshot(snapshot, why);
                    self.unsaid_volumes.insert(id);
                    self.ready.insert(Key::Volume(id));
                    return None;
                }
            },
            step => step,
        };
        let wait = if let VolumeStep::WaitUntil(at) = step { Some(at) } else { None };
        set_due(&mut self.due, &mut entry.due, wait, Key::Volume(id));
        let fills = entry.history.size_bytes() == 0
            && plan.is_some_and(|it| matches!(it.source, VolumeSource::Chunks(_) | VolumeSource::Import(_)));
        let is_long = matches!(step, VolumeStep::Snapshot(..)) || (step == VolumeStep::Ensure && fills);
        let is_import = is_long
            && step == VolumeStep::Ensure
            && plan.is_some_and(|it| matches!(it.source, VolumeSource::Import(_)));
        if is_long && self.long >= LONG_JOBS || is_import && self.imports >= IMPORTS {
            self.queue.insert(id);
            return None;
        }
        match step {
            VolumeStep::Ensure | VolumeStep::Remove | VolumeStep::Snapshot(..) => {
                self.long += usize::from(is_long);
                self.imports += usize::from(is_import);
                (entry.is_long, entry.is_import) = (is_long, is_import);
                entry.busy = true;
                entry.saving = matches!(step, VolumeStep::Snapshot(_, None));
                // Something of it may be there from now on, also if making it is cut off.
                entry.present = true;
                Some(Job::Volume(id, step))
            }
            VolumeStep::Nothing | VolumeStep::Await | VolumeStep::WaitUntil(_) => None,
        }
    }

    fn is_held(&self, volume: VolumeId) -> bool {
        self.holders.range((volume, InstanceId::MIN)..=(volume, InstanceId::MAX)).any(|(_, id)| {
            self.instances.get(id).is_some_and(|entry| {
                entry.busy
                    || self.stale.contains(id)
                    || entry
                        .guest
                        .as_ref()
                        .is_some_and(|guest| reconcile::has_process(guest) && !has_pulled(entry, guest))
            })
        })
    }

    /// Whether an instance waits to have that volume: one that is to start, or a running one that lacks it.
    fn is_awaited(&self, volume: VolumeId) -> bool {
        let Some(plan) = &self.plan else { return false };
        self.holders.range((volume, InstanceId::MIN)..=(volume, InstanceId::MAX)).any(|(_, id)| {
            let (Some(piece), Some(entry)) = (plan.instance(*id), self.instances.get(id)) else { return false };
            if piece.power != Power::On || !piece.disks.iter().any(|disk| disk.volume == volume) {
                return false;
            }
            match entry.guest.as_ref() {
                Some(guest) if is_live(guest) => {
                    guest.devices.as_ref().is_some_and(|devices| !devices.disks.contains_key(&volume))
                }
                // One that ended by itself isn't started again.
                Some(guest) if guest.boot >= piece.boot && !reconcile::is_leftover(&entry.history, guest) => false,
                _ => entry.history.gave_up().is_none(),
            }
        })
    }

    fn wake_holders(&mut self, volume: VolumeId) {
        let range = (volume, InstanceId::MIN)..=(volume, InstanceId::MAX);
        self.ready.extend(self.holders.range(range).map(|(_, id)| Key::Instance(*id)));
    }

    fn consider_instance(&mut self, id: InstanceId, now: Timestamp) -> Option<Job> {
        let plan = self.plan.as_ref()?;
        let piece = plan.instance(id);
        let entry = self.instances.get_mut(&id)?;
        if entry.busy || self.stale.contains(&id) {
            return None;
        }
        if piece.is_none() && entry.guest.is_none() {
            self.drop_instance(id);
            return None;
        }
        let snapshots = snapshots_of(plan, &self.volumes, piece, entry.guest.as_ref());
        let situation = Situation {
            plan: piece,
            snapshots: &snapshots,
            guest: entry.guest.as_ref(),
            volumes: piece.map_or(Readiness::Pending, |piece| volumes_of(plan, &self.volumes, piece, &self.timing)),
            network: piece.map_or(Readiness::Pending, |piece| {
                ports_of(plan, &self.wiring, entry.needs_wiring, piece, &self.timing)
            }),
            history: &entry.history,
            timing: &self.timing,
            now,
        };
        let step = next_step(&situation);
        let live = entry.guest.as_ref().is_some_and(is_live);
        let wait = if let Step::WaitUntil(at) = step { Some(at) } else { None };
        if wait.is_some() && live {
            self.watched.insert(id);
        } else {
            self.watched.remove(&id);
        }
        set_due(&mut self.due, &mut entry.due, wait, Key::Instance(id));
        self.unsaid_instances.insert(id);
        if let Step::GiveUp(reason) = step {
            entry.history.give_up(reason);
            self.ready.extend(entry.holds.iter().map(|volume| Key::Volume(*volume)));
            return None;
        }
        if !step.has_effect() {
            return None;
        }
        entry.busy = true;
        if step == Step::Start {
            entry.answered = false;
        }
        Some(Job::Instance(id, step))
    }

    fn drop_instance(&mut self, id: InstanceId) {
        let Some(entry) = self.instances.remove(&id) else { return };
        if let Some(at) = entry.due {
            self.due.remove(&(at, Key::Instance(id)));
        }
        for volume in entry.holds {
            self.holders.remove(&(volume, id));
            self.ready.insert(Key::Volume(volume));
        }
        self.unsaid_instances.remove(&id);
        self.watched.remove(&id);
        self.unheard.remove(&id);
    }

    /// Takes note of what came of a job. An instance's is followed by an inspection.
    pub fn finish(&mut self, job: &Job, result: &Result<Outcome, DriverError>, now: Timestamp) {
        match job {
            Job::Volume(id, step) => {
                self.tick += 1;
                let entry = self.volumes.entry(*id).or_default();
                entry.busy = false;
                entry.saving = false;
                if mem::take(&mut entry.is_long) {
                    self.long = self.long.saturating_sub(1);
                    self.imports = self.imports.saturating_sub(usize::from(mem::take(&mut entry.is_import)));
                    // All of them, for which one is next isn't known before it is looked at.
                    self.ready.extend(mem::take(&mut self.queue).into_iter().map(Key::Volume));
                }
                entry.touched = self.tick;
                entry.history.tried(*step, result, &self.timing, now);
                if *step == VolumeStep::Remove && result.is_ok() {
                    entry.present = false;
                }
                self.ready.insert(Key::Volume(*id));
                self.unsaid_volumes.insert(*id);
                self.wake_holders(*id);
            }
            Job::Instance(id, step) => {
                self.tick += 1;
                let entry = self.instances.entry(*id).or_default();
                entry.busy = false;
                entry.touched = self.tick;
                let guest = entry.guest.as_ref();
                match result {
                    Ok(_) => entry.history.done(step, guest, &self.timing, now),
                    Err(error) => entry.history.failed(step, error, guest, &self.timing, now),
                }
                if let (Step::Hold { disks, .. }, Err(DriverError::Final(why))) = (step, result) {
                    for (volume, snapshot) in disks {
                        self.volumes.entry(*volume).or_default().history.fail_snapshot(*snapshot, why);
                        self.unsaid_volumes.insert(*volume);
                        self.ready.insert(Key::Volume(*volume));
                    }
                }
                let entry = self.instances.entry(*id).or_default();
                self.ready.extend(entry.holds.iter().map(|volume| Key::Volume(*volume)));
                self.stale.insert(*id);
                self.unsaid_instances.insert(*id);
            }
        }
    }

    /// Takes note of how much of a snapshot is stored. Returns whether it is time to tell.
    pub fn progressed(&mut self, id: VolumeId, snapshot: SnapshotId, percent: u8, now: Timestamp) -> bool {
        let entry = self.volumes.get_mut(&id);
        let is_due = entry.is_some_and(|entry| entry.history.progressed(snapshot, percent, &self.timing, now));
        is_due && self.unsaid_volumes.insert(id)
    }

    /// Takes note of how much of a volume is imported. Returns whether it is time to tell.
    pub fn imported(&mut self, id: VolumeId, percent: u8, now: Timestamp) -> bool {
        let entry = self.volumes.get_mut(&id);
        let is_due = entry.is_some_and(|entry| entry.history.imported(percent, &self.timing, now));
        is_due && self.unsaid_volumes.insert(id)
    }

    /// Takes note of what came of applying the network's pieces as of a generation.
    pub fn finish_wiring(&mut self, generation: u64, result: &Result<(), DriverError>, now: Timestamp) {
        let before = self.wiring.applied();
        self.wiring.finish(generation, result, &self.timing, now);
        if self.wiring.applied() != before || self.wiring.failure(&self.timing).is_some() {
            let waiting = self.unwired.iter().filter(|(_, id)| self.instances.contains_key(id));
            self.ready.extend(waiting.map(|(_, id)| Key::Instance(*id)));
            self.unwired = self.unwired.split_off(&(self.wiring.applied() + 1, InstanceId::MIN));
        }
    }

    /// Begins an inspection of all guests. What it returns is handed back with what was found.
    pub fn begin_inspection(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// Takes note of all guests that are on the machine.
    pub fn found(&mut self, ticket: u64, guests: Vec<Guest>, now: Timestamp) {
        self.inspected = true;
        let mut found: BTreeMap<_, _> = guests.into_iter().map(|guest| (guest.id, guest)).collect();
        let known: Vec<InstanceId> = self.instances.keys().copied().collect();
        for id in known {
            let guest = found.remove(&id);
            self.found_one(ticket, id, guest, now);
        }
        for (id, guest) in found {
            self.found_one(ticket, id, Some(guest), now);
        }
    }

    /// Takes note of one guest, or of its absence.
    pub fn found_one(&mut self, ticket: u64, id: InstanceId, guest: Option<Guest>, now: Timestamp) {
        if guest.is_none() && !self.instances.contains_key(&id) {
            return;
        }
        let entry = self.instances.entry(id).or_default();
        if entry.busy || entry.touched > ticket {
            return;
        }
        let was_stale = self.stale.remove(&id);
        if !was_stale && entry.guest == guest {
            return;
        }
        entry.history.saw(guest.as_ref());
        let planned = self.plan.as_ref().is_some_and(|plan| plan.instance(id).is_some());
        self.say_all |= !planned && entry.guest.is_some() != guest.is_some();
        if guest.as_ref().is_some_and(is_live) {
            if !entry.answered {
                self.unheard.insert(id, now + self.timing.listen_for);
            }
        } else {
            entry.answered = false;
            self.unheard.remove(&id);
        }
        entry.guest = guest;
        self.ready.insert(Key::Instance(id));
        self.unsaid_instances.insert(id);
        let freed = entry.holds.iter().map(|volume| Key::Volume(*volume));
        self.ready.extend(freed);
        self.note_disks(id);
    }

    /// Takes note of the disks that a guest was found with: of their sizes, and of those that it has let go.
    fn note_disks(&mut self, id: InstanceId) {
        let Some(entry) = self.instances.get_mut(&id) else { return };
        let Some(devices) = entry.guest.as_ref().and_then(|guest| guest.devices.as_ref()) else { return };
        for seen in devices.disks.values().filter(|seen| seen.whole) {
            if let Some(volume) = self.volumes.get_mut(&seen.volume)
                && volume.history.grew(seen.size_bytes)
            {
                self.unsaid_volumes.insert(seen.volume);
                self.ready.insert(Key::Volume(seen.volume));
            }
        }
        for (snapshot, hold) in devices.held.iter().filter(|(_, hold)| hold.whole) {
            if let Some(volume) = self.volumes.get_mut(&hold.volume)
                && volume.history.took(*snapshot)
            {
                self.unsaid_volumes.insert(hold.volume);
            }
            self.ready.insert(Key::Volume(hold.volume));
        }
        let piece = self.plan.as_ref().and_then(|plan| plan.instance(id));
        let Some(piece) = piece else { return };
        let (holders, ready) = (&mut self.holders, &mut self.ready);
        entry.holds.retain(|volume| {
            let stays = piece.disks.iter().any(|disk| disk.volume == *volume) || devices.disks.contains_key(volume);
            if !stays {
                holders.remove(&(*volume, id));
                ready.insert(Key::Volume(*volume));
            }
            stays
        });
    }

    /// Takes note of which ports were heard, as asked after an inspection with that ticket began.
    pub fn heard(&mut self, ticket: u64, ports: &BTreeSet<InterfaceId>) {
        let Some(plan) = &self.plan else { return };
        let (instances, unsaid) = (&mut self.instances, &mut self.unsaid_instances);
        self.unheard.retain(|id, _| {
            let Some(entry) = instances.get_mut(id) else { return false };
            let Some(piece) = plan.instance(*id) else { return true };
            if entry.busy || entry.touched > ticket || !piece.interfaces.iter().any(|port| ports.contains(port)) {
                return true;
            }
            entry.answered = true;
            unsaid.insert(*id);
            false
        });
    }

    /// Takes note that a guest that was found running was heard.
    pub fn heard_one(&mut self, id: InstanceId) {
        if self.unheard.remove(&id).is_some()
            && let Some(entry) = self.instances.get_mut(&id)
        {
            entry.answered = true;
            self.unsaid_instances.insert(id);
        }
    }

    /// Takes note of all volumes that are on the machine, and of what the network's driver doesn't know.
    pub fn found_volumes(&mut self, ticket: u64, volumes: &BTreeSet<VolumeId>, unknown_wiring: Vec<String>) {
        self.inspected_volumes = true;
        for id in volumes {
            let entry = self.volumes.entry(*id).or_default();
            if !entry.present && !entry.busy && entry.touched <= ticket {
                entry.present = true;
                self.ready.insert(Key::Volume(*id));
                self.say_all |= self.plan.as_ref().is_none_or(|plan| plan.volume(*id).is_none());
            }
        }
        for (id, entry) in &mut self.volumes {
            // One that was there and is gone by another's hand is not made anew: its content would be lost in silence.
            if entry.present && !entry.busy && entry.touched <= ticket && !volumes.contains(id) {
                entry.present = false;
                self.ready.insert(Key::Volume(*id));
                self.unsaid_volumes.insert(*id);
            }
        }
        self.say_all |= self.unknown_wiring != unknown_wiring;
        self.unknown_wiring = unknown_wiring;
    }

    /// Takes note of how all VPNs of the plan are that end here.
    pub fn saw_vpns(&mut self, seen: impl IntoIterator<Item = VpnSeen>) {
        let seen: BTreeMap<_, _> = seen.into_iter().map(|seen| (seen.id, seen)).collect();
        let news = seen.iter().filter(|(id, seen)| self.vpns.get(id) != Some(seen));
        self.unsaid_vpns.extend(news.map(|(id, _)| *id));
        self.unsaid_vpns.retain(|id| seen.contains_key(id));
        self.vpns = seen;
    }

    /// When something is to be done again, if nothing happens before.
    pub fn next_due(&self) -> Option<Timestamp> {
        if !self.may_work() || !self.is_inspected() {
            return None;
        }
        if !self.ready.is_empty() {
            return Some(Timestamp(i64::MIN));
        }
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether an inspection is owed before anything more can be decided for some instance.
    pub fn owes_inspection(&self) -> bool {
        !self.is_inspected() || !self.stale.is_empty()
    }

    /// Whether a guest is expected to change soon, so that it is worth looking often.
    pub fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Whether a guest is being listened for.
    pub fn is_listening(&self, now: Timestamp) -> bool {
        self.unheard.values().any(|until| now < *until)
    }

    /// Whether nothing is under way, nothing waits and all was told: what is planned is done, or can't be.
    pub fn is_settled(&self) -> bool {
        self.is_inspected()
            && self.ready.is_empty()
            && self.stale.is_empty()
            && self.due.is_empty()
            && self.wiring.is_settled()
            && self.unsaid_instances.is_empty()
            && self.unsaid_volumes.is_empty()
            && self.unsaid_vpns.is_empty()
            && self.instances.values().all(|entry| !entry.busy && entry.said.as_ref().is_none_or(is_final))
            && self.volumes.values().all(|entry| !entry.busy)
    }

    /// What there is to say of an instance now.
    pub(super) fn seen_of(&self, id: InstanceId) -> Option<InstanceSeen> {
        let piece = self.plan.as_ref()?.instance(id)?;
        let entry = self.instances.get(&id)?;
        Some(seen(piece, entry.guest.as_ref(), &entry.history, entry.answered))
    }

    /// Whether what was found of an instance still holds: no step on it is under way or came after the inspection.
    pub(super) fn is_certain(&self, id: InstanceId) -> bool {
        !self.stale.contains(&id) && self.instances.get(&id).is_none_or(|entry| !entry.busy)
    }

    /// What there is to say of a volume now.
    pub(super) fn seen_of_volume(&self, id: VolumeId) -> Option<VolumeSeen> {
        let piece = self.plan.as_ref()?.volume(id)?;
        let entry = self.volumes.get(&id)?;
        let size_bytes = if entry.present { entry.history.size_bytes() } else { 0 };
        super::volume::seen_volume(piece, entry.present, &entry.history).map(|phase| VolumeSeen {
            id,
            phase,
            size_bytes,
            noticed: entry.history.noticed().map(str::to_owned),
        })
    }

    /// What there is to say of a volume's snapshots: all of it, or only what wasn't said yet.
    pub(super) fn seen_of_snapshots(&mut self, id: VolumeId, full: bool) -> Vec<SnapshotSeen> {
        let Some(piece) = self.plan.as_ref().and_then(|plan| plan.volume(id)) else { return Vec::new() };
        let Some(entry) = self.volumes.get_mut(&id) else { return Vec::new() };
        let mut seen = seen_snapshots(piece, entry.present, &entry.history);
        seen.retain(|seen| entry.history.tells(seen) || full);
        seen
    }

    /// Names of what is on the machine and not in the plan.
    pub(super) fn unknown(&self) -> Vec<String> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let guests = self.instances.iter().filter(|(id, entry)| entry.guest.is_some() && plan.instance(**id).is_none());
        let volumes = self.volumes.iter().filter(|(id, entry)| entry.present && plan.volume(**id).is_none());
        let mut names: Vec<String> = guests.map(|(id, _)| reconcile::unknown_guest(*id)).collect();
        names.extend(volumes.map(|(id, _)| format!("volume {id}")));
        names.extend(self.unknown_wiring.iter().cloned());
        names
    }

    /// Whether all that is on the machine was looked at once. Before that, absence means nothing.
    pub(super) fn is_inspected(&self) -> bool {
        self.inspected && self.inspected_volumes
    }
}

/// Whether the plug of a guest that powered itself off was pulled: its process is gone then.
fn has_pulled(entry: &Entry, guest: &Guest) -> bool {
    guest.state == crate::driver::GuestState::PoweredOff && entry.history.has_pulled(guest.boot)
}

fn is_final(seen: &InstanceSeen) -> bool {
    !matches!(seen.phase, Phase::Starting | Phase::Stopping)
}

fn set_due(due: &mut BTreeSet<(Timestamp, Key)>, slot: &mut Option<Timestamp>, at: Option<Timestamp>, key: Key) {
    if *slot == at {
        return;
    }
    if let Some(old) = slot.take() {
        due.remove(&(old, key));
    }
    if let Some(at) = at {
        due.insert((at, key));
        *slot = Some(at);
    }
}

/// Whether all volumes of an instance can be used.
fn volumes_of<'a>(
    plan: &HostPlan,
    volumes: &'a BTreeMap<VolumeId, VolumeEntry>,
    piece: &landfall_model::plan::InstancePlan,
    timing: &Timing,
) -> Readiness<'a> {
    let mut all = Readiness::Ready;
    for disk in &piece.disks {
        let one = match (plan.volume(disk.volume), volumes.get(&disk.volume)) {
            (Some(_), Some(entry)) if entry.saving => Readiness::Pending,
            (Some(volume), Some(entry)) => match entry.history.readiness(volume) {
                Readiness::Ready if entry.history.keeps_waiting(volume, timing) => Readiness::Pending,
                readiness => readiness,
            },
            _ => Readiness::Failed("A volume of the instance isn't on the host that it was placed on"),
        };
        match one {
            Readiness::Ready => {}
            Readiness::Pending => all = Readiness::Pending,
            Readiness::Failed(_) => return one,
        }
    }
    all
}

/// Whether all ports of an instance can be opened.
fn ports_of<'a>(
    plan: &HostPlan,
    wiring: &'a Wiring,
    needs: u64,
    piece: &landfall_model::plan::InstancePlan,
    timing: &Timing,
) -> Readiness<'a> {
    let here = |port: &InterfaceId| plan.port(*port).is_some_and(|port| port.location == PortLocation::Here(piece.id));
    if !piece.interfaces.iter().all(here) {
        return Readiness::Failed("An interface of the instance isn't on the host that it was placed on");
    }
    if wiring.applied() >= needs {
        return Readiness::Ready;
    }
    wiring.failure(timing).map_or(Readiness::Pending, Readiness::Failed)
}

mod snapshots;
#[cfg(test)]
mod tests;
