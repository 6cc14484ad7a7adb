//! ssm:GetParameter. Shows a parameter with its value: one's own, or a public one.

use landfall_cloud::View;
use landfall_cloud::parameter::Reference;
use serde::{Deserialize, Serialize};

use super::shape::found::{ParameterShape, demand_read, look_up, shown};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParameter {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParameterResult {
    parameter: ParameterShape,
}

impl Read for GetParameter {
    const ACTION: Action = Action::ssm("GetParameter");
    type Output<'v> = GetParameterResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_read(view, demands, Self::ACTION, &self.name, self.with_decryption);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetParameterResult, ApiError> {
        let reference = Reference::parse(&self.name)?;
        let found = look_up(&look.view, &reference)?;
        let parameter = shown(look.outside, &look.view, &found, &reference, self.with_decryption)?;
        Ok(GetParameterResult { parameter })
    }
}
