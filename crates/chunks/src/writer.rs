//! Writing a snapshot: blocks go in, in any order; a root comes out, durable.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::envelope::{self, Kind};
use crate::node::{Head, Link, Node};
use crate::place::{self, Found};
use crate::pool::{Places, Pool};
use crate::tree::{Changes, Tree};
use crate::{BLOCK_BYTES, Error, Manifest, Name, Place, Root, Session, Store, is_zero};

/// How many objects a session puts in one folder.
const SHARD_OBJECTS: u64 = 8192;

/// How well a chunk of the base is looked at before it counts as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its size is looked up: a missing or cut chunk is repaired. The usual.
    Size,
    /// It is read and checked: any damage is repaired. For the run after a scrub found some.
    Contents,
}

/// How a writer works.
#[derive(Clone, Debug)]
pub struct Options {
    /// On how many threads; none given: as many as the store is worth. With 0 all happens in the caller's.
    pub threads: Option<usize>,
    /// zstd's level.
    pub level: i32,
    /// How well chunks that are there already are looked at.
    pub trust: Trust,
    /// Of how many chunks the names are kept, to store equal contents once: about 100 bytes each.
    pub known_chunks: usize,
    /// For how many leaves changes are kept: about 16 KiB each.
    pub open_leaves: usize,
    /// This session wrote before, and was interrupted: what it left is used.
    pub resumed: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (threads, level, trust) = (None, 1, Trust::Size);
        Self { threads, level, trust, known_chunks: 256 << 10, open_leaves: 256, resumed: false }
    }
}

/// What a writer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Blocks that it was given.
    pub blocks: u64,
    /// Of them, all zeros.
    pub zero_blocks: u64,
    /// Chunks that it stored, and what they take.
    pub new_chunks: u64,
    /// See `new_chunks`.
    pub new_bytes: u64,
    /// What the index takes that it stored.
    pub index_bytes: u64,
    /// Chunks of the base that were found damaged, and put right.
    pub repaired_chunks: u64,
}

/// Writes one snapshot. Dropped before [`Writer::commit`], it leaves only what a collection takes away.
pub struct Writer {
    pool: Pool,
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    session: Session,
    base: Option<Arc<Manifest>>,
    options: Options,
    places: Places,
    tree: Mutex<Tree>,
    known: Mutex<HashMap<Name, Known>>,
    /// Blocks that are being worked on: a second write of one waits for the first.
    busy: Mutex<HashSet<u64>>,
    free: Condvar,
    failure: Mutex<Option<Error>>,
    failed: AtomicBool,
    objects: AtomicU64,
    written: Mutex<Written>,
}

#[derive(Clone, Copy)]
struct Known {
    place: Place,
    /// Unknown while it is being written.
    stored_bytes: Option<u64>,
    /// Written by this session, so that nobody takes it away or damaged it since.
    own: bool,
}

impl Writer {
    /// Begins a snapshot of a volume of that many blocks, which is as its base is where nothing is written.
    ///
    /// The session must be open with the caller's authority, and the base one of its roots until the session ends: see
    /// the crate's documentation.
    pub fn begin(
        store: &Store,
        session: Session,
        blocks: u64,
        base: Option<Arc<Manifest>>,
        options: Options,
    ) -> Result<Self, Error> {
        store.keys()?;
        if blocks > 1 << 32 {
            return Err(Error::Refused("a volume of chunks has at most 2^32 blocks".into()));
        }
        if base.as_ref().is_some_and(|base| base.store().domain() != store.domain()) {
            return Err(Error::Refused("a snapshot's base lies in its own domain".into()));
        }
        let tree = Tree::over(base.as_ref().map(|base| &base.head), blocks, options.open_leaves)?;
        let threads = options.threads.unwrap_or_else(|| store.objects.parallel());
        let shared = Shared {
            store: store.clone(),
            session,
            base,
            options,
            places: Places::new(),
            tree: Mutex::new(tree),
            known: Mutex::default(),
            busy: Mutex::default(),
            free: Condvar::new(),
            failure: Mutex::default(),
            failed: AtomicBool::new(false),
            objects: AtomicU64::new(0),
            written: Mutex::default(),
        };
        if shared.options.resumed {
            shared.find_own()?;
        }
        Ok(Self { pool: Pool::new(threads), shared: Arc::new(shared) })
    }

