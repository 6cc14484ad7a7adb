//! The decision which step to take for one volume: the same kind of pure function as for an instance.
//!
//! A volume is made, or grown, as soon as it is planned, whether or not a guest wants it yet. It is destroyed only once
//! no guest holds it, and only where the plan says so in words: a volume that isn't in the plan is left alone. One that
//! a running guest has is made larger through that guest.

use landfall_model::Timestamp;
use landfall_model::agent::VolumePhase;
use landfall_model::plan::VolumePlan;

use super::reconcile::Readiness;
use super::timing::Timing;
use crate::driver::DriverError;

/// What was tried for a volume. All of it may be lost at any instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeHistory {
    wish: Option<(u64, bool)>,
    /// The size that it was last made to have, in bytes.
    ensured: Option<u64>,
    failed: Option<String>,
    attempts: u32,
    retry_at: Option<Timestamp>,
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
    let step = match plan {
        Some(plan) if plan.wanted && (history.is_ready(plan) || history.failed.is_some()) => VolumeStep::Nothing,
        // Its guest makes it larger. What isn't known at all is looked at, which needs nobody to let go.
        Some(plan) if plan.wanted && held && history.ensured.is_some() => VolumeStep::Await,
        Some(plan) if plan.wanted => VolumeStep::Ensure,
        Some(_) if !present => VolumeStep::Nothing,
        Some(_) if held => VolumeStep::Await,
        Some(_) => VolumeStep::Remove,
        None => VolumeStep::Nothing,
    };
    match history.retry_at {
        Some(at) if at > now && matches!(step, VolumeStep::Ensure | VolumeStep::Remove) => VolumeStep::WaitUntil(at),
        _ => step,
    }
}

/// What to report of a volume, once there is something to say.
pub fn seen_volume(plan: &VolumePlan, present: bool, history: &VolumeHistory) -> Option<VolumePhase> {
    match (plan.wanted, &history.failed) {
        (true, Some(why)) => Some(VolumePhase::Failed(why.clone())),
        (true, None) => history.is_ready(plan).then_some(VolumePhase::Ready),
        (false, _) => (!present).then_some(VolumePhase::Gone),
    }
}

impl VolumeHistory {
    /// Takes note of a plan. Returns whether it asks for something else than the one before.
    pub fn wish(&mut self, plan: &VolumePlan) -> bool {
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
        self.retry_at = None;
    }

    /// Takes note of what came of a step: of the size that the volume has, if it is there.
    pub fn tried(
        &mut self,
        step: VolumeStep,
        result: &Result<Option<u64>, DriverError>,
        timing: &Timing,
        now: Timestamp,
    ) {
        match result {
            Ok(size_bytes) => {
                self.try_again();
                self.ensured = *size_bytes;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use landfall_model::VolumeId;
    use landfall_model::plan::VolumeSource;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn plan(size_bytes: u64, wanted: bool) -> VolumePlan {
        VolumePlan { id: VolumeId::from_random(1), size_bytes, source: VolumeSource::Blank, wanted }
    }

    #[test]
    fn a_volume_is_made_grown_and_destroyed_when_nobody_holds_it() {
        let timing = Timing::default();
        let mut history = VolumeHistory::default();
        let small = plan(1, true);
        assert!(history.wish(&small));
        assert_eq!(next_volume_step(Some(&small), false, false, &history, NOW), VolumeStep::Ensure);
        assert_eq!(seen_volume(&small, false, &history), None);
        history.tried(VolumeStep::Ensure, &Ok(Some(1)), &timing, NOW);
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
        assert_eq!(seen_volume(&volume, true, &history), Some(VolumePhase::Failed("the disk is busy".into())));
        history.try_again();
        assert_eq!(next_volume_step(Some(&volume), true, false, &history, later), VolumeStep::Ensure);
    }
}
