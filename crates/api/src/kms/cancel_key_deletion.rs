//! kms:CancelKeyDeletion. Keeps a key that waits for its deletion. It is switched off then.

use landfall_cloud::kms::life;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::KeyNamed;
use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CancelKeyDeletion {
    key_id: String,
}

impl Write for CancelKeyDeletion {
    const ACTION: Action = Action::kms("CancelKeyDeletion");
    type Output<'t> = KeyNamed;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<KeyNamed, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        life::cancel_deletion(tx, &key)?;
        Ok(KeyNamed { key_id: key.arn() })
    }
}
