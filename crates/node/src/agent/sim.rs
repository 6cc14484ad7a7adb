//! A whole simulated host without threads: the agent's ledger and a fake machine, driven in place.
//!
//! It takes a change of the plan, does at once all that follows from it, and returns what the agent would report. The
//! control plane calls it after a commit and before the next request, so it does no I/O, and its cost is that of what
//! changed. With latencies, what isn't over yet follows later from [`SimHost::tick`].

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_model::agent::{Answer, Report};
use landfall_model::plan::{PieceKey, PlanUpdate};
use landfall_model::{InstanceId, Timestamp};

use super::CONSOLE_BYTES;
use super::effects::{disk_of, snapshot_of, unplanned};
use super::ledger::{Job, Ledger, StalePlan};
use super::reconcile::Step;
use super::timing::Timing;
use super::volume::{Outcome, VolumeStep};
use crate::driver::{Device, DriverError, DriverResult, Launch};
use crate::fake::{FakeMachine, MachineOptions, silent_vpns};

/// How a simulated host behaves.
#[derive(Clone, Debug, Default)]
pub struct SimOptions {
    /// The machine.
    pub machine: MachineOptions,
    /// How long the agent waits for what.
    pub timing: Timing,
    /// How long a start takes.
    pub start: Duration,
}

/// A simulated host.
pub struct SimHost {
    options: SimOptions,
    ledger: Ledger,
    machine: FakeMachine,
    /// Starts that take their time, by when they are over.
    under_way: BTreeMap<(Timestamp, u64), Job>,
    number: u64,
}

impl SimHost {
    /// A host with nothing on it and no plan.
    pub fn new(mut options: SimOptions) -> Self {
        // Nobody undoes what is on a machine that isn't there.
        options.timing.repair = Duration::MAX;
        let machine = FakeMachine::new(options.machine.clone());
        let mut host = Self {
            ledger: Ledger::new(options.timing.clone()),
            options,
            machine,
            under_way: BTreeMap::new(),
            number: 0,
        };
        host.inspect(Timestamp::default());
        host
    }

    /// Takes a change of the plan and does all that follows from it now. Returns what the agent reports.
    pub fn step(&mut self, update: PlanUpdate, now: Timestamp) -> Result<Option<Report>, StalePlan> {
        let keys = self.ledger.update(update)?;
        self.pretend_tunnels(&keys);
        Ok(self.tick(now))
    }

    /// Nobody is at the other side of a simulated tunnel.
    fn pretend_tunnels(&mut self, keys: &[PieceKey]) {
        if keys.iter().any(|key| matches!(key, PieceKey::Vpn(_)))
            && let Some(plan) = self.ledger.plan().cloned()
        {
            self.ledger.saw_vpns(silent_vpns(&plan));
        }
    }

    /// Lets time pass and does what is due. Returns what the agent reports.
    pub fn tick(&mut self, now: Timestamp) -> Option<Report> {
        self.machine.set_now(now);
        self.settle(now);
        self.ledger.next_report()
    }

