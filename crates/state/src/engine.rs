//! The engine: holds the value, runs transactions on the head, answers once they are durable.
//!
//! Callers run their transactions on their own thread, under the head's lock: no queue of closures, no thread
//! hop before the work. One appender thread (see [`crate::appender`]) makes all that is pending durable with
//! one append, publishes one snapshot of it and wakes who waits. With a log that costs nothing (memory) there
//! is no such thread: the answer is ready when `commit` returns, and a snapshot is made only when one is read.
//!
//! Locks are taken in this order: head, log, then the recent commits or the queue of bulk records.

use std::ops::Deref;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::appender::{self, BulkQueue};
use crate::change::DecodeError;
use crate::clock::{Bound, Clock, LeapWatch, SystemClock};
use crate::feed::{Feed, Recent};
use crate::head::{Core, Head};
use crate::log::{Batch, BulkEntry, BulkRecord, Cursor, Log, LogError, Retention, is_stream_name};
use crate::pending::{Pending, Refused, Waker};
use crate::value::Value;

/// How an engine is to behave.
pub struct Options {
    /// The clocks that are compared to notice a leap.
    pub clock: Arc<dyn Clock>,
    /// Commits kept in memory for the feed.
    pub recent_commits: usize,
    /// Commits that compaction always leaves in the log.
    pub kept_commits: u64,
    /// Commits beyond which compaction passes bounded cursors.
    pub history_commits: u64,
    /// Bulk records that may wait to be written.
    pub bulk_queue: usize,
    /// Time between attempts to read a failed log back, and to set the reserve aside again.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            recent_commits: 4_096,
            kept_commits: 10_000,
            history_commits: 200_000,
            bulk_queue: 65_536,
            retry: Duration::from_millis(100),
        }
    }
}

/// Why an engine did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log could not be read or taken.
    #[error("opening the log")]
    Log(#[from] LogError),
    /// The log holds a row that this binary can't read.
    #[error("loading the value")]
    Decode(#[from] DecodeError),
    /// The appender thread could not be started.
    #[error("starting the appender")]
    Thread(#[source] std::io::Error),
}

/// Why a bulk record was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BulkRefused {
    /// Too many are waiting to be written.
    #[error("too many bulk records are waiting to be written")]
    Full,
    /// The stream's name is not lower-case letters, digits and underscores.
    #[error("the name of a bulk stream is lower-case letters, digits and underscores")]
    BadStream,
    /// The log refused it.
    #[error("the log refused a bulk record")]
    Log,
}

/// A durable state of the value. Dereferences to it.
pub struct Snapshot<V> {
    /// The value.
    pub value: V,
    /// The revision of the last transaction in it.
    pub revision: u64,
    /// The time of that transaction, in milliseconds.
    pub time_ms: i64,
}

impl<V> Deref for Snapshot<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

/// How an engine fares, for metrics and alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last transaction's revision.
    pub head: u64,
    /// The last durable revision; the difference to `head` is what is being written.
    pub durable: u64,
    /// History is complete after this revision.
    pub floor: u64,
    /// Why ordinary writes are refused just now, if they are.
    pub refusing: Option<Refused>,
    /// All durable cursors; one that is held and far behind `durable` deserves an alarm.
    pub cursors: Vec<Cursor>,
    /// Bulk records waiting to be written.
    pub bulk_waiting: usize,
}

/// The engine under a value. Clones are handles to the same one; it stops, with all that is pending written,
/// when the last is dropped.
pub struct Engine<V: Value> {
    shared: Arc<Shared<V>>,
    _running: Arc<Running<V>>,
}

impl<V: Value> Clone for Engine<V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), _running: self._running.clone() }
    }
}

pub(crate) struct Shared<V: Value> {
    pub(crate) head: Mutex<HeadState<V>>,
    /// Wakes the appender.
    pub(crate) work: Condvar,
    snapshot: ArcSwap<Snapshot<V>>,
    /// The last revision that may be shown; ahead of `snapshot` only with an immediate log.
    visible: AtomicU64,
    log: Mutex<Box<dyn Log>>,
    pub(crate) recent: Recent,
    pub(crate) bulk: BulkQueue,
    pub(crate) cursors: Mutex<Vec<Cursor>>,
    pub(crate) floor: AtomicU64,
    pub(crate) epoch: u64,
    pub(crate) options: Options,
    immediate: bool,
    /// The latest moment that [`Engine::record_ms`] told.
    recorded_ms: AtomicI64,
    believed: Bound,
}

