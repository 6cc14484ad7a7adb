//! ec2:DeleteManagedPrefixList. Deletes a prefix list that nothing refers to.

use landfall_cloud::{Tx, View, prefix_list};
use landfall_model::{Arn, PrefixListId};
use serde::{Deserialize, Serialize};

use super::shape::prefix_list::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteManagedPrefixList {
    prefix_list_id: PrefixListId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteManagedPrefixListResult {
    prefix_list: Deleted,
}

/// What is left to be said of a list that goes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    prefix_list_id: PrefixListId,
    address_family: &'static str,
    state: &'static str,
    prefix_list_arn: Arn,
    prefix_list_name: String,
    max_entries: u32,
    version: u64,
    owner_id: String,
}

impl Write for DeleteManagedPrefixList {
    const ACTION: Action = Action::ec2("DeleteManagedPrefixList");
    const FREES: bool = true;
    type Output<'t> = DeleteManagedPrefixListResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.prefix_list_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteManagedPrefixListResult, ApiError> {
        let row = prefix_list::delete(tx, self.prefix_list_id)?;
        let prefix_list = Deleted {
            prefix_list_id: row.id,
            address_family: if row.ipv6 { "IPv6" } else { "IPv4" },
            state: "delete-in-progress",
            prefix_list_arn: Arn::ec2(row.scope, row.id),
            max_entries: row.max_entries,
            version: row.version(),
            owner_id: row.scope.account.to_string(),
            prefix_list_name: row.name,
        };
        Ok(DeleteManagedPrefixListResult { prefix_list })
    }
}
