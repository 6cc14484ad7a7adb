//! iam:AttachRolePolicy. Attaches a managed policy to a role.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachRolePolicy {
    role_name: String,
    policy_arn: String,
}

impl Write for AttachRolePolicy {
    const ACTION: Action = Action::iam("AttachRolePolicy");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = holder_demand(view, demands, Self::ACTION, HolderKind::Role, &self.role_name);
        demand.with("iam:PolicyARN", &self.policy_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        holder::attach(tx, HolderKind::Role, &self.role_name, &policy_arn(&self.policy_arn)?)?;
        Ok(Nothing {})
    }
}
