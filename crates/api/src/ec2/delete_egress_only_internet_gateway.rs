//! ec2:DeleteEgressOnlyInternetGateway. Deletes a VPC's way out for IPv6.

use landfall_cloud::{Tx, View, internet_gateway};
use landfall_model::EgressOnlyGatewayId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteEgressOnlyInternetGateway {
    egress_only_internet_gateway_id: EgressOnlyGatewayId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteEgressOnlyInternetGatewayResult {
    return_code: bool,
}

impl Write for DeleteEgressOnlyInternetGateway {
    const ACTION: Action = Action::ec2("DeleteEgressOnlyInternetGateway");
    const FREES: bool = true;
    type Output<'t> = DeleteEgressOnlyInternetGatewayResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.egress_only_internet_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteEgressOnlyInternetGatewayResult, ApiError> {
        internet_gateway::delete_egress_only(tx, self.egress_only_internet_gateway_id)?;
        Ok(DeleteEgressOnlyInternetGatewayResult { return_code: true })
    }
}
