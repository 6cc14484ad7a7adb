//! Changes and commits: what a transaction did, row by row, with what was there before and after.
//!
//! A change keeps its rows typed behind a small trait object: undo, the feed and planners use it without any
//! JSON; only log drivers ask for the encoded bodies, outside the head's lock.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::log::BulkEntry;
use crate::table::{Moment, Table};

/// One committed transaction.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The revision that this transaction made; revisions count up by one.
    pub revision: u64,
    /// The transaction's time, in milliseconds since 1970; it never goes back.
    pub time_ms: i64,
    /// A small JSON text kept with the commit.
    pub note: Option<Arc<str>>,
    /// Records of bulk streams that are written with the commit or not at all: the audit's. They are not read back with
    /// it, and outlive it.
    pub records: Arc<[BulkEntry]>,
    /// One change for each row touched, ordered by kind and key.
    pub changes: Arc<[Change]>,
}

/// What one transaction did to one row.
#[derive(Clone)]
pub struct Change(Arc<dyn AnyChange>);

/// A row as it was before a change and after it; `None` where it did not exist.
pub type BeforeAfter<'a, R> = (Option<&'a R>, Option<&'a R>);

/// A row's body as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The version of the JSON's shape.
    pub version: u32,
    /// The row as JSON.
    pub json: String,
}

/// A logged body that this binary can't read.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The log holds a table that this binary doesn't know: it was written by a newer one.
    #[error("unknown kind of row: {0}")]
    UnknownKind(String),
    /// The row was written by a newer binary.
    #[error("{kind} {id} has version {version}, newer than the {known} that this binary reads")]
    TooNew {
        /// The table.
        kind: &'static str,
        /// The row's id, or empty when it isn't known.
        id: String,
        /// The version found.
        version: u32,
        /// The newest version that this binary reads.
        known: u32,
    },
    /// The body is not a row of its kind.
    #[error("{kind} {id} can't be read: {reason}")]
    Malformed {
        /// The table.
        kind: &'static str,
        /// The row's id, or empty when it isn't known.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

trait AnyChange: Send + Sync {
    fn kind(&self) -> &'static str;
    fn id(&self) -> String;
    fn encode(&self, after: bool) -> Result<Option<Body>, serde_json::Error>;
    fn presence(&self) -> (bool, bool);
    fn cmp_row(&self, other: &dyn AnyChange) -> Ordering;
    fn merged_with(&self, later: &dyn AnyChange) -> Option<Change>;
    fn record(&self, at: Moment, records: &mut Vec<BulkEntry>);
    fn as_any(&self) -> &dyn Any;
}

pub(crate) struct TypedChange<T: Table> {
    pub(crate) key: T::Key,
    pub(crate) before: Option<Arc<T::Row>>,
    pub(crate) after: Option<Arc<T::Row>>,
}

impl<T: Table> AnyChange for TypedChange<T> {
    fn kind(&self) -> &'static str {
        T::KIND
    }

    fn id(&self) -> String {
        self.key.to_string()
    }

    fn encode(&self, after: bool) -> Result<Option<Body>, serde_json::Error> {
        let row = if after { &self.after } else { &self.before };
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Body { version: T::VERSION, json: serde_json::to_string(&**row)? }))
    }

    fn presence(&self) -> (bool, bool) {
        (self.before.is_some(), self.after.is_some())
    }

    fn cmp_row(&self, other: &dyn AnyChange) -> Ordering {
        match other.as_any().downcast_ref::<Self>() {
            Some(other) => self.key.cmp(&other.key),
            None => self.kind().cmp(other.kind()),
        }
    }

    fn merged_with(&self, later: &dyn AnyChange) -> Option<Change> {
        let later = later.as_any().downcast_ref::<Self>().filter(|later| later.key == self.key)?;
        Some(Change::new::<T>(self.key.clone(), self.before.clone(), later.after.clone()))
    }

    fn record(&self, at: Moment, records: &mut Vec<BulkEntry>) {
        T::record(self.before.as_deref(), self.after.as_deref(), at, records);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Change {
    pub(crate) fn new<T: Table>(key: T::Key, before: Option<Arc<T::Row>>, after: Option<Arc<T::Row>>) -> Self {
        Self(Arc::new(TypedChange::<T> { key, before, after }))
    }

    /// The name of the table.
    pub fn kind(&self) -> &'static str {
        self.0.kind()
    }

    /// The row's key as text.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Adds what the table records of it: see [`Table::record`].
    pub(crate) fn record(&self, at: Moment, records: &mut Vec<BulkEntry>) {
        self.0.record(at, records);
    }

    /// What was there before and after, if the change is of table `T`.
    pub fn of<T: Table>(&self) -> Option<BeforeAfter<'_, T::Row>> {
        self.typed::<T>().map(|change| (change.before.as_deref(), change.after.as_deref()))
    }

    /// The key of the row, if the change is of table `T`.
    pub fn key_of<T: Table>(&self) -> Option<&T::Key> {
        self.typed::<T>().map(|change| &change.key)
    }

    /// Whether the row is new.
    pub fn is_insert(&self) -> bool {
        self.0.presence() == (false, true)
    }

    /// Whether the row is gone.
    pub fn is_delete(&self) -> bool {
        !self.0.presence().1
    }

    /// The body before, encoded for a log.
    pub fn body_before(&self) -> Result<Option<Body>, serde_json::Error> {
        self.0.encode(false)
    }

    /// The body after, encoded for a log.
    pub fn body_after(&self) -> Result<Option<Body>, serde_json::Error> {
        self.0.encode(true)
    }

    /// Reads a change from logged bodies; with no `id`, a body must tell it. Only for the macro.
    #[doc(hidden)]
    pub fn decode<T: Table>(
        id: Option<&str>,
        before: Option<(u32, &str)>,
        after: Option<(u32, &str)>,
    ) -> Result<Self, DecodeError> {
        let malformed =
            |reason: String| DecodeError::Malformed { kind: T::KIND, id: id.unwrap_or_default().to_owned(), reason };
        let before = before.map(|(version, json)| decode_row::<T>(id, version, json)).transpose()?;
        let after = after.map(|(version, json)| decode_row::<T>(id, version, json)).transpose()?;
        let stated = match id {
            Some(id) => Some(id.parse::<T::Key>().map_err(|_| malformed("its id is not a key".to_owned()))?),
            None => None,
        };
        let inside = after.as_ref().or(before.as_ref()).map(|row| T::key(row));
        let key = match (stated, inside) {
            (Some(stated), Some(inside)) if stated != inside => {
                return Err(malformed(format!("its body says that it is {inside}")));
            }
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) => return Err(malformed("neither an id nor a body".to_owned())),
        };
        Ok(Self::new::<T>(key, before.map(Arc::new), after.map(Arc::new)))
    }

    /// Makes `table` hold what was after (or, with `forward` false, before) this change. Only for the macro.
    #[doc(hidden)]
    pub fn apply_to<T: Table>(&self, table: &mut T, forward: bool) {
        let Some(change) = self.typed::<T>() else { return };
        let row = if forward { &change.after } else { &change.before };
        table.replace(&change.key, row.clone());
    }

    pub(crate) fn typed<T: Table>(&self) -> Option<&TypedChange<T>> {
        self.0.as_any().downcast_ref()
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.0.presence() {
            (false, true) => "insert",
            (true, true) => "update",
            _ => "delete",
        };
        write!(f, "{verb} {} {}", self.kind(), self.id())
    }
}

