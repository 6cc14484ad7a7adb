//! ec2:CreateLaunchTemplateVersion. Makes a further version of a launch template, from another one perhaps.

use landfall_cloud::launch_template::{self, NewVersion, TemplateName, VersionName};
use landfall_cloud::{Tx, View};
use landfall_model::LaunchTemplateId;
use serde::{Deserialize, Serialize};

use super::run_instances::RunInstances;
use super::shape::launch_data::LaunchData;
use super::shape::launch_template::{VersionIn, VersionShape, Warning, demand, named, parameter_of};
use crate::authorise::Caller;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateLaunchTemplateVersion {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
    source_version: Option<VersionIn>,
    version_description: Option<String>,
    launch_template_data: LaunchData,
    #[serde(default)]
    resolve_alias: bool,
    #[serde(skip)]
    caller: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateLaunchTemplateVersionResult<'t> {
    launch_template_version: VersionShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
}

impl Write for CreateLaunchTemplateVersion {
    const ACTION: Action = Action::ec2("CreateLaunchTemplateVersion");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateLaunchTemplateVersionResult<'t>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = caller.arn();
    }

    /// The parameter that the image comes from is read only where it is to be shown.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let named = self.named();
        demand(view, demands, Self::ACTION, &named);
        if !self.resolve_alias {
            return;
        }
        let image = self.launch_template_data.image().or_else(|| {
            let row = view.launch_template(named.as_ref().ok()?)?;
            parameter_of(&view.launch_template_version(row, self.source_version?.0).ok()?.data)
        });
        if let Some(image) = image {
            image.demand(view, demands);
        }
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateLaunchTemplateVersionResult<'t>, ApiError> {
        let template = self.named()?;
        let data = self.launch_template_data.keep()?;
        let new = NewVersion { description: self.version_description, data, created_by: self.caller };
        let source = self.source_version.map(|source| source.0);
        let (id, number) = launch_template::create_version(tx, &template, source, new)?;
        let view = tx.view();
        let row = view.need_launch_template(&TemplateName::Id(id))?;
        let version = view.launch_template_version(row, VersionName::Number(number))?;
        Ok(CreateLaunchTemplateVersionResult {
            warning: Warning::of(RunInstances::faults_of(&version.data, &view)),
            launch_template_version: VersionShape::of(&view, row, version, self.resolve_alias)?,
        })
    }
}

impl CreateLaunchTemplateVersion {
    fn named(&self) -> Result<TemplateName, ApiError> {
        named(self.launch_template_id, self.launch_template_name.as_ref())
    }
}
