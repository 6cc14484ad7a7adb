//! iam:ListUserTags. Lists the tags of a user.

use landfall_cloud::View;
use landfall_cloud::identity::user;
use serde::Deserialize;

use super::shape::demand::user_demand;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListUserTags {
    user_name: String,
}

impl Read for ListUserTags {
    const ACTION: Action = Action::iam("ListUserTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let id = &user::need(&look.view, &self.user_name)?.id;
        tag::list(look, id)
    }
}
