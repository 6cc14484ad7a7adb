//! How an object lies in the store: a header, and contents that may be compressed and sealed.
//!
//! ```text
//! 0  magic "LFO1"        8  length of the contents, u32
//! 4  kind                12 BLAKE3 of the other header bytes and the payload, the first 16 bytes
//! 5  1 zstd, 2 sealed    28 payload
//! 6  zero, zero
//! ```
//!
//! The checksum in the header is what a scrub without the domain's keys can check, and is over what lies there, so it
//! tells of sealed contents nothing. With keys, the name is the check: over the contents as they were before all this.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::domain::Keys;
use crate::{BLOCK_BYTES, Name};

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A block's contents.
    Chunk = 1,
    /// A node of an index.
    Node = 2,
    /// A snapshot's manifest.
    Manifest = 3,
}

const MAGIC: &[u8; 4] = b"LFO1";
const HEADER: usize = 28;
const ZSTD: u8 = 1;
const SEALED: u8 = 2;
/// No index object is longer; a reader never unpacks more.
const MAX_INDEX_BYTES: usize = 32 << 10;
const CHECKSUM_CONTEXT: &str = "landfall-chunks 1 stored object";

/// Packs contents. Only chunks are sealed: collection must be able to walk an index when a tenant's key is out of reach.
pub fn pack(kind: Kind, name: &Name, contents: &[u8], keys: Option<&Keys>, level: i32) -> Vec<u8> {
    let mut flags = 0;
    let mut payload = match compress(contents, level) {
        Some(smaller) => {
            flags |= ZSTD;
            smaller
        }
        None => contents.to_vec(),
    };
    let length = u32::try_from(contents.len()).expect("contents are bounded").to_le_bytes();
    if let Some(keys) = keys.filter(|keys| kind == Kind::Chunk && keys.is_sealed()) {
        flags |= SEALED;
        keys.seal(name, &about(kind, flags, length, name), &mut payload);
    }
    let mut object = Vec::with_capacity(HEADER + payload.len());
    object.extend_from_slice(MAGIC);
    object.extend_from_slice(&[kind as u8, flags, 0, 0]);
    object.extend_from_slice(&length);
    object.extend_from_slice(&checksum(&object, &payload));
    object.extend_from_slice(&payload);
    object
}

/// What is authenticated with sealed contents.
fn about(kind: Kind, flags: u8, length: [u8; 4], name: &Name) -> [u8; 38] {
    let mut about = [0; 38];
    about[0] = kind as u8;
    about[1] = flags;
    about[2..6].copy_from_slice(&length);
    about[6..].copy_from_slice(&name.0);
    about
}

fn checksum(head: &[u8], payload: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(CHECKSUM_CONTEXT);
    hasher.update(head);
    hasher.update(payload);
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}

struct Header {
    flags: u8,
    length: [u8; 4],
}

fn header(kind: Kind, object: &[u8]) -> Result<Header, &'static str> {
    if object.len() < HEADER || &object[..4] != MAGIC {
        return Err("it doesn't begin as an object of the chunk store");
    }
    if object[4] != kind as u8 || object[5] & !(ZSTD | SEALED) != 0 || object[6..8] != [0, 0] {
        return Err("it is of another kind");
    }
    Ok(Header { flags: object[5], length: [object[8], object[9], object[10], object[11]] })
}

/// Checks what lies there by the header alone.
pub fn check(kind: Kind, object: &[u8]) -> Result<(), &'static str> {
    header(kind, object)?;
    if checksum(&object[..12], &object[HEADER..]) == object[12..HEADER] {
        Ok(())
    } else {
        Err("its checksum doesn't fit")
    }
}

/// The contents of a chunk, held to its name.
pub fn unpack_chunk(name: &Name, object: Vec<u8>, keys: &Keys) -> Result<Vec<u8>, &'static str> {
    let Header { flags, length } = header(Kind::Chunk, &object)?;
    if u32::from_le_bytes(length) as usize != BLOCK_BYTES {
        return Err("it isn't as long as a block");
    }
    // What lies in a sealed domain must be sealed: else who can write to the store could swap contents that they know.
    if (flags & SEALED != 0) != keys.is_sealed() {
        return Err(if keys.is_sealed() {
            "it isn't sealed"
        } else {
            "it is sealed, and this domain has no key for it"
        });
    }
    let mut object = object;
    let payload: &[u8] = if flags & SEALED == 0 {
        &object[HEADER..]
    } else {
        let about = about(Kind::Chunk, flags, length, name);
        keys.unseal(name, &about, &mut object[HEADER..]).ok_or("its seal is broken")?
    };
    let contents = if flags & ZSTD != 0 { decompress(payload, BLOCK_BYTES)? } else { payload.to_vec() };
    if contents.len() != BLOCK_BYTES || keys.name(&contents) != *name {
        return Err("its contents aren't those that its name says");
    }
    Ok(contents)
}

/// The contents of an index object, held to its name.
pub fn unpack_index(kind: Kind, name: &Name, object: &[u8]) -> Result<Vec<u8>, &'static str> {
    let Header { flags, length } = header(kind, object)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_INDEX_BYTES || flags & SEALED != 0 {
        return Err("no index looks like it");
    }
    let payload = &object[HEADER..];
    let contents = if flags & ZSTD != 0 { decompress(payload, length)? } else { payload.to_vec() };
    if contents.len() != length || index_name(kind, &contents) != *name {
        return Err("its contents aren't those that its name says");
    }
    Ok(contents)
}

/// The name of an index object.
pub fn index_name(kind: Kind, contents: &[u8]) -> Name {
    let context = match kind {
        Kind::Manifest => "landfall-chunks 1 manifest",
        _ => "landfall-chunks 1 index node",
    };
    Name(*blake3::Hasher::new_derive_key(context).update(contents).finalize().as_bytes())
}

thread_local! {
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// How much of a block is tried first, in this many pieces from all over it.
const SAMPLES: usize = 8;
const SAMPLE_BYTES: usize = 4 << 10;

/// The compressed contents, where that saves at least a thirty-second: else reading would pay for nothing.
fn compress(contents: &[u8], level: i32) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if !matches!(slot, Some((at, _)) if *at == level) {
            *slot = Some((level, Compressor::new(level).ok()?));
        }
        let (_, compressor) = slot.as_mut()?;
        if contents.len() > 4 * SAMPLES * SAMPLE_BYTES {
            // Encrypted and already compressed data is most of what doesn't compress, and is so everywhere.
            let stride = contents.len() / SAMPLES;
            let mut sample = Vec::with_capacity(SAMPLES * SAMPLE_BYTES);
            for piece in contents.chunks_exact(stride).take(SAMPLES) {
                sample.extend_from_slice(&piece[..SAMPLE_BYTES]);
            }
            let small = compressor.compress(&sample).ok()?;
            if small.len() > sample.len() - sample.len() / 32 {
                return None;
            }
        }
        let small = compressor.compress(contents).ok()?;
        (small.len() <= contents.len() - contents.len() / 32).then_some(small)
    })
}

fn decompress(payload: &[u8], most: usize) -> Result<Vec<u8>, &'static str> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Decompressor::new().ok();
        }
        let decompressor = slot.as_mut().ok_or("there is no memory to decompress it")?;
        decompressor.decompress(payload, most).map_err(|_| "it doesn't decompress")
    })
}

#[cfg(test)]
mod tests;
