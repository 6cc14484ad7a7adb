//! iam:ListAccountAliases. Lists the account's name, at most one.

use landfall_cloud::identity::account;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAccountAliases {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccountAliasesResult<'v> {
    account_aliases: Vec<&'v str>,
}

impl Read for ListAccountAliases {
    const ACTION: Action = Action::iam("ListAccountAliases");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListAccountAliasesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListAccountAliasesResult<'v>, ApiError> {
        let names = account::alias(&look.view);
        Ok(ListAccountAliasesResult { account_aliases: look.page.take(names, |name| (*name).to_owned())? })
    }
}
