//! ec2:CreateRoute. Adds a route to a table.

use landfall_cloud::{Tx, View, route};

use super::shape::Done;
use super::shape::network_demand;
use super::shape::route::route_request;
use crate::{Action, ApiError, Demands, Write};

route_request!(CreateRoute {});

impl Write for CreateRoute {
    const ACTION: Action = Action::ec2("CreateRoute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let (table, view) = (self.route_table_id, tx.view());
        let (to, by) = self.way(&view, false)?;
        route::create(tx, table, to, by)?;
        Ok(Done::OK)
    }
}
