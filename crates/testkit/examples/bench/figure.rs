//! Figures: medians with their spread, and how they are shown.

use std::fmt;
use std::time::Duration;

/// What was measured in several rounds.
#[derive(Clone, Default)]
pub struct Figure(Vec<f64>);

impl Figure {
    /// Takes a round's figure.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// Takes a round's time, in milliseconds.
    pub fn add_ms(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e3);
    }

    /// The median; not a number where nothing was measured.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => self.0[middle],
            _ => (self.0[middle - 1] + self.0[middle]) / 2.0,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(least), Some(most)) = (self.0.first(), self.0.last()) else { return out.pad("–") };
        out.pad(&format!("{} ({}–{})", short(self.median()), short(*least), short(*most)))
    }
}

/// A number with as many digits as it deserves.
pub fn short(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
