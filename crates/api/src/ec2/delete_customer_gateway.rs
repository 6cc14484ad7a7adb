//! ec2:DeleteCustomerGateway. Deletes a customer gateway that no VPN leads to.

use landfall_cloud::{Tx, View, vpn_gateway};
use landfall_model::CustomerGatewayId;
use serde::Deserialize;

use super::shape::Done;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteCustomerGateway {
    customer_gateway_id: CustomerGatewayId,
}

impl Write for DeleteCustomerGateway {
    const ACTION: Action = Action::ec2("DeleteCustomerGateway");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.customer_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpn_gateway::delete_customer(tx, self.customer_gateway_id)?;
        Ok(Done::OK)
    }
}
