//! The randomness of a run: one seeded stream, asked in the words of a game.

use std::time::Duration;

use landfall_cloud::Entropy;

/// A seeded stream of decisions.
#[derive(Clone, Debug)]
pub struct Dice(Entropy);

impl Dice {
    /// The stream of that seed.
    pub fn new(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    /// A number below the bound, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// A number of that range, both ends included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// A span of that range, in whole milliseconds.
    pub fn span(&mut self, least_ms: u64, most_ms: u64) -> Duration {
        Duration::from_millis(self.between(least_ms, most_ms.max(least_ms)))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of them, if there is any.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len() as u64) as usize) }
    }

    /// A seed for a stream of its own.
    pub fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
