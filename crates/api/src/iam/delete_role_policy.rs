//! iam:DeleteRolePolicy. Removes an inline policy of a role.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::holder_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteRolePolicy {
    role_name: String,
    policy_name: String,
}

impl Write for DeleteRolePolicy {
    const ACTION: Action = Action::iam("DeleteRolePolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Role, &self.role_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        holder::delete_policy(tx, HolderKind::Role, &self.role_name, &self.policy_name)?;
        Ok(Nothing {})
    }
}
