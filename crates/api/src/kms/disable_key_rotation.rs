//! kms:DisableKeyRotation. Has a key not rotate by itself any more.

use landfall_cloud::kms::life;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableKeyRotation {
    key_id: String,
}

impl Write for DisableKeyRotation {
    const ACTION: Action = Action::kms("DisableKeyRotation");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        life::disable_rotation(tx, &key)?;
        Ok(Nothing {})
    }
}
