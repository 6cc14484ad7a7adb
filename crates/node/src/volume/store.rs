//! Volumes into the chunk store, and out of it.
//!
//! A snapshot reads what isn't zeros, block by block; what is as in the snapshot that it builds on isn't stored again. It is
//! made under its session as often as it takes: what an attempt stored that was cut off is found by the next one.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use landfall_chunks::{BLOCK_BYTES, Domain, Error, Keys, Manifest, Objects, Options, Root, Session, Store, Writer};
use landfall_model::agent::SnapshotMade;
use landfall_model::plan::SnapshotPlan;
use landfall_model::{AccountId, ChunkRoot};

use super::held;
use super::key::DiskKey;
use super::nbd::Nbd;
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, FetchSecret, TellProgress};

/// How much of a disk is asked about at once, in bytes: a whole number of blocks.
const WINDOW_BYTES: u32 = 1 << 30;
const BLOCK: u64 = BLOCK_BYTES as u64;
/// After how many blocks it is asked again whether there is room.
const ROOM_BLOCKS: u64 = 64;

/// Whether there is room for so many bytes more, besides what stays free for the machine itself.
pub type Room<'r> = dyn Fn(u64) -> DriverResult<()> + 'r;

/// The chunk store as a host uses it. Secrets of domains are asked for when they are needed, and not kept.
#[derive(Clone)]
pub struct SnapshotStore {
    objects: Arc<dyn Objects>,
    fetch: Arc<OnceLock<Arc<FetchSecret>>>,
}

impl fmt::Debug for SnapshotStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotStore")
    }
}

impl SnapshotStore {
    /// Over those objects.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, fetch: Arc::default() }
    }

    /// Says how secrets are fetched. The first word counts.
    pub fn learn(&self, fetch: Arc<FetchSecret>) {
        let _ = self.fetch.set(fetch);
    }

    /// An account's part of the store, where chunks are sealed if there is a key for that.
    fn domain(&self, account: AccountId, key: Option<&DiskKey>) -> DriverResult<Store> {
        let keys = match key {
            Some(key) => Keys::sealed(&key.chunk_secret()),
            None => {
                let fetch = self.fetch.get().ok_or_else(|| DriverError::Later("the agent isn't started yet".into()))?;
                Keys::open(&fetch(account)?)
            }
        };
        let domain: Domain = account.to_string().parse().map_err(|error| failed(&error))?;
        Ok(Store::new(self.objects.clone(), domain, keys))
    }

    /// Stores a disk. What is zeros is told by the disk and not read. What it is to build on only saves room: where that
    /// can't be read, it is done without.
    pub fn save(
        &self,
        disk: &mut Nbd,
        plan: &SnapshotPlan,
        key: Option<&DiskKey>,
        room: &Room<'_>,
        tell: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        self.save_from(disk, None, plan, key, room, tell).map_err(|trouble| trouble.told(of_disk))
    }

    /// Stores what a guest holds of a disk. Where it is told what changed since the snapshot that it is to build on, nothing
    /// else is read.
    pub fn save_held(
        &self,
        disk: &mut Nbd,
        changes: Option<Nbd>,
        plan: &SnapshotPlan,
        key: Option<&DiskKey>,
        room: &Room<'_>,
        tell: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        self.save_from(disk, changes, plan, key, room, tell).map_err(|trouble| trouble.told(held::explain))
    }

    fn save_from(
        &self,
        disk: &mut Nbd,
        changes: Option<Nbd>,
        plan: &SnapshotPlan,
        key: Option<&DiskKey>,
        room: &Room<'_>,
        tell: &TellProgress<'_>,
    ) -> Result<SnapshotMade, Trouble> {
        let store = self.domain(plan.domain, key).map_err(Trouble::Driver)?;
        match save_over(Source { disk, changes }, plan, &store, plan.base.as_ref(), room, tell) {
            Err(Trouble::Store(error @ (Error::Missing { .. } | Error::Corrupt { .. }))) if plan.base.is_some() => {
                tracing::warn!(snapshot = %plan.id, %error, "what a snapshot is to build on can't be read");
                save_over(Source { disk, changes: None }, plan, &store, None, room, tell)
            }
            built => built,
        }
    }

    /// Writes what is in the store to a disk of zeros, and has it be durable.
    pub fn restore(
        &self,
        root: &ChunkRoot,
        key: Option<&DiskKey>,
        disk: &mut Nbd,
        room: &Room<'_>,
    ) -> DriverResult<()> {
        let store = self.domain(root.domain, key)?;
        let manifest = open(&store, &root.root).map_err(|error| failed(&error))?;
        if manifest.blocks() * BLOCK > disk.size_bytes().next_multiple_of(BLOCK) {
            return Err(DriverError::Final("A volume is smaller than the snapshot that it is made of".into()));
        }
        // Before any of it is written: what doesn't fit would only take the room of others until it failed.
        room(manifest.written_blocks() * BLOCK)?;
        for (written, read) in (0u64..).zip(store.read_all(manifest.chunks(0), None)) {
            if written.is_multiple_of(ROOM_BLOCKS) {
                room(0)?;
            }
            let (block, contents) = read.map_err(|error| failed(&error))?;
            // What is behind the end of a disk is what its last block was filled up with.
            let bytes = disk.size_bytes().saturating_sub(block * BLOCK).min(BLOCK) as usize;
            disk.write(block * BLOCK, &contents[..bytes]).map_err(|error| of_disk(&error))?;
        }
        disk.flush().map_err(|error| of_disk(&error))
    }
}

