//! The decision which step to take for one volume: the same kind of pure function as for an instance.
//!
//! A volume is made, or grown, as soon as it is planned, whether or not a guest wants it yet. It is destroyed only once
//! no guest holds it, and only where the plan says so in words: a volume that isn't in the plan is left alone. One that
//! a running guest has is made larger through that guest.
//!
//! Its snapshots are made one after another, and it is destroyed only when the plan has none of them any more: what came of
//! them is on record then. One that was made is reported until the plan has it no more; after a restart of the agent it is
//! made again, which finds all that is stored. A store that is full or away, or a control plane that is, ends no snapshot:
//! volumes wait, their contents would be lost.

use std::collections::BTreeMap;

use landfall_model::agent::{SnapshotMade, SnapshotPhase, SnapshotSeen, VolumePhase};
use landfall_model::plan::VolumePlan;
use landfall_model::{InstanceId, SnapshotId, Timestamp};

use super::reconcile::Readiness;
use super::timing::Timing;
use crate::driver::{DriverError, Imported};

/// What was tried for a volume. All of it may be lost at any instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeHistory {
    wish: Option<(u64, bool)>,
    /// The size that it was last made to have, in bytes.
    ensured: Option<u64>,
    failed: Option<String>,
    attempts: u32,
    /// Attempts that don't count, because somebody was away whom the volume can do nothing about.
    waits: u32,
    retry_at: Option<Timestamp>,
    snapshots: BTreeMap<SnapshotId, SnapshotHistory>,
    /// How many of a hundred parts of it are imported, and when that was last told.
    percent: u8,
    told_at: Option<Timestamp>,
    /// What was noticed on it.
    noticed: Option<String>,
}

/// What was tried for a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SnapshotHistory {
    outcome: Option<SnapshotPhase>,
    /// Whether a guest was seen to hold what it is to have.
    taken: bool,
    /// How many of a hundred parts are stored, and when that was last told.
    percent: u8,
    told_at: Option<Timestamp>,
    attempts: u32,
    retry_at: Option<Timestamp>,
    said: Option<SnapshotSeen>,
}

/// What a job has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// There is a volume of so many bytes.
    Volume(u64),
    /// There is a volume that was imported.
    Imported(Imported),
    /// There is a snapshot.
    Snapshot(SnapshotMade),
}

/// What to do next for a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeStep {
    /// It is as planned, or can't be without another plan.
    Nothing,
    /// A guest holds it; it goes on when that one has let go.
    Await,
    /// Nothing before that time, unless something changes.
    WaitUntil(Timestamp),
    /// Make it, or make it larger.
    Ensure,
    /// Make a snapshot of it, of what a guest holds or of what is there.
    Snapshot(SnapshotId, Option<InstanceId>),
    /// Destroy it.
    Remove,
}

/// The next step for a volume: whether something of it is on the machine, and whether a guest holds it.
pub fn next_volume_step(
    plan: Option<&VolumePlan>,
    present: bool,
    held: bool,
    history: &VolumeHistory,
    now: Timestamp,
) -> VolumeStep {
    let snapshot = plan.and_then(|plan| next_snapshot(plan, history, now));
    let step = match plan {
        Some(plan) if plan.wanted && history.failed.is_some() => VolumeStep::Nothing,
        Some(plan) if plan.wanted && history.is_ready(plan) => snapshot.unwrap_or(VolumeStep::Nothing),
        // Its guest makes it larger. What isn't known at all is looked at, which needs nobody to let go.
        Some(plan) if plan.wanted && held && history.ensured.is_some() => snapshot.unwrap_or(VolumeStep::Await),
        Some(plan) if plan.wanted => VolumeStep::Ensure,
        Some(_) if !present => VolumeStep::Nothing,
        Some(_) if snapshot.is_some() => snapshot.unwrap_or(VolumeStep::Nothing),
        // What came of its snapshots is taken note of before what they were made of goes: the plan loses them then.
        Some(plan) if !plan.snapshots.is_empty() => VolumeStep::Nothing,
        Some(_) if held => VolumeStep::Await,
        Some(_) => VolumeStep::Remove,
        None => VolumeStep::Nothing,
    };
    match history.retry_at {
        Some(at) if at > now && matches!(step, VolumeStep::Ensure | VolumeStep::Remove) => VolumeStep::WaitUntil(at),
        _ => step,
    }
}

