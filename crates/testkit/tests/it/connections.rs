//! Changes of what connects networks, for the property test of plans: second VPCs, peerings, NAT gateways, transit
//! gateways, prefix lists, VPNs. Rows are put as they are, also ones that no operation would leave so.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use landfall_cloud::flow_log::{self, NewFlowLog};
use landfall_cloud::relocation::{self, Movable, Move};
use landfall_cloud::value::*;
use landfall_cloud::{Tx, report};
use landfall_model::*;
use landfall_testkit::Dice;

/// One of the scope's rows of a table.
macro_rules! any {
    ($tx:ident, $dice:ident, $table:ident) => {{
        let rows: Vec<_> = $tx.$table.iter().filter(|row| row.scope == $tx.scope()).cloned().collect();
        let Some(row) = $dice.pick(&rows).cloned() else { return };
        row
    }};
}

const STATES: [LinkState; 4] = [LinkState::Pending, LinkState::Available, LinkState::Deleting, LinkState::Deleted];

fn state(dice: &mut Dice) -> LinkState {
    if dice.chance(700) { LinkState::Available } else { *dice.pick(&STATES).unwrap() }
}

fn block(dice: &mut Dice) -> Cidr {
    Cidr::V4(Ipv4Cidr::new(Ipv4Addr::new(10, dice.below(9) as u8, 0, 0), 16).unwrap())
}

/// A further VPC with a subnet and nothing else of its own, to be connected.
pub fn networks(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let vpc = any!(tx, dice, vpcs);
    let subnet = any!(tx, dice, subnets);
    let is_used = tx.interfaces.by_vpc.count(&vpc.id) > 0
        || tx.nat_gateways.by_vpc.count(&vpc.id) > 0
        || tx.security_groups.by_vpc.count(&vpc.id) > 0
        || tx.transit_attachments.by_vpc.count(&vpc.id) > 0
        || tx.subnets.by_vpc(&vpc.id).any(|row| tx.transit_attachments.by_subnet.count(&row.id) > 0);
    if !vpc.is_default && !is_used && dice.chance(200) {
        let subnets: Vec<_> = tx.subnets.by_vpc(&vpc.id).map(Subnet::key).collect();
        for key in subnets {
            flow_log::forget(tx, FlowLogResource::Subnet(key.id));
            tx.delete::<Subnets>(&key);
        }
        flow_log::forget(tx, FlowLogResource::Vpc(vpc.id));
        tx.delete::<Vpcs>(&vpc.key());
        return;
    }
    let (id, number, part) = (tx.new_id(), 1 + dice.below(1 << 24) as u32, tx.new_id());
    if tx.vpcs.by_number.count(&number) == 0 {
        tx.put::<Vpcs>(Vpc { id, number, is_default: false, ..vpc });
        tx.put::<Subnets>(Subnet { id: part, vpc: id, default_for_az: false, ..subnet });
    }
}

/// Flow logs of networks, subnets and interfaces come and go, and hosts say how they fare.
pub fn flow_logs(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let vpc = any!(tx, dice, vpcs).id;
    let subnets = tx.subnets.by_vpc(&vpc).map(|row| FlowLogResource::Subnet(row.id));
    let interfaces = tx.interfaces.by_vpc(&vpc).map(|row| FlowLogResource::Interface(row.id));
    let all: Vec<_> = subnets.chain(interfaces).chain([FlowLogResource::Vpc(vpc)]).collect();
    let logs: Vec<_> = tx.flow_logs.iter().filter(|row| row.scope == tx.scope()).map(|row| row.id).collect();
    if let Some(id) = dice.pick(&logs).copied().filter(|_| dice.chance(300)) {
        let _ = flow_log::delete(tx, id);
        return;
    }
    let hosts: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    if let (Some(id), Some(host)) = (dice.pick(&logs), dice.pick(&hosts)) {
        let seen = agent::FlowLogSeen { id: *id, failure: dice.chance(500).then(|| "Access error".to_owned()) };
        report::take(tx, *host, &agent::Report { flow_logs: vec![seen], ..agent::Report::default() });
    }
    let new = NewFlowLog {
        resource: *dice.pick(&all).unwrap(),
        traffic: *dice.pick(&[FlowLogTraffic::Accept, FlowLogTraffic::Reject, FlowLogTraffic::All]).unwrap(),
        destination: "arn:aws:s3:::flows".into(),
        fields: vec!["version".into()],
        interval_s: 60,
        hive_partitions: dice.chance(500),
        hourly_partitions: dice.chance(500),
    };
    // One that is there already is refused.
    let _ = flow_log::create(tx, new);
}

