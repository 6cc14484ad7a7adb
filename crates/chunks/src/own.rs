//! How much each snapshot has that none before it has: what it costs to keep.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::mark::{self, Marks};
use crate::{BLOCK_BYTES, Error, Root, Store};

/// For each of those snapshots of a domain, in that order, the bytes of the blocks that none before it has, before
/// compression. Reads only indexes, each node once, and needs no keys. What of an index can't be read counts for nothing.
pub fn own_bytes(store: &Store, roots: &[Root]) -> Result<Vec<u64>, Error> {
    let threads = store.objects.parallel().max(1);
    let mut marks = Marks::default();
    let mut own = Vec::with_capacity(roots.len());
    for root in roots {
        let blocks = AtomicU64::new(0);
        let count = |links: &[crate::Link]| {
            blocks.fetch_add(links.len() as u64, Ordering::Relaxed);
            Ok(())
        };
        marks = mark::walk_on(marks, store, std::slice::from_ref(root), threads, count, |_| Ok(()))?;
        own.push(blocks.into_inner() * BLOCK_BYTES as u64);
    }
    Ok(own)
}