/// The snapshot that is to be made next; when that isn't yet, until when.
fn next_snapshot(plan: &VolumePlan, history: &VolumeHistory, now: Timestamp) -> Option<VolumeStep> {
    let next = plan.snapshots.iter().find(|it| history.lacks(it.id))?;
    match history.snapshots.get(&next.id).and_then(|history| history.retry_at) {
        Some(at) if at > now => Some(VolumeStep::WaitUntil(at)),
        _ => Some(VolumeStep::Snapshot(next.id, None)),
    }
}

/// Where what a snapshot is to have can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the volume itself, which no guest has.
    AtRest,
    /// A guest holds it.
    Held(InstanceId),
    /// A guest has the volume, and is to hold it.
    Awaited,
    /// Nowhere any more, for that reason.
    Lost(&'static str),
}

/// Why a snapshot can't be made any more, as its owner reads it.
pub const LOST: &str = "The machine of the instance ended before the snapshot was whole, and with it what the volume was at \
     the snapshot's moment; make it again";

/// The same of one that was to be made between a shutdown and a start.
pub const STARTED: &str =
    "The instance was started again before what it had left on its disks could be stored; make it again";

impl VolumeHistory {
    /// Whether the next snapshot is to come before a start.
    pub fn is_before_a_start(&self, plan: &VolumePlan) -> bool {
        plan.snapshots.iter().find(|it| self.lacks(it.id)).is_some_and(|it| it.before_boot.is_some())
    }

    /// Whether guests wait for snapshots of what was on the volume before a start. For one that couldn't be made several
    /// times they don't: nobody knows how long that takes, and it is lost then.
    pub fn keeps_waiting(&self, plan: &VolumePlan, timing: &Timing) -> bool {
        let is_given_up = |id| self.snapshots.get(&id).is_some_and(|history| history.attempts >= timing.attempts);
        plan.snapshots.iter().any(|it| it.before_boot.is_some() && self.lacks(it.id) && !is_given_up(it.id))
    }
}

/// What there is to say of a volume's snapshots.
pub fn seen_snapshots(plan: &VolumePlan, present: bool, history: &VolumeHistory) -> Vec<SnapshotSeen> {
    let seen = plan.snapshots.iter().filter_map(|snapshot| {
        let its = history.snapshots.get(&snapshot.id);
        let outcome = its.and_then(|its| its.outcome.clone());
        let (taken, percent) = its.map_or((false, 0), |its| (its.taken, its.percent));
        let phase = match (outcome, &history.failed) {
            (Some(outcome), _) => outcome,
            (None, Some(why)) => SnapshotPhase::Failed(why.clone()),
            (None, None) if !plan.wanted && !present => SnapshotPhase::Failed("The volume is gone.".to_owned()),
            (None, None) if taken || percent > 0 => SnapshotPhase::Working(percent),
            (None, None) => return None,
        };
        Some(SnapshotSeen { id: snapshot.id, session: snapshot.session, phase, taken })
    });
    seen.collect()
}

/// What to report of a volume, once there is something to say.
pub fn seen_volume(plan: &VolumePlan, present: bool, history: &VolumeHistory) -> Option<VolumePhase> {
    match (plan.wanted, &history.failed) {
        (true, Some(why)) => Some(VolumePhase::Failed(why.clone())),
        (true, None) if history.is_ready(plan) => Some(VolumePhase::Ready),
        (true, None) => (history.percent > 0).then_some(VolumePhase::Importing(history.percent)),
        (false, _) => (!present).then_some(VolumePhase::Gone),
    }
}

impl VolumeHistory {
    /// Takes note of a plan. Returns whether it asks for something else than the one before.
    pub fn wish(&mut self, plan: &VolumePlan) -> bool {
        self.snapshots.retain(|id, _| plan.snapshots.iter().any(|snapshot| snapshot.id == *id));
        let wish = Some((plan.size_bytes, plan.wanted));
        if self.wish == wish {
            return false;
        }
        self.wish = wish;
        self.try_again();
        true
    }

    /// Forgets failures, because somebody asked for a start that needs the volume.
    pub fn try_again(&mut self) {
        self.failed = None;
        self.attempts = 0;
        self.waits = 0;
        self.retry_at = None;
    }

