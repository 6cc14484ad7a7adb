//! What a change of the value may change in the plans of hosts.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::plan::PieceKey;
use landfall_model::{
    Account, AccountId, Host, HostId, Instance, InstanceId, InterfaceId, InterfacePurpose, Principal, RouteTable,
    RouteTarget, Settings, UniqueId, VpcId, VpnConnection, VpnSide,
};
use landfall_state::Change;

use super::{presence, vpn};
use crate::value::*;

/// What a change may touch, on every host: the pieces of those keys are to be made again.
#[derive(Debug, Default)]
pub struct Affected {
    /// Pieces that may differ.
    pub keys: BTreeSet<PieceKey>,
    /// VPCs that may have come to a host or left it, with the host, for what it does for them there.
    presence: BTreeSet<(HostId, VpcId)>,
    /// VPCs whose connections with others changed: they, and those, may have come to any host or left it.
    connected: BTreeSet<VpcId>,
    /// The hosts that instances came to or left.
    hosts: BTreeMap<InstanceId, BTreeSet<HostId>>,
    /// The VPCs that instances got an interface in, or lost one in.
    seats: BTreeMap<InstanceId, BTreeSet<VpcId>>,
}

impl Affected {
    /// The VPCs that may have come to a host or left it: all their pieces are to be looked at there.
    ///
    /// A VPC is on a host for the sake of chains of rows, an interface's instance on it, say. Several links of one may have
    /// changed at once; then no single change tells the whole chain as it was. So what each link was and is counts with
    /// what every other was and is: this names too many rather than too few.
    pub fn moved(&self, cloud: &Cloud, host: HostId) -> BTreeSet<VpcId> {
        let mut moved = self.connected.clone();
        moved.extend(self.presence.iter().filter(|(other, _)| *other == host).map(|(_, vpc)| *vpc));
        for (instance, _) in self.hosts.iter().filter(|(_, hosts)| hosts.contains(&host)) {
            moved.extend(cloud.interfaces.by_instance(instance).map(|row| row.vpc));
        }
        for (instance, vpcs) in &self.seats {
            let is_here = cloud.instances.by_id(instance).any(|row| row.status.host == Some(host));
            if is_here || self.hosts.get(instance).is_some_and(|hosts| hosts.contains(&host)) {
                moved.extend(vpcs);
            }
        }
        // Who is connected with a network comes to a host with it, and goes with it.
        let neighbours: Vec<_> = moved.iter().flat_map(|vpc| presence::neighbours(cloud, *vpc)).collect();
        moved.extend(neighbours);
        moved
    }
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
            let hosts = before.into_iter().chain(after).map(|row| (row.id, row.status.host));
            hosts.for_each(|(id, host)| into.hosts.entry(id).or_default().extend(host));
        }
    } else if let Some((before, after)) = change.of::<Interfaces>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Port(row.id));
            into.reroute(cloud, row.id, row.vpc);
            if let InterfacePurpose::Endpoint(id) = row.purpose {
                // Names lead to its address.
                into.keys.extend([PieceKey::Endpoint(id), PieceKey::Vpc(row.vpc)]);
            }
            if let Some(instance) = row.instance() {
                into.keys.insert(PieceKey::Instance(instance));
                into.seats.entry(instance).or_default().insert(row.vpc);
            }
        }
    } else if let Some((before, after)) = change.of::<Volumes>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Volume(row.id));
            into.keys.extend(row.attachment.as_ref().map(|attachment| PieceKey::Instance(attachment.instance)));
        }
    } else if let Some((before, after)) = change.of::<Snapshots>() {
        into.keys.extend(before.into_iter().chain(after).filter_map(|row| row.volume).map(PieceKey::Volume));
    } else if let Some((before, after)) = change.of::<Hosts>() {
        let address = |row: Option<&Host>| row.and_then(Host::underlay);
        // Room is taken and given back all the time; only the address is in plans, in those of other hosts.
        if address(before) != address(after)
            && let Some(row) = after.or(before)
        {
            let there = cloud.instances.by_host(&row.id);
            let ports = there.flat_map(|instance| cloud.interfaces.by_instance(&instance.id));
            into.keys.extend(ports.map(|row| PieceKey::Port(row.id)));
            into.keys.extend(cloud.nat_gateways.by_host(&row.id).map(|row| PieceKey::NatGateway(row.id)));
            into.keys.extend(cloud.vpn_connections.by_host(&row.id).map(|row| PieceKey::Vpn(row.id)));
        }
    } else if let Some((before, after)) = change.of::<ProfileAssociations>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Instance(row.instance)));
    } else if let Some((before, after)) = change.of::<InstanceProfiles>() {
        before.into_iter().chain(after).for_each(|row| into.profile(cloud, &row.id));
    } else if let Some((before, after)) = change.of::<Principals>() {
        // A role's use is noted again and again; its name and who may take it are all that instances see.
        let seen = |row: Option<&Principal>| row.and_then(|row| Some((row.name.clone(), row.role()?.trust.clone())));
        if seen(before) != seen(after) {
            for row in before.into_iter().chain(after) {
                cloud.instance_profiles.by_role(&row.id).for_each(|profile| into.profile(cloud, &profile.id));
            }
        }
    } else if let Some((before, after)) = change.of::<Accounts>() {
        let is_stopped = |row: Option<&Account>| row.is_some_and(|row| row.standing.is_stopped);
        if let Some(row) = after.or(before).filter(|_| is_stopped(before) != is_stopped(after)) {
            into.gateways(cloud, row.id);
        }
    } else if let Some((before, after)) = change.of::<SettingsTable>() {
        into.settings(cloud, before, after);
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
        for row in before.into_iter().chain(after) {
            row.vpc.into_iter().for_each(|vpc| into.route_to(cloud, vpc, RouteTarget::InternetGateway(row.id)));
        }
    } else if let Some((before, after)) = change.of::<EgressOnlyGateways>() {
        for row in before.into_iter().chain(after) {
            into.route_to(cloud, row.vpc, RouteTarget::EgressOnly(row.id));
        }
    } else if let Some((before, after)) = change.of::<RouteTables>() {
        for row in before.into_iter().chain(after) {
            into.route_by(cloud, row);
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
            into.keys.extend([PieceKey::Endpoint(row.id), PieceKey::Vpc(row.vpc)]);
            into.route_to(cloud, row.vpc, RouteTarget::Endpoint(row.id));
        }
    } else if let Some((before, after)) = change.of::<MountTargets>() {
        // Names lead to them.
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Vpc(row.vpc)));
    } else if let Some((before, after)) = change.of::<PrefixLists>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.security_group_rules.by_prefix_list(&row.id).map(|row| PieceKey::Group(row.group)));
            cloud.route_tables.by_prefix_list(&row.id).for_each(|table| into.route_by(cloud, table));
        }
    } else if let Some((_, after)) = change.of::<Images>() {
        // An image's bytes don't change; a new one is in no plan yet.
        debug_assert!(after.is_some(), "images that instances were launched from stay");
    } else {
        connections_affected(cloud, change, into);
    }
}

