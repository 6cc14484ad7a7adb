//! From one packet filter to another: the transaction that changes only what differs.
//!
//! Both are texts for `nft -f -` in the few forms that this driver writes. What they define is compared as text, object by
//! object; a set's elements and a chain's rules are only looked into where the object isn't the same. So the kernel's
//! work, and that of `nft`, grows with the change and not with the ports that there are.
//!
//! The order within the transaction: what is new is made, still empty; chains that change or go lose their rules; elements
//! go, and others come; rules come; what nothing names any more goes. A set of plain ranges is emptied and filled again
//! as a whole, since where ranges touch, one that goes and one that comes have a border in common.
//!
//! What isn't a matter of more and less (another kind of set, another hook) isn't told as a difference: then the whole
//! text is to be loaded, which replaces a table in one transaction too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The transaction that leads from what one text defines to what another does: empty if that is the same, `None` if it
/// can't be told as a difference or is longer than both.
pub fn difference(old: &str, new: &str) -> Option<String> {
    if old == new {
        return Some(String::new());
    }
    let (before, after) = (Ruleset::parse(old)?, Ruleset::parse(new)?);
    let mut steps = Steps::default();
    for (name, table) in &after.tables {
        let nothing = Table::default();
        let before = before.tables.get(name).unwrap_or_else(|| {
            add(&mut steps.make, format_args!("add table {name}"));
            &nothing
        });
        // Time-outs are as they are from the beginning.
        if before.policies != table.policies {
            return None;
        }
        for counter in table.counters.difference(&before.counters) {
            add(&mut steps.make, format_args!("add counter {name} {counter}"));
        }
        for counter in before.counters.difference(&table.counters) {
            add(&mut steps.remove, format_args!("delete counter {name} {counter}"));
        }
        steps.change_sets(name, before, table)?;
        steps.change_chains(name, before, table)?;
    }
    for name in before.tables.keys().filter(|name| !after.tables.contains_key(*name)) {
        add(&mut steps.remove, format_args!("delete table {name}"));
    }
    Some(steps.into_text()).filter(|text| text.len() <= old.len().max(new.len()))
}

/// The tables that a text makes where there is nothing yet, by family and name.
#[derive(Debug, Default, PartialEq)]
struct Ruleset<'t> {
    tables: BTreeMap<&'t str, Table<'t>>,
}

#[derive(Debug, Default, PartialEq)]
struct Table<'t> {
    /// Counters that rules share, by name.
    counters: BTreeSet<&'t str>,
    /// Time-outs of connections, by name.
    policies: BTreeMap<&'t str, &'t str>,
    sets: BTreeMap<&'t str, Set<'t>>,
    chains: BTreeMap<&'t str, Chain<'t>>,
}

/// A set or a map, as it is written; it may be said in several parts.
#[derive(Debug, Default, PartialEq)]
struct Set<'t> {
    is_map: bool,
    parts: Vec<&'t str>,
}

/// A chain as it is written in its block, and rules that were added to it.
#[derive(Debug, Default, PartialEq)]
struct Chain<'t> {
    parts: Vec<&'t str>,
    more: Vec<&'t str>,
}

/// What a set says.
#[derive(Debug, Default, PartialEq)]
struct Contents<'t> {
    /// Type, flags and size.
    head: Vec<&'t str>,
    elements: Vec<&'t str>,
}

