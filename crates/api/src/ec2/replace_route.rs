//! ec2:ReplaceRoute. Gives a route another target, or the VPC itself back to a local route.

use landfall_cloud::{Tx, View, route};

use super::shape::Done;
use super::shape::network_demand;
use super::shape::route::route_request;
use crate::{Action, ApiError, Demands, Write};

route_request!(ReplaceRoute {
    #[serde(default)]
    local_target: bool,
});

impl Write for ReplaceRoute {
    const ACTION: Action = Action::ec2("ReplaceRoute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let (table, local, view) = (self.route_table_id, self.local_target, tx.view());
        let (to, by) = self.way(&view, local)?;
        route::replace(tx, table, to, by)?;
        Ok(Done::OK)
    }
}