pub(crate) struct HeadState<V> {
    pub(crate) core: Core<V>,
    /// The time of the last durable commit, with an immediate log.
    durable_time_ms: i64,
    pub(crate) pending: Batch,
    pub(crate) waiters: Vec<Waker>,
    pub(crate) leap: LeapWatch,
    /// Why nothing at all is taken.
    pub(crate) down: Option<Refused>,
    /// Only essential transactions are taken.
    pub(crate) disk_full: bool,
    /// The appender sleeps until woken.
    pub(crate) idle: bool,
    pub(crate) stop: bool,
}

impl<V> HeadState<V> {
    fn refusal(&mut self, clock: &dyn Clock, essential: bool) -> Option<Refused> {
        if let Some(refused) = &self.down {
            return Some(refused.clone());
        }
        if let Some(leapt_ms) = self.leap.look(clock) {
            return Some(Refused::ClockLeapt(leapt_ms));
        }
        (self.disk_full && !essential).then_some(Refused::DiskFull)
    }
}

impl<V: Value> Shared<V> {
    pub(crate) fn lock_head(&self) -> MutexGuard<'_, HeadState<V>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_log(&self) -> MutexGuard<'_, Box<dyn Log>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_cursors(&self) -> MutexGuard<'_, Vec<Cursor>> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot<V>> {
        self.snapshot.load_full()
    }

    /// Shows a durable state to readers.
    pub(crate) fn publish(&self, snapshot: Snapshot<V>) {
        let revision = snapshot.revision;
        self.snapshot.store(Arc::new(snapshot));
        self.visible.store(revision, Ordering::Release);
    }

    pub(crate) fn durable(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    /// Writes what is pending on the caller's thread; on failure takes it back.
    fn append_now(&self, state: &mut HeadState<V>) -> Result<(), Refused> {
        if state.pending.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut state.pending);
        if let Err(error) = self.lock_log().append(self.epoch, &batch) {
            for change in batch.commits.iter().rev().flat_map(|commit| commit.changes.iter().rev()) {
                state.core.value.revert(change);
            }
            let refused = match error {
                LogError::Fenced { .. } => Refused::Fenced,
                other => Refused::Unavailable(other.to_string()),
            };
            state.core.revision = self.durable();
            state.core.time_ms = state.durable_time_ms;
            state.down = Some(refused.clone());
            return Err(refused);
        }
        self.note_cursors(&batch);
        if let Some(last) = batch.commits.last() {
            state.durable_time_ms = last.time_ms;
            self.visible.store(last.revision, Ordering::Release);
            self.recent.push(batch.commits);
        }
        Ok(())
    }

    pub(crate) fn note_cursors(&self, batch: &Batch) {
        if batch.cursors.is_empty() && batch.forgotten_cursors.is_empty() {
            return;
        }
        let mut cursors = self.lock_cursors();
        for cursor in &batch.cursors {
            cursors.retain(|known| known.name != cursor.name);
            cursors.push(cursor.clone());
        }
        cursors.retain(|known| !batch.forgotten_cursors.contains(&known.name));
    }

    pub(crate) fn wake_appender(&self, state: &mut HeadState<V>) {
        if std::mem::take(&mut state.idle) {
            self.work.notify_one();
        }
    }
}

/// Stops the appender when the last handle goes.
struct Running<V: Value> {
    shared: Arc<Shared<V>>,
    appender: Mutex<Option<JoinHandle<()>>>,
}

impl<V: Value> Drop for Running<V> {
    fn drop(&mut self) {
        let mut state = self.shared.lock_head();
        state.stop = true;
        drop(state);
        self.shared.work.notify_all();
        let appender = self.appender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appender) = appender
            && appender.join().is_err()
        {
            tracing::error!("the appender thread had panicked");
        }
        self.shared.recent.stop();
    }
}

