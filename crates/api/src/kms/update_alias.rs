//! kms:UpdateAlias. Points a name at another key of the same kind.

use landfall_cloud::kms::alias;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::{on_alias, on_key};
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateAlias {
    alias_name: String,
    target_key_id: String,
}

impl Write for UpdateAlias {
    const ACTION: Action = Action::kms("UpdateAlias");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_alias(view, demands, Self::ACTION, &self.alias_name);
        on_key(view, demands, Self::ACTION, &self.target_key_id);
        // The key that loses the name must let it go.
        if let Ok(row) = alias::need(view, &self.alias_name) {
            on_key(view, demands, Self::ACTION, &row.target.to_string());
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = own(&tx.view(), &self.target_key_id)?.clone();
        alias::update(tx, &self.alias_name, &key)?;
        Ok(Nothing {})
    }
}