pub fn peerings(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let (one, other) = (any!(tx, dice, vpcs), any!(tx, dice, vpcs));
    let (scope, now) = (tx.scope(), tx.now());
    let side = |vpc: &Vpc| PeeringSide { scope, vpc: vpc.id, dns: false };
    let known = tx.peerings.by_vpc(&one.id).next().map(Peering::key);
    if let Some(key) = known.filter(|_| dice.chance(500)) {
        let active = dice.chance(500);
        tx.update::<Peerings, _>(&key, |row| {
            row.state = if active { PeeringState::Active } else { PeeringState::Deleted };
        });
    } else if one.id != other.id {
        let id = tx.new_id();
        tx.put::<Peerings>(Peering {
            scope,
            id,
            requester: side(&one),
            accepter: side(&other),
            state: PeeringState::Active,
            message: "Active".into(),
            created_at: now,
            expires_at: None,
            ended: None,
        });
    }
}

pub fn nat_gateways(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let (subnet, interface) = (any!(tx, dice, subnets), any!(tx, dice, interfaces));
    let hosts: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    let id = tx.nat_gateways.by_vpc(&subnet.vpc).next().map(|row| row.id).filter(|_| dice.chance(500));
    let id = id.unwrap_or_else(|| tx.new_id());
    let (scope, now) = (tx.scope(), tx.now());
    tx.put::<NatGateways>(NatGateway {
        scope,
        id,
        vpc: subnet.vpc,
        subnet: subnet.id,
        public: dice.chance(500),
        addresses: vec![NatAddress { private: Ipv4Addr::new(172, 31, 0, 9), public: None }],
        interface: interface.id,
        state: state(dice),
        failure: None,
        created_at: now,
        deleted_at: None,
        expires_at: None,
        host: dice.pick(&hosts).copied(),
        lacked: Default::default(),
    });
}

pub fn transit(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let (scope, now) = (tx.scope(), tx.now());
    let (vpc, subnet) = (any!(tx, dice, vpcs), any!(tx, dice, subnets));
    let gateway = tx.transit_gateways.iter().find(|row| row.scope == scope).map(|row| row.id);
    let Some(gateway) = gateway else {
        let (id, table) = (tx.new_id(), tx.new_id());
        let options = TransitGatewayOptions {
            asn: 64512,
            auto_accept: false,
            default_association: true,
            default_propagation: true,
            vpn_ecmp: true,
            dns: true,
            group_references: false,
            cidrs: vec![],
        };
        let (description, association_table) = (String::new(), Some(table));
        let (propagation_table, state, expires_at) = (Some(table), LinkState::Available, None);
        let number = 1 << 23 | dice.below(1 << 20) as u32;
        tx.put::<TransitGateways>(TransitGateway {
            scope,
            id,
            number,
            description,
            options,
            association_table,
            propagation_table,
            state,
            created_at: now,
            expires_at,
        });
        tx.put::<TransitTables>(TransitGatewayRouteTable {
            scope,
            id: table,
            gateway: id,
            routes: vec![],
            state,
            created_at: now,
            expires_at,
        });
        return;
    };
    let table = any!(tx, dice, transit_tables);
    let attached = tx.transit_attachments.by_gateway(&gateway).map(|row| row.id).collect::<Vec<_>>();
    match dice.below(4) {
        0 => {
            let route = TransitGatewayRoute { destination: block(dice), attachment: dice.pick(&attached).copied() };
            tx.update::<TransitTables, _>(&table.key(), |row| {
                row.routes.retain(|other| other.destination != route.destination);
                row.routes.push(route);
            });
        }
        1 => {
            let (state, dns) = (state(dice), dice.chance(500));
            tx.update::<TransitGateways, _>(&scope.key(gateway), |row| (row.state, row.options.dns) = (state, dns));
        }
        _ => {
            let id = dice.pick(&attached).copied().filter(|_| dice.chance(500)).unwrap_or_else(|| tx.new_id());
            let known = |chance| if chance { Some(table.id) } else { None };
            tx.put::<TransitAttachments>(TransitGatewayAttachment {
                scope,
                id,
                gateway,
                gateway_scope: scope,
                resource: AttachedResource::Vpc {
                    vpc: vpc.id,
                    subnets: vec![subnet.id],
                    dns: dice.chance(500),
                    ipv6: dice.chance(500),
                    appliance_mode: false,
                    group_references: false,
                },
                association: known(dice.chance(800)),
                propagations: known(dice.chance(800)).into_iter().collect(),
                state: state(dice),
                awaits_acceptance: false,
                created_at: now,
                expires_at: None,
            });
        }
    }
}

pub fn prefix_lists(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let scope = tx.scope();
    let list = tx.prefix_lists.iter().find(|row| row.scope == scope).cloned();
    let id = list.as_ref().map_or_else(|| tx.new_id(), |row| row.id);
    let mut versions = list.map(|row| row.versions).unwrap_or_default();
    versions.push(vec![PrefixListEntry { cidr: block(dice), description: None }]);
    tx.put::<PrefixLists>(PrefixList {
        scope,
        id,
        name: "blocks".into(),
        ipv6: false,
        max_entries: 9,
        versions,
        oldest: 1,
        last_change: ListChange::Created,
    });
    let rule = any!(tx, dice, security_group_rules);
    if dice.chance(300) {
        tx.update::<SecurityGroupRules, _>(&rule.key(), |row| row.peer = Peer::PrefixList(id));
    }
}

