//! The log: where commits become durable.
//!
//! A driver is small on purpose: it stores what it is told under an epoch and reads it back. Grouping, time,
//! waiting and recovery belong to the engine. `check_log` in [`suite`] is what every driver must pass.

pub mod faulty;
mod line;
pub mod memory;
mod reserve;
pub mod sqlite;
mod streams;
pub mod suite;

use std::sync::Arc;

pub use line::Line;

use crate::change::{Body, Commit};

/// Why a log refused. What matters to the engine is whether anything may have landed: only after
/// [`LogError::Fenced`], [`LogError::Conflict`] and [`LogError::Full`] it surely has not, and even then the
/// engine looks instead of believing.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process has taken the log: our epoch is over, for good.
    #[error("the log was taken over: it is at epoch {current}, we hold {ours}")]
    Fenced {
        /// The epoch in the log.
        current: u64,
        /// The epoch that we hold.
        ours: u64,
    },
    /// The batch does not follow on the log's last revision.
    #[error("the log ends at revision {last}, the batch begins at {first}")]
    Conflict {
        /// The log's last revision.
        last: u64,
        /// The first revision of the batch.
        first: u64,
    },
    /// No space is left.
    #[error("no space left for the log")]
    Full,
    /// The history asked for was compacted away.
    #[error("history up to revision {floor} was compacted away")]
    Compacted {
        /// The first revision after which history is complete.
        floor: u64,
    },
    /// Another process holds this log.
    #[error("the log is in use: {0}")]
    Locked(String),
    /// Anything else; whether the batch landed is unknown.
    #[error("{step}: {reason}")]
    Failed {
        /// What was being done.
        step: &'static str,
        /// What went wrong.
        reason: String,
    },
}

impl LogError {
    pub(crate) fn failed(step: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Failed { step, reason: reason.to_string() }
    }
}

/// The latest body of one row.
#[derive(Debug, Clone, Copy)]
pub struct LiveRow<'a> {
    /// The table.
    pub kind: &'a str,
    /// The key's text.
    pub id: &'a str,
    /// The version of the JSON's shape.
    pub version: u32,
    /// The JSON.
    pub body: &'a str,
}

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The last revision, 0 for an empty log.
    pub revision: u64,
    /// The time of the last commit, in milliseconds.
    pub time_ms: i64,
    /// History is complete after this revision.
    pub floor: u64,
}

/// A commit as the log gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCommit {
    /// The revision that it made.
    pub revision: u64,
    /// Its time in milliseconds.
    pub time_ms: i64,
    /// Its note.
    pub note: Option<Arc<str>>,
    /// Its changes, ordered by kind and key.
    pub changes: Vec<LoggedChange>,
}

/// A change as the log gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedChange {
    /// The table.
    pub kind: String,
    /// The key's text.
    pub id: String,
    /// The body before.
    pub before: Option<Body>,
    /// The body after.
    pub after: Option<Body>,
}

/// Whether a cursor may be left behind by compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Compaction passes it once the history is over its bound; the consumer then starts from a snapshot.
    Bounded,
    /// Compaction never passes it (audit, metering).
    Held,
}

/// A consumer's durable place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The consumer's name.
    pub name: String,
    /// All commits up to and including this revision are done with.
    pub revision: u64,
    /// Whether compaction waits for it.
    pub retention: Retention,
}

/// A record of a bulk stream, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkEntry {
    /// The stream.
    pub stream: Arc<str>,
    /// When it was made, in milliseconds.
    pub time_ms: i64,
    /// The record: one line.
    pub record: Line,
    /// What it is to be found by, each the [`bulk_key`] of some words.
    pub keys: Vec<u64>,
}

/// A record of a bulk stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkRecord {
    /// Grows within the stream; there are gaps.
    pub number: u64,
    /// When it was written, in milliseconds, or a moment later.
    pub time_ms: i64,
    /// The record, JSON as a rule.
    pub record: String,
}

