//! iam:PutUserPermissionsBoundary. Bounds what a user may be allowed by a managed policy.

use landfall_cloud::identity::{holder, user};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::user_demand;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutUserPermissionsBoundary {
    user_name: String,
    permissions_boundary: String,
}

impl Write for PutUserPermissionsBoundary {
    const ACTION: Action = Action::iam("PutUserPermissionsBoundary");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = user_demand(view, demands, Self::ACTION, &self.user_name);
        demand.with("iam:PermissionsBoundary", &self.permissions_boundary);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = user::need(&tx.view(), &self.user_name)?;
        holder::check_modifiable(holder::Holder::Principal(row))?;
        let id = row.id.clone();
        holder::set_boundary(tx, &id, Some(policy_arn(&self.permissions_boundary)?))?;
        Ok(Nothing {})
    }
}
