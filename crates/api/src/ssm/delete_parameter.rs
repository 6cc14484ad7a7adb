//! ssm:DeleteParameter. Forgets a parameter with all its versions.

use landfall_cloud::{Tx, View, parameter};
use serde::Deserialize;

use super::shape::{Nothing, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteParameter {
    name: String,
}

impl Write for DeleteParameter {
    const ACTION: Action = Action::ssm("DeleteParameter");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        parameter::delete(tx, self.name.trim())?;
        Ok(Nothing {})
    }
}
