//! iam:ListUserPolicies. Lists the names of a user's inline policies.

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::holder::{PolicyNames, list_inline};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListUserPolicies {
    user_name: String,
}

impl Read for ListUserPolicies {
    const ACTION: Action = Action::iam("ListUserPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = PolicyNames<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::User, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<PolicyNames<'v>, ApiError> {
        list_inline(look, HolderKind::User, &self.user_name)
    }
}
