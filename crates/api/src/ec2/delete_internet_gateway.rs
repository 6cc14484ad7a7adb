//! ec2:DeleteInternetGateway. Deletes an internet gateway that is attached to nothing.

use landfall_cloud::{Tx, View, network};
use landfall_model::InternetGatewayId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteInternetGateway {
    internet_gateway_id: InternetGatewayId,
}

impl Write for DeleteInternetGateway {
    const ACTION: Action = Action::ec2("DeleteInternetGateway");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::gateway(view, demands, Self::ACTION, self.internet_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        network::delete_gateway(tx, self.internet_gateway_id)?;
        Ok(Done::OK)
    }
}
