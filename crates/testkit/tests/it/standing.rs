//! What hosts do for VPNs and NAT gateways where nothing else of their account is.

use std::net::Ipv4Addr;

use landfall_cloud::plan::from_scratch;
use landfall_cloud::value::{Hosts, NatGateways, TransitAttachments, VpnConnections};
use landfall_cloud::{Cloud, Entropy, Tx, network};
use landfall_model::plan::{AttachmentTo, HostPlan};
use landfall_model::{
    AccountId, AccountState, AttachedResource, HostId, LinkState, NatAddress, NatGateway, Region, Scope, Timestamp,
    TransitGatewayAttachment, VpnConnection, VpnConnectionId, VpnSide,
};
use landfall_state::{Engine, MemoryLog};
use landfall_testkit::Dice;
use landfall_testkit::mirror::Mirror;

use crate::{connections, plan};

/// Does something in a transaction of the first account.
fn run(engine: &Engine<Cloud>, seed: u64, what: &mut dyn FnMut(&mut Tx<'_, '_>)) {
    let scope = Scope { account: AccountId::new(1).unwrap(), region: Region::DEFAULT };
    let mut entropy = Entropy::seeded(seed);
    let pending = engine.commit(|head| {
        let done: Result<(), ()> = head.transact(1, None, |tx| {
            what(&mut Tx::new(tx, scope, &mut entropy));
            Ok(())
        });
        done.unwrap();
    });
    pending.wait().unwrap();
}

/// A VPN of the transit gateway that there is, on that host.
fn put_vpn(tx: &mut Tx<'_, '_>, number: u8, host: HostId) {
    let (scope, gateway) = (tx.scope(), tx.transit_gateways.iter().next().unwrap().clone());
    let id = VpnConnectionId::from_random(u128::from(number));
    let attachment = tx.new_id();
    tx.put::<TransitAttachments>(TransitGatewayAttachment {
        scope,
        id: attachment,
        gateway: gateway.id,
        gateway_scope: scope,
        resource: AttachedResource::Vpn(id),
        association: gateway.association_table,
        propagations: vec![],
        state: LinkState::Available,
        awaits_acceptance: false,
        created_at: Timestamp(1),
        expires_at: None,
    });
    let customer_gateway = tx.new_id();
    tx.put::<VpnConnections>(VpnConnection {
        scope,
        id,
        customer_gateway,
        gateway: VpnSide::Transit(gateway.id, attachment),
        static_routes_only: true,
        local: landfall_model::Ipv4Cidr::ALL,
        remote: landfall_model::Ipv4Cidr::ALL,
        routes: vec![],
        tunnels: vec![],
        state: LinkState::Available,
        created_at: Timestamp(1),
        expires_at: None,
        host: Some(host),
        number: 77 + u32::from(number),
    });
}

fn put_nat_gateway(tx: &mut Tx<'_, '_>, host: HostId) {
    let (scope, id, interface) = (tx.scope(), tx.new_id(), tx.new_id());
    let subnet = tx.subnets.iter().find(|row| row.scope == scope).unwrap().clone();
    tx.put::<NatGateways>(NatGateway {
        scope,
        id,
        vpc: subnet.vpc,
        subnet: subnet.id,
        public: false,
        addresses: vec![NatAddress { private: Ipv4Addr::new(172, 31, 0, 9), public: None }],
        interface,
        state: LinkState::Available,
        failure: None,
        created_at: Timestamp(1),
        deleted_at: None,
        expires_at: None,
        host: Some(host),
        lacked: Default::default(),
    });
}

#[test]
fn gateways_are_where_they_work_and_stop_with_their_account() {
    let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
    let mut mirror = Mirror::default();
    let [one, two, three] = [1, 2, 3].map(|number| plan::host(number).id);
    run(&engine, 1, &mut |tx| {
        for number in 1..4 {
            tx.put::<Hosts>(plan::host(number));
        }
        network::ensure_default(tx).unwrap();
        // There is none yet: it makes one.
        connections::transit(tx, &mut Dice::new(1));
        put_vpn(tx, 1, one);
        put_vpn(tx, 2, two);
        put_nat_gateway(tx, three);
    });
    mirror.catch_up(&engine);
    let plan = |host| from_scratch(&engine.read(), host, 1);
    let attached = |plan: &HostPlan| {
        let gateways = plan.transit_gateways().flat_map(|gateway| gateway.attachments.clone());
        gateways.filter(|attachment| matches!(attachment.to, AttachmentTo::Vpn(_))).count()
    };
    for host in [one, two] {
        assert_eq!(attached(&plan(host)), 2, "no network is attached, and it is there all the same");
        assert_eq!(plan(host).vpns().filter(|vpn| vpn.wanted).count(), 2, "its own, and that of the other host");
    }
    assert_eq!((attached(&plan(three)), plan(three).vpns().count()), (0, 0));
    assert_eq!(plan(three).nat_gateways().count(), 1);

    run(&engine, 2, &mut |tx| connections::stand(tx, AccountState::Suspended));
    mirror.catch_up(&engine);
    mirror.check_same(&engine);
    for host in [one, two] {
        let plan = plan(host);
        assert_eq!(plan.transit_gateways().count(), 0);
        assert_eq!(plan.vpns().map(|vpn| vpn.wanted).collect::<Vec<_>>(), [false], "its tunnels end");
    }
    assert!(plan(three).pieces.is_empty(), "nobody is translated for: {:?}", plan(three));

    run(&engine, 3, &mut |tx| connections::stand(tx, AccountState::Active));
    mirror.catch_up(&engine);
    mirror.check_same(&engine);
    assert_eq!(attached(&plan(one)), 2, "served again, all is as it was");
    assert_eq!(plan(three).nat_gateways().count(), 1);
}
