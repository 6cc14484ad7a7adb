//! A log in memory: for tests, and for the emulator that keeps nothing.
//!
//! It stores commits as they are, typed, and encodes them only when read back: an append costs a push.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Batch, BulkEntry, BulkRecord, Cursor, LiveRow, Log, LogError, LoggedChange, LoggedCommit, Position, is_stream_name,
};
use crate::change::{Body, Change, Commit};

/// Records that a volatile log keeps of each bulk stream.
const VOLATILE_BULK_RECORDS: usize = 10_000;

/// Records that are handed out at once to who looks for some.
const FOUND_AT_ONCE: usize = 256;

/// A record with its number.
type Numbered = (u64, BulkEntry);

/// What outlives a [`MemoryLog`]: opening another on the same store is what a restart is to a file.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    epoch: u64,
    position: Position,
    commits: VecDeque<Arc<Commit>>,
    /// Latest changes of rows at the floor; empty in a volatile log.
    base: BTreeMap<(&'static str, String), Change>,
    cursors: BTreeMap<String, Cursor>,
    /// By stream: the last number, and the records.
    bulk: BTreeMap<Arc<str>, (u64, VecDeque<Numbered>)>,
    forgot: bool,
}

/// A log in memory.
pub struct MemoryLog {
    store: MemoryStore,
    volatile: bool,
}

impl MemoryLog {
    /// A log that keeps everything needed to load again.
    pub fn new() -> Self {
        Self::on(MemoryStore::default())
    }

    /// A log on a store that outlives it.
    pub fn on(store: MemoryStore) -> Self {
        Self { store, volatile: false }
    }

