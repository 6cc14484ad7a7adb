//! ec2:AttachInternetGateway. Gives a VPC its way to the internet.

use landfall_cloud::{Tx, View, internet_gateway};
use landfall_model::{InternetGatewayId, VpcId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachInternetGateway {
    internet_gateway_id: InternetGatewayId,
    vpc_id: VpcId,
}

impl Write for AttachInternetGateway {
    const ACTION: Action = Action::ec2("AttachInternetGateway");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::gateway(view, demands, Self::ACTION, self.internet_gateway_id);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        internet_gateway::attach(tx, self.internet_gateway_id, self.vpc_id)?;
        Ok(Done::OK)
    }
}
