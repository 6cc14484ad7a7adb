//! elasticfilesystem:DeleteAccessPoint. Deletes an access point.

use landfall_cloud::{Tx, View, file_system};
use serde::Deserialize;

use super::shape::{Nothing, access_point, demand_point};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteAccessPoint {
    access_point_id: String,
}

impl Write for DeleteAccessPoint {
    const ACTION: Action = Action::efs("DeleteAccessPoint");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_point(view, demands, Self::ACTION, &self.access_point_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = access_point(&tx.view(), &self.access_point_id)?.id;
        file_system::access_point::delete(tx, id)?;
        Ok(Nothing {})
    }
}