impl<'t> Ruleset<'t> {
    /// `None` for a text that isn't of the forms known here.
    fn parse(text: &'t str) -> Option<Self> {
        let mut ruleset = Self::default();
        let mut rest = text;
        while let Some(line) = next_line(&mut rest) {
            let (verb, object) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "" => {}
                "table" => match object.strip_suffix(" {") {
                    Some(name) => ruleset.tables.entry(name).or_default().parse(&mut rest)?,
                    None => _ = ruleset.tables.entry(object).or_default(),
                },
                "delete" => _ = ruleset.tables.remove(object.strip_prefix("table ")?)?,
                "flush" => ruleset.flush(object)?,
                "add" => {
                    let (family_and_table, rest) = split_words(object.strip_prefix("rule ")?, 2)?;
                    let (chain, rule) = rest.split_once(' ')?;
                    ruleset.tables.get_mut(family_and_table)?.chains.get_mut(chain)?.more.push(rule);
                }
                _ => return None,
            }
        }
        Some(ruleset)
    }

    fn flush(&mut self, object: &str) -> Option<()> {
        let (kind, object) = object.split_once(' ')?;
        if kind == "table" {
            let chains = self.tables.get_mut(object)?.chains.values_mut();
            chains.for_each(|chain| (chain.parts, chain.more) = (Vec::new(), Vec::new()));
            return Some(());
        }
        let (table, name) = object.rsplit_once(' ')?;
        let table = self.tables.get_mut(table)?;
        match kind {
            // Those that are written here have no elements before they are emptied.
            "set" | "map" => table.sets.get(name)?.contents()?.elements.is_empty().then_some(()),
            "chain" => {
                let chain = table.chains.get_mut(name)?;
                let bare = chain.contents()?.elements.is_empty();
                chain.more.clear();
                bare.then_some(())
            }
            _ => None,
        }
    }
}

impl<'t> Table<'t> {
    /// Reads a table's block up to its end.
    fn parse(&mut self, rest: &mut &'t str) -> Option<()> {
        loop {
            let line = next_line(rest)?;
            if line == "}" {
                return Some(());
            }
            let line = line.strip_prefix('\t')?;
            if let Some(counter) = line.strip_prefix("counter ") {
                self.counters.insert(counter.strip_suffix(" { }")?);
                continue;
            }
            let (kind, name) = line.strip_suffix(" {")?.split_once(' ')?;
            let (body, after) = match rest.strip_prefix("\t}\n") {
                Some(after) => ("", after),
                None => rest.split_once("\n\t}\n")?,
            };
            *rest = after;
            match kind {
                "set" | "map" => {
                    let set = self.sets.entry(name).or_default();
                    if !set.parts.is_empty() && set.is_map != (kind == "map") {
                        return None;
                    }
                    set.is_map = kind == "map";
                    set.parts.push(body);
                }
                "ct" => _ = self.policies.insert(name, body),
                "chain" => self.chains.entry(name).or_default().parts.push(body),
                _ => return None,
            }
        }
    }
}

impl<'t> Set<'t> {
    fn contents(&self) -> Option<Contents<'t>> {
        let mut whole = Contents::default();
        for part in &self.parts {
            let mut lines = part.lines().map(str::trim);
            let head: Vec<_> = lines.by_ref().take_while(|line| *line != "elements = {").collect();
            let elements = lines.take_while(|line| *line != "}").map(|line| line.strip_suffix(',').unwrap_or(line));
            if !whole.head.is_empty() && whole.head != head {
                return None;
            }
            whole.head = head;
            whole.elements.extend(elements);
        }
        Some(whole)
    }

    fn kind(&self) -> &'static str {
        if self.is_map { "map" } else { "set" }
    }
}

impl Contents<'_> {
    fn flags(&self, flag: &str) -> bool {
        let flags = self.head.iter().filter_map(|line| line.strip_prefix("flags "));
        flags.flat_map(|flags| flags.split(',')).any(|found| found.trim() == flag)
    }

    /// Whether it holds ranges of one field, where two that touch share a border.
    fn is_of_plain_ranges(&self) -> bool {
        let keys =
            self.head.iter().filter(|line| line.starts_with("type ")).filter_map(|line| line.split(" : ").next());
        self.flags("interval") && !keys.into_iter().any(|key| key.contains(" . "))
    }
}

impl<'t> Chain<'t> {
    /// Its hook and comment, and its rules.
    fn contents(&self) -> Option<Contents<'t>> {
        let mut whole = Contents::default();
        for line in self.parts.iter().flat_map(|part| part.lines()).map(str::trim).filter(|line| !line.is_empty()) {
            let of_head = line.starts_with("comment ") || line.starts_with("type ") || line.starts_with("policy ");
            if of_head { whole.head.push(line) } else { whole.elements.push(line) }
        }
        whole.elements.extend(&self.more);
        let balanced = |line: &str| line.matches('{').count() == line.matches('}').count();
        whole.elements.iter().all(|line| balanced(line)).then_some(whole)
    }
}

/// What is to be done, in this order.
#[derive(Default)]
struct Steps {
    make: String,
    empty: String,
    fewer: String,
    more: String,
    rules: String,
    remove: String,
}