/// What connects networks with each other and with the outside, and what is recorded of their traffic.
fn connections_affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<NatGateways>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::NatGateway(row.id));
            into.route_to(cloud, row.vpc, RouteTarget::NatGateway(row.id));
            into.presence.extend(row.host.map(|host| (host, row.vpc)));
        }
    } else if let Some((before, after)) = change.of::<Peerings>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Peering(row.id));
            for side in row.sides() {
                into.route_to(cloud, side.vpc, RouteTarget::Peering(row.id));
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
            into.keys.extend(cloud.vpn_connections.by_transit(&row.gateway).map(|row| PieceKey::Vpn(row.id)));
            if let Some(vpc) = row.resource.vpc() {
                into.route_to(cloud, vpc, RouteTarget::TransitGateway(row.gateway));
                into.connect(cloud, vpc);
            }
        }
    } else if let Some((before, after)) = change.of::<FlowLogs>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::FlowLog(row.id)));
    } else if let Some((before, after)) = change.of::<VpnGateways>() {
        for row in before.into_iter().chain(after) {
            row.vpc.into_iter().for_each(|vpc| into.route_to(cloud, vpc, RouteTarget::VpnGateway(row.id)));
            into.keys.extend(cloud.vpn_connections.by_gateway(&row.id).map(|row| PieceKey::Vpn(row.id)));
            // Also of those whose connections were taken from the gateway in the same breath.
            into.connected.extend(row.vpc);
        }
    } else if let Some((before, after)) = change.of::<CustomerGateways>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.vpn_connections.by_customer_gateway(&row.id).map(|row| PieceKey::Vpn(row.id)));
        }
    } else if let Some((before, after)) = change.of::<VpnConnections>() {
        before.into_iter().chain(after).for_each(|row| into.vpn(cloud, row));
    } else if let Some((before, after)) = change.of::<VpnRemainsTable>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Vpn(row.id)));
    }
}

