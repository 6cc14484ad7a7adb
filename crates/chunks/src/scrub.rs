//! Reading all that some snapshots have, and saying what is missing or corrupt.

use std::sync::{Mutex, PoisonError};

use crate::envelope::Kind;
use crate::mark::{self, Broken};
use crate::pool::for_each;
use crate::{Error, Name, Place, Root, Store};

/// An object that isn't what it should be.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Its name.
    pub name: Name,
    /// Where it should lie.
    pub place: Place,
    /// What it is. Without a node or manifest all below it couldn't be checked.
    pub kind: Kind,
    /// Missing, or corrupt and how.
    pub error: Error,
}

/// What a scrub saw.
#[derive(Clone, Debug, Default)]
pub struct Scrubbed {
    /// Chunks that are as they should be.
    pub good_chunks: u64,
    /// What they take.
    pub good_bytes: u64,
    /// All that isn't.
    pub damages: Vec<Damage>,
}

/// Reads every object of these snapshots once and checks it: contents against names where the store has the domain's keys,
/// what lies there against its checksum where it hasn't. A store that fails ends it; damage doesn't.
///
/// A chunk is put right by a writer that has its contents and looks with [`crate::Trust::Contents`]. What of an index is
/// damaged takes a snapshot without a base.
pub fn scrub(store: &Store, roots: &[Root]) -> Result<Scrubbed, Error> {
    let seen = Mutex::new(Scrubbed::default());
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = store.objects.parallel().max(1);
    let report = |name: Name, place: Place, kind: Kind, error: Error| {
        lock().damages.push(Damage { name, place, kind, error });
    };
    // Chunks of one leaf after another on each thread, as many leaves at a time as there are threads; with a single leaf
    // its chunks are shared out.
    let chunks = |links: &[crate::Link]| {
        for_each(if threads > 1 { 2 } else { 1 }, links, |link| {
            match store.check_chunk(link) {
                Ok(bytes) => {
                    let mut seen = lock();
                    seen.good_chunks += 1;
                    seen.good_bytes += bytes;
                }
                Err(error @ (Error::Missing { .. } | Error::Corrupt { .. })) => {
                    report(link.name, link.place, Kind::Chunk, error);
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })
    };
    let broken = |Broken { place, name, kind, error }: Broken| {
        report(name, place, kind, error);
        Ok(())
    };
    mark::walk(store, roots, threads, chunks, broken)?;
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.damages.sort_by_key(|damage| (damage.place, damage.name));
    Ok(seen)
}
