//! What differs between two snapshots, in the time of what differs: where two nodes have one name, all below is equal.

use std::collections::{BTreeSet, VecDeque};

use crate::node::{FAN_OUT, Link, first_block};
use crate::{Error, Manifest};

/// A block whose contents differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which block.
    pub block: u64,
    /// What it is in the first snapshot; nothing for zeros, and behind its end.
    pub first: Option<Link>,
    /// What it is in the second.
    pub second: Option<Link>,
}

/// See [`Manifest::differences`].
pub struct Differences<'a> {
    first: &'a Manifest,
    second: &'a Manifest,
    from: u64,
    /// Positions to compare, the lowest blocks last.
    open: Vec<(u8, u64)>,
    found: VecDeque<Difference>,
}

impl Manifest {
    /// The blocks from one on whose contents differ between this snapshot and a second one of the same domain, in order.
    /// Equal contents that lie in two places don't differ.
    pub fn differences<'a>(&'a self, second: &'a Self, from: u64) -> Result<Differences<'a>, Error> {
        if self.store().domain() != second.store().domain() {
            return Err(Error::Refused("snapshots of two domains can't be compared: all their names differ".into()));
        }
        let open = vec![(self.head.height.max(second.head.height), 0)];
        Ok(Differences { first: self, second, from, open, found: VecDeque::new() })
    }
}

/// A snapshot's node at a position of a tree that may be higher than its own.
enum Side {
    Nothing,
    /// Above the top: it would have the one child 0.
    Above,
    Node(Link),
}

fn side(manifest: &Manifest, level: u8, number: u64) -> Result<Side, Error> {
    if level > manifest.head.height {
        return Ok(if number == 0 && manifest.head.top.is_some() { Side::Above } else { Side::Nothing });
    }
    Ok(manifest.link_of(level, number)?.map_or(Side::Nothing, Side::Node))
}

/// The links of a position.
fn links(manifest: &Manifest, side: &Side, level: u8, number: u64) -> Result<Vec<(u8, Option<Link>)>, Error> {
    Ok(match side {
        Side::Nothing => Vec::new(),
        Side::Above => vec![(0, None)],
        Side::Node(_) => {
            let node = manifest.node(level, number)?;
            node.iter().flat_map(|node| &node.links).map(|(slot, link)| (*slot, Some(*link))).collect()
        }
    })
}

impl Differences<'_> {
    fn look(&mut self, level: u8, number: u64) -> Result<(), Error> {
        if first_block(level, number + 1) <= self.from {
            return Ok(());
        }
        let (a, b) = (side(self.first, level, number)?, side(self.second, level, number)?);
        match (&a, &b) {
            (Side::Node(a), Side::Node(b)) if a.name == b.name => return Ok(()),
            (Side::Nothing, Side::Nothing) => return Ok(()),
            _ => {}
        }
        let a = links(self.first, &a, level, number)?;
        let b = links(self.second, &b, level, number)?;
        let slots: BTreeSet<u8> = a.iter().chain(&b).map(|(slot, _)| *slot).collect();
        if level > 0 {
            self.open.extend(slots.iter().rev().map(|slot| (level - 1, number * FAN_OUT + u64::from(*slot))));
            return Ok(());
        }
        let at = |links: &[(u8, Option<Link>)], slot: u8| {
            links.binary_search_by_key(&slot, |(slot, _)| *slot).ok().and_then(|at| links[at].1)
        };
        for slot in slots {
            let (first, second) = (at(&a, slot), at(&b, slot));
            let block = number * FAN_OUT + u64::from(slot);
            if block >= self.from && first.map(|link| link.name) != second.map(|link| link.name) {
                self.found.push_back(Difference { block, first, second });
            }
        }
        Ok(())
    }
}

impl Iterator for Differences<'_> {
    type Item = Result<Difference, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(Ok(found));
            }
            let (level, number) = self.open.pop()?;
            if let Err(error) = self.look(level, number) {
                self.open.clear();
                return Some(Err(error));
            }
        }
    }
}
