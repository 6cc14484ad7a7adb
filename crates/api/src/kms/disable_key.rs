//! kms:DisableKey. Switches a key off: nothing can be done with it until it is on again.

use landfall_cloud::kms::life;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableKey {
    key_id: String,
}

impl Write for DisableKey {
    const ACTION: Action = Action::kms("DisableKey");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        life::set_enabled(tx, &key, false)?;
        Ok(Nothing {})
    }
}
