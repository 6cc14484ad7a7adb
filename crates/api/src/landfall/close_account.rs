//! landfall:CloseAccount. Closes an account: it is refused from now on, its machines are stopped, and after a
//! while all that it has is deleted; its KMS keys wait a week longer. DescribeAccount shows what is left.

use landfall_cloud::{Tx, View, account};
use landfall_model::AccountId;
use serde::Deserialize;

use super::shape::Changed;
use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CloseAccount {
    account_id: AccountId,
    /// How many days until then, 1 to 90.
    waiting_days: Option<u32>,
}

impl Write for CloseAccount {
    const ACTION: Action = Action::landfall("CloseAccount");
    type Output<'t> = Changed;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changed, ApiError> {
        check_operator(&tx.view())?;
        account::close(tx, self.account_id, self.waiting_days.unwrap_or(account::WAITING_DAYS_DEFAULT))?;
        Ok(Changed { account: (&account::need(&tx.view(), self.account_id)?).into() })
    }
}
