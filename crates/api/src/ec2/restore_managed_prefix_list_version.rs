//! ec2:RestoreManagedPrefixListVersion. Gives a prefix list the entries of an earlier version, as a new one.

use landfall_cloud::{Tx, View, prefix_list};
use landfall_model::PrefixListId;
use serde::Deserialize;

use super::shape::prefix_list::{PrefixListResult, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestoreManagedPrefixListVersion {
    prefix_list_id: PrefixListId,
    previous_version: u64,
    current_version: u64,
}

impl Write for RestoreManagedPrefixListVersion {
    const ACTION: Action = Action::ec2("RestoreManagedPrefixListVersion");
    type Output<'t> = PrefixListResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.prefix_list_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<PrefixListResult<'t>, ApiError> {
        prefix_list::restore(tx, self.prefix_list_id, self.previous_version, self.current_version)?;
        let view = tx.view();
        Ok(PrefixListResult::of(&view, view.prefix_list(self.prefix_list_id)?, "restore-in-progress"))
    }
}
