//! ec2:DeleteRouteTable. Deletes a route table that nothing uses.

use landfall_cloud::{Tx, View, route_table};
use landfall_model::RouteTableId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteRouteTable {
    route_table_id: RouteTableId,
}

impl Write for DeleteRouteTable {
    const ACTION: Action = Action::ec2("DeleteRouteTable");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        route_table::delete(tx, self.route_table_id)?;
        Ok(Done::OK)
    }
}
