//! iam:AddUserToGroup. Puts a user into a group.

use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::group_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddUserToGroup {
    group_name: String,
    user_name: String,
}

impl Write for AddUserToGroup {
    const ACTION: Action = Action::iam("AddUserToGroup");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        group_demand(view, demands, Self::ACTION, &self.group_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        user::join(tx, &self.user_name, &self.group_name)?;
        Ok(Nothing {})
    }
}
