//! The steps that lead from one packet filter to another, each a command of `nft`.

use std::fmt;

use super::model::Set;

/// A step, about a table that is named with its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'r> {
    /// The table's family and name, such as `inet landfall`.
    pub table: &'r str,
    /// What is done in it.
    pub action: Action<'r>,
}

/// What is done in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'r> {
    /// The table is made.
    AddTable,
    /// It goes, with all that it has.
    DeleteTable,
    /// A counter is made.
    AddCounter(&'r str),
    /// A counter goes.
    DeleteCounter(&'r str),
    /// A set is made, empty.
    AddSet(Named<'r>),
    /// A set loses its elements.
    FlushSet(Named<'r>),
    /// A set goes.
    DeleteSet(Named<'r>),
    /// One element more.
    AddElement(Named<'r>, &'r str),
    /// One element less.
    DeleteElement(Named<'r>, &'r str),
    /// A chain is made, with its hook and comment, unless there is one.
    AddChain(&'r str, &'r [String]),
    /// A chain loses its rules.
    FlushChain(&'r str),
    /// A chain goes.
    DeleteChain(&'r str),
    /// A chain's next rule.
    AddRule(&'r str, &'r str),
}

/// A set or a map, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'r> {
    /// Its name.
    pub name: &'r str,
    /// Whether it is a map.
    pub is_map: bool,
    /// Type, flags and size.
    pub head: &'r [String],
}

impl<'r> Named<'r> {
    pub(super) fn of(name: &'r str, set: &'r Set) -> Self {
        Self { name, is_map: set.is_map, head: &set.head }
    }

    fn kind(&self) -> &'static str {
        if self.is_map { "map" } else { "set" }
    }
}

/// The commands for all of them, in that order; elements of one set that follow each other in one command.
pub fn commands(changes: &[Change<'_>]) -> String {
    let mut text = String::new();
    let is_more = |before: &Change<'_>, after: &Change<'_>| match (before.action, after.action) {
        (Action::AddElement(a, _), Action::AddElement(b, _))
        | (Action::DeleteElement(a, _), Action::DeleteElement(b, _)) => before.table == after.table && a.name == b.name,
        _ => false,
    };
    for together in changes.chunk_by(is_more) {
        let elements: Vec<_> = together.iter().filter_map(|change| change.action.element()).collect();
        // Writing to a string doesn't fail.
        let _ = fmt::write(&mut text, format_args!("{}{}\n", together[0], Elements(&elements)));
    }
    text
}

impl<'r> Action<'r> {
    fn element(&self) -> Option<&'r str> {
        match self {
            Action::AddElement(_, element) | Action::DeleteElement(_, element) => Some(element),
            _ => None,
        }
    }
}

struct Elements<'e>(&'e [&'e str]);

impl fmt::Display for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " {{ {} }}", self.0.join(", ")) }
    }
}

/// A step as a command, but for elements.
impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        match &self.action {
            Action::AddTable => write!(f, "add table {table}"),
            Action::DeleteTable => write!(f, "delete table {table}"),
            Action::AddCounter(name) => write!(f, "add counter {table} {name}"),
            Action::DeleteCounter(name) => write!(f, "delete counter {table} {name}"),
            Action::AddSet(set) => write!(f, "add {} {table} {} {{ {}; }}", set.kind(), set.name, set.head.join("; ")),
            Action::FlushSet(set) => write!(f, "flush {} {table} {}", set.kind(), set.name),
            Action::DeleteSet(set) => write!(f, "delete {} {table} {}", set.kind(), set.name),
            Action::AddElement(set, _) => write!(f, "add element {table} {}", set.name),
            Action::DeleteElement(set, _) => write!(f, "delete element {table} {}", set.name),
            Action::AddChain(name, []) => write!(f, "add chain {table} {name}"),
            Action::AddChain(name, head) => {
                let head: Vec<_> = head.iter().map(|line| line.trim_end_matches(';')).collect();
                write!(f, "add chain {table} {name} {{ {}; }}", head.join("; "))
            }
            Action::FlushChain(name) => write!(f, "flush chain {table} {name}"),
            Action::DeleteChain(name) => write!(f, "delete chain {table} {name}"),
            Action::AddRule(chain, rule) => write!(f, "add rule {table} {chain} {rule}"),
        }
    }
}
