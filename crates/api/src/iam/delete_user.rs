//! iam:DeleteUser. Deletes a user that nothing hangs on any more.

use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteUser {
    user_name: String,
}

impl Write for DeleteUser {
    const ACTION: Action = Action::iam("DeleteUser");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = user::need(&tx.view(), &self.user_name)?.id.clone();
        user::delete(tx, &id)?;
        Ok(Nothing {})
    }
}
