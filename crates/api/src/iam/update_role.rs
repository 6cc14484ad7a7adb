//! iam:UpdateRole. Changes what a role is for and how long its sessions may last.

use landfall_cloud::identity::holder::{Holder, check_modifiable};
use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use landfall_wire::EmptyResult;
use serde::Deserialize;

use super::shape::demand::role_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateRole {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
}

impl Write for UpdateRole {
    const ACTION: Action = Action::iam("UpdateRole");
    type Output<'t> = EmptyResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<EmptyResult, ApiError> {
        let row = role::need(&tx.view(), &self.role_name)?;
        check_modifiable(Holder::Principal(row))?;
        let id = row.id.clone();
        role::describe(tx, &id, self.description.as_deref(), self.max_session_duration)?;
        Ok(EmptyResult)
    }
}
