//! ec2:GetInstanceUefiData. The variables of an instance's UEFI: none of one that boots by BIOS. Those of others lie on their
//! hosts, in the form of their firmware's own store, and are refused by name.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::{BootMode, InstanceId, InstanceType};
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetInstanceUefiData {
    instance_id: InstanceId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetInstanceUefiDataResult {
    instance_id: InstanceId,
}

impl Read for GetInstanceUefiData {
    const ACTION: Action = Action::ec2("GetInstanceUefiData");
    type Output<'v> = GetInstanceUefiDataResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetInstanceUefiDataResult, ApiError> {
        let row = look.view.need::<Instances, _>(self.instance_id)?;
        let mode = look.view.traits(row).and_then(|traits| traits.boot_mode);
        if BootMode::current(mode, InstanceType::find(&row.spec.instance_type)) == BootMode::Uefi {
            return Err(ApiError::unsupported("the variables of an instance that boots by UEFI"));
        }
        Ok(GetInstanceUefiDataResult { instance_id: row.id })
    }
}
