//! iam:ListAttachedGroupPolicies. Lists the managed policies that a group has.

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::holder::{AttachedPolicies, list_attached};
use super::shape::root;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAttachedGroupPolicies {
    group_name: String,
    #[serde(default = "root")]
    path_prefix: String,
}

impl Read for ListAttachedGroupPolicies {
    const ACTION: Action = Action::iam("ListAttachedGroupPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = AttachedPolicies<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Group, &self.group_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<AttachedPolicies<'v>, ApiError> {
        list_attached(look, HolderKind::Group, &self.group_name, &self.path_prefix)
    }
}
