//! iam:ListPolicyTags. Lists the tags of a policy.

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy::{self, Managed};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::policy_arn;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPolicyTags {
    policy_arn: String,
}

impl Read for ListPolicyTags {
    const ACTION: Action = Action::iam("ListPolicyTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let id = match managed_policy::need(&look.view, &policy_arn(&self.policy_arn)?)? {
            Managed::Own(row) => &row.id,
            Managed::Provided(policy) => &policy.id,
        };
        tag::list(look, id)
    }
}
