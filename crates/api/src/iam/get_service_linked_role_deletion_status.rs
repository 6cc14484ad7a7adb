//! iam:GetServiceLinkedRoleDeletionStatus. Says what became of the deletion of a service's role.

use landfall_cloud::View;
use landfall_cloud::identity::service_role;
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetServiceLinkedRoleDeletionStatus {
    deletion_task_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetServiceLinkedRoleDeletionStatusResult {
    status: &'static str,
}

impl Read for GetServiceLinkedRoleDeletionStatus {
    const ACTION: Action = Action::iam("GetServiceLinkedRoleDeletionStatus");
    type Output<'v> = GetServiceLinkedRoleDeletionStatusResult;

    /// On the role that the task's id names, be there such a task or not.
    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let place = self.deletion_task_id.strip_prefix("task/").and_then(|rest| rest.rsplit_once('/'));
        let role = place.map_or("*", |(role, _)| role);
        let arn = Arn::iam(demands.account(), format_args!("role/{role}"));
        demands.resource(Self::ACTION, &arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetServiceLinkedRoleDeletionStatusResult, ApiError> {
        // A task is written when it is done.
        service_role::need_deletion(&look.view, &self.deletion_task_id)?;
        Ok(GetServiceLinkedRoleDeletionStatusResult { status: "SUCCEEDED" })
    }
}