impl Steps {
    fn into_text(self) -> String {
        [self.make, self.empty, self.fewer, self.more, self.rules, self.remove].concat()
    }

    fn change_sets(&mut self, table: &str, before: &Table<'_>, after: &Table<'_>) -> Option<()> {
        for (name, set) in &after.sets {
            let kind = set.kind();
            let Some(old) = before.sets.get(name) else {
                let contents = set.contents()?;
                add(&mut self.make, format_args!("add {kind} {table} {name} {{ {}; }}", contents.head.join("; ")));
                elements(&mut self.more, "add", table, name, contents.elements.iter().copied());
                continue;
            };
            if old == set {
                continue;
            }
            let (old, new) = (Some(old).filter(|old| old.is_map == set.is_map)?.contents()?, set.contents()?);
            if old.head != new.head {
                return None;
            }
            // What is in such a set is the kernel's own affair.
            if new.flags("dynamic") {
                continue;
            }
            if new.is_of_plain_ranges() {
                add(&mut self.empty, format_args!("flush {kind} {table} {name}"));
                elements(&mut self.more, "add", table, name, new.elements.iter().copied());
                continue;
            }
            let (has, wanted) = apart(&old.elements, &new.elements);
            elements(&mut self.fewer, "delete", table, name, has.difference(&wanted).copied());
            elements(&mut self.more, "add", table, name, wanted.difference(&has).copied());
        }
        for (name, set) in before.sets.iter().filter(|(name, _)| !after.sets.contains_key(*name)) {
            add(&mut self.remove, format_args!("delete {} {table} {name}", set.kind()));
        }
        Some(())
    }

    fn change_chains(&mut self, table: &str, before: &Table<'_>, after: &Table<'_>) -> Option<()> {
        for (name, chain) in &after.chains {
            let old = before.chains.get(name);
            if old == Some(chain) {
                continue;
            }
            let new = chain.contents()?;
            match old.map(Chain::contents) {
                None if new.head.is_empty() => add(&mut self.make, format_args!("add chain {table} {name}")),
                None => {
                    let head: Vec<_> = new.head.iter().map(|line| line.trim_end_matches(';')).collect();
                    add(&mut self.make, format_args!("add chain {table} {name} {{ {}; }}", head.join("; ")));
                }
                Some(old) => {
                    if old?.head != new.head {
                        return None;
                    }
                    add(&mut self.empty, format_args!("flush chain {table} {name}"));
                }
            }
            for rule in new.elements {
                add(&mut self.rules, format_args!("add rule {table} {name} {rule}"));
            }
        }
        for name in before.chains.keys().filter(|name| !after.chains.contains_key(*name)) {
            if table.starts_with("netdev ") {
                // It may have gone with its link, and what isn't there can't be deleted.
                add(&mut self.make, format_args!("add chain {table} {name}"));
            }
            add(&mut self.empty, format_args!("flush chain {table} {name}"));
            add(&mut self.remove, format_args!("delete chain {table} {name}"));
        }
        Some(())
    }
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string doesn't fail.
    let _ = writeln!(text, "{line}");
}

/// One command for all of them, if there are any.
fn elements<'e>(text: &mut String, verb: &str, table: &str, set: &str, elements: impl Iterator<Item = &'e str>) {
    let elements: Vec<_> = elements.collect();
    if !elements.is_empty() {
        add(text, format_args!("{verb} element {table} {set} {{ {} }}", elements.join(", ")));
    }
}

/// What two lists have, but for what they begin and end with alike: most of what is long is the same.
fn apart<'e>(one: &[&'e str], other: &[&'e str]) -> (BTreeSet<&'e str>, BTreeSet<&'e str>) {
    let first = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[first..], &other[first..]);
    let last = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = |list: &[&'e str]| list[..list.len() - last].iter().copied().collect();
    (middle(one), middle(other))
}

/// Takes the first line off a text.
fn next_line<'t>(rest: &mut &'t str) -> Option<&'t str> {
    if rest.is_empty() {
        return None;
    }
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    Some(line)
}

/// The first words of a text together, and what follows them.
fn split_words(text: &str, count: usize) -> Option<(&str, &str)> {
    let (at, _) = text.match_indices(' ').nth(count - 1)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests;