fn open(store: &Store, root: &str) -> Result<Manifest, Error> {
    let root: Root = root.parse()?;
    Manifest::open(store, &root)
}

/// What a snapshot is made of.
struct Source<'d> {
    disk: &'d mut Nbd,
    /// Tells what may have changed since what it is to build on.
    changes: Option<Nbd>,
}

/// Stores a disk over what it is to build on.
fn save_over(
    Source { disk, changes }: Source<'_>,
    plan: &SnapshotPlan,
    store: &Store,
    base: Option<&String>,
    room: &Room<'_>,
    tell: &TellProgress<'_>,
) -> Result<SnapshotMade, Trouble> {
    // The volume may have grown since.
    let asked = if plan.size_bytes == 0 { u64::MAX } else { plan.size_bytes };
    let size_bytes = disk.size_bytes().min(asked);
    let blocks = size_bytes.div_ceil(BLOCK);
    let base = base.map(|base| open(store, base)).transpose()?;
    let base = base.filter(|base| base.blocks() <= blocks).map(Arc::new);
    // Whether it was begun before isn't remembered: it is looked up.
    let options = Options { resumed: true, ..Options::default() };
    let writer = Writer::begin(store, Session(plan.session), blocks, base.clone(), options)?;
    let saving = Saving { writer, base, size_bytes, room, tell, read: Cell::new(0), told: Cell::new(0) };
    // What isn't told to have changed is as in the base, and in nothing else.
    match changes.filter(|_| saving.base.is_some()) {
        Some(changes) => saving.changes(disk, changes)?,
        None => saving.range(disk, 0, size_bytes)?,
    }
    let (root, _) = saving.writer.commit()?;
    crash_point!("snapshot:committed");
    let manifest = Manifest::open(store, &root)?;
    Ok(SnapshotMade { root: root.to_string(), full_bytes: manifest.written_blocks() * BLOCK })
}

/// Who is at fault.
enum Trouble {
    Store(Error),
    Disk(io::Error),
    Driver(DriverError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Store(error)
    }
}

impl Trouble {
    /// The same, to be told; what a disk said means what the caller knows of that disk.
    fn told(self, of_disk: impl FnOnce(&io::Error) -> DriverError) -> DriverError {
        match self {
            Trouble::Store(error) => failed(&error),
            Trouble::Disk(error) => of_disk(&error),
            Trouble::Driver(error) => error,
        }
    }
}

/// A snapshot that is being written.
struct Saving<'r> {
    writer: Writer,
    base: Option<Arc<Manifest>>,
    /// How much of the disk it is made of.
    size_bytes: u64,
    room: &'r Room<'r>,
    tell: &'r TellProgress<'r>,
    /// How many blocks were read.
    read: Cell<u64>,
    /// Which progress was told last.
    told: Cell<u8>,
}

