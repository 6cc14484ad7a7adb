//! cloudtrail:StartLogging. Has a trail deliver the events that come from now on.

use landfall_cloud::{Tx, View, trail};
use serde::{Deserialize, Serialize};

use super::shape::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StartLogging {
    name: String,
}

#[derive(Serialize)]
pub struct StartLoggingResponse {}

impl Write for StartLogging {
    const ACTION: Action = Action::cloudtrail("StartLogging");
    type Output<'t> = StartLoggingResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<StartLoggingResponse, ApiError> {
        trail::start(tx, &self.name)?;
        Ok(StartLoggingResponse {})
    }
}
