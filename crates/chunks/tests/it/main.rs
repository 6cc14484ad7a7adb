//! The chunk store as its users meet it: against a model, under an adversary, on a real disk, in a bucket.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod adversary;
mod bucket;
mod damage;
mod disk;
mod model;
mod simulation;
#[path = "../../../../tests/skipped.rs"]
mod skipping;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_chunks::{BLOCK_BYTES, Domain, Keys, Manifest, Objects, Options, Root, Session, Store, View};
use skipping::skipped;

/// Which contents a volume has: a number for each block that isn't zeros.
pub(crate) type Model = BTreeMap<u64, u8>;

pub(crate) fn domain() -> Domain {
    "tenant-1".parse().unwrap()
}

pub(crate) fn store(objects: Arc<dyn Objects>) -> Store {
    Store::new(objects, domain(), Keys::sealed(&[7; 32]))
}

/// A block of these contents: small once it is compressed, and quick to make.
pub(crate) fn block(contents: u8) -> Vec<u8> {
    vec![contents; BLOCK_BYTES]
}

/// What doesn't compress.
pub(crate) fn noise(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..BLOCK_BYTES / 8).flat_map(|_| rng.next().to_le_bytes()).collect()
}

/// Reads a whole snapshot.
pub(crate) fn contents(store: &Store, root: &Root, threads: Option<usize>) -> Result<Model, landfall_chunks::Error> {
    let manifest = Manifest::open(store, root)?;
    let mut found = Model::new();
    for read in store.read_all(manifest.chunks(0), threads) {
        let (number, contents) = read?;
        assert!(contents.iter().step_by(997).all(|byte| *byte == contents[0]));
        found.insert(number, contents[0]);
    }
    assert_eq!(manifest.written_blocks(), found.len() as u64);
    Ok(found)
}

/// All there is, at rest.
pub(crate) fn view(roots: impl IntoIterator<Item = Root>, next: u64) -> View {
    View { roots: roots.into_iter().collect(), open: BTreeSet::new(), next: Session(next) }
}

pub(crate) fn inline() -> Options {
    Options { threads: Some(0), ..Options::default() }
}

/// Marsaglia's xorshift64*: small, and the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len() as u64) as usize])
    }
}
