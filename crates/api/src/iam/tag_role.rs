//! iam:TagRole. Adds tags to a role, or changes those that it has.

use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::role_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagRole {
    role_name: String,
    tags: Vec<tag::Tag>,
}

impl Write for TagRole {
    const ACTION: Action = Action::iam("TagRole");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        role_demand(view, demands, Self::ACTION, &self.role_name).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = role::need(&tx.view(), &self.role_name)?.id.clone();
        tag::put(tx, tag::Tagged::Role, &id, &self.tags)?;
        Ok(Nothing {})
    }
}
