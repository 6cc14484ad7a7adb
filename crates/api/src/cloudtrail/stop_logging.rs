//! cloudtrail:StopLogging. Has a trail deliver nothing that comes from now on.

use landfall_cloud::{Tx, View, trail};
use serde::{Deserialize, Serialize};

use super::shape::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StopLogging {
    name: String,
}

#[derive(Serialize)]
pub struct StopLoggingResponse {}

impl Write for StopLogging {
    const ACTION: Action = Action::cloudtrail("StopLogging");
    type Output<'t> = StopLoggingResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<StopLoggingResponse, ApiError> {
        trail::stop(tx, &self.name)?;
        Ok(StopLoggingResponse {})
    }
}