    /// When something is to be done by itself; nothing where all is at rest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let work = [self.ledger.next_due(), self.ledger.wiring.next_due().filter(|_| self.ledger.may_work())];
        let under_way = self.under_way.first_key_value().map(|((at, _), _)| *at);
        let all = work.into_iter().chain([under_way, self.machine.next_event()]).flatten();
        all.min().filter(|at| *at < Timestamp(i64::MAX))
    }

    /// The incarnation and revision of the plan that the host has; zeroes for none.
    pub fn version(&self) -> (u64, u64) {
        self.ledger.version()
    }

    /// Whether all that is planned is done, or can't be.
    pub fn is_settled(&self) -> bool {
        self.ledger.is_settled() && self.under_way.is_empty()
    }

    /// Says that a report was lost: the next one tells everything.
    pub fn report_was_lost(&mut self) {
        self.ledger.say_all();
    }

    /// What a request for an instance's console is answered.
    pub fn console(&self, id: InstanceId) -> Result<Answer, String> {
        let (bytes, at) = self.machine.console(id, CONSOLE_BYTES).map_err(|error| error.to_string())?;
        Ok(Answer::Console { output: STANDARD.encode(bytes), at })
    }

    /// The machine, to look at and to make things go wrong on. What happens there is noticed at the next tick.
    pub fn machine(&mut self) -> &mut FakeMachine {
        &mut self.machine
    }

    /// The agent dies and starts again with the plan that it saved; guests run on.
    pub fn restart_agent(&mut self, now: Timestamp) {
        let old = std::mem::replace(&mut self.ledger, Ledger::new(self.options.timing.clone()));
        // What was under way is cut off before it had an effect; another instant is what `failures_per_mille` is for.
        self.under_way.clear();
        if let Some(plan) = old.into_plan() {
            // A snapshot is never stale.
            let keys = self.ledger.update(PlanUpdate::Snapshot(plan)).unwrap_or_default();
            self.pretend_tunnels(&keys);
        }
        self.inspect(now);
    }

    /// The machine loses power and starts again, and the agent with it.
    pub fn crash(&mut self, now: Timestamp) {
        self.machine.crash();
        self.restart_agent(now);
    }

    fn inspect(&mut self, now: Timestamp) {
        let ticket = self.ledger.begin_inspection();
        let guests = self.machine.inspect_guests();
        let heard: Vec<_> = guests.iter().map(|guest| guest.id).filter(|id| self.machine.is_heard(*id)).collect();
        self.ledger.found(ticket, guests, now);
        for id in heard {
            self.ledger.heard_one(id);
        }
        self.ledger.found_volumes(ticket, &self.machine.inspect_volumes(), Vec::new());
    }

    /// Does what can be done now, until there is nothing more.
    fn settle(&mut self, now: Timestamp) {
        loop {
            for id in self.machine.take_changed() {
                self.look(id, now);
            }
            while let Some((&(at, number), _)) = self.under_way.first_key_value()
                && at <= now
            {
                if let Some(job) = self.under_way.remove(&(at, number)) {
                    self.finish(&job, now);
                }
            }
            self.wire(now);
            match self.ledger.next_job(now) {
                Some(job @ Job::Instance(_, Step::Start)) if !self.options.start.is_zero() => {
                    self.number += 1;
                    self.under_way.insert((now + self.options.start, self.number), job);
                }
                Some(job) => self.finish(&job, now),
                None => return,
            }
        }
    }

    fn look(&mut self, id: InstanceId, now: Timestamp) {
        let ticket = self.ledger.begin_inspection();
        self.ledger.found_one(ticket, id, self.machine.inspect_one(id), now);
        if self.machine.is_heard(id) {
            self.ledger.heard_one(id);
        }
    }

    fn wire(&mut self, now: Timestamp) {
        if !self.ledger.may_work() {
            return;
        }
        let Some(wire) = self.ledger.wiring.next(now) else { return };
        let Some(plan) = self.ledger.plan() else { return };
        let result = match &wire.changed {
            Some(changed) => self.machine.apply_pieces(changed, plan),
            None => self.machine.apply_network(plan),
        };
        self.ledger.finish_wiring(wire.generation, &result, now);
    }

    fn finish(&mut self, job: &Job, now: Timestamp) {
        let result = self.apply(job);
        self.ledger.finish(job, &result, now);
        if let Job::Instance(id, _) = job {
            self.look(*id, now);
        }
    }

    fn apply(&mut self, job: &Job) -> DriverResult<Outcome> {
        use crate::driver::PowerAction::{Press, Pull, Reset};
        let Some(plan) = self.ledger.plan() else { return Ok(Outcome::Done) };
        let machine = &mut self.machine;
        let done = match job {
            Job::Volume(id, VolumeStep::Ensure) => {
                let piece = plan.volume(*id).ok_or_else(|| unplanned(id))?;
                return machine.ensure_volume(piece).map(Outcome::Volume);
            }
            Job::Volume(id, VolumeStep::Snapshot(snapshot, guest)) => {
                let piece = plan.volume(*id).ok_or_else(|| unplanned(id))?;
                return machine.snapshot_volume(piece, snapshot_of(piece, *snapshot)?, *guest).map(Outcome::Snapshot);
            }
            Job::Volume(id, VolumeStep::Remove) => machine.remove_volume(*id),
            Job::Instance(id, Step::Start) => {
                let piece = plan.instance(*id).ok_or_else(|| unplanned(id))?;
                // One that takes its time ends under a newer plan, whose network may not be there yet.
                let is_late = !self.options.start.is_zero();
                if let Some(port) = piece.interfaces.iter().find(|port| is_late && !machine.is_wired(**port)) {
                    return Err(DriverError::Retry(format!("{port} isn't wired yet")));
                }
                let disks = piece.disks.iter().map(|disk| {
                    let volume = plan.volume(disk.volume).ok_or_else(|| unplanned(&disk.volume))?;
                    machine.open_volume(volume)
                });
                let disks = disks.collect::<DriverResult<_>>()?;
                let ports = piece.interfaces.iter().map(|port| machine.open_port(*port));
                let ports = ports.collect::<DriverResult<_>>()?;
                machine.start(&Launch { plan: piece, disks, ports })
            }
            Job::Instance(id, Step::Press) => machine.power(*id, Press),
            Job::Instance(id, Step::Pull) => machine.power(*id, Pull),
            Job::Instance(id, Step::Reset) => machine.power(*id, Reset),
            Job::Instance(id, Step::Plug(Device::Port(port))) => {
                let open = machine.open_port(*port)?;
                machine.plug(*id, &open)
            }
            Job::Instance(id, Step::Unplug { device: Device::Port(port), pull }) => machine.unplug(*id, *port, *pull),
            Job::Instance(id, Step::Plug(Device::Disk(volume))) => {
                machine.open_volume(plan.volume(*volume).ok_or_else(|| unplanned(volume))?)?;
                machine.attach(*id, disk_of(plan, *id, *volume)?)
            }
            Job::Instance(id, Step::Unplug { device: Device::Disk(volume), pull }) => {
                machine.detach(*id, *volume, *pull)
            }
            Job::Instance(id, Step::Tune(volume)) => machine.tune(*id, disk_of(plan, *id, *volume)?),
            Job::Instance(id, Step::Hold { disks, .. }) => machine.hold(*id, disks),
            Job::Instance(id, Step::Release(snapshot)) => machine.release(*id, *snapshot),
            Job::Instance(id, Step::Remove) => machine.remove_guest(*id),
            Job::Volume(_, VolumeStep::Nothing | VolumeStep::Await | VolumeStep::WaitUntil(_))
            | Job::Instance(_, Step::Nothing | Step::Await | Step::WaitUntil(_) | Step::GiveUp(_)) => Ok(()),
        };
        done.map(|()| Outcome::Done)
    }
}

#[cfg(test)]
mod tests;
