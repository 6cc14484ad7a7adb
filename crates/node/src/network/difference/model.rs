//! What a packet filter's text defines, object by object.

use std::collections::{BTreeMap, BTreeSet};

/// The tables that a text makes where there is nothing yet, by family and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub(super) tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Counters that rules share, by name.
    pub(super) counters: BTreeSet<String>,
    /// Time-outs of connections, by name.
    pub(super) policies: BTreeMap<String, String>,
    pub(super) sets: BTreeMap<String, Set>,
    pub(super) chains: BTreeMap<String, Chain>,
}

/// A set or a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) is_map: bool,
    /// Type, flags and size.
    pub(super) head: Vec<String>,
    pub(super) elements: BTreeSet<String>,
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// Hook and comment.
    pub(super) head: Vec<String>,
    pub(super) rules: Vec<String>,
}

impl Ruleset {
    /// Reads a text; `None` for one that isn't of the forms that this driver writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut ruleset = Self::default();
        let mut rest = text;
        while let Some(line) = next_line(&mut rest) {
            let (verb, object) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "" => {}
                "table" => match object.strip_suffix(" {") {
                    Some(name) => ruleset.tables.entry(name.to_owned()).or_default().parse(&mut rest)?,
                    None => _ = ruleset.tables.entry(object.to_owned()).or_default(),
                },
                "delete" => _ = ruleset.tables.remove(object.strip_prefix("table ")?)?,
                "flush" => ruleset.flush(object)?,
                "add" => {
                    let (family_and_table, rest) = split_words(object.strip_prefix("rule ")?, 2)?;
                    let (chain, rule) = rest.split_once(' ')?;
                    ruleset.tables.get_mut(family_and_table)?.chains.get_mut(chain)?.add_rule(rule)?;
                }
                _ => return None,
            }
        }
        Some(ruleset)
    }

    fn flush(&mut self, object: &str) -> Option<()> {
        let (kind, object) = object.split_once(' ')?;
        if kind == "table" {
            self.tables.get_mut(object)?.chains.values_mut().for_each(|chain| chain.rules.clear());
            return Some(());
        }
        let (table, name) = object.rsplit_once(' ')?;
        let table = self.tables.get_mut(table)?;
        match kind {
            "set" | "map" => table.sets.get_mut(name)?.elements.clear(),
            "chain" => table.chains.get_mut(name)?.rules.clear(),
            _ => return None,
        }
        Some(())
    }
}

impl Table {
    /// One without anything.
    pub(super) const fn empty() -> Self {
        Self { counters: BTreeSet::new(), policies: BTreeMap::new(), sets: BTreeMap::new(), chains: BTreeMap::new() }
    }

    /// Reads a table's block up to its end.
    fn parse(&mut self, rest: &mut &str) -> Option<()> {
        loop {
            let line = next_line(rest)?;
            if line == "}" {
                return Some(());
            }
            let line = line.strip_prefix('\t')?;
            if let Some(counter) = line.strip_prefix("counter ") {
                self.counters.insert(counter.strip_suffix(" { }")?.to_owned());
                continue;
            }
            let (kind, name) = line.strip_suffix(" {")?.split_once(' ')?;
            let (body, after) = match rest.strip_prefix("\t}\n") {
                Some(after) => ("", after),
                None => rest.split_once("\n\t}\n")?,
            };
            *rest = after;
            match kind {
                "set" | "map" => self.parse_set(name, kind == "map", body)?,
                "ct" => _ = self.policies.insert(name.to_owned(), body.to_owned()),
                "chain" => self.chains.entry(name.to_owned()).or_default().parse(body)?,
                _ => return None,
            }
        }
    }

    /// Reads a set, which may be said in several parts.
    fn parse_set(&mut self, name: &str, is_map: bool, body: &str) -> Option<()> {
        let mut lines = body.lines().map(str::trim);
        let head: Vec<_> = lines.by_ref().take_while(|line| *line != "elements = {").map(str::to_owned).collect();
        let elements = lines.take_while(|line| *line != "}").map(|line| line.strip_suffix(',').unwrap_or(line));
        let elements = elements.map(str::to_owned);
        if let Some(set) = self.sets.get_mut(name) {
            set.elements.extend(elements);
            return (set.is_map == is_map && set.head == head).then_some(());
        }
        self.sets.insert(name.to_owned(), Set { is_map, head, elements: elements.collect() });
        Some(())
    }
}

