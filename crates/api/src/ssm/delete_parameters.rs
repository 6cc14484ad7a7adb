//! ssm:DeleteParameters. Forgets several parameters, and says which of those that were named there were not.

use std::collections::BTreeSet;

use landfall_cloud::{Tx, View, parameter};
use serde::{Deserialize, Serialize};

use super::shape::{demand, names};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteParameters {
    names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteParametersResult {
    deleted_parameters: Vec<String>,
    invalid_parameters: Vec<String>,
}

impl Write for DeleteParameters {
    const ACTION: Action = Action::ssm("DeleteParameters");
    const FREES: bool = true;
    type Output<'t> = DeleteParametersResult;

    fn check(&self) -> Result<(), ApiError> {
        names(&self.names)
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for name in &self.names {
            demand(view, demands, Self::ACTION, name);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteParametersResult, ApiError> {
        let (mut deleted_parameters, mut invalid_parameters) = (Vec::new(), Vec::new());
        for name in self.names.into_iter().collect::<BTreeSet<_>>() {
            match parameter::delete(tx, name.trim()) {
                Ok(()) => deleted_parameters.push(name),
                Err(_) => invalid_parameters.push(name),
            }
        }
        Ok(DeleteParametersResult { deleted_parameters, invalid_parameters })
    }
}
