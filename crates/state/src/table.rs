//! Tables and their secondary indexes, over persistent maps.
//!
//! A table is a map from key to `Arc<Row>`; an index is an ordered set of (index key, primary key). Both are
//! persistent trees, so that cloning a whole value costs a few reference counts, and a change copies only the
//! path to what it touches. Rows are changed only through [`Table::replace`], which keeps map and indexes in
//! step; the engine alone calls it, on a value of its own.

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::ops::RangeBounds;
use std::str::FromStr;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use imbl::{OrdMap, OrdSet};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::BulkEntry;

/// What can be the key of a table. Its text (`Display`, `FromStr`) is what the log's `id` column shows.
pub trait Key: Ord + Clone + Send + Sync + Debug + Display + FromStr + 'static {}
impl<K: Ord + Clone + Send + Sync + Debug + Display + FromStr + 'static> Key for K {}

/// What can be a row of a table. Its JSON is what the log's `body` column shows.
pub trait Row: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<R: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Row for R {}

/// Which transaction a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The revision that it makes.
    pub revision: u64,
    /// Its time, in milliseconds since 1970.
    pub time_ms: i64,
}

/// A table of a value: declared by [`value!`](crate::value), which generates the type and this implementation.
pub trait Table: Clone + Default + Send + Sync + 'static {
    /// The name of this table in the log.
    const KIND: &'static str;
    /// The version of the row's JSON that is written; all from 1 to this can be read.
    const VERSION: u32;
    /// The primary key.
    type Key: Key;
    /// The row.
    type Row: Row;

    /// The key under which a row is found; it never changes in a row's life.
    fn key(row: &Self::Row) -> Self::Key;

    /// When something is to be done about this row, in milliseconds, if ever.
    fn due(_row: &Self::Row) -> Option<i64> {
        None
    }

    /// What is recorded of a change of a row in a bulk stream, in the same append as the change: usage, for whoever bills it.
    fn record(_before: Option<&Self::Row>, _after: Option<&Self::Row>, _at: Moment, _records: &mut Vec<BulkEntry>) {}

    /// Turns a body written as version `from` into the JSON of [`Table::VERSION`].
    fn upgrade(from: u32, _body: serde_json::Value) -> Result<serde_json::Value, String> {
        Err(format!("{} has no upgrade from version {from} to {}", Self::KIND, Self::VERSION))
    }

    /// The rows, without the indexes.
    fn rows(&self) -> &Rows<Self>;

    /// Puts or (with `None`) removes the row of `key` and brings all indexes along; what was there before.
    #[doc(hidden)]
    fn replace(&mut self, key: &Self::Key, row: Option<Arc<Self::Row>>) -> Option<Arc<Self::Row>>;
}

/// The rows of a table in key order, and by due time. Every table dereferences to this.
pub struct Rows<T: Table> {
    map: OrdMap<T::Key, Arc<T::Row>>,
    due: OrdSet<(i64, T::Key)>,
}

impl<T: Table> Clone for Rows<T> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone(), due: self.due.clone() }
    }
}

impl<T: Table> Default for Rows<T> {
    fn default() -> Self {
        Self { map: OrdMap::new(), due: OrdSet::new() }
    }
}

impl<T: Table> Rows<T> {
    /// The row of this key.
    pub fn get(&self, key: &T::Key) -> Option<&T::Row> {
        self.map.get(key).map(|row| &**row)
    }

    /// The row of this key, to keep beyond the life of the snapshot.
    pub fn get_arc(&self, key: &T::Key) -> Option<Arc<T::Row>> {
        self.map.get(key).cloned()
    }

    /// Whether there is a row of this key.
    pub fn contains(&self, key: &T::Key) -> bool {
        self.map.contains_key(key)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T::Row> {
        self.map.values().map(|row| &**row)
    }

    /// The rows whose keys lie within the bounds, in key order. Bounds may be keys, or anything that compares
    /// with keys (a prefix of a compound key, say).
    pub fn range<Q: Comparable<T::Key> + ?Sized>(
        &self,
        bounds: impl RangeBounds<Q>,
    ) -> impl DoubleEndedIterator<Item = &T::Row> {
        self.map.range(bounds).map(|(_, row)| &**row)
    }

    /// The rows due at or before `now_ms`, the earliest first.
    pub fn due_until(&self, now_ms: i64) -> impl Iterator<Item = &T::Row> {
        self.due.iter().take_while(move |(at, _)| *at <= now_ms).filter_map(|(_, key)| self.get(key))
    }

    /// When the next row is due, in milliseconds.
    pub fn next_due(&self) -> Option<i64> {
        self.due.get_min().map(|(at, _)| *at)
    }

    /// Puts or removes a row; only for [`Table::replace`].
    #[doc(hidden)]
    pub fn exchange(&mut self, key: &T::Key, row: Option<Arc<T::Row>>) -> Option<Arc<T::Row>> {
        let due_after = row.as_deref().and_then(T::due);
        let before = match row {
            Some(row) => self.map.insert(key.clone(), row),
            None => self.map.remove(key),
        };
        let due_before = before.as_deref().and_then(T::due);
        if due_before != due_after {
            if let Some(at) = due_before {
                self.due.remove(&(at, key.clone()));
            }
            if let Some(at) = due_after {
                self.due.insert((at, key.clone()));
            }
        }
        before
    }
}

/// A secondary index: an ordered set of (index key, primary key), with a count kept for every index key.
///
/// Counts are kept only for index keys with two or more rows: most indexes are nearly unique, and for the rest
/// one look into the set tells none from one.
pub struct Index<I, P> {
    entries: OrdSet<Entry<I, P>>,
    counts: OrdMap<I, usize>,
}

impl<I, P> Clone for Index<I, P> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), counts: self.counts.clone() }
    }
}

