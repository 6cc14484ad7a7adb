//! iam:CreateGroup. Makes a group of users.

use landfall_cloud::identity::group;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::group_demand;
use super::shape::group::{GroupShape, shown};
use super::shape::root;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateGroup {
    group_name: String,
    #[serde(default = "root")]
    path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGroupResult<'t> {
    group: GroupShape<'t>,
}

impl Write for CreateGroup {
    const ACTION: Action = Action::iam("CreateGroup");
    type Output<'t> = CreateGroupResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        group_demand(
            view,
            demands,
            Self::ACTION,
            &format!("{}{}", self.path.strip_prefix('/').unwrap_or(&self.path), self.group_name),
        );
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateGroupResult<'t>, ApiError> {
        group::create(tx, &self.group_name, &self.path)?;
        let view = tx.view();
        let row = group::need(&view, &self.group_name)?;
        Ok(CreateGroupResult { group: shown(row) })
    }
}
