//! Index nodes and manifests, as bytes.
//!
//! A snapshot's index is a tree of 256 links a node, over the volume's blocks by their numbers: a leaf names 256 chunks
//! (128 MiB of volume), a node above it 256 nodes. Nodes are named by their contents and never change, so snapshots share
//! all of the tree in which they don't differ, and two are compared in the time of what differs. An absent link is a range of zeros.
//!
//! A node's columns lie one after the other, since sessions and shards mostly repeat: compressed, a link takes little
//! more than the 32 bytes of its name.

use crate::envelope::{self, Kind};
use crate::{Name, Place, Session};

/// How many links a node has.
pub const FAN_OUT: u64 = 256;
/// More levels than this no index has: 2³² blocks are two pebibytes.
pub const MAX_HEIGHT: u8 = 3;

/// What an index says of a chunk, or of a node with all that hangs below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which object.
    pub name: Name,
    /// Where it lies.
    pub place: Place,
    /// How many written blocks it stands for.
    pub blocks: u64,
    /// What their chunks take in the store.
    pub stored_bytes: u64,
}

/// A node: its links with their positions, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// 0 for one whose links are chunks.
    pub level: u8,
    /// In the order of their positions.
    pub links: Vec<(u8, Link)>,
}

const NODE: &[u8; 4] = b"LFN1";
const MANIFEST: &[u8; 4] = b"LFM1";

impl Node {
    /// The link at a position.
    pub fn link(&self, slot: u8) -> Option<Link> {
        self.links.binary_search_by_key(&slot, |(at, _)| *at).ok().map(|at| self.links[at].1)
    }

    /// How many blocks, and what they take.
    pub fn totals(&self) -> (u64, u64) {
        self.links.iter().fold((0, 0), |(blocks, bytes), (_, link)| (blocks + link.blocks, bytes + link.stored_bytes))
    }

    /// The node with some links put, replaced or taken out; both in the order of positions.
    pub fn with(&self, changes: impl IntoIterator<Item = (u8, Option<Link>)>) -> Self {
        let mut slots = [None; FAN_OUT as usize];
        for (slot, link) in &self.links {
            slots[usize::from(*slot)] = Some(*link);
        }
        for (slot, link) in changes {
            slots[usize::from(slot)] = link;
        }
        let links = (0..=u8::MAX).filter_map(|slot| Some((slot, slots[usize::from(slot)]?))).collect();
        Self { level: self.level, links }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.links.len() * 60);
        bytes.extend_from_slice(NODE);
        bytes.push(self.level);
        let mut present = [0u8; 32];
        for (slot, _) in &self.links {
            present[usize::from(slot / 8)] |= 1 << (slot % 8);
        }
        bytes.extend_from_slice(&present);
        let links = || self.links.iter().map(|(_, link)| link);
        links().for_each(|link| bytes.extend_from_slice(&link.place.session.0.to_le_bytes()));
        links().for_each(|link| bytes.extend_from_slice(&link.place.shard.to_le_bytes()));
        links().for_each(|link| bytes.extend_from_slice(&link.stored_bytes.to_le_bytes()));
        if self.level > 0 {
            links().for_each(|link| bytes.extend_from_slice(&link.blocks.to_le_bytes()));
        }
        links().for_each(|link| bytes.extend_from_slice(&link.name.0));
        bytes
    }

    /// From the bytes of one of this level; nothing where they aren't that to the last byte.
    pub fn decode(bytes: &[u8], level: u8) -> Option<Self> {
        let mut rest = bytes;
        if take::<4>(&mut rest)? != *NODE || take::<1>(&mut rest)? != [level] {
            return None;
        }
        let present: [u8; 32] = take(&mut rest)?;
        let slots = || (0..=u8::MAX).filter(|slot| present[usize::from(slot / 8)] & 1 << (slot % 8) != 0);
        let count = slots().count();
        let column =
            |rest: &mut &[u8]| (0..count).map(|_| take(rest).map(u64::from_le_bytes)).collect::<Option<Vec<_>>>();
        let sessions = column(&mut rest)?;
        let shards = (0..count).map(|_| take(&mut rest).map(u32::from_le_bytes)).collect::<Option<Vec<_>>>()?;
        let stored = column(&mut rest)?;
        let blocks = if level > 0 { column(&mut rest)? } else { vec![1; count] };
        let mut links = Vec::with_capacity(count);
        for (n, slot) in slots().enumerate() {
            let place = Place { session: Session(sessions[n]), shard: shards[n] };
            let name = Name(take(&mut rest)?);
            links.push((slot, Link { name, place, blocks: blocks[n], stored_bytes: stored[n] }));
        }
        (rest.is_empty() && count > 0).then_some(Self { level, links })
    }

    /// The name of these bytes.
    pub fn name(bytes: &[u8]) -> Name {
        envelope::index_name(Kind::Node, bytes)
    }
}

