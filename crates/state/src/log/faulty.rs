//! A log that fails as disks and networks do, by a seeded plan: for tests of what is built on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Batch, BulkRecord, Cursor, LiveRow, Log, LogError, LoggedCommit, Position};

/// What happened so far; shared, to be read while the log is in an engine's hands.
#[derive(Debug, Default)]
pub struct Faults {
    /// Appends that failed before anything landed, and said so.
    pub failed: AtomicU64,
    /// Appends that landed whole, with an error all the same.
    pub unknown: AtomicU64,
    /// Appends of which nothing landed, with an error that doesn't say so.
    pub dropped: AtomicU64,
    /// Appends of which a first part of the commits landed, with an error.
    pub torn: AtomicU64,
    /// Appends that found no space.
    pub full: AtomicU64,
    /// Reads that failed, after a failed append.
    pub unreadable: AtomicU64,
    /// Whether nothing fails any more.
    pub healed: AtomicBool,
}

/// A log around another.
pub struct FaultyLog {
    inner: Box<dyn Log>,
    faults: Arc<Faults>,
    random: u64,
    /// One append in so many fails.
    one_in: u64,
    /// Reads that are still to fail.
    unreadable: u64,
}

impl FaultyLog {
    /// Makes about one append in `one_in` of `inner` fail, the same ones for the same seed and appends.
    pub fn new(inner: Box<dyn Log>, seed: u64, one_in: u64) -> Self {
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { inner, faults: Arc::default(), random, one_in: one_in.max(1), unreadable: 0 }
    }

    /// What happened so far.
    pub fn faults(&self) -> Arc<Faults> {
        self.faults.clone()
    }

    /// xorshift64*: enough for a plan, and no dependency.
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    fn read(&mut self) -> Result<&mut dyn Log, LogError> {
        if self.unreadable > 0 && !self.faults.healed.load(Ordering::Relaxed) {
            self.unreadable -= 1;
            count(&self.faults.unreadable);
            return Err(LogError::failed("read", "injected"));
        }
        Ok(&mut *self.inner)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Log for FaultyLog {
    fn take(&mut self) -> Result<u64, LogError> {
        self.inner.take()
    }

    fn load(&mut self, each: &mut dyn FnMut(LiveRow<'_>) -> Result<(), LogError>) -> Result<Position, LogError> {
        self.inner.load(each)
    }

    fn position(&mut self) -> Result<Position, LogError> {
        self.read()?.position()
    }

    fn append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError> {
        let one_in = self.one_in;
        if self.faults.healed.load(Ordering::Relaxed) || self.draw(one_in) != 0 {
            return self.inner.append(epoch, batch);
        }
        self.unreadable = self.draw(3);
        match self.draw(5) {
            0 => {
                count(&self.faults.failed);
                Err(LogError::failed("append", "injected: failed"))
            }
            1 => {
                self.inner.append(epoch, batch)?;
                count(&self.faults.unknown);
                Err(LogError::failed("append", "injected: outcome unknown"))
            }
            2 => {
                count(&self.faults.dropped);
                Err(LogError::failed("append", "injected: outcome unknown"))
            }
            3 => {
                let landing = self.draw(batch.commits.len() as u64 + 1) as usize;
                let part = Batch { commits: batch.commits[..landing].to_vec(), ..Batch::default() };
                self.inner.append(epoch, &part)?;
                count(&self.faults.torn);
                Err(LogError::failed("append", "injected: torn"))
            }
            _ => {
                count(&self.faults.full);
                Err(LogError::Full)
            }
        }
    }

    fn tail(&mut self, after: u64, limit: usize) -> Result<Vec<LoggedCommit>, LogError> {
        self.read()?.tail(after, limit)
    }

    fn cursors(&mut self) -> Result<Vec<Cursor>, LogError> {
        self.inner.cursors()
    }

    fn bulk(&mut self, stream: &str, after: u64, limit: usize) -> Result<Vec<BulkRecord>, LogError> {
        self.inner.bulk(stream, after, limit)
    }

    fn find_bulk(&mut self, stream: &str, key: u64, before: u64, until_ms: i64) -> Result<Vec<BulkRecord>, LogError> {
        self.inner.find_bulk(stream, key, before, until_ms)
    }

    fn bulk_until(&mut self, stream: &str, until_ms: i64) -> Result<u64, LogError> {
        self.inner.bulk_until(stream, until_ms)
    }

    fn trim_bulk(&mut self, stream: &str, until: u64) -> Result<(), LogError> {
        self.inner.trim_bulk(stream, until)
    }

    fn compact(&mut self, epoch: u64, floor: u64) -> Result<(), LogError> {
        self.inner.compact(epoch, floor)
    }
}
