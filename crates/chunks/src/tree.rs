//! The index that a writer is making: its base's tree, and over it what has changed so far.
//!
//! Memory stays bounded however much is written: changes are kept for a number of leaves, and the one that was longest
//! not touched is written out. Writers go through a volume mostly in order, so each leaf is written once.

use std::collections::{BTreeMap, HashMap};

use crate::Error;
use crate::node::{FAN_OUT, Head, Link};

/// A leaf's changes by slot.
pub type Changes = BTreeMap<u8, Option<Link>>;

/// What has changed, in leaves that are open and nodes that were written.
pub struct Tree {
    /// The volume's size and its tree's height.
    pub head: Head,
    open: HashMap<u64, Open>,
    /// By level: nodes that differ from the base's, as they are now. Nothing for one that became empty.
    written: Vec<BTreeMap<u64, Option<Link>>>,
    most_open: usize,
    clock: u64,
}

#[derive(Default)]
struct Open {
    changes: Changes,
    touched: u64,
    /// Being written out; a second time only after the first, which it builds on.
    leaving: bool,
}

impl Tree {
    /// Over a base, for a volume of that many blocks.
    pub fn over(base: Option<&Head>, blocks: u64, most_open: usize) -> Result<Self, Error> {
        let head = Head::empty(blocks);
        let mut written = vec![BTreeMap::new(); usize::from(head.height) + 1];
        if let Some(base) = base {
            if base.blocks > blocks {
                return Err(Error::Refused("a volume doesn't shrink".into()));
            }
            if base.height < head.height && base.top.is_some() {
                // The volume grew: the base's top is a node below the new one.
                written[usize::from(base.height)].insert(0, base.top);
            }
        }
        Ok(Self { head, open: HashMap::new(), written, most_open: most_open.max(1), clock: 0 })
    }

    /// Records what a block is now.
    pub fn set(&mut self, block: u64, link: Option<Link>) {
        self.clock += 1;
        let open = self.open.entry(block / FAN_OUT).or_default();
        open.touched = self.clock;
        open.changes.insert((block % FAN_OUT) as u8, link);
    }

    /// A leaf to be written out, where too many are open.
    pub fn leave_one(&mut self) -> Option<(u64, Changes)> {
        if self.open.len() <= self.most_open {
            return None;
        }
        let candidates = self.open.iter().filter(|(_, open)| !open.leaving && !open.changes.is_empty());
        let number = candidates.min_by_key(|(_, open)| open.touched).map(|(number, _)| *number)?;
        self.leave(number)
    }

    /// All leaves that have changes.
    pub fn leave_all(&mut self) -> Vec<(u64, Changes)> {
        let mut numbers: Vec<u64> = self.open.keys().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|number| self.leave(number)).collect()
    }

    fn leave(&mut self, number: u64) -> Option<(u64, Changes)> {
        let open = self.open.get_mut(&number)?;
        if open.leaving || open.changes.is_empty() {
            return None;
        }
        open.leaving = true;
        Some((number, std::mem::take(&mut open.changes)))
    }

    /// Records a leaf that was written out.
    pub fn left(&mut self, number: u64, link: Option<Link>) {
        self.written[0].insert(number, link);
        if let Some(open) = self.open.get_mut(&number) {
            open.leaving = false;
            if open.changes.is_empty() {
                self.open.remove(&number);
            }
        }
    }

    /// What was written at a position, where something was.
    pub fn written(&self, level: u8, number: u64) -> Option<Option<Link>> {
        self.written[usize::from(level)].get(&number).copied()
    }

    /// Records a node above the leaves.
    pub fn put(&mut self, level: u8, number: u64, link: Option<Link>) {
        self.written[usize::from(level)].insert(number, link);
    }

    /// The nodes of a level that must be made anew, since what is below them changed.
    pub fn changed_above(&self, level: u8) -> Vec<(u64, Changes)> {
        let mut parents: BTreeMap<u64, Changes> = BTreeMap::new();
        for (number, link) in &self.written[usize::from(level) - 1] {
            parents.entry(number / FAN_OUT).or_default().insert((number % FAN_OUT) as u8, *link);
        }
        parents.into_iter().collect()
    }
}
