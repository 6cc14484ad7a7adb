//! elasticfilesystem:DeleteFileSystemPolicy. Takes a file system's policy away: the default one holds again.

use landfall_cloud::{Tx, View, file_system};
use serde::Deserialize;

use super::shape::{Nothing, demand, file_system as named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteFileSystemPolicy {
    file_system_id: String,
}

impl Write for DeleteFileSystemPolicy {
    const ACTION: Action = Action::efs("DeleteFileSystemPolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = named(&tx.view(), &self.file_system_id)?.id;
        file_system::update(tx, id, |row| row.policy = None)?;
        Ok(Nothing {})
    }
}
