//! kms:UntagResource. Removes tags of a key.

use landfall_cloud::kms::key::check_stays;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::tag::owner;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagResource {
    key_id: String,
    tag_keys: Vec<String>,
}

impl Write for UntagResource {
    const ACTION: Action = Action::kms("UntagResource");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = own(&tx.view(), &self.key_id)?.clone();
        check_stays(&row)?;
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        if !which.is_empty() {
            landfall_cloud::tag::remove(tx, &owner(row.id), &which);
        }
        Ok(Nothing {})
    }
}
