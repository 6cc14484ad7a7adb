//! ec2:DeleteTransitGateway. Deletes a transit gateway that nothing is attached to.

use landfall_cloud::{Tx, View, transit_gateway};
use landfall_model::TransitGatewayId;
use serde::Deserialize;

use super::shape::transit_gateway::{TransitGatewayResult, demand_gateway, result};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTransitGateway {
    transit_gateway_id: TransitGatewayId,
}

impl Write for DeleteTransitGateway {
    const ACTION: Action = Action::ec2("DeleteTransitGateway");
    const FREES: bool = true;
    type Output<'t> = TransitGatewayResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_gateway(view, demands, Self::ACTION, self.transit_gateway_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<TransitGatewayResult<'t>, ApiError> {
        transit_gateway::delete(tx, self.transit_gateway_id)?;
        Ok(result(tx.view(), self.transit_gateway_id)?)
    }
}
