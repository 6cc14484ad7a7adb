//! iam:GetRolePolicy. Shows an inline policy of a role.

use landfall_cloud::View;
use landfall_cloud::identity::holder::{Holder, HolderKind};
use serde::{Deserialize, Serialize};

use super::shape::demand::holder_demand;
use super::shape::document::Document;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetRolePolicy {
    role_name: String,
    policy_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRolePolicyResult<'v> {
    role_name: String,
    policy_name: String,
    policy_document: Document<&'v str>,
}

impl Read for GetRolePolicy {
    const ACTION: Action = Action::iam("GetRolePolicy");
    type Output<'v> = GetRolePolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::Role, &self.role_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetRolePolicyResult<'v>, ApiError> {
        let view = look.view;
        let holder = Holder::need(&view, HolderKind::Role, &self.role_name)?;
        let policy_document = Document(holder.need_policy(HolderKind::Role, &self.policy_name)?);
        Ok(GetRolePolicyResult { role_name: self.role_name, policy_name: self.policy_name, policy_document })
    }
}