impl<I, P> Default for Index<I, P> {
    fn default() -> Self {
        Self { entries: OrdSet::default(), counts: OrdMap::default() }
    }
}

impl<I: Ord + Clone, P: Ord + Clone> Index<I, P> {
    /// How many rows have this index key, without walking them.
    pub fn count(&self, index: &I) -> usize {
        match self.counts.get(index) {
            Some(count) => *count,
            None => usize::from(self.keys(index).next().is_some()),
        }
    }

    /// The primary keys of the rows with this index key, in order.
    pub fn keys<'a>(&'a self, index: &I) -> impl DoubleEndedIterator<Item = &'a P> + use<'a, I, P> {
        self.entries.range(Edge::below(index)..=Edge::above(index)).map(|entry| &entry.primary)
    }

    /// All (index key, primary key) pairs in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&I, &P)> {
        self.entries.iter().map(|entry| (&entry.index, &entry.primary))
    }

    /// The pairs whose index keys lie within the bounds, in order.
    pub fn range<'a, B: RangeBounds<I>>(
        &'a self,
        bounds: B,
    ) -> impl DoubleEndedIterator<Item = (&'a I, &'a P)> + use<'a, I, P, B> {
        use std::ops::Bound;
        // An inclusive start begins below all entries of its key, an exclusive one above them; ends mirror that.
        let start = match bounds.start_bound() {
            Bound::Included(index) => Bound::Included(Edge::below(index)),
            Bound::Excluded(index) => Bound::Included(Edge::above(index)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let end = match bounds.end_bound() {
            Bound::Included(index) => Bound::Included(Edge::above(index)),
            Bound::Excluded(index) => Bound::Included(Edge::below(index)),
            Bound::Unbounded => Bound::Unbounded,
        };
        self.entries.range((start, end)).map(|entry| (&entry.index, &entry.primary))
    }

    /// Follows one row's change; only for [`Table::replace`].
    #[doc(hidden)]
    pub fn shift<'a, R, K>(
        &mut self,
        key: &P,
        before: Option<&'a R>,
        after: Option<&'a R>,
        index_keys: impl Fn(&'a R) -> K,
    ) where
        K: IntoIterator<Item = I>,
    {
        if let (Some(before), Some(after)) = (before, after)
            && index_keys(before).into_iter().eq(index_keys(after))
        {
            return;
        }
        for index in before.into_iter().flat_map(&index_keys) {
            self.remove(index, key);
        }
        for index in after.into_iter().flat_map(&index_keys) {
            self.insert(index, key);
        }
    }

    fn insert(&mut self, index: I, key: &P) {
        let count = self.count(&index);
        if self.entries.insert(Entry { index: index.clone(), primary: key.clone() }).is_none() && count > 0 {
            self.counts.insert(index, count + 1);
        }
    }

    fn remove(&mut self, index: I, key: &P) {
        let count = self.count(&index);
        let entry = Entry { index, primary: key.clone() };
        if self.entries.remove(&entry).is_some() && count > 1 {
            if count == 2 {
                self.counts.remove(&entry.index);
            } else {
                self.counts.insert(entry.index, count - 1);
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<I, P> {
    index: I,
    primary: P,
}

/// A place between entries: just below or just above all entries of one index key.
struct Edge<'a, I> {
    index: &'a I,
    at_equal: Ordering,
}

impl<'a, I> Edge<'a, I> {
    fn below(index: &'a I) -> Self {
        Self { index, at_equal: Ordering::Less }
    }

    fn above(index: &'a I) -> Self {
        Self { index, at_equal: Ordering::Greater }
    }
}

impl<I: Ord, P> Equivalent<Entry<I, P>> for Edge<'_, I> {
    fn equivalent(&self, _: &Entry<I, P>) -> bool {
        false
    }
}

impl<I: Ord, P> Comparable<Entry<I, P>> for Edge<'_, I> {
    fn compare(&self, entry: &Entry<I, P>) -> Ordering {
        self.index.cmp(&entry.index).then(self.at_equal)
    }
}
