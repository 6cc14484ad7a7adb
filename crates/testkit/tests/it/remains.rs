//! The addresses of a VPN are nobody else's as long as a host that it went away from may still answer at them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use landfall_cloud::plan::from_scratch;
use landfall_cloud::value::{Hosts, SettingsTable, VpnConnections, default_settings};
use landfall_cloud::{Cloud, Entropy, Tx, address, expiry, host, report, vpn};
use landfall_control::relocation::move_on;
use landfall_model::agent::Report;
use landfall_model::{
    AccountId, HostId, Ipv4Cidr, LinkState, Region, Scope, Settings, Timestamp, VpnConnection, VpnConnectionId,
    VpnSide, VpnTunnel,
};
use landfall_node::fake::silent_vpns;
use landfall_state::{Engine, MemoryLog};
use landfall_testkit::mirror::Mirror;

use crate::plan;

const HOUR_MS: i64 = 3_600_000;
const NUMBER: u32 = 77;

/// A cloud of two hosts, with a pool that a VPN and three elastic addresses fill.
struct Stand {
    engine: Engine<Cloud>,
    mirror: Mirror,
    now_ms: i64,
}

impl Stand {
    fn new() -> Self {
        let engine = Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
        let mut stand = Self { engine, mirror: Mirror::default(), now_ms: 1 };
        let tunnel = |last| VpnTunnel {
            outside: Ipv4Addr::new(198, 18, 0, last),
            inside: Ipv4Cidr::new(Ipv4Addr::new(169, 254, last, 0), 30).unwrap(),
            key: String::new(),
            key_version: 1,
            options: Default::default(),
            up: false,
            since: Timestamp(1),
            message: String::new(),
        };
        stand.run(|tx| {
            let public_pool = Ipv4Cidr::new(Ipv4Addr::new(198, 18, 0, 0), 29).unwrap();
            tx.put::<SettingsTable>(Settings { public_pool, ..default_settings() });
            (0..2).for_each(|n| tx.put::<Hosts>(plan::host(n)));
            let (scope, customer_gateway, gateway) = (tx.scope(), tx.new_id(), tx.new_id());
            tx.put::<VpnConnections>(VpnConnection {
                scope,
                id: id(),
                customer_gateway,
                gateway: VpnSide::Gateway(gateway),
                static_routes_only: true,
                local: Ipv4Cidr::ALL,
                remote: Ipv4Cidr::ALL,
                routes: vec![],
                tunnels: vec![tunnel(3), tunnel(5)],
                state: LinkState::Available,
                created_at: Timestamp(1),
                expires_at: None,
                host: Some(on(0)),
                number: NUMBER,
            });
            for _ in 0..3 {
                address::allocate(tx, None).unwrap();
            }
        });
        stand
    }

    fn run<R>(&mut self, what: impl FnOnce(&mut Tx<'_, '_>) -> R) -> R {
        let scope = Scope { account: AccountId::new(1).unwrap(), region: Region::DEFAULT };
        let (now_ms, mut entropy) = (self.now_ms, Entropy::seeded(self.now_ms as u64));
        let mut result = None;
        let pending = self.engine.commit(|head| {
            let done: Result<(), ()> = head.transact(now_ms, None, |tx| {
                result = Some(what(&mut Tx::new(tx, scope, &mut entropy)));
                Ok(())
            });
            done.unwrap();
        });
        pending.wait().unwrap();
        self.mirror.catch_up(&self.engine);
        self.mirror.check_same(&self.engine);
        result.unwrap()
    }

    /// Moves what is to move away from a host that isn't heard.
    fn lose(&mut self, lost: HostId) {
        self.run(|tx| tx.update::<Hosts, _>(&lost, |row| row.lost = Some(Timestamp(1))));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(move_on(&self.engine, &Mutex::new(Entropy::seeded(1)), &BTreeSet::from([lost]))).unwrap();
        self.run(|_| ());
    }

