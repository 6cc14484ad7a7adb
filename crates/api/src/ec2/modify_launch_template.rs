//! ec2:ModifyLaunchTemplate. Says which version of a launch template launches take unless they say another.

use landfall_cloud::launch_template::{self, TemplateName};
use landfall_cloud::{Tx, View};
use landfall_model::LaunchTemplateId;
use serde::{Deserialize, Serialize};

use super::shape::launch_template::{LaunchTemplateShape, VersionIn, demand, named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyLaunchTemplate {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
    set_default_version: Option<VersionIn>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyLaunchTemplateResult<'t> {
    launch_template: LaunchTemplateShape<'t>,
}

impl Write for ModifyLaunchTemplate {
    const ACTION: Action = Action::ec2("ModifyLaunchTemplate");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = ModifyLaunchTemplateResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.named());
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<ModifyLaunchTemplateResult<'t>, ApiError> {
        let template = self.named()?;
        let version = self.set_default_version.ok_or_else(|| ApiError::missing("SetDefaultVersion"))?;
        let id = launch_template::set_default(tx, &template, version.0)?;
        let view = tx.view();
        let row = view.need_launch_template(&TemplateName::Id(id))?;
        Ok(ModifyLaunchTemplateResult { launch_template: LaunchTemplateShape::of(&view, row) })
    }
}

impl ModifyLaunchTemplate {
    fn named(&self) -> Result<TemplateName, ApiError> {
        named(self.launch_template_id, self.launch_template_name.as_ref())
    }
}
