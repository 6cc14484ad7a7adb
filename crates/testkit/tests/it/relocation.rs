//! Gateways move away from hosts that are lost or being emptied, wherever another could take them, and nothing else moves.

use std::collections::BTreeSet;
use std::sync::Mutex;

use landfall_cloud::interface::{self, NewInterface};
use landfall_cloud::value::{Hosts, NatGateways, VpnConnections};
use landfall_cloud::{Cloud, Entropy, Tx, network, relocation};
use landfall_control::relocation::move_on;
use landfall_model::{AccountId, Host, HostId, NatGateway, Region, Scope, VpnConnection, ZoneName};
use landfall_state::{Engine, MemoryLog};
use landfall_testkit::mirror::Mirror;
use landfall_testkit::{Dice, runs_from_env, seed_from_env};

use crate::{connections, plan};

#[test]
fn gateways_leave_hosts_that_are_lost_or_being_emptied() {
    let seeds = seed_from_env().map_or(0..runs_from_env(8), |seed| seed..seed + 1);
    for seed in seeds {
        println!("seed {seed}");
        relocations(seed);
    }
}

fn relocations(seed: u64) {
    let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
    let (mut dice, mut entropy, mut mirror) = (Dice::new(seed), Entropy::seeded(seed), Mirror::default());
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
    };
    run(&mut |tx| {
        network::ensure_default(tx).unwrap();
        let subnet = tx.subnets.iter().next().unwrap().id;
        interface::create(tx, subnet, NewInterface::default(), None).unwrap();
        for n in 0..5 {
            tx.put::<Hosts>(plan::host(n));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..20 {
        run(&mut |tx| {
            for _ in 0..3 {
                connections::nat_gateways(tx, &mut dice);
                connections::vpns(tx, &mut dice);
            }
            let hosts: Vec<Host> = tx.hosts.iter().cloned().collect();
            let host = dice.pick(&hosts).unwrap();
            let schedulable = dice.chance(600);
            tx.update::<Hosts, _>(&host.id, |row| row.schedulable = schedulable);
            // As they were placed when they were made.
            let (vpns, to): (Vec<_>, _) = (tx.vpn_connections.iter().map(VpnConnection::key).collect(), host.id);
            for key in vpns {
                tx.update::<VpnConnections, _>(&key, |row| row.host = row.host.or(Some(to)));
            }
            let gateways: Vec<_> = tx.nat_gateways.iter().map(NatGateway::key).collect();
            for key in gateways.into_iter().filter(|_| dice.chance(200)) {
                tx.update::<NatGateways, _>(&key, |row| row.host = row.host.and(Some(to)));
            }
        });
        mirror.catch_up(&engine);
        let lost: BTreeSet<HostId> = (0..5).filter(|_| dice.chance(300)).map(|n| plan::host(n).id).collect();
        let before = engine.read();
        runtime.block_on(move_on(&engine, &Mutex::new(Entropy::seeded(seed)), &lost)).unwrap();
        let after = engine.read();
        let left = relocation::next_moves(&after, &lost, 9);
        assert!(left.is_empty(), "one look is not enough: {left:?}");
        let is_good = |host: &Host| host.schedulable && !lost.contains(&host.id);
        let takes = |host: &Host, zone: ZoneName| is_good(host) && host.zone.is_none_or(|index| index == zone.index);
        for (old, new) in before.nat_gateways.iter().zip(after.nat_gateways.iter()) {
            let zone = after.subnets.by_id(&new.subnet).next().map(|subnet| subnet.zone);
            let takes = |host: &Host| zone.is_some_and(|zone| takes(host, zone));
            check(&after, (old.host.filter(|_| old.state.is_live()), new.host), is_good, takes);
        }
        for (old, new) in before.vpn_connections.iter().zip(after.vpn_connections.iter()) {
            let waits_for = old.host.filter(|_| !old.state.is_live());
            if waits_for.is_some() {
                assert_eq!(new.host, waits_for.filter(|host| !lost.contains(host)), "whose word is waited for");
            }
            let remains = after.vpn_remains.get(&new.id).map(|row| row.hosts.clone()).unwrap_or_default();
            assert!(new.host.is_none_or(|host| old.host == Some(host) || !remains.contains(&host)));
            assert!(
                old.host == new.host || old.host.is_none_or(|host| remains.contains(&host)),
                "it went away from it"
            );
            let takes = |host: &Host| new.scope.region.zones().any(|zone| takes(host, zone));
            check(&after, (old.host.filter(|_| old.state.is_live()), new.host), is_good, takes);
        }
        mirror.catch_up(&engine);
        mirror.check_same(&engine);
    }
}

/// That something in use moved exactly if it had to and could.
fn check(
    cloud: &Cloud,
    (old, new): (Option<HostId>, Option<HostId>),
    is_good: impl Fn(&Host) -> bool,
    takes: impl Fn(&Host) -> bool,
) {
    let Some(old) = old else { return };
    let stays = cloud.hosts.get(&old).is_some_and(is_good);
    match stays || !cloud.hosts.iter().any(&takes) {
        true => assert_eq!(new, Some(old), "it needn't move, or can't"),
        false => assert!(new.and_then(|id| cloud.hosts.get(&id)).is_some_and(takes), "{old} {new:?}"),
    }
}
