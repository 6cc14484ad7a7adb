//! The appender: the one thread that writes the log.
//!
//! It takes all that is pending, writes it with one append, shows one snapshot, wakes who waits, and again.
//! While it writes, the next batch gathers: groups grow with load by themselves, and one caller alone waits for
//! no timer. An append that fails is never repeated: everything after it is dropped, its callers are told so,
//! and the head is made anew from the last durable state and what the log says really landed.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::crash::crash_point;
use crate::engine::{BulkRefused, HeadState, Shared, Snapshot};
use crate::feed::decode;
use crate::head::Core;
use crate::log::{Batch, BulkEntry, LogError, Retention};
use crate::pending::{Refused, Waker};
use crate::value::Value;

/// How long bulk records gather when no commit takes them along.
const BULK_GATHER: Duration = Duration::from_millis(200);
/// Waking a thread costs microseconds: more waiters than this are woken by another thread, during the next append.
const WAKES_AT_ONCE: usize = 4;
/// Commits compacted at a time, so that appends wait little.
pub(crate) const COMPACTION_STEP: u64 = 1_024;
/// Commits read back at a time.
const TAIL_STEP: usize = 1_024;

/// Bulk records that wait for the next append.
pub(crate) struct BulkQueue {
    waiting: Mutex<Vec<BulkEntry>>,
    limit: usize,
}

