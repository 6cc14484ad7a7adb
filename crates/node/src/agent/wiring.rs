//! Whether the network on the machine is as planned. It is applied as a whole, so all that is kept is which generation of
//! the plan is wanted, which one is there, what changed in between, and what came of the last attempt.

use std::collections::BTreeSet;

use landfall_model::Timestamp;
use landfall_model::plan::PieceKey;

use super::timing::Timing;
use crate::driver::DriverError;

/// How far the network is.
#[derive(Debug, Default)]
pub struct Wiring {
    wanted: u64,
    applied: u64,
    /// The pieces by which the plan may differ from what was begun last; `None` where that isn't known.
    changed: Option<BTreeSet<PieceKey>>,
    busy: bool,
    attempts: u32,
    sentence: String,
    /// When it is tried again after a failure, or applied again to repair it.
    again_at: Option<Timestamp>,
}

/// The network of a plan that is to be applied.
#[derive(Debug, PartialEq, Eq)]
pub struct Wire {
    /// Which generation of the plan it is.
    pub generation: u64,
    /// The pieces by which alone it differs from what is there; `None` where all of it is to be gone through.
    pub changed: Option<BTreeSet<PieceKey>>,
}

impl Wiring {
    /// Takes note that these pieces of the plan's network changed.
    pub fn want(&mut self, pieces: impl IntoIterator<Item = PieceKey>) {
        self.wanted += 1;
        if let Some(changed) = &mut self.changed {
            changed.extend(pieces);
        }
    }

    /// The generation that is wanted.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// The generation that was applied last.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// What to apply now, if that is due. It is under way until [`Wiring::finish`].
    pub fn next(&mut self, now: Timestamp) -> Option<Wire> {
        let waits = self.again_at.is_some_and(|at| now < at);
        let due = if self.attempts == 0 { self.wanted > self.applied || !waits } else { !waits };
        if self.busy || self.wanted == 0 || !due {
            return None;
        }
        self.busy = true;
        // What comes while it is under way is for the next time.
        let changed = self.changed.replace(BTreeSet::new()).filter(|changed| !changed.is_empty());
        Some(Wire { generation: self.wanted, changed })
    }

    /// When it is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.again_at {
            _ if self.busy || self.wanted == 0 => None,
            Some(at) if self.attempts > 0 || self.wanted == self.applied => Some(at),
            _ => Some(Timestamp(i64::MIN)),
        }
    }

    /// Takes note of what came of applying a generation.
    pub fn finish(&mut self, generation: u64, result: &Result<(), DriverError>, timing: &Timing, now: Timestamp) {
        self.busy = false;
        match result {
            Ok(()) => {
                // Changes don't put off what repairs all of it: they are applied without a look at the rest.
                let is_repair = self.applied == generation || self.attempts > 0;
                let repair_at = self.again_at.filter(|_| !is_repair);
                self.again_at = repair_at.or(Some(now + timing.repair));
                self.applied = generation;
                self.attempts = 0;
            }
            Err(error) => {
                // How far it came isn't known.
                self.changed = None;
                self.attempts = match error {
                    DriverError::Retry(_) | DriverError::Later(_) | DriverError::InUse(_) => self.attempts + 1,
                    DriverError::Final(_) => self.attempts.max(timing.attempts),
                };
                self.sentence = format!("The network of the instance couldn't be made: {error}");
                self.again_at = Some(now + timing.backoff(self.attempts));
            }
        }
    }

    /// Why it can't be applied, once that was tried often enough.
    pub fn failure(&self, timing: &Timing) -> Option<&str> {
        (self.attempts >= timing.attempts).then_some(&*self.sentence)
    }

    /// Whether it is as planned.
    pub fn is_settled(&self) -> bool {
        !self.busy && self.wanted == self.applied
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    /// The generation that is begun now.
    fn begun(wiring: &mut Wiring, now: Timestamp) -> Option<u64> {
        wiring.next(now).map(|wire| wire.generation)
    }

    #[test]
    fn what_changed_is_told_once_and_all_of_it_after_a_failure() {
        let [one, two, three] = [1, 2, 3].map(|number| PieceKey::Vpc(landfall_model::VpcId::from_random(number)));
        let (timing, mut wiring) = (Timing::default(), Wiring::default());
        let changed = |wiring: &mut Wiring, now| wiring.next(now).unwrap().changed;
        wiring.want([one]);
        assert_eq!(changed(&mut wiring, NOW), None, "what there was before isn't known");
        wiring.want([two]);
        wiring.finish(1, &Ok(()), &timing, NOW);
        wiring.want([three]);
        assert_eq!(changed(&mut wiring, NOW), Some([two, three].into()));
        wiring.want([one]);
        wiring.finish(3, &Err(DriverError::Retry("nft is missing".into())), &timing, NOW);
        let later = wiring.next_due().unwrap();
        assert_eq!(changed(&mut wiring, later), None, "a failure leaves nobody knows what");
        wiring.finish(4, &Ok(()), &timing, later);
        assert_eq!(changed(&mut wiring, later + timing.repair), None, "a repair is of everything");
    }

    #[test]
    fn it_is_applied_when_wanted_and_again_to_repair_it() {
        let timing = Timing::default();
        let mut wiring = Wiring::default();
        assert_eq!((wiring.next(NOW), wiring.next_due()), (None, None), "no plan, no network");
        wiring.want([]);
        assert_eq!(begun(&mut wiring, NOW), Some(1));
        assert_eq!(wiring.next(NOW), None, "under way");
        wiring.want([]);
        wiring.finish(1, &Ok(()), &timing, NOW);
        assert!(!wiring.is_settled());
        assert_eq!(begun(&mut wiring, NOW), Some(2), "what came meanwhile isn't lost");
        wiring.finish(2, &Ok(()), &timing, NOW);
        assert!(wiring.is_settled());
        assert_eq!(wiring.next(NOW), None);
        assert_eq!(wiring.next_due(), Some(NOW + timing.repair));
        assert_eq!(begun(&mut wiring, NOW + timing.repair), Some(2));
    }

    #[test]
    fn changes_do_not_put_off_the_repair() {
        let timing = Timing::default();
        let mut wiring = Wiring::default();
        let mut now = NOW;
        for generation in 1..=3 {
            wiring.want([]);
            assert_eq!(begun(&mut wiring, now), Some(generation));
            wiring.finish(generation, &Ok(()), &timing, now);
            assert_eq!(wiring.next_due(), Some(NOW + timing.repair));
            now = now + timing.repair / 2;
        }
        assert_eq!(begun(&mut wiring, now), Some(3), "it is due as soon as the change is there");
        wiring.finish(3, &Ok(()), &timing, now);
        assert_eq!(wiring.next_due(), Some(now + timing.repair));
    }

    #[test]
    fn it_is_tried_for_ever_and_called_failed_after_a_while() {
        let timing = Timing { attempts: 2, ..Timing::default() };
        let mut wiring = Wiring::default();
        wiring.want([]);
        let mut now = NOW;
        for attempt in 1..=5 {
            assert_eq!(begun(&mut wiring, now), Some(1));
            wiring.finish(1, &Err(DriverError::Retry("nft is missing".into())), &timing, now);
            assert_eq!(wiring.failure(&timing).is_some(), attempt >= 2);
            wiring.want([]);
            assert_eq!(wiring.next(now), None, "a change of the plan doesn't shorten the pause");
            wiring.wanted = 1;
            now = wiring.next_due().unwrap();
            assert!(now > NOW && now < NOW + Duration::from_secs(60));
        }
    }
}
