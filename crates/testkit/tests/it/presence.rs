//! A network leaves a host for good when several links of the chain that brought it there change in one commit: then no
//! change tells by itself what the chain was.

use landfall_cloud::interface::{self, NewInterface};
use landfall_cloud::value::*;
use landfall_cloud::{Cloud, Entropy, Tx, network, plan as plans};
use landfall_model::*;
use landfall_state::{Engine, MemoryLog};
use landfall_testkit::Dice;
use landfall_testkit::mirror::Mirror;

use crate::{connections, plan};

/// Two networks: the account's default one, and another that is brought to a host.
#[derive(Clone, Copy)]
struct Networks {
    default: VpcId,
    other: VpcId,
}

type Step = fn(&mut Tx<'_, '_>, Networks);

const CASES: &[(&str, Step, Step)] = &[
    ("its VPN gateway is detached, the connection moves to another host", has_vpn, |tx, networks| {
        detach(tx);
        change_vpns(tx, |row| row.host = Some(plan::host(1).id));
        let table = tx.route_tables.by_vpc(&networks.other).next().map(RouteTable::key);
        table.map(|key| tx.update::<RouteTables, _>(&key, |row| row.propagating.clear()));
    }),
    ("its VPN gateway is detached, the connection is deleted", has_vpn, |tx, _| {
        detach(tx);
        let keys: Vec<_> = tx.vpn_connections.iter().map(VpnConnection::key).collect();
        keys.iter().for_each(|key| assert!(tx.delete::<VpnConnections>(key)));
    }),
    ("its VPN gateway moves to another network, the connection to a transit gateway", has_vpn, |tx, networks| {
        let key = tx.vpn_gateways.iter().next().unwrap().key();
        tx.update::<VpnGateways, _>(&key, |row| row.vpc = Some(networks.default));
        let transit = VpnSide::Transit(TransitGatewayId::from_random(7), TransitGatewayAttachmentId::from_random(7));
        change_vpns(tx, |row| row.gateway = transit);
    }),
    ("its attachment to a transit gateway ends, the gateway's VPN with it", has_transit_vpn, |tx, _| {
        change_attachments(tx, |row| row.state = LinkState::Deleted);
        change_vpns(tx, |row| row.state = LinkState::Deleted);
    }),
    ("its attachment moves to another transit gateway, the gateway's VPN to another host", has_transit_vpn, |tx, _| {
        change_attachments(tx, |row| row.gateway = TransitGatewayId::from_random(7));
        change_vpns(tx, |row| row.host = Some(plan::host(1).id));
    }),
    ("its NAT gateway moves to another host, the account is stopped", has_nat_gateway, |tx, _| {
        change_nat_gateways(tx, |row| row.host = Some(plan::host(1).id));
        connections::stand(tx, AccountState::Suspended);
    }),
    ("its peer's NAT gateway moves to another host, the peering ends", has_peer, |tx, _| {
        change_nat_gateways(tx, |row| row.host = Some(plan::host(1).id));
        let key = tx.peerings.iter().next().unwrap().key();
        tx.update::<Peerings, _>(&key, |row| row.state = PeeringState::Deleted);
    }),
    ("its neighbour at a transit gateway loses its NAT gateway, its own attachment ends", has_neighbour, |tx, _| {
        change_nat_gateways(tx, |row| row.state = LinkState::Deleted);
        change_attachments(tx, |row| row.state = LinkState::Deleted);
    }),
    ("an instance with a foot in it stops, and loses the foot", has_foot, |tx, _| {
        move_instance(tx, None);
        let foot = tx.interfaces.iter().find(|row| row.attachment.is_some()).unwrap().key();
        tx.update::<Interfaces, _>(&foot, |row| row.attachment = None);
    }),
    ("an instance with a foot in it moves, the foot goes to one that never was there", has_foot, |tx, _| {
        move_instance(tx, Some(plan::host(1).id));
        let foot = tx.interfaces.iter().find(|row| row.attachment.is_some()).unwrap().key();
        tx.update::<Interfaces, _>(&foot, |row| {
            row.attachment.as_mut().unwrap().instance = InstanceId::from_random(9);
        });
    }),
];

