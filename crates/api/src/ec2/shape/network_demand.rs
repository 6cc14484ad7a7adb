//! Demands on parts of a network, with what AWS's reference lets conditions look at.

use landfall_cloud::View;
use landfall_cloud::value::{Addresses, Interfaces, NetworkAcls, RouteTables, SecurityGroups, Subnets, Vpcs};
use landfall_model::id::{Id, Kind};
use landfall_model::{
    AllocationId, Arn, DhcpOptionsId, EdgeGateway, InterfaceId, InternetGatewayId, NetworkAclId,
    RouteTableAssociationId, RouteTableId, RouteTableKind, SecurityGroupId, SubnetId, VpcId,
};

use super::vpc::tenancy;
use crate::demand::{Demand, Demands};
use crate::operation::Action;

fn arn<K: Kind>(view: &View<'_>, id: Id<K>) -> Arn {
    Arn::ec2(view.scope(), id)
}

/// The demand of an action on a VPC.
pub fn vpc<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: VpcId) -> &'d mut Demand {
    let tenancy = view.find::<Vpcs, _>(id).map_or("default", tenancy);
    demands.ec2(view, action, id).with("ec2:VpcID", id).with("ec2:Tenancy", tenancy)
}

/// The demand of an action on a subnet.
pub fn subnet<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: SubnetId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:SubnetID", id);
    if let Some(row) = view.find::<Subnets, _>(id) {
        demand.with("ec2:Vpc", arn(view, row.vpc));
        demand.with("ec2:AvailabilityZone", row.zone).with("ec2:AvailabilityZoneId", row.zone.zone_id());
    }
    demand
}

/// The demand of an action on an internet gateway.
pub fn gateway<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: InternetGatewayId) -> &'d mut Demand {
    demands.ec2(view, action, id).with("ec2:InternetGatewayID", id)
}

/// The demand of an action on an interface.
pub fn interface<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: InterfaceId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:NetworkInterfaceID", id);
    if let Some(row) = view.find::<Interfaces, _>(id) {
        demand.with("ec2:Subnet", arn(view, row.subnet)).with("ec2:Vpc", arn(view, row.vpc));
        demand.with("ec2:AvailabilityZone", row.zone);
    }
    demand
}

/// The demand of an action on a security group.
pub fn group<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: SecurityGroupId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:SecurityGroupID", id);
    if let Some(row) = view.find::<SecurityGroups, _>(id) {
        demand.with("ec2:Vpc", arn(view, row.vpc));
    }
    demand
}

/// The demand of an action on a set of DHCP options.
pub fn dhcp<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: DhcpOptionsId) -> &'d mut Demand {
    demands.ec2(view, action, id).with("ec2:DhcpOptionsID", id)
}

/// The demand of an action on a network ACL.
pub fn acl<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: NetworkAclId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:NetworkAclID", id);
    if let Some(row) = view.find::<NetworkAcls, _>(id) {
        demand.with("ec2:Vpc", arn(view, row.vpc));
    }
    demand
}

/// The demand of an action on an elastic address.
pub fn address<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: AllocationId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:AllocationId", id).with("ec2:Domain", "vpc");
    if let Some(row) = view.find::<Addresses, _>(id) {
        demand.with("ec2:PublicIpAddress", row.public);
    }
    demand
}

/// The demand of an action on a route table.
pub fn route_table<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: RouteTableId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:RouteTableID", id);
    if let Some(row) = view.find::<RouteTables, _>(id) {
        demand.with("ec2:Vpc", arn(view, row.vpc));
    }
    demand
}

/// The demand of an action on a gateway that may have a route table.
pub fn edge_gateway(view: &View<'_>, demands: &mut Demands, action: Action, id: EdgeGateway) {
    match id {
        EdgeGateway::Internet(id) => gateway(view, demands, action, id),
        EdgeGateway::Vpn(id) => demands.ec2(view, action, id),
    };
}

/// The demands of an action on an association: its table, and what uses it.
pub fn association(view: &View<'_>, demands: &mut Demands, action: Action, id: RouteTableAssociationId) {
    let Ok(row) = view.associated_table(id) else {
        demands.new_ec2::<RouteTableKind>(action);
        return;
    };
    route_table(view, demands, action, row.id);
    for (_, id) in row.associations.iter().filter(|(other, _)| *other == id) {
        subnet(view, demands, action, *id);
    }
    for (_, id) in row.gateways.iter().filter(|(other, _)| *other == id) {
        edge_gateway(view, demands, action, *id);
    }
}