/// Routes to all of these.
pub fn routes(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, route_tables);
    let target = match dice.below(4) {
        0 => RouteTarget::NatGateway(any!(tx, dice, nat_gateways).id),
        1 => RouteTarget::Peering(any!(tx, dice, peerings).id),
        2 => RouteTarget::TransitGateway(any!(tx, dice, transit_gateways).id),
        _ => RouteTarget::VpnGateway(any!(tx, dice, vpn_gateways).id),
    };
    let list = tx.prefix_lists.iter().find(|row| row.scope == tx.scope()).map(|row| row.id);
    let destination = match list.filter(|_| dice.chance(300)) {
        Some(list) => Destination::PrefixList(list),
        None => Destination::Cidr(block(dice)),
    };
    tx.update::<RouteTables, _>(&row.key(), |row| {
        row.routes.retain(|route| route.destination != destination);
        row.routes.push(Route { destination, target, origin: "CreateRoute".into() });
    });
}

pub fn vpns(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let (scope, vpc, table) = (tx.scope(), any!(tx, dice, vpcs).id, any!(tx, dice, route_tables));
    let gateway = tx.vpn_gateways.iter().find(|row| row.scope == scope).map(|row| row.id);
    let id = gateway.unwrap_or_else(|| tx.new_id());
    let (vpc, state) = (dice.chance(800).then_some(vpc), state(dice));
    tx.put::<VpnGateways>(VpnGateway {
        scope,
        id,
        asn: 64512,
        zone: None,
        vpc,
        detached: None,
        state,
        expires_at: None,
    });
    let on = dice.chance(500);
    tx.update::<RouteTables, _>(&table.key(), |row| row.propagating = if on { vec![id] } else { vec![] });
    let customer = CustomerGatewayId::from_random(1);
    if dice.chance(300) {
        let address = Ipv4Addr::new(203, 0, 113, dice.below(9) as u8);
        let (asn, device_name, state, expires_at) = (65_000, None, LinkState::Available, None);
        tx.put::<CustomerGateways>(CustomerGateway {
            scope,
            id: customer,
            address,
            asn,
            device_name,
            state,
            expires_at,
        });
    }
    let known: Vec<_> = tx.vpn_connections.iter().filter(|row| row.scope == scope).map(|row| row.id).collect();
    let connection = dice.pick(&known).copied().filter(|_| dice.chance(700)).unwrap_or_else(|| tx.new_id());
    let transit = tx.transit_gateways.iter().find(|row| row.scope == scope).map(|row| row.id);
    let transit = transit.filter(|_| dice.chance(300));
    let hosts: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    let number = 1 << 22 | dice.below(1 << 20) as u32;
    let now = tx.now();
    tx.put::<VpnConnections>(VpnConnection {
        scope,
        id: connection,
        customer_gateway: customer,
        gateway: match transit {
            Some(gateway) => VpnSide::Transit(gateway, TransitGatewayAttachmentId::from_random(1)),
            None => VpnSide::Gateway(id),
        },
        static_routes_only: true,
        local: Ipv4Cidr::ALL,
        remote: Ipv4Cidr::ALL,
        routes: vec![block(dice)],
        tunnels: vec![],
        state,
        created_at: now,
        expires_at: None,
        host: dice.pick(&hosts).copied().filter(|_| dice.chance(800)),
        number,
    });
}

/// A VPN goes away from its host, or a host that one went away from says that nothing of it is left.
pub fn vpn_moves(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, vpn_connections);
    let hosts: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    let to = dice.pick(&hosts).copied();
    if dice.chance(600) {
        let to = to.filter(|_| row.state.is_live());
        relocation::apply(tx, &Move { what: Movable::Vpn(row.key()), to });
    } else if let Some(host) = to {
        let seen = agent::VpnSeen { id: row.id, gone: true, tunnels: vec![] };
        report::take(tx, host, &agent::Report { vpns: vec![seen], ..agent::Report::default() });
    }
}

pub fn standings(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let state = if dice.chance(700) { AccountState::Active } else { AccountState::Suspended };
    stand(tx, state);
}

/// Puts the account of the scope, standing so.
pub fn stand(tx: &mut Tx<'_, '_>, state: AccountState) {
    let (id, created_at) = (tx.scope().account, tx.now());
    let standing = Standing { state, is_stopped: state != AccountState::Active, ..Standing::default() };
    tx.put::<Accounts>(Account {
        id,
        created_at,
        alias: None,
        password_policy: None,
        name: String::new(),
        email: String::new(),
        standing,
        quotas: BTreeMap::new(),
    });
}
