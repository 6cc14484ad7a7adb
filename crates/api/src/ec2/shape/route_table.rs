//! A route table as answers show it: the local routes, which follow from the VPC's blocks, those that were made, those
//! that VPN gateways propagate, and who uses the table.

use landfall_cloud::View;
use landfall_cloud::value::{Interfaces, Vpcs};
use landfall_model::{
    AccountId, Cidr, Destination, EdgeGateway, EgressOnlyGatewayId, InstanceId, InterfaceId, NatGatewayId, PeeringId,
    PrefixListId, Route, RouteTable, RouteTableAssociationId, RouteTableId, RouteTarget, SubnetId, TransitGatewayId,
    Vpc, VpcId, VpnGatewayId,
};
use serde::Serialize;

use super::{Tag, tag_set};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTableShape<'v> {
    route_table_id: RouteTableId,
    vpc_id: VpcId,
    owner_id: AccountId,
    route_set: Vec<RouteShape<'v>>,
    association_set: Vec<AssociationShape>,
    propagating_vgw_set: Vec<PropagatingGateway>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PropagatingGateway {
    gateway_id: VpnGatewayId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteShape<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<PrefixListId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<NatGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_only_internet_gateway_id: Option<EgressOnlyGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<PeeringId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_gateway_id: Option<TransitGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<InterfaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_owner_id: Option<AccountId>,
    pub state: &'static str,
    pub origin: &'v str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationShape {
    pub route_table_association_id: RouteTableAssociationId,
    pub route_table_id: RouteTableId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<SubnetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    pub main: bool,
    association_state: AssociationState,
}

/// The state of an association: there is but one that lasts.
#[derive(Serialize)]
pub struct AssociationState {
    state: &'static str,
}

impl AssociationState {
    /// That it holds.
    pub const ASSOCIATED: Self = Self { state: "associated" };
}

/// The table as its owner sees it.
pub fn route_table<'v>(view: &View<'v>, row: &'v RouteTable) -> RouteTableShape<'v> {
    RouteTableShape {
        route_table_id: row.id,
        vpc_id: row.vpc,
        owner_id: row.scope.account,
        route_set: routes(view, row),
        association_set: associations(row),
        propagating_vgw_set: row.propagating.iter().map(|id| PropagatingGateway { gateway_id: *id }).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

/// Its routes: the local ones, whatever they lead to, then those that were made, then those that are propagated.
pub fn routes<'v>(view: &View<'v>, row: &'v RouteTable) -> Vec<RouteShape<'v>> {
    let blocks = view.find::<Vpcs, _>(row.vpc).map(Vpc::blocks).unwrap_or_default();
    let replaced = |block: &Cidr| row.routes.iter().find(|route| route.destination == Destination::Cidr(*block));
    let local = blocks.iter().map(|block| match replaced(block) {
        Some(route) => made(view, row, route),
        None => {
            RouteShape { gateway_id: Some("local".into()), ..to(Destination::Cidr(*block), true, "CreateRouteTable") }
        }
    });
    let others = row.routes.iter().filter(|route| !view.is_local(row.vpc, route.destination));
    let others = others.map(|route| made(view, row, route));
    let propagated = view.propagated(row).into_iter().map(|(block, gateway)| RouteShape {
        gateway_id: Some(gateway.to_string()),
        ..to(Destination::Cidr(block), true, "EnableVgwRoutePropagation")
    });
    local.chain(others).chain(propagated).collect()
}

fn made<'v>(view: &View<'v>, row: &RouteTable, route: &'v Route) -> RouteShape<'v> {
    let shape = to(route.destination, view.is_active(row.vpc, route.target), &route.origin);
    match route.target {
        RouteTarget::InternetGateway(id) => RouteShape { gateway_id: Some(id.to_string()), ..shape },
        RouteTarget::Interface(id) => {
            let instance_id = view.find::<Interfaces, _>(id).and_then(|interface| interface.instance());
            let instance_owner_id = instance_id.map(|_| row.scope.account);
            RouteShape { network_interface_id: Some(id), instance_id, instance_owner_id, ..shape }
        }
        RouteTarget::NatGateway(id) => RouteShape { nat_gateway_id: Some(id), ..shape },
        RouteTarget::EgressOnly(id) => RouteShape { egress_only_internet_gateway_id: Some(id), ..shape },
        RouteTarget::Peering(id) => RouteShape { vpc_peering_connection_id: Some(id), ..shape },
        RouteTarget::TransitGateway(id) => RouteShape { transit_gateway_id: Some(id), ..shape },
        RouteTarget::VpnGateway(id) => RouteShape { gateway_id: Some(id.to_string()), ..shape },
        RouteTarget::Endpoint(id) => RouteShape { gateway_id: Some(id.to_string()), ..shape },
        RouteTarget::Local => RouteShape { gateway_id: Some("local".into()), ..shape },
    }
}

/// A route to a destination, its target yet to be named.
fn to(destination: Destination, is_active: bool, origin: &str) -> RouteShape<'_> {
    let (v4, v6, list) = match destination {
        Destination::Cidr(Cidr::V4(block)) => (Some(block.to_string()), None, None),
        Destination::Cidr(Cidr::V6(block)) => (None, Some(block.to_string()), None),
        Destination::PrefixList(id) => (None, None, Some(id)),
    };
    RouteShape {
        destination_cidr_block: v4,
        destination_ipv6_cidr_block: v6,
        destination_prefix_list_id: list,
        nat_gateway_id: None,
        egress_only_internet_gateway_id: None,
        vpc_peering_connection_id: None,
        transit_gateway_id: None,
        gateway_id: None,
        network_interface_id: None,
        instance_id: None,
        instance_owner_id: None,
        state: if is_active { "active" } else { "blackhole" },
        origin,
    }
}

/// The main association first, then those of subnets, then those of gateways.
pub fn associations(row: &RouteTable) -> Vec<AssociationShape> {
    let shape = |id, subnet_id, gateway_id| AssociationShape {
        route_table_association_id: id,
        route_table_id: row.id,
        main: row.main == Some(id),
        subnet_id,
        gateway_id,
        association_state: AssociationState::ASSOCIATED,
    };
    let main = row.main.map(|id| shape(id, None, None));
    let subnets = row.associations.iter().map(|(id, subnet)| shape(*id, Some(*subnet), None));
    let gateways = row.gateways.iter().map(|(id, gateway)| {
        let gateway = match gateway {
            EdgeGateway::Internet(id) => id.to_string(),
            EdgeGateway::Vpn(id) => id.to_string(),
        };
        shape(*id, None, Some(gateway))
    });
    main.into_iter().chain(subnets).chain(gateways).collect()
}