/// What stands above a snapshot's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The volume's size.
    pub blocks: u64,
    /// The level of the topmost node.
    pub height: u8,
    /// That node, where anything is written at all.
    pub top: Option<Link>,
}

impl Head {
    /// Of an empty volume.
    pub fn empty(blocks: u64) -> Self {
        Self { blocks, height: height(blocks), top: None }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(80);
        bytes.extend_from_slice(MANIFEST);
        bytes.extend_from_slice(&self.blocks.to_le_bytes());
        bytes.push(self.height);
        if let Some(top) = &self.top {
            bytes.extend_from_slice(&top.place.session.0.to_le_bytes());
            bytes.extend_from_slice(&top.place.shard.to_le_bytes());
            bytes.extend_from_slice(&top.blocks.to_le_bytes());
            bytes.extend_from_slice(&top.stored_bytes.to_le_bytes());
            bytes.extend_from_slice(&top.name.0);
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        if take::<4>(&mut rest)? != *MANIFEST {
            return None;
        }
        let blocks = u64::from_le_bytes(take(&mut rest)?);
        let [height_] = take::<1>(&mut rest)?;
        let mut head = Self { blocks, height: height_, top: None };
        if !rest.is_empty() {
            let session = Session(u64::from_le_bytes(take(&mut rest)?));
            let place = Place { session, shard: u32::from_le_bytes(take(&mut rest)?) };
            let (blocks, stored_bytes) = (u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?));
            head.top = Some(Link { name: Name(take(&mut rest)?), place, blocks, stored_bytes });
        }
        (rest.is_empty() && height_ <= MAX_HEIGHT && height_ == height(blocks)).then_some(head)
    }
}

/// The level of the one node that is over all blocks.
pub fn height(blocks: u64) -> u8 {
    let mut height = 0;
    while height < MAX_HEIGHT && blocks > FAN_OUT.pow(u32::from(height) + 1) {
        height += 1;
    }
    height
}

/// The first block below a node.
pub fn first_block(level: u8, number: u64) -> u64 {
    number << (8 * (u32::from(level) + 1))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link() -> impl Strategy<Value = Link> {
        (any::<[u8; 32]>(), any::<u64>(), any::<u32>(), 1..1u64 << 32, 0..1u64 << 32).prop_map(
            |(name, session, shard, blocks, stored_bytes)| Link {
                name: Name(name),
                place: Place { session: Session(session), shard },
                blocks,
                stored_bytes,
            },
        )
    }

    proptest! {
        #[test]
        fn nodes_come_back(level in 0u8..4, links in prop::collection::btree_map(any::<u8>(), link(), 1..40)) {
            let links = links.into_iter().map(|(slot, link)| {
                (slot, if level == 0 { Link { blocks: 1, ..link } } else { link })
            });
            let node = Node { level, links: links.collect() };
            let bytes = node.encode();
            let decoded = Node::decode(&bytes, level);
            prop_assert_eq!(decoded.as_ref(), Some(&node));
            prop_assert_eq!(Node::decode(&bytes, level + 1), None);
            prop_assert_eq!(Node::decode(&bytes[..bytes.len() - 1], level), None);
            for (slot, link) in &node.links {
                prop_assert_eq!(node.link(*slot), Some(*link));
            }
        }

        #[test]
        fn manifests_come_back(blocks in 0..1u64 << 32, top in prop::option::of(link())) {
            let head = Head { top, ..Head::empty(blocks) };
            prop_assert_eq!(Head::decode(&head.encode()), Some(head));
        }

        #[test]
        fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), level in 0u8..4) {
            let mut node = [&NODE[..], &[level]].concat();
            node.extend(&bytes);
            let _ = Node::decode(&node, level);
            let _ = Head::decode(&[&MANIFEST[..], &bytes].concat());
        }
    }

    #[test]
    fn a_tree_is_as_high_as_it_must_be() {
        for (blocks, high) in [(0, 0), (1, 0), (256, 0), (257, 1), (65_536, 1), (65_537, 2), (1 << 24, 2), (1 << 25, 3)]
        {
            assert_eq!(height(blocks), high, "{blocks} blocks");
        }
    }
}
