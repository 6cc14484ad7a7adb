//! iam:ListGroupsForUser. Lists the groups that a user is in.

use landfall_cloud::View;
use landfall_cloud::identity::{group, user};
use serde::{Deserialize, Serialize};

use super::shape::demand::user_demand;
use super::shape::group::{GroupShape, shown};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListGroupsForUser {
    user_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroupsForUserResult<'v> {
    groups: Vec<GroupShape<'v>>,
}

impl Read for ListGroupsForUser {
    const ACTION: Action = Action::iam("ListGroupsForUser");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListGroupsForUserResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListGroupsForUserResult<'v>, ApiError> {
        let row = user::need(&look.view, &self.user_name)?;
        let rows = look.page.take(group::of_user(&look.view, row), |row| row.id.clone())?;
        Ok(ListGroupsForUserResult { groups: rows.into_iter().map(shown).collect() })
    }
}
