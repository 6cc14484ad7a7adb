//! ec2:AcceptVpcPeeringConnection. Accepts a peering that was asked for.

use landfall_cloud::{Fault, Tx, View, peering};
use landfall_model::{PeeringId, VpcKind};
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::peering::{PeeringShape, demand, peering as shape};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AcceptVpcPeeringConnection {
    vpc_peering_connection_id: PeeringId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptVpcPeeringConnectionResult<'t> {
    vpc_peering_connection: PeeringShape<'t>,
}

impl Write for AcceptVpcPeeringConnection {
    const ACTION: Action = Action::ec2("AcceptVpcPeeringConnection");
    type Output<'t> = AcceptVpcPeeringConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.vpc_peering_connection_id);
        match view.peering(self.vpc_peering_connection_id) {
            Some(row) => network_demand::vpc(view, demands, Self::ACTION, row.accepter.vpc),
            None => demands.new_ec2::<VpcKind>(Self::ACTION),
        };
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<AcceptVpcPeeringConnectionResult<'t>, ApiError> {
        let id = self.vpc_peering_connection_id;
        peering::accept(tx, id)?;
        let view = tx.view();
        let row = view.peering(id).ok_or_else(|| Fault::no_such(id))?;
        Ok(AcceptVpcPeeringConnectionResult { vpc_peering_connection: shape(&view, row) })
    }
}
