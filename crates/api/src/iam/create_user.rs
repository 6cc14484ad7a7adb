//! iam:CreateUser. Makes a user.

use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::user_demand;
use super::shape::user::{UserShape, shown};
use super::shape::{policy_arn, root, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateUser {
    user_name: String,
    #[serde(default = "root")]
    path: String,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateUserResult<'t> {
    user: UserShape<'t>,
}

impl Write for CreateUser {
    const ACTION: Action = Action::iam("CreateUser");
    type Output<'t> = CreateUserResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = user_demand(
            view,
            demands,
            Self::ACTION,
            &format!("{}{}", self.path.strip_prefix('/').unwrap_or(&self.path), self.user_name),
        );
        demand.request_tags(&tag::by_key(&self.tags));
        if let Some(boundary) = &self.permissions_boundary {
            demand.with("iam:PermissionsBoundary", boundary);
        }
        tag::demand_on_new(demands, "TagUser", &self.tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateUserResult<'t>, ApiError> {
        let boundary = self.permissions_boundary.as_deref().map(policy_arn).transpose()?;
        let id = user::create(tx, &self.user_name, &self.path, boundary)?;
        tag::put(tx, tag::Tagged::User, &id, &self.tags)?;
        let view = tx.view();
        let row = user::need(&view, &self.user_name)?;
        Ok(CreateUserResult { user: shown(&view, row) })
    }
}
