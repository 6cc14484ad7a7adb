//! ec2:CreateTransitGatewayVpcAttachment. Attaches a VPC to a transit gateway, by a subnet in each zone.

use landfall_cloud::{Tx, View, tag, transit_attachment};
use landfall_model::{SubnetId, TransitGatewayAttachmentKind, TransitGatewayId, VpcId};
use serde::Deserialize;

use super::shape::transit_attachment::{OptionsIn, VpcAttachmentResult, result};
use super::shape::transit_gateway::demand_gateway;
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "transit-gateway-attachment";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTransitGatewayVpcAttachment {
    transit_gateway_id: TransitGatewayId,
    vpc_id: VpcId,
    subnet_ids: Vec<SubnetId>,
    #[serde(default)]
    options: OptionsIn,
    #[serde(default)]
    tag_specifications: TagSpecifications,
}

impl Write for CreateTransitGatewayVpcAttachment {
    const ACTION: Action = Action::ec2("CreateTransitGatewayVpcAttachment");
    type Output<'t> = VpcAttachmentResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specifications.claimed(KIND);
        demands.new_ec2::<TransitGatewayAttachmentKind>(Self::ACTION).request_tags(&tags);
        demand_gateway(view, demands, Self::ACTION, self.transit_gateway_id);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        for subnet in &self.subnet_ids {
            network_demand::subnet(view, demands, Self::ACTION, *subnet);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<VpcAttachmentResult<'t>, ApiError> {
        self.tag_specifications.check(&[KIND])?;
        let tags = self.tag_specifications.of(KIND)?;
        let options = self.options.options();
        let id = transit_attachment::create(tx, self.transit_gateway_id, self.vpc_id, &self.subnet_ids, options)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        Ok(result(tx.view(), id)?)
    }
}
