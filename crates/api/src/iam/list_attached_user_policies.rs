//! iam:ListAttachedUserPolicies. Lists the managed policies that a user has.

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::holder::{AttachedPolicies, list_attached};
use super::shape::root;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAttachedUserPolicies {
    user_name: String,
    #[serde(default = "root")]
    path_prefix: String,
}

impl Read for ListAttachedUserPolicies {
    const ACTION: Action = Action::iam("ListAttachedUserPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = AttachedPolicies<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::User, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<AttachedPolicies<'v>, ApiError> {
        list_attached(look, HolderKind::User, &self.user_name, &self.path_prefix)
    }
}
