//! What requests say of routes: where to, and by what.

use std::str::FromStr;

use landfall_cloud::{View, route};
use landfall_model::id::MalformedId;
use landfall_model::{
    Cidr, Destination, EdgeGateway, EgressOnlyGatewayId, InstanceId, InterfaceId, Ipv4Cidr, Ipv6Cidr, NatGatewayId,
    PeeringId, PrefixListId, RouteTarget, TransitGatewayId,
};

use crate::ApiError;

/// The destination of a route: exactly one of the three.
pub fn destination(
    v4: Option<Ipv4Cidr>,
    v6: Option<Ipv6Cidr>,
    list: Option<PrefixListId>,
) -> Result<Destination, ApiError> {
    match (v4, v6, list) {
        (Some(block), None, None) => Ok(Destination::Cidr(Cidr::V4(block))),
        (None, Some(block), None) => Ok(Destination::Cidr(Cidr::V6(block))),
        (None, None, Some(list)) => Ok(Destination::PrefixList(list)),
        (None, None, None) => {
            Err(ApiError::missing("destinationCidrBlock or destinationIpv6CidrBlock or destinationPrefixListId"))
        }
        _ => Err(ApiError::combination(
            "The parameters destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId cannot be used together",
        )),
    }
}

/// A request to put a route: what both operations have, and what one has besides. Serde can't refuse unknown members and
/// take some from another struct, so the members are written by this macro.
macro_rules! route_request {
    ($name:ident { $($(#[$attribute:meta])* $own:ident: $type:ty,)* }) => {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $name {
            route_table_id: landfall_model::RouteTableId,
            destination_cidr_block: Option<landfall_model::Ipv4Cidr>,
            destination_ipv6_cidr_block: Option<landfall_model::Ipv6Cidr>,
            destination_prefix_list_id: Option<landfall_model::PrefixListId>,
            $($(#[$attribute])* $own: $type,)*
            egress_only_internet_gateway_id: Option<landfall_model::EgressOnlyGatewayId>,
            gateway_id: Option<String>,
            instance_id: Option<landfall_model::InstanceId>,
            nat_gateway_id: Option<landfall_model::NatGatewayId>,
            network_interface_id: Option<landfall_model::InterfaceId>,
            transit_gateway_id: Option<landfall_model::TransitGatewayId>,
            vpc_peering_connection_id: Option<landfall_model::PeeringId>,
            carrier_gateway_id: Option<$crate::unsupported::Unsupported>,
            core_network_arn: Option<$crate::unsupported::Unsupported>,
            local_gateway_id: Option<$crate::unsupported::Unsupported>,
            odb_network_arn: Option<$crate::unsupported::Unsupported>,
            /// AWS takes one of a gateway load balancer only.
            vpc_endpoint_id: Option<$crate::unsupported::Unsupported>,
        }

        impl $name {
            /// Where the route leads to, and by what: the one target that is named, or the VPC itself.
            fn way(
                self,
                view: &landfall_cloud::View<'_>,
                local: bool,
            ) -> Result<(landfall_model::Destination, landfall_model::RouteTarget), $crate::ApiError> {
                $crate::unsupported::refuse_parameters!(
                    self; carrier_gateway_id, core_network_arn, local_gateway_id, odb_network_arn, vpc_endpoint_id
                );
                let to = $crate::ec2::shape::route::destination(
                    self.destination_cidr_block,
                    self.destination_ipv6_cidr_block,
                    self.destination_prefix_list_id,
                )?;
                let targets = $crate::ec2::shape::route::Targets {
                    gateway: self.gateway_id,
                    egress_only: self.egress_only_internet_gateway_id,
                    instance: self.instance_id,
                    interface: self.network_interface_id,
                    nat: self.nat_gateway_id,
                    peering: self.vpc_peering_connection_id,
                    transit: self.transit_gateway_id,
                    local,
                };
                Ok((to, targets.only(view)?))
            }
        }
    };
}

pub(crate) use route_request;

/// The targets that a request may name, one of them.
#[derive(Default)]
pub struct Targets {
    pub gateway: Option<String>,
    pub egress_only: Option<EgressOnlyGatewayId>,
    pub instance: Option<InstanceId>,
    pub interface: Option<InterfaceId>,
    pub nat: Option<NatGatewayId>,
    pub peering: Option<PeeringId>,
    pub transit: Option<TransitGatewayId>,
    pub local: bool,
}

impl Targets {
    /// The one that is named.
    pub fn only(self, view: &View<'_>) -> Result<RouteTarget, ApiError> {
        let mut named = Vec::new();
        named.extend(self.gateway.as_deref().map(gateway).transpose()?);
        named.extend(self.egress_only.map(RouteTarget::EgressOnly));
        if let Some(instance) = self.instance {
            named.push(RouteTarget::Interface(route::only_interface(view, instance)?));
        }
        named.extend(self.interface.map(RouteTarget::Interface));
        named.extend(self.nat.map(RouteTarget::NatGateway));
        named.extend(self.peering.map(RouteTarget::Peering));
        named.extend(self.transit.map(RouteTarget::TransitGateway));
        named.extend(self.local.then_some(RouteTarget::Local));
        match named.as_slice() {
            [only] => Ok(*only),
            [] => Err(ApiError::missing(
                "gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId or instanceId",
            )),
            _ => Err(ApiError::combination("A route has exactly one target.")),
        }
    }
}

fn gateway(text: &str) -> Result<RouteTarget, ApiError> {
    match text.split_once('-').map_or(text, |(prefix, _)| prefix) {
        "igw" => Ok(RouteTarget::InternetGateway(id(text)?)),
        "vgw" => Ok(RouteTarget::VpnGateway(id(text)?)),
        "vpce" => Ok(RouteTarget::Endpoint(id(text)?)),
        "local" => Ok(RouteTarget::Local),
        _ => Err(strange(text)),
    }
}

/// The gateway at a VPC's edge that a request names.
pub fn edge_gateway(text: &str) -> Result<EdgeGateway, ApiError> {
    match text.split_once('-').map_or(text, |(prefix, _)| prefix) {
        "igw" => Ok(EdgeGateway::Internet(id(text)?)),
        "vgw" => Ok(EdgeGateway::Vpn(id(text)?)),
        _ => Err(strange(text)),
    }
}

fn id<I: FromStr<Err = MalformedId>>(text: &str) -> Result<I, ApiError> {
    text.parse().map_err(|error: MalformedId| ApiError::new(error.code, error.to_string()))
}

fn strange(text: &str) -> ApiError {
    let shown: String = text.chars().take(128).collect();
    ApiError::new("InvalidParameterValue", format!("invalid value for parameter gateway-id: {shown}"))
}
