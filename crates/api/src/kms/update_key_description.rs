//! kms:UpdateKeyDescription. Says anew what a key is for.

use landfall_cloud::kms::key;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateKeyDescription {
    key_id: String,
    description: String,
}

impl Write for UpdateKeyDescription {
    const ACTION: Action = Action::kms("UpdateKeyDescription");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = own(&tx.view(), &self.key_id)?.clone();
        key::set_description(tx, &row, &self.description)?;
        Ok(Nothing {})
    }
}
