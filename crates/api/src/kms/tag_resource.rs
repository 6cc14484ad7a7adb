//! kms:TagResource. Adds tags to a key, or changes those that it has.

use landfall_cloud::kms::key::check_stays;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::tag::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResource {
    key_id: String,
    tags: Vec<Tag>,
}

impl Write for TagResource {
    const ACTION: Action = Action::kms("TagResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = own(&tx.view(), &self.key_id)?.clone();
        check_stays(&row)?;
        tag::put(tx, row.id, &self.tags)?;
        Ok(Nothing {})
    }
}