    /// Takes note of what came of a step: of the size that the volume has, if it is there.
    pub fn tried(&mut self, step: VolumeStep, result: &Result<Outcome, DriverError>, timing: &Timing, now: Timestamp) {
        if let VolumeStep::Snapshot(id, _) = step {
            self.snapshots.entry(id).or_default().tried(result, timing, now);
            return;
        }
        match result {
            Ok(outcome) => {
                self.try_again();
                self.percent = 0;
                self.ensured = match outcome {
                    Outcome::Volume(size_bytes) => Some(*size_bytes),
                    Outcome::Imported(imported) => {
                        self.noticed.clone_from(&imported.noticed);
                        Some(imported.size_bytes)
                    }
                    Outcome::Done | Outcome::Snapshot(_) => None,
                };
            }
            Err(DriverError::Later(_)) => {
                self.waits = self.waits.saturating_add(1);
                self.retry_at = Some(now + timing.backoff(self.waits));
            }
            Err(error) => {
                self.attempts += 1;
                let is_final = matches!(error, DriverError::Final(_));
                if step == VolumeStep::Ensure && (is_final || self.attempts >= timing.attempts) {
                    self.failed = Some(error.to_string());
                }
                self.retry_at = Some(now + if is_final { timing.backoff_most } else { timing.backoff(self.attempts) });
            }
        }
    }

    /// Whether a snapshot is still to be made.
    pub fn lacks(&self, snapshot: SnapshotId) -> bool {
        self.snapshots.get(&snapshot).is_none_or(|history| history.outcome.is_none())
    }

    /// Whether a snapshot is made, and the plan still has it: the control plane hasn't heard of it.
    pub fn has_made(&self, snapshot: SnapshotId) -> bool {
        let outcome = self.snapshots.get(&snapshot).and_then(|history| history.outcome.as_ref());
        matches!(outcome, Some(SnapshotPhase::Made(_)))
    }

    /// Takes note that a guest holds what a snapshot is to have. Returns whether that is new.
    pub fn took(&mut self, snapshot: SnapshotId) -> bool {
        !std::mem::replace(&mut self.snapshots.entry(snapshot).or_default().taken, true)
    }

    /// Whether a guest was seen to hold what a snapshot is to have.
    pub fn has_taken(&self, snapshot: SnapshotId) -> bool {
        self.snapshots.get(&snapshot).is_some_and(|history| history.taken)
    }

    /// Takes note of how much of a snapshot is stored. Returns whether it is time to tell: not each time.
    pub fn progressed(&mut self, snapshot: SnapshotId, percent: u8, timing: &Timing, now: Timestamp) -> bool {
        let history = self.snapshots.entry(snapshot).or_default();
        history.percent = percent;
        let is_due = history.told_at.is_none_or(|at| at + timing.progress <= now);
        if is_due {
            history.told_at = Some(now);
        }
        is_due
    }

    /// Takes note of how much of it is imported. Returns whether it is time to tell: not each time.
    pub fn imported(&mut self, percent: u8, timing: &Timing, now: Timestamp) -> bool {
        self.percent = percent;
        let is_due = self.told_at.is_none_or(|at| at + timing.progress <= now);
        if is_due {
            self.told_at = Some(now);
        }
        is_due
    }

    /// What its owner should know of it.
    pub fn noticed(&self) -> Option<&str> {
        self.noticed.as_deref()
    }

    /// Takes note that a snapshot can't be made.
    pub fn fail_snapshot(&mut self, snapshot: SnapshotId, why: &str) {
        let history = self.snapshots.entry(snapshot).or_default();
        history.outcome.get_or_insert_with(|| SnapshotPhase::Failed(why.to_owned()));
    }

    /// Whether that is news of a snapshot, which is told now.
    pub fn tells(&mut self, seen: &SnapshotSeen) -> bool {
        let said = &mut self.snapshots.entry(seen.id).or_default().said;
        let is_new = said.as_ref() != Some(seen);
        *said = Some(seen.clone());
        is_new
    }

    /// Takes note of the size that a guest sees. Returns whether it is a new one.
    pub fn grew(&mut self, size_bytes: u64) -> bool {
        let grew = self.ensured.is_some_and(|known| known < size_bytes);
        if grew {
            self.ensured = Some(size_bytes);
        }
        grew
    }

