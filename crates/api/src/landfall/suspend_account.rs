//! landfall:SuspendAccount. Refuses whatever an account calls, until it is resumed. Its machines run on unless they are to be
//! stopped.

use landfall_cloud::{Tx, View, account};
use landfall_model::AccountId;
use serde::Deserialize;

use super::shape::Changed;
use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SuspendAccount {
    account_id: AccountId,
    /// Whether its machines are stopped.
    #[serde(default)]
    stop_instances: bool,
}

impl Write for SuspendAccount {
    const ACTION: Action = Action::landfall("SuspendAccount");
    type Output<'t> = Changed;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changed, ApiError> {
        check_operator(&tx.view())?;
        account::suspend(tx, self.account_id, self.stop_instances)?;
        Ok(Changed { account: (&account::need(&tx.view(), self.account_id)?).into() })
    }
}
