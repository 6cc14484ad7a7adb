//! What a change of the value may change in the plans of hosts.

use std::collections::BTreeSet;

use landfall_model::plan::PieceKey;
use landfall_model::{Host, HostId, Instance, InterfaceId, RouteTarget, VpcId, VpnSide};
use landfall_state::Change;

use crate::value::*;

/// What a change may touch, on every host: the pieces of those keys are to be made again.
#[derive(Debug, Default)]
pub struct Affected {
    /// Pieces that may differ.
    pub keys: BTreeSet<PieceKey>,
    /// VPCs that may have come to a host or left it, with the host: all their pieces are to be looked at there.
    pub presence: BTreeSet<(HostId, VpcId)>,
    /// VPCs whose connections with others changed: they, and those, may have come to any host or left it.
    pub connected: BTreeSet<VpcId>,
}

/// Adds what a change touches. `cloud` is the value after it.
pub fn affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<Instances>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Instance(row.id));
            into.keys.extend(cloud.interfaces.by_instance(&row.id).map(|row| PieceKey::Port(row.id)));
        }
        let host = |row: Option<&Instance>| row.and_then(|row| row.status.host);
        if host(before) != host(after) {
            for row in before.into_iter().chain(after) {
                let interfaces = cloud.interfaces.by_instance(&row.id).map(|row| (row.id, row.vpc));
                interfaces.for_each(|(id, vpc)| into.reroute(cloud, id, vpc));
            }
            for row in before.into_iter().chain(after) {
                if let Some(host) = row.status.host {
                    let vpcs = cloud.interfaces.by_instance(&row.id).map(|row| row.vpc);
                    into.presence.extend(vpcs.chain([row.spec.vpc]).map(|vpc| (host, vpc)));
                }
            }
        }
    } else if let Some((before, after)) = change.of::<Interfaces>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Port(row.id));
            into.reroute(cloud, row.id, row.vpc);
            if let Some(instance) = row.instance() {
                into.keys.insert(PieceKey::Instance(instance));
                let host = cloud.instances.by_id(&instance).next().and_then(|row| row.status.host);
                into.presence.extend(host.map(|host| (host, row.vpc)));
            }
        }
    } else if let Some((before, after)) = change.of::<Volumes>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Volume(row.id));
            into.keys.extend(row.attachment.as_ref().map(|attachment| PieceKey::Instance(attachment.instance)));
        }
    } else if let Some((before, after)) = change.of::<Hosts>() {
        let address = |row: Option<&Host>| row.map(|row| row.facts.address);
        // Room is taken and given back all the time; only the address is in plans, in those of other hosts.
        if address(before) != address(after)
            && let Some(row) = after.or(before)
        {
            let there = cloud.instances.by_host(&row.id);
            let ports = there.flat_map(|instance| cloud.interfaces.by_instance(&instance.id));
            into.keys.extend(ports.map(|row| PieceKey::Port(row.id)));
            into.keys.extend(cloud.nat_gateways.by_host(&row.id).map(|row| PieceKey::NatGateway(row.id)));
        }
    } else if let Some((before, after)) = change.of::<Tags>() {
        for row in before.into_iter().chain(after).filter(|row| row.kind == "instance") {
            into.keys.extend(row.resource.parse().ok().map(PieceKey::Instance));
        }
    } else {
        network_affected(cloud, change, into);
    }
}

