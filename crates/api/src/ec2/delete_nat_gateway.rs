//! ec2:DeleteNatGateway. Deletes a NAT gateway; its elastic addresses stay the account's, and routes to it lead nowhere.

use landfall_cloud::{Tx, View, nat};
use landfall_model::NatGatewayId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNatGateway {
    nat_gateway_id: NatGatewayId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteNatGatewayResult {
    nat_gateway_id: NatGatewayId,
}

impl Write for DeleteNatGateway {
    const ACTION: Action = Action::ec2("DeleteNatGateway");
    const FREES: bool = true;
    type Output<'t> = DeleteNatGatewayResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.nat_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteNatGatewayResult, ApiError> {
        nat::delete(tx, self.nat_gateway_id)?;
        Ok(DeleteNatGatewayResult { nat_gateway_id: self.nat_gateway_id })
    }
}
