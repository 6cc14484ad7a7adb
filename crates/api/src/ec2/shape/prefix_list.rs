//! A prefix list as answers show it, and what demands see of one.

use landfall_cloud::View;
use landfall_model::{Arn, Cidr, ListChange, PrefixList, PrefixListEntry, PrefixListId};
use serde::{Deserialize, Serialize};

use super::{Tag, tag_set};
use crate::demand::{Demand, Demands};
use crate::{Action, ApiError};

/// The kind that its tag specifications name.
pub const KIND: &str = "prefix-list";
/// Most entries that a request adds or removes.
const MAX_ENTRIES: usize = 100;

/// A list, without its entries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixListShape<'v> {
    prefix_list_id: PrefixListId,
    address_family: &'static str,
    state: &'static str,
    prefix_list_arn: Arn,
    prefix_list_name: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_entries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    owner_id: String,
}

impl<'v> PrefixListShape<'v> {
    /// That list. The region's own show neither size nor version, since they belong to nobody who could change them.
    pub fn of(view: &View<'v>, row: &'v PrefixList) -> Self {
        let own = !row.is_provided();
        Self {
            prefix_list_id: row.id,
            address_family: if row.ipv6 { "IPv6" } else { "IPv4" },
            state: match row.last_change {
                ListChange::Created => "create-complete",
                ListChange::Modified => "modify-complete",
                ListChange::Restored => "restore-complete",
            },
            prefix_list_arn: arn(row),
            prefix_list_name: &row.name,
            max_entries: own.then_some(row.max_entries),
            version: own.then(|| row.version()),
            tag_set: tag_set(view, &row.id.to_string()),
            owner_id: owner(row),
        }
    }

    /// The list in another state: that of the answer which brings it there, before it is there.
    #[must_use]
    pub fn in_state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }
}

/// Who has it.
pub fn owner(row: &PrefixList) -> String {
    if row.is_provided() { "AWS".into() } else { row.scope.account.to_string() }
}

fn arn(row: &PrefixList) -> Arn {
    if row.is_provided() { Arn::ec2_provided(row.scope, row.id) } else { Arn::ec2(row.scope, row.id) }
}

/// The demand of an action on a prefix list.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: PrefixListId) -> &'d mut Demand {
    match view.prefix_list(id) {
        Ok(row) if row.is_provided() => demands.resource(action, arn(row)),
        _ => demands.ec2(view, action, id),
    }
}

/// An entry as requests say it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EntryIn {
    cidr: Cidr,
    description: Option<String>,
}

impl From<EntryIn> for PrefixListEntry {
    fn from(entry: EntryIn) -> Self {
        PrefixListEntry { cidr: entry.cidr, description: entry.description.filter(|text| !text.is_empty()) }
    }
}

/// That a request names no more entries than it may.
pub fn check_count(parameter: &str, count: usize) -> Result<(), ApiError> {
    if count > MAX_ENTRIES {
        let why = format!("A request takes at most {MAX_ENTRIES} entries.");
        return Err(ApiError::invalid(parameter, count, why));
    }
    Ok(())
}

/// What a scope's answers show of a list, in one structure.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixListResult<'t> {
    prefix_list: PrefixListShape<'t>,
}

impl<'t> PrefixListResult<'t> {
    /// That list, on its way.
    pub fn of(view: &View<'t>, row: &'t PrefixList, state: &'static str) -> Self {
        Self { prefix_list: PrefixListShape::of(view, row).in_state(state) }
    }
}
