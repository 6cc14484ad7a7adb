//! elasticfilesystem:DescribeFileSystemPolicy. Shows the policy of a file system, as it was given.

use landfall_cloud::View;
use landfall_cloud::identity::speaking;
use landfall_model::FileSystemId;
use serde::{Deserialize, Serialize};

use super::shape::{demand, file_system};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeFileSystemPolicy {
    file_system_id: String,
}

/// A policy in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDescription {
    pub file_system_id: FileSystemId,
    pub policy: String,
}

impl Read for DescribeFileSystemPolicy {
    const ACTION: Action = Action::efs("DescribeFileSystemPolicy");
    type Output<'v> = PolicyDescription;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<PolicyDescription, ApiError> {
        let row = file_system(&look.view, &self.file_system_id)?;
        let missing = || ApiError::new("PolicyNotFound", format!("The file system '{}' has no policy.", row.id));
        let policy = row.policy.as_ref().ok_or_else(missing)?;
        Ok(PolicyDescription { file_system_id: row.id, policy: speaking::shown(&look.view, policy).into_owned() })
    }
}
