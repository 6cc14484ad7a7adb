//! iam:DeleteServiceLinkedRole. Deletes the role of a service, and names the task that did.

use landfall_cloud::identity::service_role;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::role_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteServiceLinkedRole {
    role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteServiceLinkedRoleResult {
    deletion_task_id: String,
}

impl Write for DeleteServiceLinkedRole {
    const ACTION: Action = Action::iam("DeleteServiceLinkedRole");
    const FREES: bool = true;
    type Output<'t> = DeleteServiceLinkedRoleResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteServiceLinkedRoleResult, ApiError> {
        Ok(DeleteServiceLinkedRoleResult { deletion_task_id: service_role::delete(tx, &self.role_name)? })
    }
}
