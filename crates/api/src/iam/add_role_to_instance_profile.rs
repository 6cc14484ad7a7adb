//! iam:AddRoleToInstanceProfile. Puts a role into an instance profile. Whoever does must be allowed to pass the role.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::{profile_demand, role_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddRoleToInstanceProfile {
    instance_profile_name: String,
    role_name: String,
}

impl Write for AddRoleToInstanceProfile {
    const ACTION: Action = Action::iam("AddRoleToInstanceProfile");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
        // Only instances take their roles from profiles.
        role_demand(view, demands, Action::iam("PassRole"), &self.role_name)
            .with("iam:PassedToService", "ec2.amazonaws.com");
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        instance_profile::add_role(tx, &self.instance_profile_name, &self.role_name)?;
        Ok(Nothing {})
    }
}
