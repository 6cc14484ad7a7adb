//! ec2:DeleteVpcPeeringConnection. Ends a peering, or takes back the request for one.

use landfall_cloud::{Tx, View, peering};
use landfall_model::PeeringId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::peering::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpcPeeringConnection {
    vpc_peering_connection_id: PeeringId,
}

impl Write for DeleteVpcPeeringConnection {
    const ACTION: Action = Action::ec2("DeleteVpcPeeringConnection");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.vpc_peering_connection_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        peering::delete(tx, self.vpc_peering_connection_id)?;
        Ok(Done::OK)
    }
}
