//! kms:ListKeyPolicies. Lists the names of a key's policies, of which there is one.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::policy_name::DEFAULT;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeyPolicies {
    key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyPoliciesResponse {
    policy_names: Vec<&'static str>,
}

impl Read for ListKeyPolicies {
    const ACTION: Action = Action::kms("ListKeyPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListKeyPoliciesResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListKeyPoliciesResponse, ApiError> {
        own(&look.view, &self.key_id)?;
        Ok(ListKeyPoliciesResponse { policy_names: look.page.take([DEFAULT], |name| (*name).to_owned())? })
    }
}
