//! elasticfilesystem:DescribeMountTargetSecurityGroups. Shows the groups that guard a mount target.

use landfall_cloud::View;
use landfall_cloud::file_system::mount_target::need_available;
use landfall_cloud::value::Interfaces;
use landfall_model::SecurityGroupId;
use serde::{Deserialize, Serialize};

use super::shape::{demand_of_target, mount_target};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeMountTargetSecurityGroups {
    mount_target_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeMountTargetSecurityGroupsResponse<'v> {
    security_groups: &'v [SecurityGroupId],
}

impl Read for DescribeMountTargetSecurityGroups {
    const ACTION: Action = Action::efs("DescribeMountTargetSecurityGroups");
    type Output<'v> = DescribeMountTargetSecurityGroupsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_of_target(view, demands, Self::ACTION, &self.mount_target_id);
        if let Ok(row) = mount_target(view, &self.mount_target_id) {
            demands.ec2(view, Action::ec2("DescribeNetworkInterfaceAttribute"), row.interface);
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeMountTargetSecurityGroupsResponse<'v>, ApiError> {
        let id = mount_target(&look.view, &self.mount_target_id)?.id;
        let row = need_available(&look.view, id)?;
        let interface = look.view.need::<Interfaces, _>(row.interface)?;
        Ok(DescribeMountTargetSecurityGroupsResponse { security_groups: &interface.groups })
    }
}
