//! iam:ListGroups. Lists groups, below a path.

use landfall_cloud::identity::group;
use serde::{Deserialize, Serialize};

use super::shape::group::{GroupShape, shown};
use super::shape::root;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListGroups {
    #[serde(default = "root")]
    path_prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroupsResult<'v> {
    groups: Vec<GroupShape<'v>>,
}

impl Read for ListGroups {
    const ACTION: Action = Action::iam("ListGroups");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListGroupsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListGroupsResult<'v>, ApiError> {
        let all = group::all(&look.view);
        let rows = look.page.take(all.filter(|row| row.path.starts_with(&self.path_prefix)), |row| row.id.clone())?;
        Ok(ListGroupsResult { groups: rows.into_iter().map(shown).collect() })
    }
}
