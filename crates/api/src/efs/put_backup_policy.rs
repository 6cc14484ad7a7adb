//! elasticfilesystem:PutBackupPolicy. Says whether a file system is to be backed up, which is kept for whoever backs up.

use landfall_cloud::{Tx, View, file_system};
use serde::{Deserialize, Serialize};

use super::shape::{bad, demand, file_system as named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutBackupPolicy {
    file_system_id: String,
    backup_policy: BackupPolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BackupPolicy {
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Enabled,
    Enabling,
    Disabled,
    Disabling,
}

/// A policy of backups in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupPolicyDescription {
    backup_policy: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    status: &'static str,
}

impl BackupPolicyDescription {
    /// That it is backed up, or not.
    pub fn of(on: bool) -> Self {
        Self { backup_policy: Shown { status: if on { "ENABLED" } else { "DISABLED" } } }
    }
}

impl Write for PutBackupPolicy {
    const ACTION: Action = Action::efs("PutBackupPolicy");
    type Output<'t> = BackupPolicyDescription;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<BackupPolicyDescription, ApiError> {
        let id = named(&tx.view(), &self.file_system_id)?.id;
        let on = match self.backup_policy.status {
            Status::Enabled => true,
            Status::Disabled => false,
            Status::Enabling | Status::Disabling => return Err(bad("The status is ENABLED or DISABLED.")),
        };
        file_system::update(tx, id, |row| row.backup = Some(on))?;
        Ok(BackupPolicyDescription::of(on))
    }
}
