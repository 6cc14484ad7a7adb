//! elasticfilesystem:DescribeBackupPolicy. Shows whether a file system is to be backed up.

use landfall_cloud::View;
use serde::Deserialize;

use super::put_backup_policy::BackupPolicyDescription;
use super::shape::{demand, file_system};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeBackupPolicy {
    file_system_id: String,
}

impl Read for DescribeBackupPolicy {
    const ACTION: Action = Action::efs("DescribeBackupPolicy");
    type Output<'v> = BackupPolicyDescription;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<BackupPolicyDescription, ApiError> {
        let row = file_system(&look.view, &self.file_system_id)?;
        let missing = || ApiError::new("PolicyNotFound", format!("None backup policy is set for '{}'.", row.id));
        Ok(BackupPolicyDescription::of(row.backup.ok_or_else(missing)?))
    }
}
