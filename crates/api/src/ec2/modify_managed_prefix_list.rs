//! ec2:ModifyManagedPrefixList. Changes a prefix list's name, size or entries; other entries make a new version.

use landfall_cloud::prefix_list::{self, Change};
use landfall_cloud::{Tx, View};
use landfall_model::{Cidr, PrefixListId};
use serde::Deserialize;

use super::shape::prefix_list::{EntryIn, PrefixListResult, check_count, demand};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyManagedPrefixList {
    prefix_list_id: PrefixListId,
    current_version: Option<u64>,
    prefix_list_name: Option<String>,
    max_entries: Option<u32>,
    #[serde(default)]
    add_entry: Vec<EntryIn>,
    #[serde(default)]
    remove_entry: Vec<RemoveEntry>,
    ipam_prefix_list_resolver_sync_enabled: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RemoveEntry {
    cidr: Cidr,
}

impl Write for ModifyManagedPrefixList {
    const ACTION: Action = Action::ec2("ModifyManagedPrefixList");
    type Output<'t> = PrefixListResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.prefix_list_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<PrefixListResult<'t>, ApiError> {
        refuse_parameters!(self; ipam_prefix_list_resolver_sync_enabled);
        check_count("AddEntry", self.add_entry.len())?;
        check_count("RemoveEntry", self.remove_entry.len())?;
        let change = Change {
            version: self.current_version,
            name: self.prefix_list_name,
            max_entries: self.max_entries,
            add: self.add_entry.into_iter().map(Into::into).collect(),
            remove: self.remove_entry.into_iter().map(|entry| entry.cidr).collect(),
        };
        prefix_list::modify(tx, self.prefix_list_id, change)?;
        let view = tx.view();
        Ok(PrefixListResult::of(&view, view.prefix_list(self.prefix_list_id)?, "modify-in-progress"))
    }
}
