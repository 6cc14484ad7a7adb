//! iam:UntagRole. Removes tags of a role.

use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::role_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

impl Write for UntagRole {
    const ACTION: Action = Action::iam("UntagRole");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = role_demand(view, demands, Self::ACTION, &self.role_name);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = role::need(&tx.view(), &self.role_name)?.id.clone();
        tag::remove(tx, tag::Tagged::Role, &id, &self.tag_keys)?;
        Ok(Nothing {})
    }
}
