//! ec2:DescribeRouteTables. Lists route tables: the local routes, which follow from the VPC's blocks, those that were
//! made, and who uses the table.

use landfall_cloud::View;
use landfall_cloud::value::{Interfaces, RouteTables, Vpcs};
use landfall_model::{
    AccountId, Cidr, Destination, EgressOnlyGatewayId, InstanceId, InterfaceId, NatGatewayId, PeeringId, PrefixListId,
    RouteTable, RouteTableAssociationId, RouteTableId, RouteTarget, SubnetId, TransitGatewayId, VpcId,
};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Values, many, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeRouteTables {
    #[serde(default)]
    route_table_id: Vec<RouteTableId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeRouteTablesResult<'v> {
    route_table_set: Vec<RouteTableShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteTableShape<'v> {
    route_table_id: RouteTableId,
    vpc_id: VpcId,
    owner_id: AccountId,
    route_set: Vec<RouteShape<'v>>,
    association_set: Vec<AssociationShape>,
    propagating_vgw_set: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteShape<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_ipv6_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_prefix_list_id: Option<PrefixListId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nat_gateway_id: Option<NatGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_only_internet_gateway_id: Option<EgressOnlyGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_peering_connection_id: Option<PeeringId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_id: Option<TransitGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<InterfaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<InstanceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_owner_id: Option<AccountId>,
    state: &'static str,
    origin: &'v str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationShape {
    route_table_association_id: RouteTableAssociationId,
    route_table_id: RouteTableId,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet_id: Option<SubnetId>,
    main: bool,
    association_state: AssociationState,
}

#[derive(Serialize)]
struct AssociationState {
    state: &'static str,
}

impl Read for DescribeRouteTables {
    const ACTION: Action = Action::ec2("DescribeRouteTables");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "association.gateway-id",
            "association.main",
            "association.route-table-association-id",
            "association.route-table-id",
            "association.subnet-id",
            "owner-id",
            "route-table-id",
            "route.destination-cidr-block",
            "route.destination-ipv6-cidr-block",
            "route.destination-prefix-list-id",
            "route.egress-only-internet-gateway-id",
            "route.gateway-id",
            "route.instance-id",
            "route.nat-gateway-id",
            "route.origin",
            "route.state",
            "route.transit-gateway-id",
            "route.vpc-peering-connection-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeRouteTablesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeRouteTablesResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<RouteTables, _>(look, &self.route_table_id, &self.filter, Self::FILTERS, field)?;
        let shapes = rows.into_iter().map(|row| RouteTableShape {
            route_table_id: row.id,
            vpc_id: row.vpc,
            owner_id: row.scope.account,
            route_set: routes(&view, row),
            association_set: associations(row),
            propagating_vgw_set: [],
            tag_set: tag_set(&view, &row.id.to_string()),
        });
        Ok(DescribeRouteTablesResult { route_table_set: shapes.collect() })
    }
}

fn routes<'v>(view: &View<'v>, row: &'v RouteTable) -> Vec<RouteShape<'v>> {
    let blocks = view.find::<Vpcs, _>(row.vpc).map_or(&[][..], |vpc| &vpc.cidrs);
    let local = blocks.iter().map(|(_, block)| RouteShape {
        gateway_id: Some("local".into()),
        ..to(Destination::Cidr(Cidr::V4(*block)), true, "CreateRouteTable")
    });
    let made = row.routes.iter().map(|route| {
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
    });
    local.chain(made).collect()
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

/// The main association first, then those of subnets.
fn associations(row: &RouteTable) -> Vec<AssociationShape> {
    let main = row.main.map(|id| (id, None));
    let chosen = row.associations.iter().map(|(id, subnet)| (*id, Some(*subnet)));
    let all = main.into_iter().chain(chosen).map(|(id, subnet_id)| AssociationShape {
        route_table_association_id: id,
        route_table_id: row.id,
        subnet_id,
        main: subnet_id.is_none(),
        association_state: AssociationState { state: "associated" },
    });
    all.collect()
}

fn field<'v>(view: &View<'v>, row: &'v RouteTable, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("route.") {
        return routes(view, row).into_iter().flat_map(|route| route_field(&route, name)).collect();
    }
    if let Some(name) = name.strip_prefix("association.") {
        return associations(row).into_iter().flat_map(|each| association_field(&each, name)).collect();
    }
    match name {
        "owner-id" => shown(row.scope.account),
        "route-table-id" => shown(row.id),
        "vpc-id" => shown(row.vpc),
        _ => Vec::new(),
    }
}

fn route_field<'v>(route: &RouteShape<'v>, name: &str) -> Values<'v> {
    match name {
        "destination-cidr-block" => many(&route.destination_cidr_block),
        "destination-ipv6-cidr-block" => many(&route.destination_ipv6_cidr_block),
        "destination-prefix-list-id" => many(route.destination_prefix_list_id),
        "egress-only-internet-gateway-id" => many(route.egress_only_internet_gateway_id),
        "nat-gateway-id" => many(route.nat_gateway_id),
        "transit-gateway-id" => many(route.transit_gateway_id),
        "vpc-peering-connection-id" => many(route.vpc_peering_connection_id),
        "gateway-id" => many(&route.gateway_id),
        "instance-id" => many(route.instance_id),
        "origin" => shown(route.origin),
        "state" => shown(route.state),
        _ => Vec::new(),
    }
}

fn association_field<'v>(each: &AssociationShape, name: &str) -> Values<'v> {
    match name {
        "main" => shown(each.main),
        "route-table-association-id" => shown(each.route_table_association_id),
        "route-table-id" => shown(each.route_table_id),
        "subnet-id" => many(each.subnet_id),
        // No gateway has a route table.
        _ => Vec::new(),
    }
}
