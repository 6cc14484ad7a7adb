//! landfall:ResumeAccount. Serves an account again that was suspended, or closed and not yet emptied. Machines that were stopped
//! stay so.

use landfall_cloud::{Tx, View, account};
use landfall_model::AccountId;
use serde::Deserialize;

use super::shape::Changed;
use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResumeAccount {
    account_id: AccountId,
}

impl Write for ResumeAccount {
    const ACTION: Action = Action::landfall("ResumeAccount");
    type Output<'t> = Changed;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changed, ApiError> {
        check_operator(&tx.view())?;
        account::resume(tx, self.account_id)?;
        Ok(Changed { account: (&account::need(&tx.view(), self.account_id)?).into() })
    }
}
