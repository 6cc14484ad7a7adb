//! ec2:DeleteLaunchTemplateVersions. Deletes versions of a launch template, each by itself: the answer says which are gone
//! and why the others aren't.

use landfall_cloud::launch_template::{self, TemplateName, Undeleted, VersionName};
use landfall_cloud::{Tx, View};
use landfall_model::{LaunchTemplate, LaunchTemplateId};
use serde::{Deserialize, Serialize};

use super::shape::launch_template::{VersionIn, demand, named};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteLaunchTemplateVersions {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
    launch_template_version: Vec<VersionIn>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteLaunchTemplateVersionsResult {
    successfully_deleted_launch_template_version_set: Vec<Deleted>,
    unsuccessfully_deleted_launch_template_version_set: Vec<NotDeleted>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_template_id: Option<LaunchTemplateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_template_name: Option<String>,
    version_number: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotDeleted {
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_template_id: Option<LaunchTemplateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_template_name: Option<String>,
    version_number: u64,
    response_error: ResponseError,
}

#[derive(Serialize)]
struct ResponseError {
    code: &'static str,
    message: String,
}

/// The most versions of one call. Source: the EC2 API Reference.
const MOST: usize = 200;

impl Write for DeleteLaunchTemplateVersions {
    const ACTION: Action = Action::ec2("DeleteLaunchTemplateVersions");
    const FREES: bool = true;
    type Output<'t> = DeleteLaunchTemplateVersionsResult;

    fn check(&self) -> Result<(), ApiError> {
        if self.launch_template_version.len() > MOST {
            let message = format!("You can delete up to {MOST} launch template versions in a single request.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.named());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteLaunchTemplateVersionsResult, ApiError> {
        let template = self.named()?;
        let numbers: Vec<u64> = self.launch_template_version.iter().map(number).collect::<Result<_, _>>()?;
        let mut result = DeleteLaunchTemplateVersionsResult {
            successfully_deleted_launch_template_version_set: Vec::new(),
            unsuccessfully_deleted_launch_template_version_set: Vec::new(),
        };
        let Some(row) = tx.view().launch_template(&template).cloned() else {
            let absent = numbers.into_iter().map(|number| of_no_template(&template, number));
            result.unsuccessfully_deleted_launch_template_version_set.extend(absent);
            return Ok(result);
        };
        for (number, refused) in launch_template::delete_versions(tx, row.clone(), &numbers) {
            let deleted = Deleted {
                launch_template_id: Some(row.id),
                launch_template_name: Some(row.name.clone()),
                version_number: number,
            };
            match refused {
                None => result.successfully_deleted_launch_template_version_set.push(deleted),
                Some(why) => {
                    result
                        .unsuccessfully_deleted_launch_template_version_set
                        .push(deleted.not(why_not(&row, number, why)));
                }
            }
        }
        Ok(result)
    }
}

impl DeleteLaunchTemplateVersions {
    fn named(&self) -> Result<TemplateName, ApiError> {
        named(self.launch_template_id, self.launch_template_name.as_ref())
    }
}

impl Deleted {
    fn not(self, response_error: ResponseError) -> NotDeleted {
        let Self { launch_template_id, launch_template_name, version_number } = self;
        NotDeleted { launch_template_id, launch_template_name, version_number, response_error }
    }
}

fn number(version: &VersionIn) -> Result<u64, ApiError> {
    match version.0 {
        VersionName::Number(number) => Ok(number),
        VersionName::Default | VersionName::Latest => {
            Err(ApiError::new("InvalidParameterValue", "Versions are deleted by their numbers."))
        }
    }
}

fn of_no_template(template: &TemplateName, number: u64) -> NotDeleted {
    let (id, name, code) = match template {
        TemplateName::Id(id) => (Some(*id), None, "launchTemplateIdDoesNotExist"),
        TemplateName::Name(name) => (None, Some(name.clone()), "launchTemplateNameDoesNotExist"),
    };
    let message = match (&id, &name) {
        (Some(id), _) => format!("The specified launch template, with template ID {id}, does not exist."),
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            format!("The specified launch template, with template name {name}, does not exist.")
        }
    };
    let deleted = Deleted { launch_template_id: id, launch_template_name: name, version_number: number };
    deleted.not(ResponseError { code, message })
}

/// EC2 has no code of its own for the default version.
fn why_not(row: &LaunchTemplate, number: u64, why: Undeleted) -> ResponseError {
    let id = row.id;
    match why {
        Undeleted::Absent => ResponseError {
            code: "launchTemplateVersionDoesNotExist",
            message: format!("Could not find the specified version {number} for the launch template with ID {id}."),
        },
        Undeleted::Default => ResponseError {
            code: "unexpectedError",
            message: format!("The version {number} is the default version of the launch template with ID {id}."),
        },
    }
}
