//! ec2:CreateRoute. Adds a route to a table.

use landfall_cloud::{Tx, View, route};
use landfall_model::{
    EgressOnlyGatewayId, InstanceId, InterfaceId, Ipv4Cidr, Ipv6Cidr, NatGatewayId, PeeringId, PrefixListId,
    RouteTableId, TransitGatewayId,
};
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use super::shape::route::{Targets, destination};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRoute {
    route_table_id: RouteTableId,
    destination_cidr_block: Option<Ipv4Cidr>,
    destination_ipv6_cidr_block: Option<Ipv6Cidr>,
    destination_prefix_list_id: Option<PrefixListId>,
    egress_only_internet_gateway_id: Option<EgressOnlyGatewayId>,
    gateway_id: Option<String>,
    instance_id: Option<InstanceId>,
    nat_gateway_id: Option<NatGatewayId>,
    network_interface_id: Option<InterfaceId>,
    transit_gateway_id: Option<TransitGatewayId>,
    vpc_peering_connection_id: Option<PeeringId>,
    carrier_gateway_id: Option<Unsupported>,
    core_network_arn: Option<Unsupported>,
    local_gateway_id: Option<Unsupported>,
    odb_network_arn: Option<Unsupported>,
    /// AWS takes one of a gateway load balancer only.
    vpc_endpoint_id: Option<Unsupported>,
}

impl Write for CreateRoute {
    const ACTION: Action = Action::ec2("CreateRoute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        refuse_parameters!(self; carrier_gateway_id, core_network_arn, local_gateway_id, odb_network_arn, vpc_endpoint_id);
        let to = destination(
            self.destination_cidr_block,
            self.destination_ipv6_cidr_block,
            self.destination_prefix_list_id,
        )?;
        let targets = Targets {
            gateway: self.gateway_id,
            egress_only: self.egress_only_internet_gateway_id,
            instance: self.instance_id,
            interface: self.network_interface_id,
            nat: self.nat_gateway_id,
            peering: self.vpc_peering_connection_id,
            transit: self.transit_gateway_id,
            local: false,
        };
        let by = targets.only(&tx.view())?;
        route::create(tx, self.route_table_id, to, by)?;
        Ok(Done::OK)
    }
}
