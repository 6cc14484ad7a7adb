//! Whether the network on the machine is as planned. It is applied as a whole, so all that is kept is which generation of
//! the plan is wanted, which one is there, and what came of the last attempt.

use landfall_model::Timestamp;

use super::timing::Timing;
use crate::driver::DriverError;

/// How far the network is.
#[derive(Debug, Default)]
pub struct Wiring {
    wanted: u64,
    applied: u64,
    busy: bool,
    attempts: u32,
    sentence: String,
    /// When it is tried again after a failure, or applied again to repair it.
    again_at: Option<Timestamp>,
}

impl Wiring {
    /// Takes note that the plan's network changed.
    pub fn want(&mut self) {
        self.wanted += 1;
    }

    /// The generation that is wanted.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// The generation that was applied last.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The generation to apply now, if that is due. It is under way until [`Wiring::finish`].
    pub fn next(&mut self, now: Timestamp) -> Option<u64> {
        let waits = self.again_at.is_some_and(|at| now < at);
        let due = if self.attempts == 0 { self.wanted > self.applied || !waits } else { !waits };
        if self.busy || self.wanted == 0 || !due {
            return None;
        }
        self.busy = true;
        Some(self.wanted)
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

    #[test]
    fn it_is_applied_when_wanted_and_again_to_repair_it() {
        let timing = Timing::default();
        let mut wiring = Wiring::default();
        assert_eq!((wiring.next(NOW), wiring.next_due()), (None, None), "no plan, no network");
        wiring.want();
        assert_eq!(wiring.next(NOW), Some(1));
        assert_eq!(wiring.next(NOW), None, "under way");
        wiring.want();
        wiring.finish(1, &Ok(()), &timing, NOW);
        assert!(!wiring.is_settled());
        assert_eq!(wiring.next(NOW), Some(2), "what came meanwhile isn't lost");
        wiring.finish(2, &Ok(()), &timing, NOW);
        assert!(wiring.is_settled());
        assert_eq!(wiring.next(NOW), None);
        assert_eq!(wiring.next_due(), Some(NOW + timing.repair));
        assert_eq!(wiring.next(NOW + timing.repair), Some(2));
    }

    #[test]
    fn changes_do_not_put_off_the_repair() {
        let timing = Timing::default();
        let mut wiring = Wiring::default();
        let mut now = NOW;
        for generation in 1..=3 {
            wiring.want();
            assert_eq!(wiring.next(now), Some(generation));
            wiring.finish(generation, &Ok(()), &timing, now);
            assert_eq!(wiring.next_due(), Some(NOW + timing.repair));
            now = now + timing.repair / 2;
        }
        assert_eq!(wiring.next(now), Some(3), "it is due as soon as the change is there");
        wiring.finish(3, &Ok(()), &timing, now);
        assert_eq!(wiring.next_due(), Some(now + timing.repair));
    }

    #[test]
    fn it_is_tried_for_ever_and_called_failed_after_a_while() {
        let timing = Timing { attempts: 2, ..Timing::default() };
        let mut wiring = Wiring::default();
        wiring.want();
        let mut now = NOW;
        for attempt in 1..=5 {
            assert_eq!(wiring.next(now), Some(1));
            wiring.finish(1, &Err(DriverError::Retry("nft is missing".into())), &timing, now);
            assert_eq!(wiring.failure(&timing).is_some(), attempt >= 2);
            wiring.want();
            assert_eq!(wiring.next(now), None, "a change of the plan doesn't shorten the pause");
            wiring.wanted = 1;
            now = wiring.next_due().unwrap();
            assert!(now > NOW && now < NOW + Duration::from_secs(60));
        }
    }
}