    /// Learns the chunks of another snapshot of this domain, so that equal contents aren't stored again wherever they are
    /// in the volume. It must stay a root until the session ends, as the base must.
    pub fn learn(&self, other: &Manifest) -> Result<(), Error> {
        if other.store().domain() != self.shared.store.domain() {
            return Err(Error::Refused("another domain's chunks have other names".into()));
        }
        for chunk in other.chunks(0) {
            let (_, Link { name, place, stored_bytes, .. }) = chunk?;
            let mut known = lock(&self.shared.known);
            if known.len() >= self.shared.options.known_chunks {
                break;
            }
            known.entry(name).or_insert(Known { place, stored_bytes: Some(stored_bytes), own: false });
        }
        Ok(())
    }

    /// Writes a block, which is [`BLOCK_BYTES`] long. Returns when a thread has taken it; an error may be that of an
    /// earlier block, and ends the writer: the same session can be begun again, resumed.
    pub fn write(&self, block: u64, contents: Vec<u8>) -> Result<(), Error> {
        if contents.len() != BLOCK_BYTES {
            return Err(Error::Refused(format!("a block has {BLOCK_BYTES} bytes, not {}", contents.len())));
        }
        self.submit(block, Some(contents))
    }

    /// Makes a block zeros.
    pub fn zero(&self, block: u64) -> Result<(), Error> {
        self.submit(block, None)
    }

    fn submit(&self, block: u64, contents: Option<Vec<u8>>) -> Result<(), Error> {
        let shared = &self.shared;
        shared.check()?;
        let blocks = lock(&shared.tree).head.blocks;
        if block >= blocks {
            return Err(Error::Refused(format!("block {block} lies behind the volume's end at {blocks}")));
        }
        shared.occupy(block);
        lock(&shared.written).blocks += 1;
        let worker = shared.clone();
        self.pool.run(move || {
            let _freed = Busy { shared: &worker, block };
            worker.guard(|| worker.take(block, contents));
        });
        // Not while the tree is locked: without threads the job runs right here.
        let leaving = lock(&shared.tree).leave_one();
        if let Some((number, changes)) = leaving {
            self.write_leaf(number, changes);
        }
        shared.check()
    }

    fn write_leaf(&self, number: u64, changes: Changes) {
        let worker = self.shared.clone();
        self.pool.run(move || {
            worker.guard(|| {
                let link = worker.make(0, number, changes)?;
                lock(&worker.tree).left(number, link);
                Ok(())
            });
        });
    }

    /// Ends the snapshot: once this returns, all of it is durable, and its root can be recorded.
    pub fn commit(self) -> Result<(Root, Written), Error> {
        let shared = &self.shared;
        self.settle()?;
        // A leaf may have been on its way out while more of it changed.
        loop {
            let leaves = lock(&shared.tree).leave_all();
            if leaves.is_empty() {
                break;
            }
            leaves.into_iter().for_each(|(number, changes)| self.write_leaf(number, changes));
            self.settle()?;
        }
        let height = lock(&shared.tree).head.height;
        for level in 1..=height {
            let changed = lock(&shared.tree).changed_above(level);
            for (number, changes) in changed {
                let worker = shared.clone();
                self.pool.run(move || {
                    worker.guard(|| {
                        let link = worker.make(level, number, changes)?;
                        lock(&worker.tree).put(level, number, link);
                        Ok(())
                    });
                });
            }
            self.settle()?;
        }
        let root = shared.finish(height)?;
        let written = *lock(&shared.written);
        Ok((root, written))
    }

    fn settle(&self) -> Result<(), Error> {
        self.pool.settle()?;
        self.shared.check()
    }

    /// What it did so far.
    pub fn progress(&self) -> Written {
        *lock(&self.shared.written)
    }
}

/// No code of a caller's runs under any of these locks, and a panic while one is held fails the writer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Busy<'a> {
    shared: &'a Shared,
    block: u64,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        lock(&self.shared.busy).remove(&self.block);
        self.shared.free.notify_all();
    }
}