impl Saving<'_> {
    /// Stores the blocks of a disk that may have changed. Of what lies behind the end of the base nothing is known: the disk
    /// may have been larger already when that was made, and written to.
    fn changes(&self, disk: &mut Nbd, mut changes: Nbd) -> Result<(), Trouble> {
        let base_bytes = self.base.as_ref().map_or(0, |base| base.blocks() * BLOCK);
        let known = base_bytes.min(self.size_bytes);
        // Up to where the disk is looked at, and up to where it is stored: to the end of a block.
        let (mut at, mut stored) = (0, 0);
        while at < known {
            let bytes = u32::try_from(known - at).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
            for extent in changes.extents(at, bytes).map_err(Trouble::Disk)? {
                let end = (at + extent.bytes).min(known);
                if extent.is_dirty() {
                    let until = end.next_multiple_of(BLOCK).min(known);
                    self.range(disk, stored.max(at / BLOCK * BLOCK), until)?;
                    stored = until;
                }
                at = end;
            }
            self.reached(at);
        }
        self.range(disk, known, self.size_bytes)
    }

    /// Stores the blocks of a part of a disk, which begins and ends with one.
    fn range(&self, disk: &mut Nbd, from: u64, until: u64) -> Result<(), Trouble> {
        let mut at = from;
        while at < until {
            at = self.window(disk, at, until.min(at + u64::from(WINDOW_BYTES)))?;
            crash_point!("snapshot:window");
        }
        Ok(())
    }

    /// Stores the blocks of a window of a disk. Returns where the next one begins.
    fn window(&self, disk: &mut Nbd, from: u64, until: u64) -> Result<u64, Trouble> {
        let (mut at, mut block) = (from, from / BLOCK);
        // The end of what is known to hold something: a block that reaches into it is read.
        let mut filled_until = from;
        while at < until {
            let bytes = u32::try_from(until - at).unwrap_or(WINDOW_BYTES);
            for extent in disk.extents(at, bytes).map_err(Trouble::Disk)? {
                let end = (at + extent.bytes).min(until);
                if extent.is_zero() {
                    block = self.blocks(disk, block, filled_until.div_ceil(BLOCK))?;
                    let whole = if end == self.size_bytes { end.div_ceil(BLOCK) } else { end / BLOCK };
                    block = self.zeros(block, whole)?;
                } else {
                    filled_until = end;
                }
                at = end;
                if at >= until {
                    break;
                }
            }
        }
        self.blocks(disk, block, until.div_ceil(BLOCK))?;
        self.reached(until);
        Ok(until)
    }

    /// Tells how far it is, if that is further than before.
    fn reached(&self, at: u64) {
        let percent = u8::try_from(u128::from(at) * 100 / u128::from(self.size_bytes.max(1))).unwrap_or(100);
        if percent > self.told.replace(percent.max(self.told.get())) {
            (self.tell)(percent);
        }
    }

    /// Stores blocks that may hold something. Returns the next one.
    fn blocks(&self, disk: &mut Nbd, from: u64, until: u64) -> Result<u64, Trouble> {
        for block in from..until {
            if self.read.get().is_multiple_of(ROOM_BLOCKS) {
                (self.room)(0).map_err(Trouble::Driver)?;
            }
            self.read.set(self.read.get() + 1);
            self.reached(block * BLOCK);
            let start = block * BLOCK;
            let bytes = (self.size_bytes - start).min(BLOCK);
            // The last block of a disk is filled up with zeros.
            let mut contents = vec![0; BLOCK_BYTES];
            disk.read(start, &mut contents[..bytes as usize]).map_err(Trouble::Disk)?;
            self.writer.write(block, contents)?;
        }
        Ok(until.max(from))
    }

    /// Makes blocks zeros that aren't in what the snapshot builds on. Returns the next one.
    fn zeros(&self, from: u64, until: u64) -> Result<u64, Trouble> {
        let base = self.base.iter().filter(|base| from < base.blocks());
        for chunk in base.flat_map(|base| base.chunks(from)) {
            let (block, _) = chunk?;
            if block >= until {
                break;
            }
            self.writer.zero(block)?;
        }
        Ok(until.max(from))
    }
}

fn of_disk(error: &io::Error) -> DriverError {
    DriverError::Retry(format!("the volume can't be read or written: {error}"))
}

/// What the store said. Only what a person must put right is final; a full disk may have room again.
fn failed(error: &Error) -> DriverError {
    let words = format!("the store of snapshots: {error}");
    if error.may_try_again() || error.is_full() { DriverError::Retry(words) } else { DriverError::Final(words) }
}
