//! What one port may use: tokens that come back with time, and places that come back when they are left. A guest that
//! asks without end slows only itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use landfall_model::InterfaceId;

/// So many a second for each port, with a reserve.
pub struct Rate {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<InterfaceId, (f64, Instant)>>,
}

impl Rate {
    /// A rate with a reserve of `burst`.
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: per_second.into(), burst: burst.into(), buckets: Mutex::default() }
    }

    /// Whether the port may do one more now.
    pub fn admit(&self, port: InterfaceId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = buckets.entry(port).or_insert((self.burst, now));
        *left = (*left + now.saturating_duration_since(*since).as_secs_f64() * self.per_second).min(self.burst);
        *since = now;
        let admitted = *left >= 1.0;
        if admitted {
            *left -= 1.0;
        }
        admitted
    }

    /// Forgets the ports that are served no more.
    pub fn retain(&self, served: impl Fn(InterfaceId) -> bool) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).retain(|port, _| served(*port));
    }
}

/// So many at once for each port, and for all together.
pub struct Places {
    each: usize,
    all: usize,
    taken: Mutex<(HashMap<InterfaceId, usize>, usize)>,
}

/// A place that was taken; it is free again when this is dropped.
pub struct Place {
    places: Arc<Places>,
    port: InterfaceId,
}

impl Places {
    /// So many for each, so many for all.
    pub fn new(each: usize, all: usize) -> Arc<Self> {
        Arc::new(Self { each, all, taken: Mutex::default() })
    }

    /// A place for that port, if there is one.
    pub fn take(self: &Arc<Self>, port: InterfaceId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (each, all) = &mut *taken;
        let own = each.entry(port).or_default();
        if *own >= self.each || *all >= self.all {
            return None;
        }
        *own += 1;
        *all += 1;
        Some(Place { places: self.clone(), port })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (each, all) = &mut *taken;
        *all -= 1;
        if let Some(own) = each.get_mut(&self.port) {
            *own -= 1;
            if *own == 0 {
                each.remove(&self.port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_port_that_spent_its_reserve_waits_and_no_other_does() {
        let (rate, start) = (Rate::new(10, 3), Instant::now());
        let (one, two) = (InterfaceId::from_random(1), InterfaceId::from_random(2));
        let admitted = |at: Duration| (0..5).filter(|_| rate.admit(one, start + at)).count();
        assert_eq!(admitted(Duration::ZERO), 3);
        assert!(rate.admit(two, start));
        assert_eq!(admitted(Duration::from_millis(200)), 2);
        assert_eq!(admitted(Duration::from_secs(60)), 3, "no more than the reserve is saved up");
        rate.retain(|port| port == two);
        assert_eq!(admitted(Duration::from_secs(60)), 3);
    }

    #[test]
    fn places_come_back() {
        let places = Places::new(2, 3);
        let (one, two) = (InterfaceId::from_random(1), InterfaceId::from_random(2));
        let held: Vec<_> = (0..5).filter_map(|_| places.take(one)).collect();
        assert_eq!(held.len(), 2);
        let other = places.take(two).unwrap();
        assert!(places.take(two).is_none(), "all are taken");
        drop(held);
        assert!(places.take(two).is_some());
        drop(other);
        assert_eq!(places.taken(), 0);
        assert!(places.taken.lock().unwrap().0.is_empty());
    }
}
