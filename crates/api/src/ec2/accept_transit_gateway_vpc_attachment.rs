//! ec2:AcceptTransitGatewayVpcAttachment. Accepts the attachment of a VPC that waits for it.

use landfall_cloud::{Tx, View, transit_attachment};
use landfall_model::TransitGatewayAttachmentId;
use serde::Deserialize;

use super::shape::transit_attachment::{VpcAttachmentResult, result};
use super::shape::transit_gateway::demand_attachment;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AcceptTransitGatewayVpcAttachment {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
}

impl Write for AcceptTransitGatewayVpcAttachment {
    const ACTION: Action = Action::ec2("AcceptTransitGatewayVpcAttachment");
    type Output<'t> = VpcAttachmentResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_attachment(view, demands, Self::ACTION, self.transit_gateway_attachment_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<VpcAttachmentResult<'t>, ApiError> {
        transit_attachment::decide(tx, self.transit_gateway_attachment_id, true)?;
        Ok(result(tx.view(), self.transit_gateway_attachment_id)?)
    }
}
