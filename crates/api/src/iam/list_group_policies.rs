//! iam:ListGroupPolicies. Lists the names of a group's inline policies.

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::holder::{PolicyNames, list_inline};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListGroupPolicies {
    group_name: String,
}

impl Read for ListGroupPolicies {
    const ACTION: Action = Action::iam("ListGroupPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = PolicyNames<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Group, &self.group_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<PolicyNames<'v>, ApiError> {
        list_inline(look, HolderKind::Group, &self.group_name)
    }
}
