//! The threads that touch the machine: one looks, one applies the network, some work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_model::Timestamp;
use landfall_model::agent::{Answer, Ask, HostRequest};
use landfall_model::plan::HostPlan;

use super::ledger::Job;
use super::reconcile::Step;
use super::volume::VolumeStep;
use super::{CONSOLE_BYTES, Mind, Shared};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, Watch};

/// Something for a worker.
enum Task {
    Job(Job, Arc<HostPlan>),
    Request(HostRequest),
}

/// A look at the machine.
struct Look {
    ticket: u64,
    guests: bool,
    volumes: bool,
}

impl Shared {
    /// Looks at the machine: when a step was taken, when something is expected to change, and now and then.
    pub(super) fn look_until_stopped(&self) {
        let mut mind = self.mind();
        while !self.is_stopped() {
            let now = self.now();
            match self.next_look(&mut mind, now) {
                Ok(look) => {
                    drop(mind);
                    self.look(&look);
                    self.changed.notify_all();
                    mind = self.mind();
                }
                Err(at) => mind = self.wait(mind, Some(at)),
            }
        }
    }

    /// The next look, or when it is due.
    fn next_look(&self, mind: &mut Mind, now: Timestamp) -> Result<Look, Timestamp> {
        let timing = &self.options.timing;
        if let Some(at) = mind.look_again_at.filter(|at| now < *at) {
            return Err(at);
        }
        let after = |last: Option<Timestamp>, pause| last.map_or(now, |at| at + pause);
        let pause = if mind.ledger.is_watching() { timing.inspect_quickly } else { timing.inspect };
        let asked = mind.poked || mind.ledger.owes_inspection();
        let guests_at = if asked { now } else { after(mind.looked_at, pause) };
        let volumes_at = after(mind.looked_at_volumes, timing.inspect_volumes);
        let listen = mind.ledger.is_listening(now).then(|| after(mind.listened_at, timing.listen));
        let at = listen.unwrap_or(guests_at).min(guests_at).min(volumes_at);
        if at > now {
            return Err(at);
        }
        mind.poked = false;
        let ticket = mind.ledger.begin_inspection();
        Ok(Look { ticket, guests: guests_at <= now, volumes: volumes_at <= now })
    }

    fn look(&self, look: &Look) {
        let drivers = &self.drivers;
        let guests = look.guests.then(|| caught(|| drivers.hypervisor.inspect()));
        let heard = caught(|| drivers.network.heard());
        let volumes = look.volumes.then(|| {
            let unknown = caught(|| drivers.network.unknown())?;
            Ok::<_, DriverError>((caught(|| drivers.volumes.inspect())?, unknown))
        });
        let now = self.now();
        let mut mind = self.mind();
        mind.look_again_at = None;
        mind.listened_at = Some(now);
        let failed = |what: &str, error: &DriverError| {
            tracing::warn!(%error, "{what} can't be inspected");
            Some(now + self.options.timing.effect)
        };
        let mut again = None;
        match guests {
            Some(Ok(guests)) => {
                mind.ledger.found(look.ticket, guests, now);
                mind.looked_at = Some(now);
            }
            Some(Err(error)) => again = failed("guests", &error),
            None => {}
        }
        match heard {
            Ok(ports) => mind.ledger.heard(look.ticket, &ports),
            Err(error) => again = failed("ports", &error),
        }
        match volumes {
            Some(Ok((volumes, unknown))) => {
                mind.ledger.found_volumes(look.ticket, &volumes, unknown);
                mind.looked_at_volumes = Some(now);
            }
            Some(Err(error)) => again = failed("volumes", &error),
            None => {}
        }
        mind.look_again_at = again;
    }

    /// Applies the network whenever the plan has another, and now and then to repair it.
    pub(super) fn wire_until_stopped(&self) {
        let mut mind = self.mind();
        while !self.is_stopped() {
            let due = if mind.ledger.may_work() { mind.ledger.wiring.next(self.now()) } else { None };
            let (Some(wire), Some(plan)) = (due, mind.ledger.plan().cloned()) else {
                let until = if mind.ledger.may_work() { mind.ledger.wiring.next_due() } else { None };
                mind = self.wait(mind, until);
                continue;
            };
            drop(mind);
            crash_point!("agent:network:begin");
            let result = caught(|| match &wire.changed {
                Some(changed) => self.drivers.network.follow(&plan, changed),
                None => self.drivers.network.apply(&plan),
            });
            crash_point!("agent:network:end");
            drop(plan);
            if let Err(error) = &result {
                tracing::warn!(%error, "the network can't be applied");
            }
            mind = self.mind();
            mind.ledger.finish_wiring(wire.generation, &result, self.now());
            self.changed.notify_all();
        }
    }

