//! ssm:UnlabelParameterVersion. Takes labels from a version of a parameter.

use landfall_cloud::{Tx, View, parameter};
use serde::{Deserialize, Serialize};

use super::shape::{check_labels, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UnlabelParameterVersion {
    name: String,
    parameter_version: u64,
    labels: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnlabelParameterVersionResult {
    removed_labels: Vec<String>,
    invalid_labels: Vec<String>,
}

impl Write for UnlabelParameterVersion {
    const ACTION: Action = Action::ssm("UnlabelParameterVersion");
    type Output<'t> = UnlabelParameterVersionResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<UnlabelParameterVersionResult, ApiError> {
        check_labels(&self.labels)?;
        let done = parameter::unlabel(tx, self.name.trim(), self.parameter_version, &self.labels)?;
        Ok(UnlabelParameterVersionResult { removed_labels: done.done, invalid_labels: done.invalid })
    }
}
