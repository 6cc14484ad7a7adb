//! iam:DeleteInstanceProfile. Deletes an instance profile that has no role.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::profile_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteInstanceProfile {
    instance_profile_name: String,
}

impl Write for DeleteInstanceProfile {
    const ACTION: Action = Action::iam("DeleteInstanceProfile");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        instance_profile::delete(tx, &self.instance_profile_name)?;
        Ok(Nothing {})
    }
}
