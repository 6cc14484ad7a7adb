//! iam:DeleteAccountAlias. Takes the account's name away.

use landfall_cloud::identity::account;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteAccountAlias {
    account_alias: String,
}

impl Write for DeleteAccountAlias {
    const ACTION: Action = Action::iam("DeleteAccountAlias");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let _ = view;
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        account::unname(tx, &self.account_alias)?;
        Ok(Nothing {})
    }
}
