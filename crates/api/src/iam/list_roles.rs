//! iam:ListRoles. Lists roles, below a path.

use landfall_cloud::identity::role;
use serde::{Deserialize, Serialize};

use super::shape::role::{RoleShape, listed};
use super::shape::root;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListRoles {
    #[serde(default = "root")]
    path_prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRolesResult<'v> {
    roles: Vec<RoleShape<'v>>,
}

impl Read for ListRoles {
    const ACTION: Action = Action::iam("ListRoles");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListRolesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListRolesResult<'v>, ApiError> {
        let view = look.view;
        let all = role::all(&view);
        let rows = look.page.take(all.filter(|row| row.path.starts_with(&self.path_prefix)), |row| row.id.clone())?;
        Ok(ListRolesResult { roles: rows.into_iter().filter_map(|row| listed(&view, row)).collect() })
    }
}
