//! kms:CreateAlias. Gives a key another name.

use landfall_cloud::kms::alias;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::{on_alias, on_key};
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAlias {
    alias_name: String,
    target_key_id: String,
}

impl Write for CreateAlias {
    const ACTION: Action = Action::kms("CreateAlias");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_alias(view, demands, Self::ACTION, &self.alias_name);
        on_key(view, demands, Self::ACTION, &self.target_key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = own(&tx.view(), &self.target_key_id)?.clone();
        alias::create(tx, &self.alias_name, &key)?;
        Ok(Nothing {})
    }
}
