//! The chunk store: snapshots of volumes as chunks that are named by their contents, compressed, verified at each read,
//! written only where something changed, and collected when no snapshot has them any more.
//!
//! It knows no resource of the cloud. A caller gives blocks to a [`Writer`] and gets a [`Root`], which it records; opens a
//! root as a [`Manifest`] and reads single blocks ([`Manifest::read`]), all of them ([`Manifest::chunks`],
//! [`Store::read_all`]) or what differs ([`Manifest::differences`]); and calls [`collect()`] and [`scrub()`]. It is
//! synchronous and brings its threads along: call it from where waiting is allowed.
//!
//! # Blocks, chunks, names
//! A block is 512 KiB of a volume, as EBS's direct APIs have it, so a chunk is what `GetSnapshotBlock` serves. A block of
//! zeros has no chunk. A chunk's name is BLAKE3 over its contents, keyed by its *domain* ([`Domain`], [`Keys`]: an account
//! with an encryption key), so equal data of two tenants has different names, and nobody can ask for data by its hash.
//! Contents are compressed where that saves something, and sealed where the domain is (decision 0026).
//!
//! # The index
//! A tree of nodes with 256 links, named by their contents too (`node.rs`): a snapshot shares with its base all that
//! didn't change, and deleting one never touches another. The index isn't sealed: it consists of keyed names, and a
//! collection must go on when a tenant's key is out of reach.
//!
//! # Sessions, and why a collection never takes what is needed
//! The classic race of such stores: a writer finds that a chunk is there and refers to it; a collector has just found that
//! nobody refers to it and deletes it. Leases and ages can only make it rare: a writer may be slow, a delete may be late, a
//! clock may be wrong. Here it can't occur, by where objects lie. Each run of a writer is a *session* with a number of its
//! own, and **all that it writes lies under its number** ([`Place`]). A link has the place beside the name.
//!
//! What the caller's *authority* (for Landfall: the cloud's value, with its transactions) owes:
//!
//! 1. Session numbers rise, and none is given twice.
//! 2. A session is *open* from before its first write until the authority either records its root, or ends it without one.
//!    Both are one transaction; a root of a session that isn't open is refused, and a deleted one never comes back.
//! 3. What an open session builds on (its base, and what it learned from) is a root when the session takes it up, and is
//!    still listed as one until the session isn't open any more, also if the snapshot is deleted meanwhile.
//!    Whoever reads a snapshot (a volume that still fills in) keeps it listed likewise.
//! 4. A [`View`] (roots, open sessions, the next number) is read at one moment.
//!
//! Then a collection with the view of a moment T deletes an object only if no root of T reaches it, and the session that
//! wrote it was over at T. *No root that is ever recorded after T reaches such an object.* For take the first such root, of
//! session S. S was open at T or began after T, so the object isn't S's own: it came from a root B that S builds on. If S was open at T
//! and had taken B up, B was listed at T (3), and the object reached. Otherwise S took B up after T, as a root: either
//! B was a root at T, and the object reached; or B was recorded after T and reaches the object, before S did: but S was the
//! first. So garbage stays garbage, and it doesn't matter how late a delete arrives, how old or incomplete a listing is,
//! whether collectors run beside each other, or who crashes where. Nothing rests on a clock, on an order, or on
//! a compare-and-swap, which object stores and folders don't all have.
//!
//! The price: equal contents are stored once only within what a session builds on (and within itself), not across all that
//! lies in the domain. That is what snapshots of a volume, of volumes from one image, and repeated full reads need; two
//! volumes that got the same files apart from each other are stored twice.
//!
//! A session that ended without a root leaves objects, and a process that didn't hear of its end may write more: the next
//! collection takes them. An interrupted session that is still open goes on where it was ([`Options::resumed`]).
//!
//! A repair ([`Trust`]) writes an object again at its old place, under another session. It is one that a listed root
//! reaches, so by the same argument no collection deletes it.
//!
//! # Crashes
//! Objects appear whole or not at all. [`Writer::commit`] returns after everything that its root reaches is durable
//! (`folder.rs` says in which order); before that nobody knows the root. So at any instant a crash leaves whole
//! snapshots, and things that no root reaches.

mod ahead;
mod bucket;
mod collect;
mod diff;
mod domain;
mod envelope;
mod error;
mod folder;
mod manifest;
mod mark;
mod memory;
mod node;
mod objects;
mod own;
mod place;
mod pool;
mod scrub;
mod store;
mod tree;
mod writer;

pub use ahead::ReadAhead;
pub use bucket::{Bucket, BucketOptions, Secret};
pub use collect::{Collected, View, collect};
pub use diff::{Difference, Differences};
pub use domain::{Domain, Keys};
pub use envelope::Kind;
pub use error::{Error, StoreError, Trouble};
pub use folder::Folder;
pub use manifest::{Chunks, Manifest};
pub use memory::Memory;
pub use node::Link;
pub use objects::{Listed, Objects, Visit};
pub use own::own_bytes;
pub use place::{Name, Place, Root, Session};
pub use scrub::{Damage, Scrubbed, scrub};
pub use store::Store;
pub use writer::{Options, Trust, Writer, Written};

/// A block of a volume: what one chunk holds.
pub const BLOCK_BYTES: usize = 512 << 10;

static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Whether it is all zeros; tells at once of what isn't. A block at most.
pub fn is_zero(contents: &[u8]) -> bool {
    ZEROS.get(..contents.len()).is_some_and(|zeros| zeros == contents)
}
