//! The agent's clock: the wall's time at the start, moved on by a clock that neither leaps nor stands still while the
//! machine sleeps, so that a grace is neither cut short nor prolonged when somebody sets the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use landfall_model::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// Tells the time. Never goes back.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn machine_clock() -> Clock {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = Timestamp(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX));
    let start = since_boot();
    Arc::new(move || wall + since_boot().saturating_sub(start))
}

fn since_boot() -> Duration {
    // It fails only where the clock doesn't exist; Linux has had it since 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward() {
        let clock = machine_clock();
        let before = clock();
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock().since(before) >= Duration::from_millis(4));
        assert!(before > Timestamp(1_600_000_000_000));
    }
}
