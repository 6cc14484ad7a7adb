//! Walking all that some roots reach, each object once, many at a time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::envelope::Kind;
use crate::node::Link;
use crate::pool::for_each;
use crate::{Error, Name, Place, Root, Store};

/// Objects by 64 bits of their name and place, some 18 bytes each. Two that are taken for one keep a dead object alive, never
/// the other way round.
#[derive(Default)]
pub struct Marks(HashSet<u64>);

impl Marks {
    /// Whether the object is marked.
    pub fn has(&self, place: Place, name: &Name) -> bool {
        self.0.contains(&fingerprint(place, name))
    }

    /// Marks it; whether it wasn't before.
    pub fn add(&mut self, place: Place, name: &Name) -> bool {
        self.0.insert(fingerprint(place, name))
    }
}

fn fingerprint(place: Place, name: &Name) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&name.0[..8]);
    // A name is as good as random; the place must only tell two objects of one name apart.
    let place = place.session.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ u64::from(place.shard).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    u64::from_le_bytes(first) ^ place
}

/// An object of an index that can't be read, and what hangs below it.
pub struct Broken {
    /// Where it lies and what it is called.
    pub place: Place,
    /// See `place`.
    pub name: Name,
    /// Which kind of object.
    pub kind: Kind,
    /// What is the matter.
    pub error: Error,
}

/// Walks the indexes of the roots. Each object is marked once; `chunks` is told of a leaf's links that weren't marked
/// before. `broken` decides what an object that is missing or corrupt means; other errors end the walk.
pub fn walk(
    store: &Store,
    roots: &[Root],
    threads: usize,
    chunks: impl Fn(&[Link]) -> Result<(), Error> + Sync,
    broken: impl Fn(Broken) -> Result<(), Error> + Sync,
) -> Result<Marks, Error> {
    walk_on(Marks::default(), store, roots, threads, chunks, broken)
}

/// The same past what is marked already.
pub fn walk_on(
    marks: Marks,
    store: &Store,
    roots: &[Root],
    threads: usize,
    chunks: impl Fn(&[Link]) -> Result<(), Error> + Sync,
    broken: impl Fn(Broken) -> Result<(), Error> + Sync,
) -> Result<Marks, Error> {
    let marks = Mutex::new(marks);
    let lock = || marks.lock().unwrap_or_else(PoisonError::into_inner);
    // The nodes that are still to be read, by level: a level is finished before the one below it.
    let levels: Vec<Mutex<Vec<Link>>> = (0..=crate::node::MAX_HEIGHT).map(|_| Mutex::default()).collect();
    let push = |level: u8, links: &mut dyn Iterator<Item = Link>| {
        let mut marks = lock();
        let mut level = levels[usize::from(level)].lock().unwrap_or_else(PoisonError::into_inner);
        level.extend(links.filter(|link| marks.add(link.place, &link.name)));
    };
    let judge = |kind: Kind, place: Place, name: Name, error: Error| match error {
        Error::Missing { .. } | Error::Corrupt { .. } => broken(Broken { place, name, kind, error }),
        error => Err(error),
    };
    for_each(threads, roots, |root| {
        if !lock().add(root.place, &root.name) {
            return Ok(());
        }
        match store.head(root) {
            Ok(head) => push(head.height, &mut head.top.into_iter()),
            Err(error) => judge(Kind::Manifest, root.place, root.name, error)?,
        }
        Ok(())
    })?;
    for level in (0..=crate::node::MAX_HEIGHT).rev() {
        let nodes = std::mem::take(&mut *levels[usize::from(level)].lock().unwrap_or_else(PoisonError::into_inner));
        for_each(threads, &nodes, |link| {
            let node = match store.node(link, level) {
                Ok(node) => node,
                Err(error) => return judge(Kind::Node, link.place, link.name, error),
            };
            let mut links = node.links.into_iter().map(|(_, link)| link);
            if level > 0 {
                push(level - 1, &mut links);
                return Ok(());
            }
            let new: Vec<Link> = {
                let mut marks = lock();
                links.filter(|link| marks.add(link.place, &link.name)).collect()
            };
            chunks(&new)
        })?;
    }
    Ok(marks.into_inner().unwrap_or_else(PoisonError::into_inner))
}
