//! ec2:GetManagedPrefixListEntries. Shows a prefix list's entries, of its last version or another.

use landfall_cloud::{View, prefix_list};
use landfall_model::{Cidr, PrefixListId};
use serde::{Deserialize, Serialize};

use super::shape::prefix_list::demand;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetManagedPrefixListEntries {
    prefix_list_id: PrefixListId,
    target_version: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetManagedPrefixListEntriesResult<'v> {
    entry_set: Vec<EntryShape<'v>>,
}

#[derive(Serialize)]
struct EntryShape<'v> {
    cidr: Cidr,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
}

impl Read for GetManagedPrefixListEntries {
    const ACTION: Action = Action::ec2("GetManagedPrefixListEntries");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = GetManagedPrefixListEntriesResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.prefix_list_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetManagedPrefixListEntriesResult<'v>, ApiError> {
        let row = look.view.prefix_list(self.prefix_list_id)?;
        let entries = prefix_list::at_version(row, self.target_version.unwrap_or_else(|| row.version()))?;
        let page = look.page.take(entries.iter().enumerate(), |(index, _)| *index)?;
        let entry_set = page
            .into_iter()
            .map(|(_, entry)| EntryShape { cidr: entry.cidr, description: entry.description.as_deref() });
        Ok(GetManagedPrefixListEntriesResult { entry_set: entry_set.collect() })
    }
}
