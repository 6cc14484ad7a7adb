//! iam:GetGroup. Shows a group and who is in it.

use landfall_cloud::View;
use landfall_cloud::identity::group;
use serde::{Deserialize, Serialize};

use super::shape::demand::group_demand;
use super::shape::group::{GroupShape, shown};
use super::shape::user::{UserShape, listed};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetGroup {
    group_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetGroupResult<'v> {
    group: GroupShape<'v>,
    users: Vec<UserShape<'v>>,
}

impl Read for GetGroup {
    const ACTION: Action = Action::iam("GetGroup");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = GetGroupResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        group_demand(view, demands, Self::ACTION, &self.group_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetGroupResult<'v>, ApiError> {
        let row = group::need(&look.view, &self.group_name)?;
        let users = look.page.take(group::users(&look.view, &row.id), |row| row.id.clone())?;
        Ok(GetGroupResult { group: shown(row), users: users.into_iter().map(listed).collect() })
    }
}
