//! The feed: every durable commit, with what was before and after, from any revision.
//!
//! Recent commits are kept in memory; older ones are read from the log, until compaction passes them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::change::{Change, Commit, DecodeError};
use crate::engine::Shared;
use crate::log::{LogError, LoggedChange, LoggedCommit};
use crate::value::Value;

/// Commits taken from memory at once.
const RECENT_STEP: usize = 64;
/// Commits read from the log at once: it is locked meanwhile.
const LOG_STEP: usize = 256;

/// Why a feed can't go on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Compaction passed this consumer: it must begin again from a snapshot.
    #[error("history up to revision {floor} was compacted away: begin again from a snapshot")]
    Compacted {
        /// History is complete after this revision.
        floor: u64,
    },
    /// The consumer claims to have seen what never was: its cursor belongs to another history.
    #[error("revision {after} is ahead of the last durable one, {durable}")]
    Ahead {
        /// Where the consumer says it is.
        after: u64,
        /// The last durable revision.
        durable: u64,
    },
    /// The log could not be read just now; trying again may help.
    #[error("reading the log")]
    Log(#[source] LogError),
    /// The log holds something that this binary can't read.
    #[error("decoding the log")]
    Decode(#[source] DecodeError),
    /// The engine is gone, and all that was durable has been given.
    #[error("the engine has stopped")]
    Stopped,
}

/// A consumer's reading of the feed. It keeps the log open (and its folder locked) until it is dropped, but not
/// the engine running.
pub struct Feed<V: Value> {
    shared: Arc<Shared<V>>,
    durable: watch::Receiver<u64>,
    after: u64,
    buffer: VecDeque<Arc<Commit>>,
}

impl<V: Value> Feed<V> {
    pub(crate) fn new(shared: Arc<Shared<V>>, after: u64) -> Self {
        let durable = shared.recent.durable.subscribe();
        Self { shared, durable, after, buffer: VecDeque::new() }
    }

    /// The revision of the last commit given; what a cursor should hold once it is dealt with.
    pub fn revision(&self) -> u64 {
        self.after
    }

    /// The next commit if it is durable already.
    pub fn try_next(&mut self) -> Result<Option<Arc<Commit>>, FeedError> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        let commit = self.buffer.pop_front();
        if let Some(commit) = &commit {
            self.after = commit.revision;
        }
        Ok(commit)
    }

    /// The next commit, once it is durable. Cancel safe.
    pub async fn next(&mut self) -> Result<Arc<Commit>, FeedError> {
        loop {
            self.durable.borrow_and_update();
            if let Some(commit) = self.try_next()? {
                return Ok(commit);
            }
            if self.shared.recent.is_stopped() {
                // What came between that look and the end is still to be had.
                return self.try_next()?.ok_or(FeedError::Stopped);
            }
            self.durable.changed().await.map_err(|_| FeedError::Stopped)?;
        }
    }

    /// The next commit, once it is durable, blocking this thread until then.
    pub fn next_blocking(&mut self) -> Result<Arc<Commit>, FeedError> {
        loop {
            if let Some(commit) = self.try_next()? {
                return Ok(commit);
            }
            self.shared.recent.wait_after(self.after)?;
        }
    }

    fn fill(&mut self) -> Result<(), FeedError> {
        let durable = match self.shared.recent.take_after(self.after, &mut self.buffer) {
            Taken::Recent => return Ok(()),
            Taken::Older { durable } => durable,
            Taken::Ahead { durable } => return Err(FeedError::Ahead { after: self.after, durable }),
        };
        let logged = self.shared.lock_log().tail(self.after, LOG_STEP).map_err(|error| match error {
            LogError::Compacted { floor } => FeedError::Compacted { floor },
            other => FeedError::Log(other),
        })?;
        for commit in logged.into_iter().filter(|commit| commit.revision <= durable) {
            self.buffer.push_back(Arc::new(decode::<V>(commit).map_err(FeedError::Decode)?));
        }
        Ok(())
    }
}

/// Makes a logged commit a typed one.
pub(crate) fn decode<V: Value>(commit: LoggedCommit) -> Result<Commit, DecodeError> {
    let change = |LoggedChange { kind, id, before, after }: &LoggedChange| -> Result<Change, DecodeError> {
        let before = before.as_ref().map(|body| (body.version, body.json.as_str()));
        let after = after.as_ref().map(|body| (body.version, body.json.as_str()));
        V::decode(kind, Some(id), before, after)
    };
    let changes = commit.changes.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    let records = Arc::default();
    Ok(Commit {
        revision: commit.revision,
        time_ms: commit.time_ms,
        note: commit.note,
        records,
        changes: changes.into(),
    })
}

/// The most recent durable commits, and whoever waits for the next.
pub(crate) struct Recent {
    ring: Mutex<Ring>,
    more: Condvar,
    pub(crate) durable: watch::Sender<u64>,
}

struct Ring {
    /// Consecutive, ending with revision `last`.
    commits: VecDeque<Arc<Commit>>,
    last: u64,
    capacity: usize,
    blocked: usize,
    stopped: bool,
}

enum Taken {
    /// What there is was taken from memory; perhaps nothing.
    Recent,
    Older {
        durable: u64,
    },
    Ahead {
        durable: u64,
    },
}

impl Recent {
    pub(crate) fn new(last: u64, capacity: usize) -> Self {
        let ring = Ring { commits: VecDeque::new(), last, capacity, blocked: 0, stopped: false };
        Self { ring: Mutex::new(ring), more: Condvar::new(), durable: watch::Sender::new(last) }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds commits that have become durable and visible.
    pub(crate) fn push(&self, commits: impl IntoIterator<Item = Arc<Commit>>) {
        let mut ring = self.lock();
        for commit in commits {
            if ring.commits.len() >= ring.capacity {
                ring.commits.pop_front();
            }
            ring.last = commit.revision;
            ring.commits.push_back(commit);
        }
        let (last, blocked) = (ring.last, ring.blocked);
        drop(ring);
        self.durable.send_replace(last);
        if blocked > 0 {
            self.more.notify_all();
        }
    }

    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.more.notify_all();
        self.durable.send_modify(|_| ());
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn wait_after(&self, after: u64) -> Result<(), FeedError> {
        let mut ring = self.lock();
        while ring.last <= after {
            if ring.stopped {
                return Err(FeedError::Stopped);
            }
            ring.blocked += 1;
            ring = self.more.wait(ring).unwrap_or_else(PoisonError::into_inner);
            ring.blocked -= 1;
        }
        Ok(())
    }

    fn take_after(&self, after: u64, into: &mut VecDeque<Arc<Commit>>) -> Taken {
        let ring = self.lock();
        let durable = ring.last;
        if after > durable {
            return Taken::Ahead { durable };
        }
        let Ok(behind) = usize::try_from(durable - after) else { return Taken::Older { durable } };
        let Some(skipped) = ring.commits.len().checked_sub(behind) else { return Taken::Older { durable } };
        into.extend(ring.commits.iter().skip(skipped).take(RECENT_STEP).cloned());
        Taken::Recent
    }
}
