//! iam:GetRole. Shows a role.

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use landfall_cloud::identity::role;
use serde::{Deserialize, Serialize};

use super::shape::demand::holder_demand;
use super::shape::role::{RoleShape, shown};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetRole {
    role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoleResult<'v> {
    role: Option<RoleShape<'v>>,
}

impl Read for GetRole {
    const ACTION: Action = Action::iam("GetRole");
    type Output<'v> = GetRoleResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Role, &self.role_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetRoleResult<'v>, ApiError> {
        let view = look.view;
        let row = role::need(&view, &self.role_name)?;
        Ok(GetRoleResult { role: shown(&view, row) })
    }
}