fn network_affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<Vpcs>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Vpc(row.id));
            // Attachments tell the network's blocks.
            into.keys.extend(gateways_of(cloud, row.id));
            if before.is_none() || after.is_none() {
                into.connect(cloud, row.id);
            }
        }
    } else if let Some((before, after)) = change.of::<Subnets>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Subnet(row.id)));
        // How instances are named is told with their interfaces.
        if let (Some(before), Some(after)) = (before, after)
            && before.names != after.names
        {
            into.keys.extend(cloud.interfaces.by_subnet(&after.id).map(|row| PieceKey::Port(row.id)));
        }
    } else if let Some((before, after)) = change.of::<SecurityGroups>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Group(row.id));
        }
    } else if let Some((before, after)) = change.of::<SecurityGroupRules>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Group(row.group)));
    } else if let Some((before, after)) = change.of::<Addresses>() {
        let associations = before.into_iter().chain(after).filter_map(|row| row.association.as_ref());
        into.keys.extend(associations.map(|association| PieceKey::Port(association.interface)));
    } else if let Some((before, after)) = change.of::<InternetGateways>() {
        for vpc in before.into_iter().chain(after).filter_map(|row| row.vpc) {
            into.route(cloud, vpc);
        }
    } else if let Some((before, after)) = change.of::<EgressOnlyGateways>() {
        for row in before.into_iter().chain(after) {
            into.route(cloud, row.vpc);
        }
    } else if let Some((before, after)) = change.of::<RouteTables>() {
        for row in before.into_iter().chain(after) {
            into.route(cloud, row.vpc);
        }
    } else if let Some((before, after)) = change.of::<NetworkAcls>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(row.associations.iter().map(|(_, subnet)| PieceKey::Subnet(*subnet)));
        }
    } else if let Some((before, after)) = change.of::<DhcpOptionsTable>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.vpcs.by_dhcp_options(&row.id).map(|row| PieceKey::Vpc(row.id)));
        }
    } else if let Some((before, after)) = change.of::<Endpoints>() {
        for row in before.into_iter().chain(after) {
            into.route(cloud, row.vpc);
        }
    } else if let Some((before, after)) = change.of::<PrefixLists>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.security_group_rules.by_prefix_list(&row.id).map(|row| PieceKey::Group(row.group)));
            for table in cloud.route_tables.by_prefix_list(&row.id) {
                into.route(cloud, table.vpc);
            }
        }
    } else if let Some((_, after)) = change.of::<Images>() {
        // An image's bytes don't change; a new one is in no plan yet.
        debug_assert!(after.is_some(), "images that instances were launched from stay");
    } else {
        connections_affected(cloud, change, into);
    }
}

/// What connects networks with each other and with the outside.
fn connections_affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<NatGateways>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::NatGateway(row.id));
            into.route(cloud, row.vpc);
            into.presence.extend(row.host.map(|host| (host, row.vpc)));
        }
    } else if let Some((before, after)) = change.of::<Peerings>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Peering(row.id));
            for side in row.sides() {
                into.route(cloud, side.vpc);
                into.connect(cloud, side.vpc);
            }
        }
    } else if let Some((before, after)) = change.of::<TransitGateways>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::TransitGateway(row.id)));
    } else if let Some((before, after)) = change.of::<TransitTables>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::TransitGateway(row.gateway)));
    } else if let Some((before, after)) = change.of::<TransitAttachments>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::TransitGateway(row.gateway));
            into.connected.extend(cloud.transit_attachments.by_gateway(&row.gateway).filter_map(|r| r.resource.vpc()));
            if let Some(vpc) = row.resource.vpc() {
                into.route(cloud, vpc);
                into.connect(cloud, vpc);
            }
        }
    } else if let Some((before, after)) = change.of::<VpnGateways>() {
        for vpc in before.into_iter().chain(after).filter_map(|row| row.vpc) {
            into.route(cloud, vpc);
        }
    } else if let Some((before, after)) = change.of::<VpnConnections>() {
        for row in before.into_iter().chain(after) {
            match row.gateway {
                VpnSide::Gateway(id) => {
                    for table in cloud.route_tables.by_propagation(&id) {
                        into.route(cloud, table.vpc);
                    }
                }
                VpnSide::Transit(id, _) => {
                    into.keys.insert(PieceKey::TransitGateway(id));
                }
            }
        }
    }
}

/// The transit gateways that a VPC is attached to.
fn gateways_of(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = PieceKey> {
    cloud.transit_attachments.by_vpc(&vpc).map(|row| PieceKey::TransitGateway(row.gateway))
}

impl Affected {
    /// The routes within a VPC may differ: the pieces of its subnets, and its own with those of its edge.
    fn route(&mut self, cloud: &Cloud, vpc: VpcId) {
        self.keys.insert(PieceKey::Vpc(vpc));
        self.keys.extend(cloud.subnets.by_vpc(&vpc).map(|row| PieceKey::Subnet(row.id)));
    }

    /// An interface may have become a port, or be none any more: routes to it lead there, or nowhere.
    fn reroute(&mut self, cloud: &Cloud, interface: InterfaceId, vpc: VpcId) {
        let mut routes = cloud.route_tables.by_vpc(&vpc).flat_map(|table| &table.routes);
        if routes.any(|route| route.target == RouteTarget::Interface(interface)) {
            self.route(cloud, vpc);
        }
    }

    /// A VPC may be connected with others than before.
    fn connect(&mut self, cloud: &Cloud, vpc: VpcId) {
        self.connected.insert(vpc);
        self.keys.extend(gateways_of(cloud, vpc));
        self.keys.extend(cloud.peerings.by_vpc(&vpc).map(|row| PieceKey::Peering(row.id)));
    }
}