impl Shared {
    fn check(&self) -> Result<(), Error> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(lock(&self.failure).clone().unwrap_or(Error::WorkerLost))
    }

    /// Runs a step of a job; its first failure ends the writer.
    fn guard(&self, step: impl FnOnce() -> Result<(), Error>) {
        if self.failed.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = step() {
            lock(&self.failure).get_or_insert(error);
            self.failed.store(true, Ordering::Release);
        }
    }

    fn occupy(&self, block: u64) {
        let mut busy = lock(&self.busy);
        while !busy.insert(block) {
            busy = self.free.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take(&self, block: u64, contents: Option<Vec<u8>>) -> Result<(), Error> {
        let contents = contents.filter(|contents| !is_zero(contents));
        let Some(contents) = contents else {
            lock(&self.written).zero_blocks += 1;
            lock(&self.tree).set(block, None);
            return Ok(());
        };
        let keys = self.store.keys()?;
        let name = self.places.compute(|| keys.name(&contents));
        let link = self.store_chunk(block, name, &contents)?;
        lock(&self.tree).set(block, Some(link));
        Ok(())
    }

    /// Sees to it that a chunk is stored, and says where.
    fn store_chunk(&self, block: u64, name: Name, contents: &[u8]) -> Result<Link, Error> {
        if let Some(link) = self.in_base(block)?.filter(|link| link.name == name) {
            return self.hold(link, contents);
        }
        let (place, known) = self.claim(name);
        if let Some(Known { place, stored_bytes: Some(stored_bytes), own }) = known {
            let link = Link { name, place, blocks: 1, stored_bytes };
            return if own { Ok(link) } else { self.hold(link, contents) };
        }
        let stored_bytes = self.put_chunk(place, &name, contents)?;
        if let Some(known) = lock(&self.known).get_mut(&name) {
            known.stored_bytes = Some(stored_bytes);
        }
        let mut written = lock(&self.written);
        written.new_chunks += 1;
        written.new_bytes += stored_bytes;
        Ok(Link { name, place, blocks: 1, stored_bytes })
    }

    fn in_base(&self, block: u64) -> Result<Option<Link>, Error> {
        match &self.base {
            Some(base) if block < base.blocks() => base.link(block),
            _ => Ok(None),
        }
    }

    /// The place of a chunk that isn't stored, or what is known of one that is. Two threads that meet with the same
    /// contents write the same object twice, rather than one waiting for the other.
    fn claim(&self, name: Name) -> (Place, Option<Known>) {
        let mut known = lock(&self.known);
        if let Some(found) = known.get(&name) {
            return (found.place, Some(*found));
        }
        let place = self.next_place();
        if known.len() < self.options.known_chunks {
            known.insert(name, Known { place, stored_bytes: None, own: true });
        }
        (place, None)
    }

    fn next_place(&self) -> Place {
        let shard = self.objects.fetch_add(1, Ordering::Relaxed) / SHARD_OBJECTS;
        Place { session: self.session, shard: u32::try_from(shard).unwrap_or(u32::MAX) }
    }

    /// Looks at a chunk that another session stored, and puts it right where it is damaged. Its object is written at its
    /// own place, so all snapshots that have it are whole again. That can't meet with its deletion: it belongs to a root.
    fn hold(&self, link: Link, contents: &[u8]) -> Result<Link, Error> {
        let whole = match self.options.trust {
            Trust::Size => self.store.objects.size(&self.store.key(link.place, &link.name))? == Some(link.stored_bytes),
            Trust::Contents => match self.store.check_chunk(&link) {
                Ok(bytes) => bytes == link.stored_bytes,
                Err(Error::Missing { .. } | Error::Corrupt { .. }) => false,
                Err(error) => return Err(error),
            },
        };
        if whole {
            return Ok(link);
        }
        tracing::warn!(chunk = self.store.key(link.place, &link.name), "a damaged chunk is written again");
        let stored_bytes = self.put_chunk(link.place, &link.name, contents)?;
        self.store.objects.sync(&place::folder(&self.store.domain, link.place.session))?;
        lock(&self.written).repaired_chunks += 1;
        Ok(Link { stored_bytes, ..link })
    }

    fn put_chunk(&self, place: Place, name: &Name, contents: &[u8]) -> Result<u64, Error> {
        let keys = self.store.keys()?;
        let object =
            self.places.compute(|| envelope::pack(Kind::Chunk, name, contents, Some(keys), self.options.level));
        self.store.objects.write(&self.store.key(place, name), &object)?;
        Ok(object.len() as u64)
    }

    /// Makes a node anew: as it was, with changes.
    fn make(&self, level: u8, number: u64, changes: Changes) -> Result<Option<Link>, Error> {
        let written = lock(&self.tree).written(level, number);
        let (was, old) = match (written, &self.base) {
            (Some(None), _) | (None, None) => (None, None),
            (Some(Some(link)), _) => (Some(link), Some(self.store.node(&link, level)?)),
            (None, Some(base)) => match base.link_of(level, number)? {
                Some(link) => (Some(link), base.node(level, number)?.map(|node| (*node).clone())),
                None => (None, None),
            },
        };
        let old = old.unwrap_or(Node { level, links: Vec::new() });
        let new = old.with(changes);
        if new.links.is_empty() {
            return Ok(None);
        }
        if new == old {
            return Ok(was);
        }
        let bytes = new.encode();
        let name = Node::name(&bytes);
        let place = self.put_index(Kind::Node, &name, &bytes)?;
        let (blocks, stored_bytes) = new.totals();
        Ok(Some(Link { name, place, blocks, stored_bytes }))
    }

    fn put_index(&self, kind: Kind, name: &Name, bytes: &[u8]) -> Result<Place, Error> {
        let place = self.next_place();
        let object = envelope::pack(kind, name, bytes, None, self.options.level);
        self.store.objects.write(&self.store.key(place, name), &object)?;
        lock(&self.written).index_bytes += object.len() as u64;
        Ok(place)
    }

    fn finish(&self, height: u8) -> Result<Root, Error> {
        let top = {
            let tree = lock(&self.tree);
            let base = self.base.as_ref().map(|base| base.head);
            let top = tree.written(height, 0);
            let top = top.unwrap_or_else(|| base.filter(|base| base.height == height).and_then(|base| base.top));
            Head { top, ..tree.head }
        };
        let bytes = top.encode();
        let name = envelope::index_name(Kind::Manifest, &bytes);
        let place = self.put_index(Kind::Manifest, &name, &bytes)?;
        self.store.objects.sync(&place::folder(&self.store.domain, self.session))?;
        Ok(Root { name, place })
    }

    /// What this session wrote before it was interrupted. Objects appear whole, so what is there needs no second look.
    /// What was never finished only takes room; if a process that should be dead still writes it, that one fails.
    fn find_own(&self) -> Result<(), Error> {
        let folder = place::folder(&self.store.domain, self.session);
        self.store.objects.sync(&folder)?;
        let (mut last_shard, mut unfinished) = (None, Vec::new());
        self.store.objects.list(&folder, &mut |listed| {
            match place::parse(&self.store.domain, &listed.key) {
                Found::Object(place, name) => {
                    last_shard = last_shard.max(Some(place.shard));
                    let mut known = lock(&self.known);
                    if known.len() < self.options.known_chunks {
                        known.insert(name, Known { place, stored_bytes: Some(listed.size_bytes), own: true });
                    }
                }
                Found::Unfinished(_) => unfinished.push(listed.key),
                Found::Foreign => {}
            }
            Ok(())
        })?;
        if !unfinished.is_empty() {
            self.store.objects.delete(&unfinished)?;
        }
        let next = last_shard.map_or(0, |shard| (u64::from(shard) + 1) * SHARD_OBJECTS);
        self.objects.store(next, Ordering::Relaxed);
        Ok(())
    }
}

impl Writer {
    /// Writes all blocks of a snapshot, perhaps of another domain: copying one to another account or key.
    pub fn copy(&self, from: &Manifest) -> Result<(), Error> {
        for block in from.store().read_all(from.chunks(0), None) {
            let (block, contents) = block?;
            self.write(block, contents)?;
        }
        Ok(())
    }
}
