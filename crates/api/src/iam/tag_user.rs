//! iam:TagUser. Adds tags to a user, or changes those that it has.

use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagUser {
    user_name: String,
    tags: Vec<tag::Tag>,
}

impl Write for TagUser {
    const ACTION: Action = Action::iam("TagUser");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = user::need(&tx.view(), &self.user_name)?.id.clone();
        tag::put(tx, tag::Tagged::User, &id, &self.tags)?;
        Ok(Nothing {})
    }
}
