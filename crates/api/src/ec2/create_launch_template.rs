//! ec2:CreateLaunchTemplate. Describes a launch once, to be made by name: a template with its first version.

use landfall_cloud::launch_template::{self, NewVersion};
use landfall_cloud::{Tx, View, tag};
use landfall_model::LaunchTemplateKind;
use serde::{Deserialize, Serialize};

use super::run_instances::RunInstances;
use super::shape::TagSpecifications;
use super::shape::launch_data::LaunchData;
use super::shape::launch_template::{KIND, LaunchTemplateShape, Warning};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::authorise::Caller;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateLaunchTemplate {
    launch_template_name: String,
    version_description: Option<String>,
    launch_template_data: LaunchData,
    operator: Option<Unsupported>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(skip)]
    caller: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateLaunchTemplateResult<'t> {
    launch_template: LaunchTemplateShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
}

impl Write for CreateLaunchTemplate {
    const ACTION: Action = Action::ec2("CreateLaunchTemplate");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateLaunchTemplateResult<'t>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = caller.arn();
    }

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<LaunchTemplateKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateLaunchTemplateResult<'t>, ApiError> {
        refuse_parameters!(self; operator);
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let data = self.launch_template_data.keep()?;
        let warning = Warning::of(RunInstances::faults_of(&data, &tx.view()));
        let first = NewVersion { description: self.version_description, data, created_by: self.caller };
        let template = launch_template::create(tx, self.launch_template_name, first)?;
        tag::put(tx, KIND, &template.to_string(), &tags)?;
        let view = tx.view();
        let row = view.need_launch_template(&launch_template::TemplateName::Id(template))?;
        Ok(CreateLaunchTemplateResult { launch_template: LaunchTemplateShape::of(&view, row), warning })
    }
}