    /// A log that only serves the feed: once compacted it can't be loaded, as suits a process whose state is
    /// meant to end with it. It holds no row that the value itself doesn't, beyond the recent history.
    pub fn volatile() -> Self {
        Self { store: MemoryStore::default(), volatile: true }
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.store.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Stored {
    fn check_epoch(&self, ours: u64) -> Result<(), LogError> {
        if self.epoch == ours { Ok(()) } else { Err(LogError::Fenced { current: self.epoch, ours }) }
    }
}

fn record((number, entry): &Numbered) -> BulkRecord {
    BulkRecord { number: *number, time_ms: entry.time_ms, record: entry.record.to_string() }
}

impl Log for MemoryLog {
    fn take(&mut self) -> Result<u64, LogError> {
        let mut stored = self.stored();
        stored.epoch += 1;
        Ok(stored.epoch)
    }

    fn load(&mut self, each: &mut dyn FnMut(LiveRow<'_>) -> Result<(), LogError>) -> Result<Position, LogError> {
        let stored = self.stored();
        if stored.forgot {
            return Err(LogError::Compacted { floor: stored.position.floor });
        }
        let mut live: BTreeMap<(&'static str, String), &Change> =
            stored.base.iter().map(|(row, change)| (row.clone(), change)).collect();
        for change in stored.commits.iter().flat_map(|commit| commit.changes.iter()) {
            live.insert((change.kind(), change.id()), change);
        }
        for ((kind, id), change) in live {
            if let Some(Body { version, json }) = encoded(change.body_after())? {
                each(LiveRow { kind, id: &id, version, body: &json })?;
            }
        }
        Ok(stored.position)
    }

    fn position(&mut self) -> Result<Position, LogError> {
        Ok(self.stored().position)
    }

    fn append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError> {
        let volatile = self.volatile;
        let mut stored = self.stored();
        stored.check_epoch(epoch)?;
        let records = batch.records();
        if records.iter().any(|entry| !is_stream_name(&entry.stream)) {
            return Err(LogError::failed("append bulk records", "bad stream name"));
        }
        for commit in &batch.commits {
            if commit.revision != stored.position.revision + 1 {
                return Err(LogError::Conflict { last: stored.position.revision, first: commit.revision });
            }
            stored.position = Position { revision: commit.revision, time_ms: commit.time_ms, ..stored.position };
            stored.commits.push_back(commit.clone());
        }
        for cursor in &batch.cursors {
            stored.cursors.insert(cursor.name.clone(), cursor.clone());
        }
        for name in &batch.forgotten_cursors {
            stored.cursors.remove(name);
        }
        for entry in records {
            let (last, records) = stored.bulk.entry(entry.stream.clone()).or_default();
            *last += 1;
            let before = records.back().map_or(entry.time_ms, |(_, entry)| entry.time_ms);
            let time_ms = entry.time_ms.max(before);
            records.push_back((*last, BulkEntry { time_ms, ..entry.clone() }));
            if volatile && records.len() > VOLATILE_BULK_RECORDS {
                records.pop_front();
            }
        }
        Ok(())
    }

    fn tail(&mut self, after: u64, limit: usize) -> Result<Vec<LoggedCommit>, LogError> {
        let stored = self.stored();
        let floor = stored.position.floor;
        if after < floor {
            return Err(LogError::Compacted { floor });
        }
        let skipped = usize::try_from(after - floor).unwrap_or(usize::MAX);
        stored.commits.iter().skip(skipped).take(limit).map(|commit| logged(commit)).collect()
    }

    fn cursors(&mut self) -> Result<Vec<Cursor>, LogError> {
        Ok(self.stored().cursors.values().cloned().collect())
    }

    fn bulk(&mut self, stream: &str, after: u64, limit: usize) -> Result<Vec<BulkRecord>, LogError> {
        let stored = self.stored();
        let records = stored.bulk.get(stream).into_iter().flat_map(|(_, records)| records);
        Ok(records.filter(|(number, _)| *number > after).take(limit).map(record).collect())
    }

    fn find_bulk(&mut self, stream: &str, key: u64, before: u64, until_ms: i64) -> Result<Vec<BulkRecord>, LogError> {
        let stored = self.stored();
        let records = stored.bulk.get(stream).into_iter().flat_map(|(_, records)| records.iter().rev());
        let older = records.filter(|(number, entry)| *number < before && entry.time_ms <= until_ms);
        let having = older.filter(|(_, entry)| entry.keys.contains(&key));
        Ok(having.take(FOUND_AT_ONCE).map(record).collect())
    }

    fn bulk_until(&mut self, stream: &str, until_ms: i64) -> Result<u64, LogError> {
        let stored = self.stored();
        let mut records = stored.bulk.get(stream).into_iter().flat_map(|(_, records)| records.iter().rev());
        Ok(records.find(|(_, entry)| entry.time_ms <= until_ms).map_or(0, |(number, _)| *number))
    }

    fn trim_bulk(&mut self, stream: &str, until: u64) -> Result<(), LogError> {
        if let Some((_, records)) = self.stored().bulk.get_mut(stream) {
            records.retain(|(number, _)| *number > until);
        }
        Ok(())
    }

    fn compact(&mut self, epoch: u64, floor: u64) -> Result<(), LogError> {
        let volatile = self.volatile;
        let mut stored = self.stored();
        stored.check_epoch(epoch)?;
        while stored.commits.front().is_some_and(|commit| commit.revision <= floor) {
            let Some(commit) = stored.commits.pop_front() else { break };
            stored.position.floor = commit.revision;
            stored.forgot |= volatile;
            if volatile {
                continue;
            }
            for change in commit.changes.iter() {
                let row = (change.kind(), change.id());
                if change.is_delete() {
                    stored.base.remove(&row);
                } else {
                    stored.base.insert(row, change.clone());
                }
            }
        }
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

fn logged(commit: &Commit) -> Result<LoggedCommit, LogError> {
    let change = |change: &Change| {
        Ok(LoggedChange {
            kind: change.kind().to_owned(),
            id: change.id(),
            before: encoded(change.body_before())?,
            after: encoded(change.body_after())?,
        })
    };
    Ok(LoggedCommit {
        revision: commit.revision,
        time_ms: commit.time_ms,
        note: commit.note.clone(),
        changes: commit.changes.iter().map(change).collect::<Result<_, LogError>>()?,
    })
}

pub(super) fn encoded(body: Result<Option<Body>, serde_json::Error>) -> Result<Option<Body>, LogError> {
    body.map_err(|error| LogError::failed("encode a row", error))
}
