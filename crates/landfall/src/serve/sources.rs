//! How many connections each source has, so that none takes them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of all sources.
pub struct Sources {
    counts: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

/// A connection, as long as it lasts.
pub struct Entry(Arc<Sources>, IpAddr);

impl Sources {
    /// None yet, and at most so many of each source.
    pub fn new(most: usize) -> Self {
        Self { counts: Mutex::default(), most }
    }

    /// Takes a source's connection, unless it has enough.
    pub fn enter(self: &Arc<Self>, source: IpAddr) -> Option<Entry> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Entry(self.clone(), source))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}
