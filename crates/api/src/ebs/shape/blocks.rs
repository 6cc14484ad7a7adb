//! The blocks that a snapshot has.

use landfall_chunks::{Error, Manifest, Root, Store};
use landfall_model::{Contents, Snapshot};

use crate::error::ApiError;
use crate::outside::Outside;

/// What a snapshot's blocks are read from, whoever's chunks they are. It is cheap to make: nothing is read.
pub struct Blocks(Option<(Store, Root)>);

/// A block that differs between two snapshots, and which of them has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which block.
    pub block: u64,
    /// Whether the first has it; otherwise it is zeros there.
    pub in_first: bool,
    /// Whether the second has.
    pub in_second: bool,
}

/// A page, and whether there is more.
pub struct Read<T> {
    /// What is on it.
    pub list: Vec<T>,
    /// The block that the next one begins with.
    pub next: Option<u64>,
}

impl Blocks {
    /// Those of a snapshot that is whole.
    pub fn of(outside: &Outside, row: &Snapshot) -> Result<Self, ApiError> {
        let root = match row.contents() {
            Some(Contents::Chunks(root)) => root,
            Some(Contents::Zeros) => return Ok(Self(None)),
            // It has no chunks of its own: its volume was never used, and is the image still.
            Some(Contents::Image(_)) => {
                return Err(ApiError::unsupported(
                    "reading the blocks of a snapshot that nothing was written to since its image",
                ));
            }
            None => return Err(ApiError::internal()),
        };
        let Some(store) = outside.blocks.domain(&outside.vault, root.domain)? else { return Ok(Self(None)) };
        let parsed = root.root.parse().map_err(|error: Error| {
            tracing::error!(snapshot = %row.id, %error, "a snapshot's root can't be read");
            ApiError::internal()
        })?;
        Ok(Self(Some((store, parsed))))
    }

    /// Whether those of both can be compared without reading them: their chunks are named by one account's key.
    pub fn are_comparable(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some((one, _)), Some((other, _))) => one.domain() == other.domain(),
            _ => true,
        }
    }

    fn open(&self) -> Result<Option<Manifest>, Error> {
        self.0.as_ref().map(|(store, root)| Manifest::open(store, root)).transpose()
    }

    /// The blocks that hold something, from one on.
    pub fn list(&self, from: u64, limit: usize) -> Result<Read<u64>, Error> {
        let manifest = self.open()?;
        let chunks = manifest.iter().flat_map(|manifest| manifest.chunks(from));
        page(chunks.map(|chunk| chunk.map(|(block, _)| block)), limit, |block| *block)
    }

    /// The blocks that differ in a later snapshot, from one on.
    pub fn changes(&self, second: &Self, from: u64, limit: usize) -> Result<Read<Change>, Error> {
        let one_sided = |manifest: &Manifest, in_second: bool| {
            let chunks = manifest.chunks(from);
            let change = |block| Change { block, in_first: !in_second, in_second };
            page(chunks.map(|chunk| chunk.map(|(block, _)| change(block))), limit, |change| change.block)
        };
        match (self.open()?, second.open()?) {
            (None, None) => Ok(Read { list: Vec::new(), next: None }),
            (Some(first), None) => one_sided(&first, false),
            (None, Some(second)) => one_sided(&second, true),
            (Some(first), Some(second)) => {
                let differences = first.differences(&second, from)?.map(|found| {
                    found.map(|found| Change {
                        block: found.block,
                        in_first: found.first.is_some(),
                        in_second: found.second.is_some(),
                    })
                });
                page(differences, limit, |change| change.block)
            }
        }
    }

    /// The contents of a block; nothing where it is zeros, or behind the end.
    pub fn read(&self, block: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.open()? {
            Some(manifest) if block < manifest.blocks() => manifest.read(block),
            _ => Ok(None),
        }
    }
}

fn page<T>(
    found: impl Iterator<Item = Result<T, Error>>,
    limit: usize,
    block: impl Fn(&T) -> u64,
) -> Result<Read<T>, Error> {
    let mut list = Vec::new();
    for one in found {
        let one = one?;
        if list.len() == limit {
            return Ok(Read { list, next: Some(block(&one)) });
        }
        list.push(one);
    }
    Ok(Read { list, next: None })
}
