//! ssm:GetParameters. Shows several parameters with their values, and says which of those that were asked for there are
//! not.

use std::collections::BTreeSet;

use landfall_cloud::View;
use landfall_cloud::parameter::Reference;
use serde::{Deserialize, Serialize};

use super::shape::found::{ParameterShape, demand_read, look_up, shown};
use super::shape::names;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParameters {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersResult {
    parameters: Vec<ParameterShape>,
    invalid_parameters: Vec<String>,
}

impl Read for GetParameters {
    const ACTION: Action = Action::ssm("GetParameters");
    type Output<'v> = GetParametersResult;

    fn check(&self) -> Result<(), ApiError> {
        names(&self.names)
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for name in &self.names {
            demand_read(view, demands, Self::ACTION, name, self.with_decryption);
        }
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetParametersResult, ApiError> {
        let (mut parameters, mut invalid_parameters) = (Vec::new(), Vec::new());
        for name in self.names.iter().collect::<BTreeSet<_>>() {
            let reference = Reference::parse(name);
            let found = reference.and_then(|reference| Ok((look_up(&look.view, &reference)?, reference)));
            match found {
                Ok((found, reference)) => {
                    parameters.push(shown(look.outside, &look.view, &found, &reference, self.with_decryption)?);
                }
                Err(_) => invalid_parameters.push(name.clone()),
            }
        }
        parameters.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(GetParametersResult { parameters, invalid_parameters })
    }
}
