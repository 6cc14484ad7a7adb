//! ec2:DeleteTransitGatewayVpcAttachment. Detaches a VPC from a transit gateway.

use landfall_cloud::{Tx, View, transit_attachment};
use landfall_model::TransitGatewayAttachmentId;
use serde::Deserialize;

use super::shape::transit_attachment::{VpcAttachmentResult, result};
use super::shape::transit_gateway::demand_attachment;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTransitGatewayVpcAttachment {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
}

impl Write for DeleteTransitGatewayVpcAttachment {
    const ACTION: Action = Action::ec2("DeleteTransitGatewayVpcAttachment");
    const FREES: bool = true;
    type Output<'t> = VpcAttachmentResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_attachment(view, demands, Self::ACTION, self.transit_gateway_attachment_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<VpcAttachmentResult<'t>, ApiError> {
        transit_attachment::delete(tx, self.transit_gateway_attachment_id)?;
        Ok(result(tx.view(), self.transit_gateway_attachment_id)?)
    }
}
