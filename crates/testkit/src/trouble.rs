//! What goes wrong at random between requests: processes that die, machines that lose power, guests that do as they
//! like, steps that fail.

use std::time::Duration;

use landfall_model::{InstanceId, VolumeId};
use landfall_node::driver::GuestState;

use crate::world::World;

/// A kind of trouble: its name, how often it comes, and what it does to a host.
type Trouble = (&'static str, u64, fn(&mut World, usize));

const TROUBLES: &[Trouble] = &[
    ("crash.control-plane", 12, |world, _| world.crash_plane()),
    ("crash.agent", 12, |world, host| world.restart_agent(host)),
    ("crash.host", 6, |world, host| {
        let moved = world.dice.chance(300);
        world.crash_host(host, moved);
    }),
    ("link.cut", 6, |world, host| {
        let span = world.dice.span(1, 20_000);
        world.cut(host, span);
    }),
    ("guest.off", 14, |world, host| with_guest(world, host, "guest.off", |machine, id| machine.power_off(id))),
    ("guest.dies", 10, |world, host| {
        with_guest(world, host, "guest.dies", |machine, id| machine.kill(id, "The process was killed"));
    }),
    ("guest.paused", 5, |world, host| {
        with_guest(world, host, "guest.paused", |machine, id| machine.suspend(id, Some("The disk is full")));
    }),
    ("guest.resumed", 5, |world, host| {
        with_guest(world, host, "guest.resumed", |machine, id| machine.suspend(id, None))
    }),
    ("start.fails", 10, |world, host| {
        let is_final = world.dice.chance(400);
        world.counts.add("start.fails");
        world.with_host(host, |sim, _| sim.machine().faults().fail_next_start(is_final, "It was told to fail"));
    }),
    ("starts.fail", 6, starts_fail),
    ("volume.fails", 6, volume_fails),
    ("network.fails", 4, |world, host| {
        world.counts.add("network.fails");
        world.with_host(host, |sim, _| sim.machine().faults().fail_network(Some("nft was told to fail")));
    }),
    ("network.mended", 8, |world, host| {
        world.with_host(host, |sim, _| sim.machine().faults().fail_network(None));
    }),
    ("time.passes", 8, |world, _| {
        let span = Duration::from_secs(world.dice.between(10, 600));
        world.pass(span);
    }),
];

/// Makes something go wrong.
pub fn stir(world: &mut World) {
    let mut ticket = world.dice.below(TROUBLES.iter().map(|(_, weight, _)| weight).sum());
    let host = world.dice.below(world.hosts() as u64) as usize;
    for (_, weight, trouble) in TROUBLES {
        if ticket < *weight {
            return trouble(world, host);
        }
        ticket -= weight;
    }
}

/// The kinds of trouble and what the log and the links do besides: each is to be met in a long enough run.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds = vec![
        "crash.control-plane",
        "crash.agent",
        "crash.host",
        "crash.opening",
        "link.cut",
        "link.lost",
        "link.twice",
        "link.refused",
        "guest.off",
        "guest.dies",
        "guest.paused",
        "guest.resumed",
        "start.fails",
        "starts.fail",
        "volume.fails",
        "network.fails",
        "log.nothing-landed",
        "log.all-landed",
        "log.torn",
        "expiries",
        "token.again",
        "calls-unknown",
        "calls-refused",
        "calls-unanswered",
    ];
    kinds.sort_unstable();
    kinds
}

fn with_guest(
    world: &mut World,
    host: usize,
    what: &str,
    run: impl FnOnce(&mut landfall_node::fake::FakeMachine, InstanceId),
) {
    let lives = |state: &GuestState| matches!(state, GuestState::Running | GuestState::Suspended(_));
    let mut guests = Vec::new();
    world.with_host(host, |sim, _| {
        let all = sim.machine().inspect_guests().into_iter();
        guests.extend(all.filter(|guest| lives(&guest.state)).map(|guest| guest.id));
    });
    if let Some(id) = world.dice.pick(&guests).copied() {
        world.counts.add(what);
        world.with_host(host, |sim, _| run(sim.machine(), id));
    }
}

/// Several starts of one instance fail: sometimes as many as the agent tries.
fn starts_fail(world: &mut World, host: usize) {
    let ids: Vec<_> = world.mirror().cloud().instances.iter().map(|row| row.id).collect();
    let times = world.dice.between(1, 8) as u32;
    if let Some(id) = world.dice.pick(&ids).copied() {
        world.counts.add("starts.fail");
        world.with_host(host, |sim, _| sim.machine().faults().fail_starts(id, times, false, "It was told to fail"));
    }
}

/// A volume can't be made or grown on a host.
fn volume_fails(world: &mut World, host: usize) {
    let ids: Vec<VolumeId> = world.mirror().cloud().volumes.iter().map(|row| row.id).collect();
    let is_final = world.dice.chance(300);
    if let Some(id) = world.dice.pick(&ids).copied() {
        world.counts.add("volume.fails");
        world.with_host(host, |sim, _| {
            sim.machine().faults().fail_volume(id, Some((is_final, "The disk was told to fail")));
        });
    }
}