/// The transit gateways that a VPC is attached to.
fn gateways_of(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = PieceKey> {
    cloud.transit_attachments.by_vpc(&vpc).map(|row| PieceKey::TransitGateway(row.gateway))
}

impl Affected {
    /// What of the provider's settings is in plans may differ. Walks what it is in: settings change when a server starts.
    fn settings(&mut self, cloud: &Cloud, before: Option<&Settings>, after: Option<&Settings>) {
        let buckets =
            |row: Option<&Settings>| row.map(|row| (row.buckets.clone(), row.bucket_accounts.clone(), row.operator));
        if buckets(before) != buckets(after) {
            self.keys.extend(cloud.flow_logs.iter().map(|row| PieceKey::FlowLog(row.id)));
        }
        let names = |row: Option<&Settings>| row.map(|row| row.public_domain.clone());
        if names(before) != names(after) {
            self.keys.extend(cloud.instances.iter().map(|row| PieceKey::Instance(row.id)));
        }
    }

    /// What hosts do for an account's gateways may differ. Walks all gateways: accounts are rarely stopped.
    fn gateways(&mut self, cloud: &Cloud, account: AccountId) {
        for row in cloud.nat_gateways.iter().filter(|row| row.scope.account == account) {
            self.keys.insert(PieceKey::NatGateway(row.id));
            self.presence.extend(row.host.map(|host| (host, row.vpc)));
        }
        for row in cloud.vpn_connections.iter().filter(|row| row.scope.account == account) {
            self.vpn(cloud, row);
        }
    }

    /// What hosts do for a VPN may differ.
    fn vpn(&mut self, cloud: &Cloud, row: &VpnConnection) {
        self.keys.insert(PieceKey::Vpn(row.id));
        self.connected.extend(vpn::networks(cloud, row));
        match row.gateway {
            VpnSide::Gateway(id) => {
                cloud.route_tables.by_propagation(&id).for_each(|table| self.route_by(cloud, table));
            }
            VpnSide::Transit(id, _) => {
                self.keys.insert(PieceKey::TransitGateway(id));
                // The host that ends one reaches those that end on others.
                self.keys.extend(cloud.vpn_connections.by_transit(&id).map(|row| PieceKey::Vpn(row.id)));
            }
        }
    }

    /// What comes of an instance profile may differ.
    fn profile(&mut self, cloud: &Cloud, id: &UniqueId) {
        self.keys.extend(cloud.profile_associations.by_profile(id).map(|row| PieceKey::Instance(row.instance)));
    }

    /// The routes of a table may differ: the pieces of the subnets that it is for, and the VPC's with those of its edge.
    fn route_by(&mut self, cloud: &Cloud, table: &RouteTable) {
        self.keys.insert(PieceKey::Vpc(table.vpc));
        self.keys.extend(table.associations.iter().map(|(_, subnet)| PieceKey::Subnet(*subnet)));
        if table.main.is_some() {
            let rest = cloud.subnets.by_vpc(&table.vpc).filter(|row| cloud.route_tables.by_subnet.count(&row.id) == 0);
            self.keys.extend(rest.map(|row| PieceKey::Subnet(row.id)));
        }
    }

    /// What a VPC's routes lead to may have come or gone. A VPC's own piece tells of some of it too.
    fn route_to(&mut self, cloud: &Cloud, vpc: VpcId, target: RouteTarget) {
        self.keys.insert(PieceKey::Vpc(vpc));
        for table in cloud.route_tables.by_vpc(&vpc) {
            let mut propagated = table.propagating.iter().map(|id| RouteTarget::VpnGateway(*id));
            if table.routes.iter().any(|route| route.target == target) || propagated.any(|it| it == target) {
                self.route_by(cloud, table);
            }
        }
    }

    /// An interface may have become a port, or be none any more: routes to it lead there, or nowhere.
    fn reroute(&mut self, cloud: &Cloud, interface: InterfaceId, vpc: VpcId) {
        let target = RouteTarget::Interface(interface);
        for table in cloud.route_tables.by_vpc(&vpc) {
            if table.routes.iter().any(|route| route.target == target) {
                self.route_by(cloud, table);
            }
        }
    }

    /// A VPC may be connected with others than before.
    fn connect(&mut self, cloud: &Cloud, vpc: VpcId) {
        self.connected.insert(vpc);
        self.keys.extend(gateways_of(cloud, vpc));
        self.keys.extend(cloud.peerings.by_vpc(&vpc).map(|row| PieceKey::Peering(row.id)));
        self.keys.extend(vpn::of_network(cloud, vpc).map(|row| PieceKey::Vpn(row.id)));
    }
}