impl<V: Value> Engine<V> {
    /// Takes the log and loads the value from it, upgrading old bodies.
    pub fn open(mut log: Box<dyn Log>, options: Options) -> Result<Self, OpenError> {
        let epoch = log.take()?;
        let mut value = V::default();
        let mut unreadable = None;
        let loaded = log.load(&mut |row| {
            match V::decode(row.kind, Some(row.id), None, Some((row.version, row.body))) {
                Ok(change) => value.apply(&change),
                Err(error) => {
                    unreadable = Some(error);
                    return Err(LogError::failed("load", "a row can't be read"));
                }
            }
            Ok(())
        });
        if let Some(error) = unreadable {
            return Err(error.into());
        }
        let position = loaded?;
        let cursors = log.cursors()?;
        let immediate = log.is_immediate();
        let core = Core { value: value.clone(), revision: position.revision, time_ms: position.time_ms };
        let leap = LeapWatch::begin(&*options.clock, position.time_ms);
        let believed = leap.bound();
        let head = HeadState {
            core,
            durable_time_ms: position.time_ms,
            pending: Batch::default(),
            waiters: Vec::new(),
            leap,
            down: None,
            disk_full: !log.ensure_reserve()?,
            idle: false,
            stop: false,
        };
        let snapshot = Snapshot { value, revision: position.revision, time_ms: position.time_ms };
        let shared = Arc::new(Shared {
            head: Mutex::new(head),
            work: Condvar::new(),
            snapshot: ArcSwap::from_pointee(snapshot),
            visible: AtomicU64::new(position.revision),
            log: Mutex::new(log),
            recent: Recent::new(position.revision, options.recent_commits),
            bulk: BulkQueue::new(options.bulk_queue),
            cursors: Mutex::new(cursors),
            floor: AtomicU64::new(position.floor),
            epoch,
            options,
            immediate,
            recorded_ms: AtomicI64::new(position.time_ms),
            believed,
        });
        let appender = if immediate { None } else { Some(appender::start(shared.clone()).map_err(OpenError::Thread)?) };
        let running = Running { shared: shared.clone(), appender: Mutex::new(appender) };
        Ok(Self { shared, _running: Arc::new(running) })
    }

    /// The last durable state. Takes no lock; with an immediate log the first reader after a commit does.
    pub fn read(&self) -> Arc<Snapshot<V>> {
        let snapshot = self.shared.snapshot();
        if snapshot.revision == self.shared.durable() || !self.shared.immediate {
            return snapshot;
        }
        let state = self.shared.lock_head();
        let Core { value, revision, time_ms } = &state.core;
        self.shared.publish(Snapshot { value: value.clone(), revision: *revision, time_ms: *time_ms });
        self.shared.snapshot()
    }

    /// Looks at the last durable state without keeping it. With an immediate log this makes no snapshot, which the next
    /// transaction would have to copy the paths of that it touches: it is for short looks that come with every write.
    /// The closure must not call the engine.
    pub fn look<R>(&self, look: impl FnOnce(&V) -> R) -> R {
        let snapshot = self.shared.snapshot();
        if !self.shared.immediate || snapshot.revision == self.shared.durable() {
            return look(&snapshot.value);
        }
        look(&self.shared.lock_head().core.value)
    }

