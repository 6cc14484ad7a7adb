//! ssm:LabelParameterVersion. Puts labels on a version of a parameter.

use landfall_cloud::{Tx, View, parameter};
use serde::{Deserialize, Serialize};

use super::shape::{check_labels, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LabelParameterVersion {
    name: String,
    parameter_version: Option<u64>,
    labels: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LabelParameterVersionResult {
    invalid_labels: Vec<String>,
    parameter_version: u64,
}

impl Write for LabelParameterVersion {
    const ACTION: Action = Action::ssm("LabelParameterVersion");
    type Output<'t> = LabelParameterVersionResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<LabelParameterVersionResult, ApiError> {
        check_labels(&self.labels)?;
        let done = parameter::label(tx, self.name.trim(), self.parameter_version, &self.labels)?;
        Ok(LabelParameterVersionResult { invalid_labels: done.invalid, parameter_version: done.version })
    }
}