/// What one append makes durable, whole or (an error) perhaps in part.
#[derive(Default)]
pub struct Batch {
    /// Commits with consecutive revisions.
    pub commits: Vec<Arc<Commit>>,
    /// Cursors to create or move.
    pub cursors: Vec<Cursor>,
    /// Names of cursors to forget.
    pub forgotten_cursors: Vec<String>,
    /// Records of bulk streams, beside those that the commits bring along.
    pub bulk: Vec<BulkEntry>,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.cursors.is_empty() && self.forgotten_cursors.is_empty() && self.bulk.is_empty()
    }

    /// All records of bulk streams, those of commits too, by stream and in the order of their times.
    pub(crate) fn records(&self) -> Vec<&BulkEntry> {
        let own = self.commits.iter().flat_map(|commit| commit.records.iter());
        let mut all: Vec<_> = own.chain(&self.bulk).collect();
        all.sort_by(|a, b| (&*a.stream, a.time_ms).cmp(&(&*b.stream, b.time_ms)));
        all
    }
}

/// A driver of the log.
pub trait Log: Send {
    /// Takes the log for this process: a new epoch, after which appends of all earlier ones are refused.
    fn take(&mut self) -> Result<u64, LogError>;

    /// Hands over the latest body of every row, then says where the log stands.
    fn load(&mut self, each: &mut dyn FnMut(LiveRow<'_>) -> Result<(), LogError>) -> Result<Position, LogError>;

    /// Where the log stands. After a failed append the driver first makes sure that what it now reads back is
    /// durable, since the engine will build on it.
    fn position(&mut self) -> Result<Position, LogError>;

    /// Makes the batch durable: when this returns `Ok`, it survives power loss. Commits land in order, each
    /// whole; after an error any first part of them may have landed.
    fn append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError>;

    /// Up to `limit` commits after revision `after`.
    fn tail(&mut self, after: u64, limit: usize) -> Result<Vec<LoggedCommit>, LogError>;

    /// All cursors, by name.
    fn cursors(&mut self) -> Result<Vec<Cursor>, LogError>;

    /// Up to `limit` records of a bulk stream, beginning after number `after`.
    fn bulk(&mut self, stream: &str, after: u64, limit: usize) -> Result<Vec<BulkRecord>, LogError>;

    /// The newest records of a stream before number `before` of which one at least has the key, newest first; none where
    /// there are no more. Others may be among them: records are kept by the handful. `until_ms` leaves out what was
    /// written later.
    fn find_bulk(&mut self, stream: &str, key: u64, before: u64, until_ms: i64) -> Result<Vec<BulkRecord>, LogError>;

    /// The number of the last record that was written by then; 0 where there is none.
    fn bulk_until(&mut self, stream: &str, until_ms: i64) -> Result<u64, LogError>;

    /// Forgets a stream's records up to and including number `until`; those that share a row with younger ones may stay.
    fn trim_bulk(&mut self, stream: &str, until: u64) -> Result<(), LogError>;

    /// Forgets history up to and including revision `floor`, never the latest body of a row. Bounded work: call
    /// it with floors that are not far apart.
    fn compact(&mut self, epoch: u64, floor: u64) -> Result<(), LogError>;

    /// Whether an append costs next to nothing, so that it is done at once on the caller's thread.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Sets space aside for when the disk is full; false while there is none.
    fn ensure_reserve(&mut self) -> Result<bool, LogError> {
        Ok(true)
    }

    /// Gives the reserved space free, for deletes and reports.
    fn release_reserve(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// The number by which records are found that are about some words: the same on every machine and for ever (FNV-1a).
/// Different words may have the same number, so whoever finds a record looks at it.
pub fn bulk_key(words: &[&str]) -> u64 {
    bulk_key_after(0xcbf2_9ce4_8422_2325, words)
}

/// The [`bulk_key`] of the words that `before` is the number of, and these.
pub fn bulk_key_after(before: u64, words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    bytes.fold(before, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether a stream's name is one: lower-case letters, digits and underscores, since it names an SQL table.
pub fn is_stream_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
