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
    /// Its entries by version, from version 1; the last one holds.
    pub versions: Vec<Vec<PrefixListEntry>>,
}

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

    /// The entries that hold.
    pub fn entries(&self) -> &[PrefixListEntry] {
        self.versions.last().map_or(&[], Vec::as_slice)
    }

    /// The version that holds.
    pub fn version(&self) -> u64 {
        self.versions.len() as u64
    }
}
