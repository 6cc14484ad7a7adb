//! elasticfilesystem:DeleteMountTarget. Deletes a mount target with its interface: who has mounted the file system there loses it.

use landfall_cloud::file_system::mount_target::delete;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::{Nothing, demand_of_target, mount_target};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteMountTarget {
    mount_target_id: String,
}

impl Write for DeleteMountTarget {
    const ACTION: Action = Action::efs("DeleteMountTarget");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_of_target(view, demands, Self::ACTION, &self.mount_target_id);
        if let Ok(row) = mount_target(view, &self.mount_target_id) {
            demands.ec2(view, Action::ec2("DeleteNetworkInterface"), row.interface);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = mount_target(&tx.view(), &self.mount_target_id)?.id;
        delete(tx, id)?;
        Ok(Nothing {})
    }
}
