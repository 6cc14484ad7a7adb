//! iam:PutUserPolicy. Adds an inline policy to a user, or replaces the one of that name.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::holder_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutUserPolicy {
    user_name: String,
    policy_name: String,
    policy_document: String,
}

impl Write for PutUserPolicy {
    const ACTION: Action = Action::iam("PutUserPolicy");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        holder_demand(view, demands, Self::ACTION, HolderKind::User, &self.user_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        holder::put_policy(tx, HolderKind::User, &self.user_name, &self.policy_name, &self.policy_document)?;
        Ok(Nothing {})
    }
}