    /// The size that it has, as far as is known, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.ensured.unwrap_or(0)
    }

    /// Whether it has failed for good.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether a guest can use it.
    pub fn readiness(&self, plan: &VolumePlan) -> Readiness<'_> {
        match &self.failed {
            Some(why) => Readiness::Failed(why),
            None if plan.wanted && self.is_ready(plan) => Readiness::Ready,
            None => Readiness::Pending,
        }
    }

    fn is_ready(&self, plan: &VolumePlan) -> bool {
        self.ensured.is_some_and(|size_bytes| size_bytes >= plan.size_bytes)
    }
}

impl SnapshotHistory {
    fn tried(&mut self, result: &Result<Outcome, DriverError>, timing: &Timing, now: Timestamp) {
        match result {
            Ok(Outcome::Snapshot(made)) => self.outcome = Some(SnapshotPhase::Made(made.clone())),
            // The plan had lost it.
            Ok(Outcome::Done | Outcome::Volume(_) | Outcome::Imported(_)) => {}
            Err(error) => {
                self.attempts = self.attempts.saturating_add(1);
                if let DriverError::Final(why) = error {
                    self.outcome = Some(SnapshotPhase::Failed(why.clone()));
                }
                self.retry_at = Some(now + timing.backoff(self.attempts));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use landfall_model::VolumeId;
    use landfall_model::plan::{SnapshotPlan, VolumeSource};

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn plan(size_bytes: u64, wanted: bool) -> VolumePlan {
        VolumePlan {
            id: VolumeId::from_random(1),
            size_bytes,
            source: VolumeSource::Blank,
            encrypted: false,
            wanted,
            snapshots: vec![],
        }
    }

    #[test]
    fn a_volume_is_made_grown_and_destroyed_when_nobody_holds_it() {
        let timing = Timing::default();
        let mut history = VolumeHistory::default();
        let small = plan(1, true);
        assert!(history.wish(&small));
        assert_eq!(next_volume_step(Some(&small), false, false, &history, NOW), VolumeStep::Ensure);
        assert_eq!(seen_volume(&small, false, &history), None);
        history.tried(VolumeStep::Ensure, &Ok(Outcome::Volume(1)), &timing, NOW);
        assert_eq!(next_volume_step(Some(&small), true, true, &history, NOW), VolumeStep::Nothing);
        assert_eq!(seen_volume(&small, true, &history), Some(VolumePhase::Ready));
        assert!(!history.wish(&small));

        let large = plan(2, true);
        assert!(history.wish(&large));
        assert_eq!(next_volume_step(Some(&large), true, false, &history, NOW), VolumeStep::Ensure);
        assert_eq!(next_volume_step(Some(&large), true, true, &history, NOW), VolumeStep::Await, "its guest does it");
        assert_eq!(next_volume_step(Some(&large), true, true, &VolumeHistory::default(), NOW), VolumeStep::Ensure);
        assert_eq!(history.readiness(&large), Readiness::Pending);
        assert!(history.clone().grew(2) && !history.clone().grew(1));

        let unwanted = plan(2, false);
        assert!(history.wish(&unwanted));
        assert_eq!(next_volume_step(Some(&unwanted), true, true, &history, NOW), VolumeStep::Await);
        assert_eq!(next_volume_step(Some(&unwanted), true, false, &history, NOW), VolumeStep::Remove);
        assert_eq!(seen_volume(&unwanted, true, &history), None);
        assert_eq!(seen_volume(&unwanted, false, &history), Some(VolumePhase::Gone));
        assert_eq!(next_volume_step(None, true, false, &history, NOW), VolumeStep::Nothing, "unknown: left alone");
    }

    #[test]
    fn snapshots_are_made_one_after_another_and_before_the_volume_goes() {
        let timing = Timing { attempts: 2, ..Timing::default() };
        let snapshot = |n: u64| SnapshotPlan {
            id: SnapshotId::from_random(n.into()),
            domain: landfall_model::AccountId::PROVIDER,
            session: n,
            base: None,
            size_bytes: 0,
            moment: SnapshotId::from_random(n.into()),
            taken: false,
            before_boot: None,
        };
        let (one, two) = (SnapshotId::from_random(1), SnapshotId::from_random(2));
        let mut history = VolumeHistory::default();
        let mut volume = VolumePlan { snapshots: vec![snapshot(1), snapshot(2)], ..plan(1, true) };
        assert_eq!(next_volume_step(Some(&volume), false, false, &history, NOW), VolumeStep::Ensure);
        history.tried(VolumeStep::Ensure, &Ok(Outcome::Volume(1)), &timing, NOW);
        assert_eq!(next_volume_step(Some(&volume), true, true, &history, NOW), VolumeStep::Snapshot(one, None));
        assert_eq!(seen_snapshots(&volume, true, &history), []);
        let made = SnapshotMade { root: "root".into(), full_bytes: 5 };
        history.tried(VolumeStep::Snapshot(one, None), &Ok(Outcome::Snapshot(made.clone())), &timing, NOW);
        let seen = SnapshotSeen { id: one, session: 1, phase: SnapshotPhase::Made(made), taken: false };
        assert_eq!(seen_snapshots(&volume, true, &history), std::slice::from_ref(&seen));
        assert!(history.tells(&seen) && !history.tells(&seen), "it is told once");

        // The other one has to wait, and the volume with it, though nobody wants it any more.
        volume.wanted = false;
        assert!(history.wish(&volume));
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, NOW), VolumeStep::Snapshot(two, None));
        let full = || Err(DriverError::Retry("the disk is full".into()));
        history.tried(VolumeStep::Snapshot(two, None), &full(), &timing, NOW);
        let later = NOW + timing.backoff_first;
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, NOW), VolumeStep::WaitUntil(later));
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, later), VolumeStep::Snapshot(two, None));
        // However often that is.
        for _ in 0..100 {
            history.tried(VolumeStep::Snapshot(two, None), &full(), &timing, later);
        }
        assert_eq!(seen_snapshots(&volume, true, &history), std::slice::from_ref(&seen));
        let much_later = later + timing.backoff_most;
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, much_later), VolumeStep::Snapshot(two, None));
        let damaged = Err(DriverError::Final("the file is damaged".into()));
        history.tried(VolumeStep::Snapshot(two, None), &damaged, &timing, much_later);
        let phase = SnapshotPhase::Failed("the file is damaged".into());
        assert_eq!(
            seen_snapshots(&volume, true, &history)[1],
            SnapshotSeen { id: two, session: 2, phase, taken: false }
        );
        // The volume stays until all that is on record.
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, much_later), VolumeStep::Nothing);
        volume.snapshots = vec![snapshot(2)];
        history.wish(&volume);
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, much_later), VolumeStep::Nothing);
        volume.snapshots.clear();
        history.wish(&volume);
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, much_later), VolumeStep::Remove);

        volume.snapshots = vec![snapshot(3)];
        history.wish(&volume);
        let gone = seen_snapshots(&volume, false, &history);
        assert!(matches!(gone[0].phase, SnapshotPhase::Failed(_)) && gone.len() == 1);
    }

    #[test]
    fn a_volume_that_cannot_be_made_is_tried_a_few_times() {
        let timing = Timing { attempts: 3, ..Timing::default() };
        let mut history = VolumeHistory::default();
        let volume = plan(1, true);
        history.wish(&volume);
        let busy = || Err(DriverError::Retry("the disk is busy".into()));
        history.tried(VolumeStep::Ensure, &busy(), &timing, NOW);
        let first = NOW + timing.backoff_first;
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, NOW), VolumeStep::WaitUntil(first));
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, first), VolumeStep::Ensure);
        history.tried(VolumeStep::Ensure, &busy(), &timing, first);
        assert_eq!(history.readiness(&volume), Readiness::Pending);
        history.tried(VolumeStep::Ensure, &busy(), &timing, first);
        assert_eq!(history.readiness(&volume), Readiness::Failed("the disk is busy"));
        let later = NOW + Duration::from_secs(3600);
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, later), VolumeStep::Nothing);
        // But what waits for a secret isn't given up.
        let mut waits = VolumeHistory::default();
        waits.wish(&volume);
        for _ in 0..100 {
            let away = Err(DriverError::Later("the control plane is away".into()));
            waits.tried(VolumeStep::Ensure, &away, &timing, NOW);
        }
        assert_eq!(waits.readiness(&volume), Readiness::Pending);
        assert!(matches!(next_volume_step(Some(&volume), false, false, &waits, NOW), VolumeStep::WaitUntil(_)));
        assert_eq!(next_volume_step(Some(&volume), false, false, &waits, later), VolumeStep::Ensure);
        assert_eq!(seen_volume(&volume, true, &history), Some(VolumePhase::Failed("the disk is busy".into())));
        history.try_again();
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, later), VolumeStep::Ensure);
    }
}
