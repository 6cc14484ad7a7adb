//! iam:UpdateRoleDescription. Changes what a role is for.

use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::role_demand;
use super::shape::role::{RoleShape, shown};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateRoleDescription {
    role_name: String,
    description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRoleDescriptionResult<'t> {
    role: Option<RoleShape<'t>>,
}

impl Write for UpdateRoleDescription {
    const ACTION: Action = Action::iam("UpdateRoleDescription");
    type Output<'t> = UpdateRoleDescriptionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<UpdateRoleDescriptionResult<'t>, ApiError> {
        let id = role::need(&tx.view(), &self.role_name)?.id.clone();
        role::describe(tx, &id, Some(&self.description), None)?;
        let view = tx.view();
        let row = role::need(&view, &self.role_name)?;
        Ok(UpdateRoleDescriptionResult { role: shown(&view, row) })
    }
}
