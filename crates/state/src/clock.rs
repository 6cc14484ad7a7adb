//! The clocks that the engine compares, to notice a wall clock that leapt.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use nix::time::{ClockId, clock_gettime};

/// A wall clock and one that only counts up.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn wall_ms(&self) -> i64;
    /// Milliseconds since some fixed moment, counting on while the machine sleeps.
    fn boot_ms(&self) -> i64;
}

/// The machine's clocks: CLOCK_REALTIME and CLOCK_BOOTTIME.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        read_ms(ClockId::CLOCK_REALTIME)
    }

    fn boot_ms(&self) -> i64 {
        read_ms(ClockId::CLOCK_BOOTTIME)
    }
}

fn read_ms(clock: ClockId) -> i64 {
    let now = clock_gettime(clock).expect("Linux has this clock");
    now.tv_sec() * 1000 + now.tv_nsec() / 1_000_000
}

/// How far the wall clock may move against the other between two looks before writes stop.
const LEAP_MS: i64 = 3_600_000;

/// Watches one clock for leaps: small corrections are followed, a large one latches until accepted.
pub(crate) struct LeapWatch {
    /// What the wall clock is ahead of the other, when it was last looked at and hadn't leapt.
    offset_ms: Arc<AtomicI64>,
    leapt_ms: Option<i64>,
}

impl LeapWatch {
    /// Begins to watch. A wall clock that is far behind the last commit has leapt back while nobody looked.
    pub(crate) fn begin(clock: &dyn Clock, last_commit_ms: i64) -> Self {
        let wall_ms = clock.wall_ms();
        let behind_ms = wall_ms.saturating_sub(last_commit_ms);
        let leapt_ms = (last_commit_ms != 0 && behind_ms < -LEAP_MS).then_some(behind_ms);
        Self { offset_ms: Arc::new(AtomicI64::new(wall_ms - clock.boot_ms())), leapt_ms }
    }

    /// The latest moment that may be told without a look: a leap counts for nobody before it is accepted.
    pub(crate) fn bound(&self) -> Bound {
        Bound(self.offset_ms.clone())
    }

    /// By how much the clock leapt, if it did and was not accepted.
    pub(crate) fn look(&mut self, clock: &dyn Clock) -> Option<i64> {
        if self.leapt_ms.is_none() {
            let offset_ms = clock.wall_ms() - clock.boot_ms();
            let moved_ms = offset_ms - self.offset_ms.load(Ordering::Acquire);
            self.leapt_ms = (moved_ms.abs() > LEAP_MS).then_some(moved_ms);
            if self.leapt_ms.is_none() {
                self.offset_ms.store(offset_ms, Ordering::Release);
            }
        }
        self.leapt_ms
    }

    /// Takes the wall clock as it is now for right.
    pub(crate) fn accept(&mut self, clock: &dyn Clock) {
        self.offset_ms.store(clock.wall_ms() - clock.boot_ms(), Ordering::Release);
        self.leapt_ms = None;
    }
}

/// How far ahead the wall clock is believed.
pub(crate) struct Bound(Arc<AtomicI64>);

impl Bound {
    /// The wall clock, in milliseconds, but no more ahead than it may move.
    pub(crate) fn wall_ms(&self, clock: &dyn Clock) -> i64 {
        clock.wall_ms().min(clock.boot_ms() + self.0.load(Ordering::Acquire) + LEAP_MS)
    }
}
