//! iam:CreateAccountAlias. Gives the account a name that its sign-in address may have. A former one is replaced.

use landfall_cloud::identity::account;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAccountAlias {
    account_alias: String,
}

impl Write for CreateAccountAlias {
    const ACTION: Action = Action::iam("CreateAccountAlias");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let _ = view;
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        account::name(tx, &self.account_alias)?;
        Ok(Nothing {})
    }
}