    /// Takes what a host's agent says once it has done as its plan says.
    fn hear(&mut self, host: HostId) {
        let vpns = silent_vpns(&from_scratch(&self.engine.read(), host, 1));
        self.run(|tx| report::take(tx, host, &Report { vpns, ..Report::default() }));
    }

    /// Lets so much time pass that the deleted VPN isn't shown any more.
    fn forget(&mut self) {
        // Moves are noted at the clock's time.
        self.now_ms = self.engine.now_ms();
        self.run(expiry::expire);
        self.now_ms += HOUR_MS + 1;
        self.run(expiry::expire);
        assert!(self.engine.read().vpn_connections.get(&key()).is_none(), "it was shown long enough");
    }

    fn is_held(&mut self) -> bool {
        let free = self.run(|tx| address::allocate(tx, None).map(|id| address::release(tx, id)));
        assert_eq!(self.engine.read().vpn_remains.by_number.count(&NUMBER) == 0, free.is_ok(), "as its number is");
        free.is_err()
    }
}

fn id() -> VpnConnectionId {
    VpnConnectionId::from_random(1)
}

fn key() -> landfall_model::Scoped<VpnConnectionId> {
    Scope { account: AccountId::new(1).unwrap(), region: Region::DEFAULT }.key(id())
}

fn on(n: u8) -> HostId {
    plan::host(n).id
}

#[test]
fn one_that_is_deleted_while_its_host_is_cut_off() {
    let mut stand = Stand::new();
    stand.run(|tx| vpn::delete(tx, id())).unwrap();
    stand.lose(on(0));
    stand.forget();
    assert!(stand.is_held());
    stand.hear(on(1));
    assert!(stand.is_held(), "another host's word isn't the one that is waited for");
    stand.hear(on(0));
    assert!(!stand.is_held());
    let plan = from_scratch(&stand.engine.read(), on(0), 1);
    assert_eq!(plan.vpns().count(), 0, "it isn't asked any more");
}

#[test]
fn one_that_moved_away_and_is_deleted_then() {
    let mut stand = Stand::new();
    stand.lose(on(0));
    let moved = stand.engine.read().vpn_connections.get(&key()).and_then(|row| row.host);
    assert_eq!(moved, Some(on(1)));
    stand.run(|tx| vpn::delete(tx, id())).unwrap();
    stand.hear(on(1));
    stand.forget();
    assert!(stand.is_held(), "the host that it is on has spoken, the one that it was on hasn't");
    let report = Report { vpns: silent_vpns(&from_scratch(&stand.engine.read(), on(0), 1)), ..Report::default() };
    assert_eq!(report.vpns.iter().map(|seen| (seen.id, seen.gone)).collect::<Vec<_>>(), [(id(), true)]);
    stand.hear(on(0));
    assert!(!stand.is_held());
}

#[test]
fn one_that_comes_back_to_a_host_is_not_left_there() {
    let mut stand = Stand::new();
    stand.lose(on(0));
    stand.run(|tx| tx.update::<Hosts, _>(&on(0), |row| row.lost = None));
    stand.lose(on(1));
    let remains = stand.engine.read().vpn_remains.get(&id()).cloned().unwrap();
    assert_eq!(remains.hosts, BTreeSet::from([on(1)]));
}

#[test]
fn a_host_that_is_removed_is_not_waited_for() {
    let mut stand = Stand::new();
    stand.lose(on(0));
    stand.run(|tx| vpn::delete(tx, id())).unwrap();
    stand.hear(on(1));
    stand.forget();
    stand.run(|tx| tx.update::<Hosts, _>(&on(0), |row| row.lost = None));
    assert!(stand.run(|tx| host::deregister(tx, "host-0")).is_err(), "it is heard: its word comes first");
    assert!(stand.is_held());
    stand.run(|tx| tx.update::<Hosts, _>(&on(0), |row| row.lost = Some(Timestamp(1))));
    stand.run(|tx| host::deregister(tx, "host-0")).unwrap();
    assert!(!stand.is_held());
}
