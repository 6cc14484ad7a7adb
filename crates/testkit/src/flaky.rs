//! A log in memory that fails by a seeded plan, on the caller's thread: so that every run of a seed has the same
//! failures at the same commits. (`landfall_state`'s own faulty log is for the engine's appender thread, whose groups
//! depend on time.)
//!
//! An engine with such a log serves no more writes after a failure: what a server does then is to end and be started
//! again, which is what the world does.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_state::log::{Batch, BulkRecord, LiveRow, LoggedCommit, Position};
use landfall_state::{Cursor, Log, LogError, MemoryLog, MemoryStore};

use crate::counts::Counts;
use crate::dice::Dice;

/// How the logs of one store fail, over all restarts.
#[derive(Clone)]
pub struct Flaw {
    per_mille: Arc<AtomicU32>,
    plan: Arc<Mutex<(Dice, Counts)>>,
}

impl Flaw {
    /// Makes so many of a thousand appends with commits fail.
    pub fn new(seed: u64, per_mille: u32) -> Self {
        let plan = Mutex::new((Dice::new(seed), Counts::default()));
        Self { per_mille: Arc::new(AtomicU32::new(per_mille)), plan: Arc::new(plan) }
    }

    /// Makes so many fail from now on.
    pub fn set_per_mille(&self, per_mille: u32) {
        self.per_mille.store(per_mille, Ordering::Relaxed);
    }

    /// What failed so far.
    pub fn counts(&self) -> Counts {
        self.plan().1.clone()
    }

    fn plan(&self) -> MutexGuard<'_, (Dice, Counts)> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log on a store that outlives it, with a flaw.
pub struct FlakyLog {
    inner: MemoryLog,
    flaw: Flaw,
}

impl FlakyLog {
    /// A log on that store.
    pub fn on(store: MemoryStore, flaw: Flaw) -> Self {
        Self { inner: MemoryLog::on(store), flaw }
    }
}

fn failed(reason: &str) -> LogError {
    LogError::Failed { step: "append", reason: format!("injected: {reason}") }
}

impl Log for FlakyLog {
    fn take(&mut self) -> Result<u64, LogError> {
        self.inner.take()
    }

    fn load(&mut self, each: &mut dyn FnMut(LiveRow<'_>) -> Result<(), LogError>) -> Result<Position, LogError> {
        self.inner.load(each)
    }

    fn position(&mut self) -> Result<Position, LogError> {
        self.inner.position()
    }

    fn append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError> {
        let per_mille = u64::from(self.flaw.per_mille.load(Ordering::Relaxed));
        if batch.commits.is_empty() || per_mille == 0 {
            return self.inner.append(epoch, batch);
        }
        let mut plan = self.flaw.plan();
        let (dice, counts) = &mut *plan;
        if !dice.chance(per_mille) {
            return self.inner.append(epoch, batch);
        }
        match dice.below(3) {
            0 => {
                counts.add("log.nothing-landed");
                Err(failed("nothing landed"))
            }
            1 => {
                counts.add("log.all-landed");
                self.inner.append(epoch, batch)?;
                Err(failed("all landed, and nobody was told"))
            }
            _ => {
                counts.add("log.torn");
                let landing = dice.below(batch.commits.len() as u64) as usize;
                let part = Batch { commits: batch.commits[..landing].to_vec(), ..Batch::default() };
                self.inner.append(epoch, &part)?;
                Err(failed("a first part landed"))
            }
        }
    }

    fn tail(&mut self, after: u64, limit: usize) -> Result<Vec<LoggedCommit>, LogError> {
        self.inner.tail(after, limit)
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

    fn is_immediate(&self) -> bool {
        true
    }
}
