//! iam:GetGroupPolicy. Shows an inline policy of a group.

use landfall_cloud::View;
use landfall_cloud::identity::holder::{Holder, HolderKind};
use serde::{Deserialize, Serialize};

use super::shape::demand::holder_demand;
use super::shape::document::Document;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetGroupPolicy {
    group_name: String,
    policy_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetGroupPolicyResult<'v> {
    group_name: String,
    policy_name: String,
    policy_document: Document<&'v str>,
}

impl Read for GetGroupPolicy {
    const ACTION: Action = Action::iam("GetGroupPolicy");
    type Output<'v> = GetGroupPolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Group, &self.group_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetGroupPolicyResult<'v>, ApiError> {
        let view = look.view;
        let holder = Holder::need(&view, HolderKind::Group, &self.group_name)?;
        let policy_document = Document(holder.need_policy(HolderKind::Group, &self.policy_name)?);
        Ok(GetGroupPolicyResult { group_name: self.group_name, policy_name: self.policy_name, policy_document })
    }
}
