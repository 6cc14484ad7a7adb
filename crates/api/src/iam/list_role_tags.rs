//! iam:ListRoleTags. Lists the tags of a role.

use landfall_cloud::View;
use landfall_cloud::identity::role;
use serde::Deserialize;

use super::shape::demand::role_demand;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListRoleTags {
    role_name: String,
}

impl Read for ListRoleTags {
    const ACTION: Action = Action::iam("ListRoleTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let id = &role::need(&look.view, &self.role_name)?.id;
        tag::list(look, id)
    }
}
