//! ec2:ModifyTransitGatewayVpcAttachment. Changes the subnets and options of a VPC's attachment.

use landfall_cloud::{Tx, View, transit_attachment};
use landfall_model::{SubnetId, TransitGatewayAttachmentId};
use serde::Deserialize;

use super::shape::network_demand;
use super::shape::transit_attachment::{OptionsIn, VpcAttachmentResult, result};
use super::shape::transit_gateway::demand_attachment;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyTransitGatewayVpcAttachment {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    #[serde(default)]
    add_subnet_ids: Vec<SubnetId>,
    #[serde(default)]
    remove_subnet_ids: Vec<SubnetId>,
    #[serde(default)]
    options: OptionsIn,
}

impl Write for ModifyTransitGatewayVpcAttachment {
    const ACTION: Action = Action::ec2("ModifyTransitGatewayVpcAttachment");
    type Output<'t> = VpcAttachmentResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_attachment(view, demands, Self::ACTION, self.transit_gateway_attachment_id);
        for subnet in self.add_subnet_ids.iter().chain(&self.remove_subnet_ids) {
            network_demand::subnet(view, demands, Self::ACTION, *subnet);
        }
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<VpcAttachmentResult<'t>, ApiError> {
        let id = self.transit_gateway_attachment_id;
        transit_attachment::modify(tx, id, &self.add_subnet_ids, &self.remove_subnet_ids, self.options.options())?;
        Ok(result(tx.view(), id)?)
    }
}
