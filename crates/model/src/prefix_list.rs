//! Prefix lists: named lists of blocks that routes and security groups refer to.

use serde::{Deserialize, Serialize};

use crate::address::Cidr;
use crate::id::PrefixListId;
use crate::scope::{Scope, Scoped};

/// A prefix list, with all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// Whose and where. The region's own belong to the provider.
    pub scope: Scope,
    /// Which.
    pub id: PrefixListId,
    /// Its name.
    pub name: String,
    /// Whether its entries are of IPv6.
    pub ipv6: bool,
    /// How many entries it may have: what counts against the limits of those who refer to it.
    pub max_entries: u32,
    /// Its entries by version, from the oldest that is kept; the last one holds.
    pub versions: Vec<Vec<PrefixListEntry>>,
    /// The number of the oldest version that is kept.
    #[serde(default = "one")]
    pub oldest: u64,
    /// What was done to it last.
    #[serde(default)]
    pub last_change: ListChange,
}

fn one() -> u64 {
    1
}

/// What was done to a prefix list last: its state says so for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListChange {
    /// It was made.
    #[default]
    Created,
    /// It was changed.
    Modified,
    /// It was given the entries of an earlier version.
    Restored,
}

/// What the names of the region's own lists begin with.
pub const PROVIDED: &str = "com.amazonaws";

/// An entry of a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListEntry {
    /// The block.
    pub cidr: Cidr,
    /// What it is for.
    pub description: Option<String>,
}

impl PrefixList {
    /// The key of its row.
    pub fn key(&self) -> Scoped<PrefixListId> {
        self.scope.key(self.id)
    }

    /// Whether it is one of the region's own: nobody else's name begins as theirs do.
    pub fn is_provided(&self) -> bool {
        self.name.starts_with(PROVIDED)
    }

    /// The entries that hold.
    pub fn entries(&self) -> &[PrefixListEntry] {
        self.versions.last().map_or(&[], Vec::as_slice)
    }

    /// The version that holds.
    pub fn version(&self) -> u64 {
        (self.oldest + self.versions.len() as u64).saturating_sub(1)
    }
}
