//! elasticfilesystem:ModifyMountTargetSecurityGroups. Replaces the groups that guard a mount target.

use landfall_cloud::file_system::mount_target::set_groups;
use landfall_cloud::{Tx, View};
use landfall_model::SecurityGroupId;
use serde::Deserialize;

use super::shape::{Nothing, demand_of_target, mount_target};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyMountTargetSecurityGroups {
    mount_target_id: String,
    #[serde(default)]
    security_groups: Vec<SecurityGroupId>,
}

impl Write for ModifyMountTargetSecurityGroups {
    const ACTION: Action = Action::efs("ModifyMountTargetSecurityGroups");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_of_target(view, demands, Self::ACTION, &self.mount_target_id);
        if let Ok(row) = mount_target(view, &self.mount_target_id) {
            demands.ec2(view, Action::ec2("ModifyNetworkInterfaceAttribute"), row.interface);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = mount_target(&tx.view(), &self.mount_target_id)?.id;
        set_groups(tx, id, &self.security_groups)?;
        Ok(Nothing {})
    }
}
