//! iam:CreateServiceLinkedRole. Makes the role by which a service acts for the account.

use landfall_cloud::identity::service_role;
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::role::{RoleShape, shown};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateServiceLinkedRole {
    #[serde(rename = "AWSServiceName")]
    service: String,
    #[serde(default)]
    description: String,
    custom_suffix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateServiceLinkedRoleResult<'t> {
    role: Option<RoleShape<'t>>,
}

impl Write for CreateServiceLinkedRole {
    const ACTION: Action = Action::iam("CreateServiceLinkedRole");
    type Output<'t> = CreateServiceLinkedRoleResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let (path, name) = service_role::place(&self.service, self.custom_suffix.as_deref());
        let arn = Arn::iam(demands.account(), format_args!("role{path}{name}"));
        demands.resource(Self::ACTION, &arn).with("iam:AWSServiceName", &self.service);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateServiceLinkedRoleResult<'t>, ApiError> {
        let id = service_role::create(tx, &self.service, &self.description, self.custom_suffix.as_deref())?;
        let view = tx.view();
        let row = view.tables().principals.get(&id);
        Ok(CreateServiceLinkedRoleResult { role: row.and_then(|row| shown(&view, row)) })
    }
}