impl Set {
    pub(super) fn flags(&self, flag: &str) -> bool {
        let flags = self.head.iter().filter_map(|line| line.strip_prefix("flags "));
        flags.flat_map(|flags| flags.split(',')).any(|found| found.trim() == flag)
    }

    /// Whether it holds ranges of one field, where two that touch share a border.
    pub(super) fn is_of_plain_ranges(&self) -> bool {
        let keys =
            self.head.iter().filter(|line| line.starts_with("type ")).filter_map(|line| line.split(" : ").next());
        self.flags("interval") && !keys.into_iter().any(|key| key.contains(" . "))
    }
}

impl Chain {
    fn parse(&mut self, body: &str) -> Option<()> {
        for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if ["comment ", "type ", "policy "].iter().any(|word| line.starts_with(word)) {
                self.head.push(line.to_owned());
            } else {
                self.add_rule(line)?;
            }
        }
        Some(())
    }

    /// A rule stands on one line.
    fn add_rule(&mut self, rule: &str) -> Option<()> {
        self.rules.push(rule.to_owned());
        (rule.matches('{').count() == rule.matches('}').count()).then_some(())
    }
}

impl Ruleset {
    /// Whether what leads from one part of it to another leads from this as well: whatever the two don't have alike is
    /// here as it is in the first.
    pub fn fits(&self, before: &Ruleset, after: &Ruleset) -> bool {
        let gone = before.tables.iter().filter(|(name, _)| !after.tables.contains_key(*name));
        gone.into_iter().all(|(name, table)| self.tables.get(name) == Some(table))
            && after.tables.iter().all(|(name, after)| match (self.tables.get(name), before.tables.get(name)) {
                (Some(own), Some(before)) => {
                    (&before.counters, &before.policies) == (&after.counters, &after.policies)
                        && own.fits(before, after)
                }
                (own, None) => own.is_none(),
                (None, Some(_)) => false,
            })
    }

    /// Takes on what two parts of it don't have alike.
    pub fn take(&mut self, before: &Ruleset, after: &Ruleset) {
        for (name, after) in &after.tables {
            match (self.tables.get_mut(name), before.tables.get(name)) {
                (Some(own), Some(before)) => own.take(before, after),
                _ => _ = self.tables.insert(name.clone(), after.clone()),
            }
        }
        self.tables.retain(|name, _| after.tables.contains_key(name) || !before.tables.contains_key(name));
    }
}

impl Table {
    fn fits(&self, before: &Table, after: &Table) -> bool {
        let sets = after.sets.iter().all(|(name, after)| match (self.sets.get(name), before.sets.get(name)) {
            (_, Some(before)) if before == after => true,
            (Some(own), Some(before)) if before.is_of_plain_ranges() => own == before,
            (Some(own), Some(before)) => {
                let alike = (own.is_map, &own.head) == (before.is_map, &before.head);
                alike
                    && before.elements.difference(&after.elements).all(|element| own.elements.contains(element))
                    && after.elements.difference(&before.elements).all(|element| !own.elements.contains(element))
            }
            (own, None) => own.is_none(),
            (None, Some(_)) => false,
        });
        let chains = after.chains.iter().all(|(name, after)| match before.chains.get(name) {
            Some(before) if before == after => true,
            before => self.chains.get(name) == before,
        });
        let gone_sets = before.sets.iter().filter(|(name, _)| !after.sets.contains_key(*name));
        let gone_chains = before.chains.iter().filter(|(name, _)| !after.chains.contains_key(*name));
        sets && chains
            && gone_sets.into_iter().all(|(name, set)| self.sets.get(name) == Some(set))
            && gone_chains.into_iter().all(|(name, chain)| self.chains.get(name) == Some(chain))
    }

    fn take(&mut self, before: &Table, after: &Table) {
        for (name, after) in &after.sets {
            match (self.sets.get_mut(name), before.sets.get(name)) {
                (_, Some(before)) if before == after => {}
                (Some(own), Some(before)) => {
                    before.elements.difference(&after.elements).for_each(|element| _ = own.elements.remove(element));
                    own.elements.extend(after.elements.difference(&before.elements).cloned());
                }
                _ => _ = self.sets.insert(name.clone(), after.clone()),
            }
        }
        for (name, after) in &after.chains {
            if before.chains.get(name) != Some(after) {
                self.chains.insert(name.clone(), after.clone());
            }
        }
        self.sets.retain(|name, _| after.sets.contains_key(name) || !before.sets.contains_key(name));
        self.chains.retain(|name, _| after.chains.contains_key(name) || !before.chains.contains_key(name));
    }
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
