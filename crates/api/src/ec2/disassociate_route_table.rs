//! ec2:DisassociateRouteTable. Ends an association; a subnet uses its VPC's main table from then on.

use landfall_cloud::{Tx, View, route_table};
use landfall_model::RouteTableAssociationId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateRouteTable {
    association_id: RouteTableAssociationId,
}

impl Write for DisassociateRouteTable {
    const ACTION: Action = Action::ec2("DisassociateRouteTable");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::association(view, demands, Self::ACTION, self.association_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        route_table::disassociate(tx, self.association_id)?;
        Ok(Done::OK)
    }
}
