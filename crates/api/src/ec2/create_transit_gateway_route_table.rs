//! ec2:CreateTransitGatewayRouteTable. Makes an empty route table of a transit gateway.

use landfall_cloud::{Tx, View, tag, transit_table};
use landfall_model::{TransitGatewayId, TransitGatewayRouteTableKind};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::transit_gateway::demand_gateway;
use super::shape::transit_table::{TableResult, result};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "transit-gateway-route-table";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTransitGatewayRouteTable {
    transit_gateway_id: TransitGatewayId,
    #[serde(default)]
    tag_specifications: TagSpecifications,
}

impl Write for CreateTransitGatewayRouteTable {
    const ACTION: Action = Action::ec2("CreateTransitGatewayRouteTable");
    type Output<'t> = TableResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specifications.claimed(KIND);
        demands.new_ec2::<TransitGatewayRouteTableKind>(Self::ACTION).request_tags(&tags);
        demand_gateway(view, demands, Self::ACTION, self.transit_gateway_id);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<TableResult<'t>, ApiError> {
        self.tag_specifications.check(&[KIND])?;
        let tags = self.tag_specifications.of(KIND)?;
        let id = transit_table::create(tx, self.transit_gateway_id)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        Ok(result(tx.view(), id)?)
    }
}
