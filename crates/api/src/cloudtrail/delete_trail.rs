//! cloudtrail:DeleteTrail. Deletes a trail, in its home region. What it delivered stays.

use landfall_cloud::{Tx, View, trail};
use serde::{Deserialize, Serialize};

use super::shape::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTrail {
    name: String,
}

#[derive(Serialize)]
pub struct DeleteTrailResponse {}

impl Write for DeleteTrail {
    const ACTION: Action = Action::cloudtrail("DeleteTrail");
    const FREES: bool = true;
    type Output<'t> = DeleteTrailResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteTrailResponse, ApiError> {
        trail::delete(tx, &self.name)?;
        Ok(DeleteTrailResponse {})
    }
}
