//! iam:CreateRole. Makes a role, with who may take it.

use landfall_cloud::identity::role::{self, NewRole};
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::role_demand;
use super::shape::role::{RoleShape, shown};
use super::shape::{policy_arn, root, tag};
use crate::{Action, ApiError, Demands, Write};

/// How long sessions last at most, if it isn't said. Source: the IAM API Reference on CreateRole.
const SESSION_S: u32 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRole {
    role_name: String,
    #[serde(default = "root")]
    path: String,
    assume_role_policy_document: String,
    #[serde(default)]
    description: String,
    max_session_duration: Option<u32>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRoleResult<'t> {
    role: Option<RoleShape<'t>>,
}

impl Write for CreateRole {
    const ACTION: Action = Action::iam("CreateRole");
    type Output<'t> = CreateRoleResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = role_demand(
            view,
            demands,
            Self::ACTION,
            &format!("{}{}", self.path.strip_prefix('/').unwrap_or(&self.path), self.role_name),
        );
        demand.request_tags(&tag::by_key(&self.tags));
        if let Some(boundary) = &self.permissions_boundary {
            demand.with("iam:PermissionsBoundary", boundary);
        }
        tag::demand_on_new(demands, "TagRole", &self.tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateRoleResult<'t>, ApiError> {
        if self.path.starts_with(role::OF_SERVICES) {
            let message = "Only CreateServiceLinkedRole makes roles below /aws-service-role/.";
            return Err(ApiError::new("InvalidInput", message));
        }
        let boundary = self.permissions_boundary.as_deref().map(policy_arn).transpose()?;
        let new = NewRole {
            name: &self.role_name,
            path: &self.path,
            trust: &self.assume_role_policy_document,
            description: &self.description,
            max_session_s: self.max_session_duration.unwrap_or(SESSION_S),
            boundary,
        };
        let id = role::create(tx, new)?;
        tag::put(tx, tag::Tagged::Role, &id, &self.tags)?;
        let view = tx.view();
        let row = role::need(&view, &self.role_name)?;
        Ok(CreateRoleResult { role: shown(&view, row) })
    }
}
