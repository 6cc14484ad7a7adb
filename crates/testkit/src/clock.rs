//! Time that passes only when it is told to.

use std::sync::atomic::{AtomicI64, Ordering};

use landfall_model::Timestamp;
use landfall_state::Clock;

/// 2026-11-22T10:00:00Z: when every run begins.
pub const BEGIN: Timestamp = Timestamp(1_795_341_600_000);

/// A clock that stands still until it is moved.
pub struct SimClock(AtomicI64);

impl SimClock {
    /// A clock that shows the begin of all runs.
    pub fn new() -> Self {
        Self(AtomicI64::new(BEGIN.0))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// Moves it on; it never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SimClock {
    fn wall_ms(&self) -> i64 {
        self.now().0
    }

    fn boot_ms(&self) -> i64 {
        self.now().0 - BEGIN.0
    }
}
