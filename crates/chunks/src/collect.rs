//! Taking away what no snapshot has any more. Why this is safe beside writers, other collectors and crashes is argued in
//! the crate's documentation; here it is three lines: nothing reached is taken, nothing of an open session, nothing of a
//! session that had not begun.

use std::collections::BTreeSet;

use crate::mark::{self, Marks};
use crate::place::{self, Found};
use crate::{Error, Place, Root, Session, Store, StoreError};

/// What the caller's authority says of one domain, all read at one moment: in one transaction, from one snapshot.
#[derive(Clone, Debug)]
pub struct View {
    /// Every snapshot there is; those too that were deleted while an open session builds on them, or a volume still
    /// reads from them.
    pub roots: Vec<Root>,
    /// The sessions that have begun and may still end with a root.
    pub open: BTreeSet<Session>,
    /// The first number that no session has yet.
    pub next: Session,
}

impl View {
    /// Whether all that a session wrote can be judged: it is over.
    fn is_over(&self, session: Session) -> bool {
        session < self.next && !self.open.contains(&session)
    }
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects that a snapshot has.
    pub live_objects: u64,
    /// What they take.
    pub live_bytes: u64,
    /// Objects of sessions that aren't over.
    pub young_objects: u64,
    /// Objects that were deleted.
    pub deleted_objects: u64,
    /// What they took.
    pub deleted_bytes: u64,
    /// Files in the domain's folder that this crate didn't write; they stay.
    pub foreign_objects: u64,
}

/// How many objects one call deletes: what S3 takes.
const BATCH: usize = 1000;

/// Deletes every object of a domain that no root reaches and whose session is over. Needs no keys.
///
/// An index that can't be read ends it before anything is deleted: what hangs below would look as if nobody had it.
pub fn collect(store: &Store, view: &View) -> Result<Collected, Error> {
    let threads = store.objects.parallel().max(1);
    let marks = mark::walk(store, &view.roots, threads, |_| Ok(()), |broken| Err(broken.error))?;
    let mut sweep = Sweep { store, view, marks, batch: Vec::new(), done: Collected::default() };
    store.objects.list(store.domain.as_str(), &mut |listed| sweep.judge(listed.key, listed.size_bytes))?;
    sweep.delete()?;
    Ok(sweep.done)
}

struct Sweep<'a> {
    store: &'a Store,
    view: &'a View,
    marks: Marks,
    batch: Vec<String>,
    done: Collected,
}

impl Sweep<'_> {
    fn judge(&mut self, key: String, size_bytes: u64) -> Result<(), StoreError> {
        let session = match place::parse(&self.store.domain, &key) {
            Found::Foreign => {
                self.done.foreign_objects += 1;
                return Ok(());
            }
            Found::Object(place, name) if self.is_live(place, &name) => {
                self.done.live_objects += 1;
                self.done.live_bytes += size_bytes;
                return Ok(());
            }
            Found::Object(Place { session, .. }, _) | Found::Unfinished(session) => session,
        };
        if !self.view.is_over(session) {
            self.done.young_objects += 1;
            return Ok(());
        }
        self.done.deleted_bytes += size_bytes;
        self.batch.push(key);
        if self.batch.len() >= BATCH { self.delete() } else { Ok(()) }
    }

    fn is_live(&self, place: Place, name: &crate::Name) -> bool {
        self.marks.has(place, name)
    }

    fn delete(&mut self) -> Result<(), StoreError> {
        if !self.batch.is_empty() {
            self.store.objects.delete(&self.batch)?;
            self.done.deleted_objects += self.batch.len() as u64;
            self.batch.clear();
        }
        Ok(())
    }
}
