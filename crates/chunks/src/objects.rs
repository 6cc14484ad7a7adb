//! What the chunk store asks of the place where objects lie: little enough for a folder and for anything like S3.
//!
//! No call depends on another's order, no compare-and-swap is asked for, a listing may be late or incomplete, and no
//! clock is read: the collection's argument (see the crate's documentation) needs none of them.

use bytes::Bytes;

use crate::StoreError;

/// One object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key, from the store's root on.
    pub key: String,
    /// Its size.
    pub size_bytes: u64,
}

/// A place for objects. Keys are paths of lower-case letters, digits, `-`, `.` and `/`.
pub trait Objects: Send + Sync {
    /// Writes an object whole, or replaces it whole: no reader ever sees a part. From here on [`Objects::read`] of this
    /// process finds it; it is durable only after [`Objects::sync`].
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError>;
    /// The whole object, or nothing where there is none.
    fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError>;
    /// The object's size, or nothing where there is none.
    fn size(&self, key: &str) -> Result<Option<u64>, StoreError>;
    /// Removes objects. One that isn't there is no error.
    fn delete(&self, keys: &[String]) -> Result<(), StoreError>;
    /// Names every object below a folder, in no order. `visit` may delete what it was told of.
    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError>;
    /// Returns once everything that was written below this session's folder is durable, by whatever process.
    fn sync(&self, folder: &str) -> Result<(), StoreError>;
    /// How many calls at a time are worth while: a disk wants few, a store across a network many.
    fn parallel(&self) -> usize;
}

/// Is told of each object; its own error ends the listing.
pub type Visit<'a> = &'a mut dyn FnMut(Listed) -> Result<(), StoreError>;
