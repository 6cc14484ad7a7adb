//! From one packet filter to another: the transaction that changes only what differs.
//!
//! Both are texts for `nft -f -` in the few forms that this driver writes. What they define is compared object by object; a
//! set's elements and a chain's rules are only looked into where the object isn't the same. So the kernel's work grows with
//! the change and not with the ports that there are.
//!
//! The order within the transaction: what is new is made, still empty; chains that change or go lose their rules; elements
//! go, and others come; rules come; what nothing names any more goes. A set of plain ranges is emptied and filled again
//! as a whole, since where ranges touch, one that goes and one that comes have a border in common.
//!
//! What isn't a matter of more and less (another kind of set, another hook) isn't told as a difference: then the whole
//! text is to be loaded, which replaces a table in one transaction too.

mod change;
mod model;

use std::collections::BTreeMap;

pub use change::{Action, Change, Named, commands};
pub use model::Ruleset;
use model::{Chain, Set, Table};

/// The commands for `nft` that lead from what one text defines to what another does: empty if that is the same, `None` if
/// it can't be told as a difference or is longer than both.
pub fn difference(old: &str, new: &str) -> Option<String> {
    let (before, after) = (Ruleset::parse(old)?, Ruleset::parse(new)?);
    let text = commands(&changes(&before, &after)?);
    Some(text).filter(|text| text.len() <= old.len().max(new.len()))
}

/// The steps that lead from one to the other; `None` if it can't be told as a difference.
pub fn changes<'r>(before: &'r Ruleset, after: &'r Ruleset) -> Option<Vec<Change<'r>>> {
    let mut steps = Steps::default();
    for (name, table) in &after.tables {
        let mut in_table = InTable { name, steps: &mut steps };
        let nothing = const { &Table::empty() };
        let old = before.tables.get(name).unwrap_or_else(|| {
            in_table.add(Phase::Make, Action::AddTable);
            nothing
        });
        // Time-outs are as they are from the beginning.
        if old.policies != table.policies {
            return None;
        }
        for counter in table.counters.difference(&old.counters) {
            in_table.add(Phase::Make, Action::AddCounter(counter));
        }
        for counter in old.counters.difference(&table.counters) {
            in_table.add(Phase::Remove, Action::DeleteCounter(counter));
        }
        in_table.change_sets(&old.sets, &table.sets)?;
        in_table.change_chains(&old.chains, &table.chains)?;
    }
    for name in before.tables.keys().filter(|name| !after.tables.contains_key(*name)) {
        InTable { name, steps: &mut steps }.add(Phase::Remove, Action::DeleteTable);
    }
    Some(steps.0.into_iter().flatten().collect())
}

/// What is to be done, in this order.
#[derive(Clone, Copy)]
enum Phase {
    Make,
    Empty,
    Fewer,
    More,
    Rules,
    Remove,
}

/// The steps of each phase.
#[derive(Default)]
struct Steps<'r>([Vec<Change<'r>>; 6]);

struct InTable<'s, 'r> {
    name: &'r str,
    steps: &'s mut Steps<'r>,
}

impl<'r> InTable<'_, 'r> {
    fn add(&mut self, phase: Phase, action: Action<'r>) {
        self.steps.0[phase as usize].push(Change { table: self.name, action });
    }

    fn change_sets(&mut self, before: &'r BTreeMap<String, Set>, after: &'r BTreeMap<String, Set>) -> Option<()> {
        for (name, set) in after {
            let named = Named::of(name, set);
            let old = before.get(name);
            if old == Some(set) {
                continue;
            }
            let Some(old) = old else {
                self.add(Phase::Make, Action::AddSet(named));
                set.elements.iter().for_each(|element| self.add(Phase::More, Action::AddElement(named, element)));
                continue;
            };
            if old.is_map != set.is_map || old.head != set.head {
                return None;
            }
            // What is in such a set is the kernel's own affair.
            if set.flags("dynamic") {
                continue;
            }
            if set.is_of_plain_ranges() {
                self.add(Phase::Empty, Action::FlushSet(named));
                set.elements.iter().for_each(|element| self.add(Phase::More, Action::AddElement(named, element)));
                continue;
            }
            for element in old.elements.difference(&set.elements) {
                self.add(Phase::Fewer, Action::DeleteElement(named, element));
            }
            for element in set.elements.difference(&old.elements) {
                self.add(Phase::More, Action::AddElement(named, element));
            }
        }
        for (name, set) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
            self.add(Phase::Remove, Action::DeleteSet(Named::of(name, set)));
        }
        Some(())
    }

    fn change_chains(&mut self, before: &'r BTreeMap<String, Chain>, after: &'r BTreeMap<String, Chain>) -> Option<()> {
        for (name, chain) in after {
            match before.get(name) {
                Some(old) if old == chain => continue,
                None => self.add(Phase::Make, Action::AddChain(name, &chain.head)),
                Some(old) if old.head == chain.head => self.add(Phase::Empty, Action::FlushChain(name)),
                Some(_) => return None,
            }
            chain.rules.iter().for_each(|rule| self.add(Phase::Rules, Action::AddRule(name, rule)));
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            if self.name.starts_with("netdev ") {
                // It may have gone with its link, and what isn't there can't be deleted.
                self.add(Phase::Make, Action::AddChain(name, &[]));
            }
            self.add(Phase::Empty, Action::FlushChain(name));
            self.add(Phase::Remove, Action::DeleteChain(name));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
