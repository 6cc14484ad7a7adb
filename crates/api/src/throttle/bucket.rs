//! Token buckets: so many at once, and then so many a second.
//!
//! A bucket is one number: the moment at which it will be full again (the generic cell rate algorithm). One that is full
//! isn't kept, so what there is to remember is what was used lately; and that is bounded, in shards, so that two requests
//! seldom wait for each other.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;
/// How often a shard that is filled up is searched for buckets that are full again.
const SWEEP_US: i64 = 1_000_000;

/// How large a bucket is, and how fast it fills again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that it holds.
    pub size: u32,
    /// Microseconds until one is added.
    pub every_us: u32,
}

impl Rate {
    /// So many at once, and so many a second.
    pub const fn new(size: u32, per_second: u32) -> Self {
        Self { size, every_us: 1_000_000 / per_second }
    }

    /// So many at once, and one in so many milliseconds.
    pub const fn one_in_ms(size: u32, ms: u32) -> Self {
        Self { size, every_us: ms * 1_000 }
    }

    /// So many percent of it: a larger bucket that fills faster, or a smaller one.
    #[must_use]
    pub fn percent(self, percent: u32) -> Self {
        let scale =
            |value: u32, by: u64, to: u64| u32::try_from((u64::from(value) * by / to).max(1)).unwrap_or(u32::MAX);
        let percent = u64::from(percent.max(1));
        Self { size: scale(self.size, percent, 100), every_us: scale(self.every_us, 100, percent) }
    }

    fn spent(self, tokens: u32) -> i64 {
        i64::from(tokens) * i64::from(self.every_us)
    }
}

/// Buckets by what they are of.
pub struct Buckets<K> {
    shards: [Mutex<Shard<K>>; SHARDS],
    hasher: RandomState,
    /// Of one shard.
    most: usize,
}

struct Shard<K> {
    /// When each is full again.
    full_at: HashMap<K, i64>,
    swept_at: i64,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// None yet, and never many more than that.
    pub fn of(most: usize) -> Self {
        let shard = |_| Mutex::new(Shard { full_at: HashMap::new(), swept_at: i64::MIN });
        let shards = std::array::from_fn(shard);
        Self { shards, hasher: RandomState::new(), most: most.div_ceil(SHARDS) }
    }

    /// Takes tokens out of a bucket, all or none; whether they were there.
    pub fn take(&self, key: &K, rate: Rate, tokens: u32, now_us: i64) -> bool {
        let mut shard = self.shard(key);
        let (at, empty_at) = state(&shard, key, rate, now_us);
        let after = at.saturating_add(rate.spent(tokens));
        let is_there = after <= empty_at;
        if is_there || at == empty_at {
            // One that is empty is written down, too: what it says may be from before the clock went back.
            self.put(&mut shard, key, if is_there { after } else { empty_at }, now_us);
        }
        is_there
    }

    /// How many are kept.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let kept = |shard: &Mutex<Shard<K>>| shard.lock().unwrap_or_else(PoisonError::into_inner).full_at.len();
        self.shards.iter().map(kept).sum()
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K>> {
        #[expect(clippy::cast_possible_truncation, reason = "only the lowest bits choose")]
        let chosen = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[chosen].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, shard: &mut Shard<K>, key: &K, full_at_us: i64, now_us: i64) {
        if let Some(slot) = shard.full_at.get_mut(key) {
            *slot = full_at_us;
            return;
        }
        self.make_room(shard, now_us);
        shard.full_at.insert(key.clone(), full_at_us);
    }

    /// Drops what is full again, and where that isn't enough, one that isn't: a bucket that is forgotten was full.
    fn make_room(&self, shard: &mut Shard<K>, now_us: i64) {
        if shard.full_at.len() < self.most {
            return;
        }
        if now_us.saturating_sub(shard.swept_at) >= SWEEP_US || now_us < shard.swept_at {
            shard.swept_at = now_us;
            shard.full_at.retain(|_, at| *at > now_us);
        }
        if shard.full_at.len() >= self.most
            && let Some(any) = shard.full_at.keys().next().cloned()
        {
            shard.full_at.remove(&any);
        }
    }
}

/// When a bucket is full again as far as is known, and the latest that it may be. A clock that went back must not keep it
/// empty for longer than it takes to fill.
fn state<K: Eq + Hash>(shard: &Shard<K>, key: &K, rate: Rate, now_us: i64) -> (i64, i64) {
    let empty_at = now_us.saturating_add(rate.spent(rate.size));
    (shard.full_at.get(key).copied().unwrap_or(now_us).clamp(now_us, empty_at), empty_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn taken(buckets: &Buckets<u32>, key: u32, rate: Rate, now_us: i64) -> usize {
        std::iter::from_fn(|| buckets.take(&key, rate, 1, now_us).then_some(())).take(10_000).count()
    }

    #[test]
    fn so_many_at_once_and_then_so_many_a_second() {
        let (buckets, rate) = (Buckets::of(100), Rate::new(50, 5));
        assert_eq!(taken(&buckets, 1, rate, 0), 50);
        assert_eq!(taken(&buckets, 2, rate, 0), 50, "another's bucket is another");
        assert_eq!(taken(&buckets, 1, rate, SECOND), 5);
        assert_eq!(taken(&buckets, 1, rate, 3 * SECOND), 10);
        assert_eq!(taken(&buckets, 1, rate, 3 * SECOND + SECOND / 5 - 1), 0);
        assert_eq!(taken(&buckets, 1, rate, 100 * SECOND), 50, "no more than it holds");
        assert!(!buckets.take(&3, rate, 51, 0));
        assert!(buckets.take(&3, rate, 50, 0), "what was refused cost nothing");
        assert!(!buckets.take(&3, rate, 1, 0) && buckets.take(&3, rate, 1, SECOND / 5));
    }

    #[test]
    fn a_clock_that_goes_back_empties_nothing_for_long() {
        let (buckets, rate) = (Buckets::of(100), Rate::new(50, 5));
        taken(&buckets, 1, rate, 1_000_000 * SECOND);
        assert_eq!(taken(&buckets, 1, rate, 0), 0);
        assert_eq!(taken(&buckets, 1, rate, 10 * SECOND), 50);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (buckets, rate) = (Buckets::of(64), Rate::new(1, 1));
        for key in 0..10_000 {
            assert!(buckets.take(&key, rate, 1, i64::from(key)));
        }
        assert!(buckets.count() <= 64, "{} are kept", buckets.count());
    }

    #[test]
    fn a_rate_is_scaled_both_ways() {
        assert_eq!(Rate::new(50, 5).percent(200), Rate::new(100, 10));
        assert_eq!(Rate::new(50, 5).percent(10), Rate::one_in_ms(5, 2_000));
        assert_eq!(Rate::new(1, 1).percent(1), Rate::one_in_ms(1, 100_000));
    }
}