#[test]
fn a_network_leaves_a_host_also_when_all_links_change_at_once() {
    for (name, make, change) in CASES {
        println!("{name}");
        let engine: Engine<Cloud> =
            Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
        let (mut entropy, mut mirror) = (Entropy::seeded(1), Mirror::default());
        let scope = Scope { account: AccountId::new(1).unwrap(), region: Region::DEFAULT };
        let mut run = |what: &mut dyn FnMut(&mut Tx<'_, '_>)| {
            let pending = engine.commit(|head| {
                let done: Result<(), std::convert::Infallible> = head.transact(1, None, |tx| {
                    what(&mut Tx::new(tx, scope, &mut entropy));
                    Ok(())
                });
                let Ok(()) = done;
            });
            pending.wait().unwrap();
            // It compares the plans that were kept up with those from scratch.
            mirror.catch_up(&engine);
            engine.read()
        };
        let cloud = run(&mut |tx| {
            network::ensure_default(tx).unwrap();
            (0..2).for_each(|n| tx.put::<Hosts>(plan::host(n)));
            landfall_control::seed::simulated_images().into_iter().for_each(|image| tx.put::<Images>(image));
            while tx.vpcs.len() < 2 {
                connections::networks(tx, &mut Dice::new(1));
            }
        });
        let id = |is_default: bool| cloud.vpcs.iter().find(|row| row.is_default == is_default).unwrap().id;
        let networks = Networks { default: id(true), other: id(false) };
        let is_there = |cloud: &Cloud| plans::from_scratch(cloud, plan::host(0).id, 1).vpc(networks.other).is_some();
        let cloud = run(&mut |tx| make(tx, networks));
        assert!(is_there(&cloud), "{name}: it was never there");
        let cloud = run(&mut |tx| change(tx, networks));
        assert!(!is_there(&cloud), "{name}: it is still there");
    }
}

fn has_vpn(tx: &mut Tx<'_, '_>, networks: Networks) {
    interface_in(tx, networks.other);
    connections::vpns(tx, &mut Dice::new(1));
    let key = tx.vpn_gateways.iter().next().unwrap().key();
    tx.update::<VpnGateways, _>(&key, |row| (row.vpc, row.state) = (Some(networks.other), LinkState::Available));
    change_vpns(tx, |row| {
        (row.gateway, row.host) = (VpnSide::Gateway(key.id), Some(plan::host(0).id));
        row.state = LinkState::Available;
    });
}

fn has_transit_vpn(tx: &mut Tx<'_, '_>, networks: Networks) {
    has_vpn(tx, networks);
    detach(tx);
    let (gateway, id) = attach(tx, networks.other);
    change_vpns(tx, |row| row.gateway = VpnSide::Transit(gateway, id));
}

fn has_nat_gateway(tx: &mut Tx<'_, '_>, networks: Networks) {
    nat_gateway_in(tx, networks.other);
}

fn has_peer(tx: &mut Tx<'_, '_>, networks: Networks) {
    nat_gateway_in(tx, networks.default);
    let mut dice = Dice::new(1);
    while tx.peerings.iter().next().is_none() {
        connections::peerings(tx, &mut dice);
    }
}

fn has_neighbour(tx: &mut Tx<'_, '_>, networks: Networks) {
    nat_gateway_in(tx, networks.default);
    attach(tx, networks.default);
    attach(tx, networks.other);
}

