//! ec2:AssociateRouteTable. Lets a subnet use a route table, or lets the table route what a gateway brings into the VPC.

use landfall_cloud::{Tx, View, route_table};
use landfall_model::{EdgeGateway, RouteTableAssociationId, RouteTableId, SubnetId};
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::route::edge_gateway;
use super::shape::route_table::AssociationState;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateRouteTable {
    route_table_id: RouteTableId,
    subnet_id: Option<SubnetId>,
    gateway_id: Option<String>,
    public_ipv4_pool: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociateRouteTableResult {
    association_id: RouteTableAssociationId,
    association_state: AssociationState,
}

impl Write for AssociateRouteTable {
    const ACTION: Action = Action::ec2("AssociateRouteTable");
    type Output<'t> = AssociateRouteTableResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
        if let Some(id) = self.subnet_id {
            network_demand::subnet(view, demands, Self::ACTION, id);
        }
        if let Some(Ok(gateway)) = self.gateway_id.as_deref().map(edge_gateway) {
            network_demand::edge_gateway(view, demands, Self::ACTION, gateway);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssociateRouteTableResult, ApiError> {
        refuse_parameters!(self; public_ipv4_pool);
        let gateway: Option<EdgeGateway> = self.gateway_id.as_deref().map(edge_gateway).transpose()?;
        let association_id = match (self.subnet_id, gateway) {
            (Some(subnet), None) => route_table::associate_subnet(tx, self.route_table_id, subnet)?,
            (None, Some(gateway)) => route_table::associate_gateway(tx, self.route_table_id, gateway)?,
            (None, None) => return Err(ApiError::missing("subnetId or gatewayId")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination("The parameters subnetId and gatewayId cannot be used together"));
            }
        };
        Ok(AssociateRouteTableResult { association_id, association_state: AssociationState::ASSOCIATED })
    }
}
