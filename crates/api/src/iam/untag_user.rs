//! iam:UntagUser. Removes tags of a user.

use landfall_cloud::identity::user;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagUser {
    user_name: String,
    tag_keys: Vec<String>,
}

impl Write for UntagUser {
    const ACTION: Action = Action::iam("UntagUser");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = user_demand(view, demands, Self::ACTION, &self.user_name);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = user::need(&tx.view(), &self.user_name)?.id.clone();
        tag::remove(tx, tag::Tagged::User, &id, &self.tag_keys)?;
        Ok(Nothing {})
    }
}
