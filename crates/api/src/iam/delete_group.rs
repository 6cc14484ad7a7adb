//! iam:DeleteGroup. Deletes a group that nobody is in and nothing hangs on any more.

use landfall_cloud::identity::group;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::group_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteGroup {
    group_name: String,
}

impl Write for DeleteGroup {
    const ACTION: Action = Action::iam("DeleteGroup");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        group_demand(view, demands, Self::ACTION, &self.group_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        group::delete(tx, &self.group_name)?;
        Ok(Nothing {})
    }
}
