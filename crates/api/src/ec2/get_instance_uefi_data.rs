//! ec2:GetInstanceUefiData. The variables of an instance's UEFI: none, since instances boot by BIOS.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::InstanceId;
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
        Ok(GetInstanceUefiDataResult { instance_id: row.id })
    }
}
