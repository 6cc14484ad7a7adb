//! iam:DeleteRole. Deletes a role that nothing hangs on any more. Its sessions end with it.

use landfall_cloud::identity::holder::{Holder, check_modifiable};
use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::role_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteRole {
    role_name: String,
}

impl Write for DeleteRole {
    const ACTION: Action = Action::iam("DeleteRole");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = role::need(&tx.view(), &self.role_name)?;
        check_modifiable(Holder::Principal(row))?;
        let id = row.id.clone();
        role::delete(tx, &id)?;
        Ok(Nothing {})
    }
}
