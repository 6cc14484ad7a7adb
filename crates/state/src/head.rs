//! The head: the value that transactions run on, one after another, ahead of what is durable.
//!
//! A transaction changes the value in place and keeps the list of its changes; one that fails (or panics) is
//! undone by that list, backwards. No copy of the value is ever made for a transaction.

use std::ops::Deref;
use std::sync::Arc;

use crate::change::{Change, Commit, merge};
use crate::log::BulkEntry;
use crate::table::{Moment, Table};
use crate::value::{Has, Value};

/// The head's value with its place in time.
pub(crate) struct Core<V> {
    pub(crate) value: V,
    pub(crate) revision: u64,
    pub(crate) time_ms: i64,
}

/// What a closure given to [`Engine::commit`](crate::Engine::commit) works on. Dereferences to the value.
pub struct Head<'a, V: Value> {
    pub(crate) core: &'a mut Core<V>,
    /// Commits not yet durable, of which those from `first` on were made through this head.
    pub(crate) pending: &'a mut Vec<Arc<Commit>>,
    pub(crate) first: usize,
}

impl<V: Value> Head<'_, V> {
    /// Runs one transaction: all of its changes, or with an error none. One that changed something gets a
    /// revision of its own; its time is the later of `now_ms` and the previous transaction's. The note, if
    /// any, is stored with the commit.
    pub fn transact<T, E>(
        &mut self,
        now_ms: i64,
        note: Option<Arc<str>>,
        run: impl FnOnce(&mut Tx<'_, V>) -> Result<T, E>,
    ) -> Result<T, E> {
        let now_ms = now_ms.max(self.core.time_ms);
        let mut tx = Tx { core: self.core, changes: Vec::new(), now_ms, note, records: Vec::new() };
        let result = run(&mut tx)?;
        let changes = merge(std::mem::take(&mut tx.changes));
        let note = tx.note.take();
        let mut records = std::mem::take(&mut tx.records);
        drop(tx);
        if !changes.is_empty() {
            self.core.revision += 1;
            self.core.time_ms = now_ms;
            let revision = self.core.revision;
            changes.iter().for_each(|change| change.record(Moment { revision, time_ms: now_ms }, &mut records));
            let records = records.into();
            self.pending.push(Arc::new(Commit { revision, time_ms: now_ms, note, records, changes: changes.into() }));
        }
        Ok(result)
    }

    /// The last transaction's revision; it may not be durable yet.
    pub fn revision(&self) -> u64 {
        self.core.revision
    }

    /// The last transaction's time in milliseconds.
    pub fn time_ms(&self) -> i64 {
        self.core.time_ms
    }

    /// The commits made through this head, in this call of `commit`, after `revision`.
    pub fn commits_since(&self, revision: u64) -> &[Arc<Commit>] {
        let made = &self.pending[self.first..];
        &made[made.partition_point(|commit| commit.revision <= revision)..]
    }

    /// The changes made through this head, in this call of `commit`, after `revision`, in order.
    pub fn changes_since(&self, revision: u64) -> impl Iterator<Item = &Change> {
        self.commits_since(revision).iter().flat_map(|commit| commit.changes.iter())
    }
}

impl<V: Value> Deref for Head<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.core.value
    }
}

/// A transaction under way. Dereferences to the value as it has made it so far.
pub struct Tx<'a, V: Value> {
    core: &'a mut Core<V>,
    changes: Vec<Change>,
    now_ms: i64,
    note: Option<Arc<str>>,
    records: Vec<BulkEntry>,
}

impl<V: Value> Tx<'_, V> {
    /// Puts a row, in place of the one with its key if there is one.
    pub fn put<T: Table>(&mut self, row: T::Row)
    where
        V: Has<T>,
    {
        let key = T::key(&row);
        self.replace::<T>(key, Some(Arc::new(row)));
    }

    /// Removes a row; whether it was there.
    pub fn delete<T: Table>(&mut self, key: &T::Key) -> bool
    where
        V: Has<T>,
    {
        let present = Has::<T>::table(&self.core.value).rows().contains(key);
        if present {
            self.replace::<T>(key.clone(), None);
        }
        present
    }

    /// Changes a row in place of a copy; what the closure gave, or `None` if there is no such row.
    ///
    /// # Panics
    /// If the closure changes the row's key: that is another row.
    pub fn update<T: Table, R>(&mut self, key: &T::Key, change: impl FnOnce(&mut T::Row) -> R) -> Option<R>
    where
        V: Has<T>,
    {
        let mut row = Has::<T>::table(&self.core.value).rows().get(key)?.clone();
        let result = change(&mut row);
        assert!(T::key(&row) == *key, "an update of {} {key} changed its key", T::KIND);
        self.replace::<T>(key.clone(), Some(Arc::new(row)));
        Some(result)
    }

    /// The transaction's time in milliseconds: the later of the clock and the previous transaction's.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The revision that this transaction makes, if it changes anything.
    pub fn revision(&self) -> u64 {
        self.core.revision + 1
    }

    /// Sets the note that is stored with the commit, where it is known only inside.
    pub fn set_note(&mut self, note: impl Into<Arc<str>>) {
        self.note = Some(note.into());
    }

    /// Has a record of a bulk stream written with the commit: both or neither. A transaction that changes nothing writes
    /// nothing.
    pub fn record(&mut self, record: BulkEntry) {
        self.records.push(record);
    }

    /// Whether anything was put or deleted so far.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    fn replace<T: Table>(&mut self, key: T::Key, after: Option<Arc<T::Row>>)
    where
        V: Has<T>,
    {
        let before = Has::<T>::table_mut(&mut self.core.value).replace(&key, after.clone());
        self.changes.push(Change::new::<T>(key, before, after));
    }
}

/// What a transaction leaves when it ends without having handed its changes over: nothing.
impl<V: Value> Drop for Tx<'_, V> {
    fn drop(&mut self) {
        for change in self.changes.drain(..).rev() {
            self.core.value.revert(&change);
        }
    }
}

impl<V: Value> Deref for Tx<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.core.value
    }
}