fn has_foot(tx: &mut Tx<'_, '_>, networks: Networks) {
    // The instance's own network is the default one.
    let foot = interface_in(tx, networks.other);
    plan::launches(tx, &mut Dice::new(1));
    let instance = tx.instances.iter().next().unwrap().id;
    for key in tx.interfaces.iter().filter(|row| row.id != foot).map(NetworkInterface::key).collect::<Vec<_>>() {
        tx.update::<Interfaces, _>(&key, |row| row.attachment = None);
    }
    let key = tx.scope().key(foot);
    let now = tx.now();
    tx.update::<Interfaces, _>(&key, |row| {
        row.attachment = Some(Attachment {
            id: AttachmentId::from_random(1),
            instance,
            device_index: 1,
            delete_on_termination: false,
            attached_at: now,
            state: AttachmentState::Attached,
        });
    });
    move_instance(tx, Some(plan::host(0).id));
}

/// An interface that nobody has: made in the default network, which has a group, and moved.
fn interface_in(tx: &mut Tx<'_, '_>, vpc: VpcId) -> InterfaceId {
    let from = tx.subnets.iter().find(|row| row.vpc != vpc || row.default_for_az).unwrap().id;
    let to = tx.subnets.by_vpc(&vpc).next().unwrap().id;
    let id = interface::create(tx, from, NewInterface::default(), None).unwrap();
    let key = tx.scope().key(id);
    tx.update::<Interfaces, _>(&key, |row| (row.vpc, row.subnet) = (vpc, to));
    id
}

fn nat_gateway_in(tx: &mut Tx<'_, '_>, vpc: VpcId) {
    let interface = interface_in(tx, vpc);
    let subnet = tx.interfaces.by_id(&interface).next().unwrap().subnet;
    connections::nat_gateways(tx, &mut Dice::new(1));
    let mut row = tx.nat_gateways.iter().next().unwrap().clone();
    (row.vpc, row.subnet, row.interface) = (vpc, subnet, interface);
    (row.host, row.state) = (Some(plan::host(0).id), LinkState::Available);
    tx.put::<NatGateways>(row);
}

/// Attaches a network to the transit gateway, which is made where there is none.
fn attach(tx: &mut Tx<'_, '_>, vpc: VpcId) -> (TransitGatewayId, TransitGatewayAttachmentId) {
    let (mut dice, others) = (Dice::new(1), tx.transit_attachments.len());
    while tx.transit_attachments.len() == others {
        connections::transit(tx, &mut dice);
    }
    let mut row =
        tx.transit_attachments.iter().find(|row| others == 0 || row.resource.vpc().is_some()).unwrap().clone();
    if others > 0 {
        row.id = TransitGatewayAttachmentId::from_random(2);
    }
    if let AttachedResource::Vpc { vpc: attached, .. } = &mut row.resource {
        *attached = vpc;
    }
    row.state = LinkState::Available;
    let made = (row.gateway, row.id);
    tx.put::<TransitAttachments>(row);
    made
}

fn detach(tx: &mut Tx<'_, '_>) {
    let key = tx.vpn_gateways.iter().next().unwrap().key();
    tx.update::<VpnGateways, _>(&key, |row| row.vpc = None);
}

fn change_vpns(tx: &mut Tx<'_, '_>, change: impl Fn(&mut VpnConnection)) {
    for key in tx.vpn_connections.iter().map(VpnConnection::key).collect::<Vec<_>>() {
        tx.update::<VpnConnections, _>(&key, &change);
    }
}

fn change_attachments(tx: &mut Tx<'_, '_>, change: impl Fn(&mut TransitGatewayAttachment)) {
    for key in tx.transit_attachments.iter().map(TransitGatewayAttachment::key).collect::<Vec<_>>() {
        tx.update::<TransitAttachments, _>(&key, &change);
    }
}

fn change_nat_gateways(tx: &mut Tx<'_, '_>, change: impl Fn(&mut NatGateway)) {
    for key in tx.nat_gateways.iter().map(NatGateway::key).collect::<Vec<_>>() {
        tx.update::<NatGateways, _>(&key, &change);
    }
}

fn move_instance(tx: &mut Tx<'_, '_>, to: Option<HostId>) {
    let key = tx.instances.iter().next().unwrap().key();
    tx.update::<Instances, _>(&key, |row| row.status.host = to);
}
