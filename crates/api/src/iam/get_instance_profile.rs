//! iam:GetInstanceProfile. Shows an instance profile with its role.

use landfall_cloud::View;
use landfall_cloud::identity::instance_profile;
use serde::{Deserialize, Serialize};

use super::shape::demand::profile_demand;
use super::shape::profile::{ProfileShape, shown};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetInstanceProfile {
    instance_profile_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetInstanceProfileResult<'v> {
    instance_profile: ProfileShape<'v>,
}

impl Read for GetInstanceProfile {
    const ACTION: Action = Action::iam("GetInstanceProfile");
    type Output<'v> = GetInstanceProfileResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetInstanceProfileResult<'v>, ApiError> {
        let view = look.view;
        let row = instance_profile::need(&view, &self.instance_profile_name)?;
        Ok(GetInstanceProfileResult { instance_profile: shown(&view, row) })
    }
}