    /// Does one job or request after another.
    pub(super) fn work_until_stopped(&self) {
        let mut mind = self.mind();
        while !self.is_stopped() {
            let Some(task) = self.next_task(&mut mind) else {
                let until = mind.ledger.next_due();
                mind = self.wait(mind, until);
                continue;
            };
            // What else can be done now is for another thread; and what was decided may have to be reported.
            self.changed.notify_all();
            drop(mind);
            match task {
                Task::Job(job, plan) => {
                    let step = step(&job);
                    crash_point!("agent:{step}:begin");
                    let tell = |percent| self.progressed(&job, percent);
                    let watch = Watch { tell: &tell, is_wanted: &|| self.is_wanted(&job) };
                    let result = caught(|| self.drivers.apply(&job, &plan, &watch));
                    crash_point!("agent:{step}:end");
                    drop(plan);
                    match &result {
                        Ok(_) => tracing::debug!(?job, "done"),
                        Err(error) => tracing::warn!(?job, %error, "failed"),
                    }
                    mind = self.mind();
                    mind.ledger.finish(&job, &result, self.now());
                }
                Task::Request(request) => {
                    let result = self.answer(&request);
                    mind = self.mind();
                    mind.answers.push((request.id, result));
                }
            }
            self.changed.notify_all();
        }
    }

    /// Takes note of how far a job is.
    fn progressed(&self, job: &Job, percent: u8) {
        let now = self.now();
        let is_due = match job {
            Job::Volume(volume, VolumeStep::Snapshot(snapshot, _)) => {
                self.mind().ledger.progressed(*volume, *snapshot, percent, now)
            }
            Job::Volume(volume, VolumeStep::Ensure) => self.mind().ledger.imported(*volume, percent, now),
            _ => false,
        };
        if is_due {
            self.changed.notify_all();
        }
    }

    /// Whether the plan still wants the volume that a job is about.
    fn is_wanted(&self, job: &Job) -> bool {
        let Job::Volume(volume, _) = job else { return true };
        let mind = self.mind();
        !self.is_stopped() && mind.ledger.plan().and_then(|plan| plan.volume(*volume)).is_some_and(|piece| piece.wanted)
    }

    fn next_task(&self, mind: &mut Mind) -> Option<Task> {
        let now = self.now();
        while let Some((request, deadline)) = mind.requests.pop_front() {
            if now < deadline {
                return Some(Task::Request(request));
            }
            mind.asked.remove(&request.id);
        }
        let plan = mind.ledger.plan().cloned()?;
        let had_news = mind.ledger.has_news();
        let job = mind.ledger.next_job(now);
        if job.is_none() && !had_news && mind.ledger.has_news() {
            self.changed.notify_all();
        }
        Some(Task::Job(job?, plan))
    }

    fn answer(&self, request: &HostRequest) -> Result<Answer, String> {
        match request.ask {
            Ask::Console { instance } => {
                let console = caught(|| self.drivers.hypervisor.console(instance, CONSOLE_BYTES));
                let (bytes, at) = console.map_err(|error| error.to_string())?;
                Ok(Answer::Console { output: STANDARD.encode(bytes), at })
            }
        }
    }
}

/// What a job does, for the names of crash points.
fn step(job: &Job) -> &'static str {
    match job {
        Job::Volume(_, VolumeStep::Ensure) => "volume-ensure",
        Job::Volume(_, VolumeStep::Remove) => "volume-remove",
        Job::Volume(_, VolumeStep::Snapshot(..)) => "volume-snapshot",
        Job::Instance(_, Step::Start) => "start",
        Job::Instance(_, Step::Press) => "press",
        Job::Instance(_, Step::Pull) => "pull",
        Job::Instance(_, Step::Reset) => "reset",
        Job::Instance(_, Step::Plug(_)) => "plug",
        Job::Instance(_, Step::Unplug { .. }) => "unplug",
        Job::Instance(_, Step::Tune(_)) => "tune",
        Job::Instance(_, Step::Hold { .. }) => "hold",
        Job::Instance(_, Step::Release(_)) => "release",
        Job::Instance(_, Step::Remove) => "remove",
        Job::Volume(..) | Job::Instance(..) => "nothing",
    }
}

/// Calls a driver. One that panics has failed for this job, not for all others.
pub(super) fn caught<T>(call: impl FnOnce() -> DriverResult<T>) -> DriverResult<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(DriverError::Final("A part of the host's software failed unexpectedly".to_owned())))
}
