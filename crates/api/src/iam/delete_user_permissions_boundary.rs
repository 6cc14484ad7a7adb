//! iam:DeleteUserPermissionsBoundary. Bounds a user no more.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::holder_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteUserPermissionsBoundary {
    user_name: String,
}

impl Write for DeleteUserPermissionsBoundary {
    const ACTION: Action = Action::iam("DeleteUserPermissionsBoundary");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::User, &self.user_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = user::need(&tx.view(), &self.user_name)?;
        holder::check_modifiable(holder::Holder::Principal(row))?;
        let id = row.id.clone();
        holder::set_boundary(tx, &id, None)?;
        Ok(Nothing {})
    }
}
