//! ec2:GetPasswordData. The password of a Windows guest: empty, as EC2 answers for guests that have set none.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::InstanceId;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use super::shape::time;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPasswordData {
    instance_id: InstanceId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPasswordDataResult {
    instance_id: InstanceId,
    timestamp: Time,
    password_data: &'static str,
}

impl Read for GetPasswordData {
    const ACTION: Action = Action::ec2("GetPasswordData");
    type Output<'v> = GetPasswordDataResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetPasswordDataResult, ApiError> {
        let row = look.view.need::<Instances, _>(self.instance_id)?;
        Ok(GetPasswordDataResult { instance_id: row.id, timestamp: time(row.spec.launched_at), password_data: "" })
    }
}
