//! iam:ListInstanceProfilesForRole. Lists the instance profiles that have a role.

use landfall_cloud::View;
use landfall_cloud::identity::{instance_profile, role};
use serde::{Deserialize, Serialize};

use super::shape::demand::role_demand;
use super::shape::profile::{ProfileShape, shown};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListInstanceProfilesForRole {
    role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfilesForRoleResult<'v> {
    instance_profiles: Vec<ProfileShape<'v>>,
}

impl Read for ListInstanceProfilesForRole {
    const ACTION: Action = Action::iam("ListInstanceProfilesForRole");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListInstanceProfilesForRoleResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListInstanceProfilesForRoleResult<'v>, ApiError> {
        let view = look.view;
        let role = role::need(&view, &self.role_name)?;
        let rows = look.page.take(instance_profile::of_role(&view, &role.id), |row| row.id.clone())?;
        let instance_profiles = rows.into_iter().map(|row| shown(&view, row)).collect();
        Ok(ListInstanceProfilesForRoleResult { instance_profiles })
    }
}
