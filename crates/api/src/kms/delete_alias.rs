//! kms:DeleteAlias. Takes a name from its key.

use landfall_cloud::kms::alias;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::{on_alias, on_key};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteAlias {
    alias_name: String,
}

impl Write for DeleteAlias {
    const ACTION: Action = Action::kms("DeleteAlias");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_alias(view, demands, Self::ACTION, &self.alias_name);
        if let Ok(row) = alias::need(view, &self.alias_name) {
            on_key(view, demands, Self::ACTION, &row.target.to_string());
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        alias::delete(tx, &self.alias_name)?;
        Ok(Nothing {})
    }
}
