//! iam:ListUsers. Lists users, below a path.

use landfall_cloud::identity::user;
use serde::{Deserialize, Serialize};

use super::shape::root;
use super::shape::user::{UserShape, listed};
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListUsers {
    #[serde(default = "root")]
    path_prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsersResult<'v> {
    users: Vec<UserShape<'v>>,
}

impl Read for ListUsers {
    const ACTION: Action = Action::iam("ListUsers");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListUsersResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListUsersResult<'v>, ApiError> {
        let all = user::all(&look.view);
        let rows = look.page.take(all.filter(|row| row.path.starts_with(&self.path_prefix)), |row| row.id.clone())?;
        Ok(ListUsersResult { users: rows.into_iter().map(listed).collect() })
    }
}
