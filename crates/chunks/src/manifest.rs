//! A snapshot, opened for reading: single blocks as a guest asks for them, all of them in order, and what differs
//! between two.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::node::{FAN_OUT, Head, Link, Node};
use crate::{Error, Root, Store};

/// How many nodes an opened snapshot keeps in memory: with 18 KiB each these are 4.5 MiB, and leaves for 32 GiB.
const CACHED_NODES: usize = 256;

/// An opened snapshot.
pub struct Manifest {
    store: Store,
    root: Root,
    pub(crate) head: Head,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    nodes: HashMap<(u8, u64), (u64, Arc<Node>)>,
    clock: u64,
}

impl Manifest {
    /// Opens it; reads no more than the manifest itself.
    pub fn open(store: &Store, root: &Root) -> Result<Self, Error> {
        let head = store.head(root)?;
        Ok(Self { store: store.clone(), root: *root, head, cache: Mutex::default() })
    }

    /// What it was opened by.
    pub fn root(&self) -> Root {
        self.root
    }

    /// The store that it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The volume's size in blocks.
    pub fn blocks(&self) -> u64 {
        self.head.blocks
    }

    /// How many blocks are written: all others are zeros.
    pub fn written_blocks(&self) -> u64 {
        self.head.top.map_or(0, |top| top.blocks)
    }

    /// What its chunks take in the store, those that it shares with others included.
    pub fn stored_bytes(&self) -> u64 {
        self.head.top.map_or(0, |top| top.stored_bytes)
    }

    /// The chunk of a block, or nothing for zeros.
    pub fn link(&self, block: u64) -> Result<Option<Link>, Error> {
        if block >= self.head.blocks {
            return Err(Error::Refused(format!("block {block} lies behind the end at {}", self.head.blocks)));
        }
        Ok(self.node(0, block / FAN_OUT)?.and_then(|leaf| leaf.link((block % FAN_OUT) as u8)))
    }

    /// A block's contents, or nothing for zeros.
    pub fn read(&self, block: u64) -> Result<Option<Vec<u8>>, Error> {
        self.link(block)?.map(|link| self.store.chunk(&link)).transpose()
    }

    /// The chunks from a block on, in order.
    pub fn chunks(&self, from: u64) -> Chunks<'_> {
        Chunks { manifest: self, next: from, leaf: None }
    }

    /// The node at a position of the tree, where there is one.
    pub(crate) fn node(&self, level: u8, number: u64) -> Result<Option<Arc<Node>>, Error> {
        if let Some(found) = self.cached(level, number) {
            return Ok(Some(found));
        }
        let Some(link) = self.link_of(level, number)? else { return Ok(None) };
        let node = Arc::new(self.store.node(&link, level)?);
        self.keep(level, number, node.clone());
        Ok(Some(node))
    }

    /// The link to the node at a position.
    pub(crate) fn link_of(&self, level: u8, number: u64) -> Result<Option<Link>, Error> {
        if level >= self.head.height {
            return Ok(self.head.top.filter(|_| level == self.head.height && number == 0));
        }
        let parent = self.node(level + 1, number / FAN_OUT)?;
        Ok(parent.and_then(|parent| parent.link((number % FAN_OUT) as u8)))
    }

    fn cached(&self, level: u8, number: u64) -> Option<Arc<Node>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.clock += 1;
        let now = cache.clock;
        let (used, node) = cache.nodes.get_mut(&(level, number))?;
        *used = now;
        Some(node.clone())
    }

    fn keep(&self, level: u8, number: u64, node: Arc<Node>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.nodes.len() >= CACHED_NODES {
            // An eighth at a time, so that looking for the oldest costs nothing for each.
            let mut uses: Vec<u64> = cache.nodes.values().map(|(used, _)| *used).collect();
            let (_, oldest, _) = uses.select_nth_unstable(CACHED_NODES / 8);
            let oldest = *oldest;
            cache.nodes.retain(|_, (used, _)| *used > oldest);
        }
        cache.clock += 1;
        let now = cache.clock;
        cache.nodes.insert((level, number), (now, node));
    }

    /// The first node of a level at or after a number that there is, without looking at what isn't.
    fn next_leaf(&self, from: u64) -> Result<Option<(u64, Arc<Node>)>, Error> {
        let mut number = from;
        let leaves = self.head.blocks.div_ceil(FAN_OUT);
        'up: while number < leaves {
            // From the top down to the first level where nothing is at this number: all below it is skipped.
            for level in (0..=self.head.height).rev() {
                let span = FAN_OUT.pow(u32::from(level));
                if self.link_of(level, number / span)?.is_none() {
                    number = self.skip(level, number / span)? * span;
                    continue 'up;
                }
            }
            return Ok(self.node(0, number)?.map(|leaf| (number, leaf)));
        }
        Ok(None)
    }

    /// The next number of that level after an absent one that is there, within the same parent; else the parent's end.
    fn skip(&self, level: u8, absent: u64) -> Result<u64, Error> {
        let end = (absent / FAN_OUT + 1) * FAN_OUT;
        if level >= self.head.height {
            return Ok(u64::MAX >> 40);
        }
        let Some(parent) = self.node(level + 1, absent / FAN_OUT)? else { return Ok(end) };
        let slot = (absent % FAN_OUT) as u8;
        let next = parent.links.iter().find(|(at, _)| *at > slot);
        Ok(next.map_or(end, |(at, _)| end - FAN_OUT + u64::from(*at)))
    }
}

/// A snapshot's chunks in order; see [`Manifest::chunks`].
pub struct Chunks<'a> {
    manifest: &'a Manifest,
    next: u64,
    leaf: Option<(u64, Arc<Node>)>,
}

impl Iterator for Chunks<'_> {
    type Item = Result<(u64, Link), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.leaf.is_none() {
                match self.manifest.next_leaf(self.next / FAN_OUT) {
                    Ok(found) => self.leaf = Some(found?),
                    Err(error) => {
                        // What can't be read ends the walk: it must not look as if nothing were there.
                        self.next = u64::MAX;
                        return Some(Err(error));
                    }
                }
            }
            let (number, leaf) = self.leaf.as_ref()?;
            let first = number * FAN_OUT;
            let at = leaf.links.partition_point(|(slot, _)| first + u64::from(*slot) < self.next);
            if let Some((slot, link)) = leaf.links.get(at) {
                let block = first + u64::from(*slot);
                self.next = block + 1;
                return Some(Ok((block, *link)));
            }
            self.next = first + FAN_OUT;
            self.leaf = None;
        }
    }
}
