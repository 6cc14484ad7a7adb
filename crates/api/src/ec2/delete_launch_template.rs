//! ec2:DeleteLaunchTemplate. Deletes a launch template with all its versions; what was launched from it stays.

use landfall_cloud::launch_template::{self, TemplateName};
use landfall_cloud::{Tx, View};
use landfall_model::LaunchTemplateId;
use serde::{Deserialize, Serialize};

use super::shape::launch_template::{LaunchTemplateShape, demand, named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteLaunchTemplate {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteLaunchTemplateResult {
    launch_template: LaunchTemplateShape<'static>,
}

impl Write for DeleteLaunchTemplate {
    const ACTION: Action = Action::ec2("DeleteLaunchTemplate");
    const FREES: bool = true;
    type Output<'t> = DeleteLaunchTemplateResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.named());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteLaunchTemplateResult, ApiError> {
        let row = launch_template::delete(tx, &self.named()?)?;
        Ok(DeleteLaunchTemplateResult { launch_template: LaunchTemplateShape::gone(row) })
    }
}

impl DeleteLaunchTemplate {
    fn named(&self) -> Result<TemplateName, ApiError> {
        named(self.launch_template_id, self.launch_template_name.as_ref())
    }
}
