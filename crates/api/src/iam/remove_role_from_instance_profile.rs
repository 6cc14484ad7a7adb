//! iam:RemoveRoleFromInstanceProfile. Takes the role out of an instance profile.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::profile_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RemoveRoleFromInstanceProfile {
    instance_profile_name: String,
    role_name: String,
}

impl Write for RemoveRoleFromInstanceProfile {
    const ACTION: Action = Action::iam("RemoveRoleFromInstanceProfile");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        instance_profile::remove_role(tx, &self.instance_profile_name, &self.role_name)?;
        Ok(Nothing {})
    }
}
