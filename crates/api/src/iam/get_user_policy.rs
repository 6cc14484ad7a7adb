//! iam:GetUserPolicy. Shows an inline policy of a user.

use landfall_cloud::View;
use landfall_cloud::identity::holder::{Holder, HolderKind};
use serde::{Deserialize, Serialize};

use super::shape::demand::holder_demand;
use super::shape::document::Document;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetUserPolicy {
    user_name: String,
    policy_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUserPolicyResult<'v> {
    user_name: String,
    policy_name: String,
    policy_document: Document<&'v str>,
}

impl Read for GetUserPolicy {
    const ACTION: Action = Action::iam("GetUserPolicy");
    type Output<'v> = GetUserPolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::User, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetUserPolicyResult<'v>, ApiError> {
        let view = look.view;
        let holder = Holder::need(&view, HolderKind::User, &self.user_name)?;
        let policy_document = Document(holder.need_policy(HolderKind::User, &self.policy_name)?);
        Ok(GetUserPolicyResult { user_name: self.user_name, policy_name: self.policy_name, policy_document })
    }
}