    /// Runs the closure on the head, while no other does; its answer is ready once durable. The closure must
    /// not call the engine.
    pub fn commit<R>(&self, run: impl FnOnce(&mut Head<'_, V>) -> R) -> Pending<R> {
        self.commit_as(false, run)
    }

    /// As [`commit`](Engine::commit), for what must go on when the disk is full: deletes, and reports of what
    /// hosts do.
    pub fn commit_essential<R>(&self, run: impl FnOnce(&mut Head<'_, V>) -> R) -> Pending<R> {
        self.commit_as(true, run)
    }

    fn commit_as<R>(&self, essential: bool, run: impl FnOnce(&mut Head<'_, V>) -> R) -> Pending<R> {
        let shared = &*self.shared;
        let mut guard = shared.lock_head();
        let state = &mut *guard;
        if let Some(refused) = state.refusal(&*shared.options.clock, essential) {
            return Pending::ready(Err(refused), state.core.revision);
        }
        let first = state.pending.commits.len();
        let mut head = Head { core: &mut state.core, pending: &mut state.pending.commits, first };
        let result = run(&mut head);
        let revision = state.core.revision;
        if shared.immediate {
            let appended = shared.append_now(state);
            shared.compact_due();
            return Pending::ready(appended.map(|()| result), revision);
        }
        if revision == shared.durable() {
            return Pending::ready(Ok(result), revision);
        }
        let (pending, waker) = Pending::waiting(result, revision);
        state.waiters.push(waker);
        shared.wake_appender(state);
        pending
    }

    /// All commits after `revision`.
    pub fn feed(&self, revision: u64) -> Feed<V> {
        Feed::new(self.shared.clone(), revision)
    }

    /// The last durable revision, to await changes of.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.shared.recent.durable.subscribe()
    }

    /// The epoch under which this engine writes; every opening has a new one.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    /// The wall clock, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.shared.options.clock.wall_ms()
    }

    /// The time that a record of now bears: the wall clock's, but never before that of a commit that can be seen or of an
    /// earlier record. A clock that is set back a little stops nothing, and what happens then is still told after what
    /// happened before; one that leaps ahead is believed no further than writes would be.
    pub fn record_ms(&self) -> i64 {
        let now_ms = self.shared.believed.wall_ms(&*self.shared.options.clock).max(self.read().time_ms);
        self.shared.recorded_ms.fetch_max(now_ms, Ordering::AcqRel).max(now_ms)
    }

    /// The latest moment that [`Engine::record_ms`] told.
    pub fn recorded_ms(&self) -> i64 {
        self.shared.recorded_ms.load(Ordering::Acquire)
    }

    /// Takes the wall clock for right after a leap: writes go on.
    pub fn accept_clock(&self) {
        self.shared.lock_head().leap.accept(&*self.shared.options.clock);
    }

    /// Creates or moves a durable cursor: all up to `revision` is done with. It is written with the next batch;
    /// a crash before that gives the consumer the same commits again.
    pub fn set_cursor(&self, name: &str, revision: u64, retention: Retention) {
        let mut state = self.shared.lock_head();
        state.pending.cursors.push(Cursor { name: name.to_owned(), revision, retention });
        self.hand_over(&mut state);
    }

    /// Forgets a cursor: its consumer is gone for good.
    pub fn forget_cursor(&self, name: &str) {
        let mut state = self.shared.lock_head();
        state.pending.cursors.retain(|cursor| cursor.name != name);
        state.pending.forgotten_cursors.push(name.to_owned());
        self.hand_over(&mut state);
    }

    fn hand_over(&self, state: &mut HeadState<V>) {
        if !self.shared.immediate {
            self.shared.wake_appender(state);
        } else if let Err(refused) = self.shared.append_now(state) {
            tracing::error!(%refused, "a cursor was not written");
        }
    }

    /// Where a durable cursor stands.
    pub fn cursor(&self, name: &str) -> Option<u64> {
        self.shared.lock_cursors().iter().find(|cursor| cursor.name == name).map(|cursor| cursor.revision)
    }

    /// Takes a record of a bulk stream, to be durable within a second. Never blocks on the disk.
    pub fn append_bulk(&self, stream: &str, record: String) -> Result<(), BulkRefused> {
        self.append_entry(BulkEntry {
            stream: stream.into(),
            time_ms: self.record_ms(),
            record: record.as_str().into(),
            keys: Vec::new(),
        })
    }

    /// As [`append_bulk`](Engine::append_bulk), with what it is to be found by.
    pub fn append_entry(&self, entry: BulkEntry) -> Result<(), BulkRefused> {
        if !is_stream_name(&entry.stream) {
            return Err(BulkRefused::BadStream);
        }
        if self.shared.immediate {
            let batch = Batch { bulk: vec![entry], ..Batch::default() };
            return self.shared.lock_log().append(self.shared.epoch, &batch).map_err(|_| BulkRefused::Log);
        }
        if self.shared.bulk.push(entry)? {
            self.shared.wake_appender(&mut self.shared.lock_head());
        }
        Ok(())
    }

    /// Up to `limit` durable records of a bulk stream, beginning after number `after`.
    pub fn bulk(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<BulkRecord>, LogError> {
        self.shared.lock_log().bulk(stream, after, limit)
    }

    /// As [`Log::find_bulk`], of what is durable.
    pub fn find_bulk(&self, stream: &str, key: u64, before: u64, until_ms: i64) -> Result<Vec<BulkRecord>, LogError> {
        self.shared.lock_log().find_bulk(stream, key, before, until_ms)
    }

    /// As [`Log::bulk_until`].
    pub fn bulk_until(&self, stream: &str, until_ms: i64) -> Result<u64, LogError> {
        self.shared.lock_log().bulk_until(stream, until_ms)
    }

    /// Forgets a stream's records up to and including number `until`; those that share a row with younger ones may stay.
    pub fn trim_bulk(&self, stream: &str, until: u64) -> Result<(), LogError> {
        self.shared.lock_log().trim_bulk(stream, until)
    }

    /// Compacts now all that may be compacted, leaving at least `kept_commits`; the floor reached.
    pub fn compact(&self) -> Result<u64, LogError> {
        while self.shared.compact_step(1)? {}
        Ok(self.shared.floor.load(Ordering::Acquire))
    }

    /// How the engine fares.
    pub fn health(&self) -> Health {
        let mut state = self.shared.lock_head();
        Health {
            head: state.core.revision,
            durable: self.shared.durable(),
            floor: self.shared.floor.load(Ordering::Acquire),
            refusing: state.refusal(&*self.shared.options.clock, false),
            cursors: self.shared.lock_cursors().clone(),
            bulk_waiting: self.shared.bulk.len(),
        }
    }
}
