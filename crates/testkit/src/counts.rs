//! What happened in runs, by name: a kind of trouble that was never met proves nothing.

use std::collections::BTreeMap;
use std::fmt;

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Counts one.
    pub fn add(&mut self, what: &str) {
        self.add_many(what, 1);
    }

    /// Counts several.
    pub fn add_many(&mut self, what: &str, many: u64) {
        match self.0.get_mut(what) {
            Some(count) => *count += many,
            None => drop(self.0.insert(what.to_owned(), many)),
        }
    }

    /// How often that happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// The sum of all whose name begins so.
    pub fn sum(&self, prefix: &str) -> u64 {
        self.0.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            self.add_many(what, *count);
        }
    }
}

/// One line: `crash.agent 12, crash.host 7, …`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (what, count) in &self.0 {
            write!(f, "{separator}{what} {count}")?;
            separator = ", ";
        }
        Ok(())
    }
}