/// One change for each row, from the first state before to the last after; rows that come and go vanish.
pub(crate) fn merge(mut changes: Vec<Change>) -> Vec<Change> {
    if changes.len() > 1 {
        changes.sort_by(|a, b| a.0.cmp_row(&*b.0));
        let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
        for change in changes {
            match merged.last().and_then(|last| last.0.merged_with(&*change.0)) {
                Some(both) => *merged.last_mut().expect("just looked at") = both,
                None => merged.push(change),
            }
        }
        changes = merged;
    }
    changes.retain(|change| change.0.presence() != (false, false));
    changes
}

fn decode_row<T: Table>(id: Option<&str>, version: u32, json: &str) -> Result<T::Row, DecodeError> {
    let id = || id.unwrap_or_default().to_owned();
    let malformed = |reason: String| DecodeError::Malformed { kind: T::KIND, id: id(), reason };
    if version == T::VERSION {
        return serde_json::from_str(json).map_err(|error| malformed(error.to_string()));
    }
    if version > T::VERSION {
        return Err(DecodeError::TooNew { kind: T::KIND, id: id(), version, known: T::VERSION });
    }
    let body = serde_json::from_str(json).map_err(|error| malformed(error.to_string()))?;
    let body = T::upgrade(version, body).map_err(malformed)?;
    serde_json::from_value(body).map_err(|error| malformed(error.to_string()))
}
