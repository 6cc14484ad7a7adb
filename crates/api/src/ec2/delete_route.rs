//! ec2:DeleteRoute. Removes a route that somebody made.

use landfall_cloud::{Tx, View, route};
use landfall_model::{Ipv4Cidr, Ipv6Cidr, PrefixListId, RouteTableId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use super::shape::route::destination;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteRoute {
    route_table_id: RouteTableId,
    destination_cidr_block: Option<Ipv4Cidr>,
    destination_ipv6_cidr_block: Option<Ipv6Cidr>,
    destination_prefix_list_id: Option<PrefixListId>,
}

impl Write for DeleteRoute {
    const ACTION: Action = Action::ec2("DeleteRoute");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let to = destination(
            self.destination_cidr_block,
            self.destination_ipv6_cidr_block,
            self.destination_prefix_list_id,
        )?;
        route::delete(tx, self.route_table_id, to)?;
        Ok(Done::OK)
    }
}
