//! landfall:ListAccounts. Lists the accounts of the cloud, by number.

use landfall_model::{Account, AccountId};
use landfall_state::Table;
use serde::{Deserialize, Serialize};

use super::check_operator;
use super::shape::AccountShape;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAccounts {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccountsResponse {
    accounts: Vec<AccountShape>,
}

impl Read for ListAccounts {
    const ACTION: Action = Action::landfall("ListAccounts");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListAccountsResponse;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListAccountsResponse, ApiError> {
        check_operator(&look.view)?;
        look.page.bound(Self::PAGE_LIMIT);
        let start = look.page.start::<AccountId>()?;
        let rows = look.view.tables().accounts.rows().range((start, std::ops::Bound::Unbounded));
        let rows: Vec<&Account> = look.page.take(rows, |row| row.id)?;
        Ok(ListAccountsResponse { accounts: rows.into_iter().map(AccountShape::from).collect() })
    }
}
