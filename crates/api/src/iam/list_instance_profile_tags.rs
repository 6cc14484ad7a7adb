//! iam:ListInstanceProfileTags. Lists the tags of an instance profile.

use landfall_cloud::View;
use landfall_cloud::identity::instance_profile;
use serde::Deserialize;

use super::shape::demand::profile_demand;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListInstanceProfileTags {
    instance_profile_name: String,
}

impl Read for ListInstanceProfileTags {
    const ACTION: Action = Action::iam("ListInstanceProfileTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let id = &instance_profile::need(&look.view, &self.instance_profile_name)?.id;
        tag::list(look, id)
    }
}
