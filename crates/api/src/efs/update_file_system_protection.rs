//! elasticfilesystem:UpdateFileSystemProtection. Says whether a file system may become another one's replica, which is kept for
//! when there are replicas.

use landfall_cloud::value::FileSystems;
use landfall_cloud::{Tx, View, file_system};
use serde::Deserialize;

use super::shape::file_system::Protection;
use super::shape::{bad, demand, file_system as named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateFileSystemProtection {
    file_system_id: String,
    replication_overwrite_protection: Option<Overwriting>,
}

/// `REPLICATING` is a state that nobody asks for.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Overwriting {
    Enabled,
    Disabled,
}

impl Write for UpdateFileSystemProtection {
    const ACTION: Action = Action::efs("UpdateFileSystemProtection");
    type Output<'t> = Protection;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Protection, ApiError> {
        let id = named(&tx.view(), &self.file_system_id)?.id;
        let Some(protection) = self.replication_overwrite_protection else {
            return Err(bad("The request must contain ReplicationOverwriteProtection."));
        };
        file_system::update(tx, id, |row| row.may_be_overwritten = protection == Overwriting::Disabled)?;
        Ok(Protection::of(tx.view().need::<FileSystems, _>(id)?))
    }
}
