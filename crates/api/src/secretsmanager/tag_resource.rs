//! secretsmanager:TagResource. Adds tags to a secret, or changes those that it has.

use landfall_cloud::{Tx, View, secret, tag};
use serde::Deserialize;

use super::shape::{Nothing, at_home, demand};
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

impl Write for TagResource {
    const ACTION: Action = Action::secretsmanager("TagResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id).request_tags(&tagging::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let tags = tagging::distinct(&self.tags, "InvalidParameterException")?;
        tag::put(&mut tx, "secret", &secret::tag_id(&row.name), &tags)?;
        if !tags.is_empty() {
            secret::update(&mut tx, &row, |_| ());
        }
        Ok(Nothing {})
    }
}