impl BulkQueue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { waiting: Mutex::default(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BulkEntry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record; whether it is the first that waits.
    pub(crate) fn push(&self, record: BulkEntry) -> Result<bool, BulkRefused> {
        let mut waiting = self.lock();
        if waiting.len() >= self.limit {
            return Err(BulkRefused::Full);
        }
        waiting.push(record);
        Ok(waiting.len() == 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Puts records back in front, after an append that failed: they may then be written twice, never lost.
    fn put_back(&self, mut records: Vec<BulkEntry>) {
        let mut waiting = self.lock();
        records.append(&mut waiting);
        *waiting = records;
    }
}

pub(crate) fn start<V: Value>(shared: Arc<Shared<V>>) -> io::Result<JoinHandle<()>> {
    let (acknowledge, durable) = mpsc::channel::<Vec<Waker>>();
    let acknowledger = thread::Builder::new().name("log-acknowledge".to_owned()).spawn(move || {
        durable.into_iter().for_each(wake);
    })?;
    thread::Builder::new().name("log-appender".to_owned()).spawn(move || {
        while let Some(work) = shared.gather() {
            shared.write(work, &acknowledge);
        }
        shared.refuse_all(Refused::Stopped);
        drop(acknowledge);
        if acknowledger.join().is_err() {
            tracing::error!("the acknowledging thread had panicked");
        }
    })
}

fn wake(waiters: Vec<Waker>) {
    for waiter in waiters {
        // A caller that no longer waits has dropped its end.
        let _ = waiter.send(Ok(()));
    }
}

/// What one append is about.
struct Work<V> {
    batch: Batch,
    waiters: Vec<Waker>,
    /// The value with the batch in it, if it has commits.
    snapshot: Option<Snapshot<V>>,
}

impl<V: Value> Shared<V> {
    /// Waits for something to write; `None` when the engine stops and all is written.
    fn gather(&self) -> Option<Work<V>> {
        let mut state = self.lock_head();
        loop {
            if state.down.is_some() {
                if state.stop {
                    return None;
                }
                state = self.sleep(state, None);
                continue;
            }
            if state.disk_full {
                drop(state);
                self.ensure_reserve();
                state = self.lock_head();
            }
            if !state.pending.is_empty() || !state.waiters.is_empty() {
                break;
            }
            if self.bulk.len() > 0 {
                if !state.stop {
                    state = self.sleep(state, Some(BULK_GATHER));
                }
                break;
            }
            if state.stop {
                return None;
            }
            let retry = state.disk_full.then_some(self.options.retry);
            state = self.sleep(state, retry);
        }
        let mut batch = std::mem::take(&mut state.pending);
        let waiters = std::mem::take(&mut state.waiters);
        let snapshot = (!batch.commits.is_empty()).then(|| {
            let Core { value, revision, time_ms } = &state.core;
            Snapshot { value: value.clone(), revision: *revision, time_ms: *time_ms }
        });
        drop(state);
        batch.bulk = std::mem::take(&mut *self.bulk.lock());
        Some(Work { batch, waiters, snapshot })
    }

    fn sleep<'a>(
        &self,
        mut state: MutexGuard<'a, HeadState<V>>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, HeadState<V>> {
        state.idle = true;
        let mut state = match limit {
            Some(limit) => self.work.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0,
            None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.idle = false;
        state
    }

    fn write(&self, work: Work<V>, acknowledge: &mpsc::Sender<Vec<Waker>>) {
        let Work { batch, waiters, snapshot } = work;
        crash_point!("log:append");
        let appended = if batch.is_empty() { Ok(()) } else { self.lock_log().append(self.epoch, &batch) };
        if let Err(error) = appended {
            return self.recover(error, batch, waiters);
        }
        crash_point!("log:appended");
        self.note_cursors(&batch);
        if let Some(snapshot) = snapshot {
            self.publish(snapshot);
            self.recent.push(batch.commits);
            crash_point!("log:published");
        }
        if waiters.len() <= WAKES_AT_ONCE {
            wake(waiters);
        } else if let Err(mpsc::SendError(waiters)) = acknowledge.send(waiters) {
            wake(waiters);
        }
        crash_point!("log:acknowledged");
        self.compact_due();
    }

    /// After a failed append: tells everyone who built on it, then reads back what landed.
    fn recover(&self, error: LogError, batch: Batch, waiters: Vec<Waker>) {
        tracing::error!(%error, "an append failed; reading back what landed");
        let full = matches!(error, LogError::Full);
        let refused = match &error {
            LogError::Fenced { .. } => Refused::Fenced,
            LogError::Full => Refused::DiskFull,
            other => Refused::Unavailable(other.to_string()),
        };
        let down = if full { Refused::Unavailable("making room in the log".to_owned()) } else { refused.clone() };
        self.lock_head().down = Some(down);
        for waiter in waiters {
            let _ = waiter.send(Err(refused.clone()));
        }
        let dropped = self.refuse_all(refused.clone());
        if refused == Refused::Fenced {
            return;
        }
        if full && let Err(error) = self.lock_log().release_reserve() {
            tracing::error!(%error, "the reserve was not released");
        }
        let attempted = dropped.commits.last().or(batch.commits.last()).map_or(0, |commit| commit.revision);
        let Some(core) = self.reload(attempted) else { return };
        let mut state = self.lock_head();
        state.core = core;
        state.disk_full |= full;
        state.down = None;
        if state.stop {
            return;
        }
        // Cursors may be written again at will. So may bulk records, whose readers bear with a duplicate.
        let Batch { cursors, forgotten_cursors, .. } = &mut state.pending;
        cursors.splice(0..0, batch.cursors.into_iter().chain(dropped.cursors));
        forgotten_cursors.splice(0..0, batch.forgotten_cursors.into_iter().chain(dropped.forgotten_cursors));
        self.bulk.put_back(batch.bulk);
        if full || !state.pending.is_empty() || self.bulk.len() > 0 {
            drop(self.sleep(state, Some(self.options.retry)));
        }
    }

    /// Drops all that is pending and tells its callers why; what was dropped.
    fn refuse_all(&self, refused: Refused) -> Batch {
        let mut state = self.lock_head();
        state.down.get_or_insert(refused.clone());
        let waiters = std::mem::take(&mut state.waiters);
        let dropped = std::mem::take(&mut state.pending);
        drop(state);
        for waiter in waiters {
            let _ = waiter.send(Err(refused.clone()));
        }
        dropped
    }

    /// Tries until the log says where it stands; `None` if the engine can't serve any more.
    fn reload(&self, attempted: u64) -> Option<Core<V>> {
        loop {
            let stopping = match self.read_back(attempted) {
                Ok(core) => return core,
                Err(error) => {
                    tracing::error!(%error, "the log can't be read back yet");
                    let state = self.lock_head();
                    if state.stop { true } else { self.sleep(state, Some(self.options.retry)).stop }
                }
            };
            if stopping {
                return None;
            }
        }
    }

    /// The durable state that the log vouches for: what was known to be durable, and what landed after it.
    fn read_back(&self, attempted: u64) -> Result<Option<Core<V>>, LogError> {
        let known = self.snapshot();
        let mut core = Core { value: known.value.clone(), revision: known.revision, time_ms: known.time_ms };
        let mut log = self.lock_log();
        let position = log.position()?;
        if position.revision < known.revision || position.revision > attempted.max(known.revision) {
            let reason = format!("the log stands at revision {}, not at {}", position.revision, known.revision);
            tracing::error!(reason, "the log is not what it was; writes stay refused");
            self.lock_head().down = Some(Refused::Unavailable(reason));
            return Ok(None);
        }
        let mut landed = Vec::new();
        while core.revision < position.revision {
            let commits = log.tail(core.revision, TAIL_STEP)?;
            if commits.is_empty() {
                return Err(LogError::failed("read back", "commits are missing"));
            }
            for commit in commits {
                let commit = decode::<V>(commit).map_err(|error| LogError::failed("read back", error))?;
                commit.changes.iter().for_each(|change| core.value.apply(change));
                (core.revision, core.time_ms) = (commit.revision, commit.time_ms);
                landed.push(Arc::new(commit));
            }
        }
        drop(log);
        if !landed.is_empty() {
            self.publish(Snapshot { value: core.value.clone(), revision: core.revision, time_ms: core.time_ms });
            self.recent.push(landed);
        }
        Ok(Some(core))
    }

    /// With a full disk: tries to set the reserve aside again, after which all writes are taken.
    fn ensure_reserve(&self) {
        let set_aside = self.lock_log().ensure_reserve();
        if let Ok(true) = set_aside {
            tracing::info!("there is space again for the log");
            self.lock_head().disk_full = false;
        }
    }

    /// One step of compaction, if one is due.
    pub(crate) fn compact_due(&self) {
        if let Err(error) = self.compact_step(COMPACTION_STEP) {
            tracing::error!(%error, "compaction failed; it will be tried again");
        }
    }

    /// Compacts up to one step if at least `least` commits may go; whether it did.
    pub(crate) fn compact_step(&self, least: u64) -> Result<bool, LogError> {
        let floor = self.floor.load(Ordering::Acquire);
        let target = self.plan_floor();
        if target < floor.saturating_add(least) {
            return Ok(false);
        }
        let next = target.min(floor + COMPACTION_STEP);
        self.lock_log().compact(self.epoch, next)?;
        self.floor.store(next, Ordering::Release);
        Ok(true)
    }

    /// How far history may go: it always leaves the kept commits, waits for bounded cursors within the bound,
    /// and for held ones always.
    fn plan_floor(&self) -> u64 {
        let durable = self.durable();
        let cursors = self.lock_cursors();
        let slowest = |retention: Retention| {
            cursors.iter().filter(|cursor| cursor.retention == retention).map(|cursor| cursor.revision).min()
        };
        let kept = durable.saturating_sub(self.options.kept_commits);
        let bound = durable.saturating_sub(self.options.history_commits);
        let bounded = slowest(Retention::Bounded).map_or(kept, |cursor| kept.min(cursor.max(bound)));
        slowest(Retention::Held).map_or(bounded, |held| bounded.min(held))
    }
}
