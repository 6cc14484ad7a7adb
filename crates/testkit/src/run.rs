//! One whole run of a seed: a world of random make, rounds of random requests and trouble, each ending at rest with
//! everything checked, and in the end everything deleted, with nothing left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use landfall_model::{Ipv4Cidr, Region};

use crate::check::{check, check_empty};
use crate::counts::Counts;
use crate::dice::Dice;
use crate::dump::{Dump, dump};
use crate::load::{Load, delete_all, end_all};
use crate::trouble::stir;
use crate::world::{Faults, Latencies, Mode, World, WorldOptions};

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened.
    pub counts: Counts,
    /// The value at the end of its last round, but for what is sealed with a random number.
    pub dump: Dump,
}

/// Runs a seed.
///
/// # Panics
/// When something that must hold doesn't, with the way to repeat it.
pub fn run_seed(seed: u64) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| run(seed))) {
        Ok(outcome) => outcome,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let why = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("it says nothing");
            panic!("seed {seed} failed: {why}\nrepeat it: LANDFALL_SEED={seed} cargo test -p landfall-testkit torture");
        }
    }
}

/// Runs a seed; a failure doesn't say which.
pub fn run(seed: u64) -> Outcome {
    let mut dice = Dice::new(seed ^ 0x1a4d_fa11);
    let options = options(&mut dice);
    let rounds = dice.between(1, 3);
    let mut world = World::new(seed, options);
    let mut load = Load::default();
    for _ in 0..rounds {
        world.set_faults(true);
        let trouble = world.dice.below(400);
        for _ in 0..world.dice.between(10, 40) {
            load.act(&mut world);
            if world.dice.chance(trouble) {
                stir(&mut world);
            }
            let pause = world.dice.span(0, 2000);
            world.pass(pause);
        }
        world.settle();
        check(&mut world);
    }
    let mut rows = dump(world.mirror().cloud());
    rows.retain(|key, _| !key.starts_with("access-key "));
    end_all(&mut world);
    world.settle();
    check(&mut world);
    delete_all(&mut world);
    world.pass(Duration::from_secs(3660));
    world.settle();
    let stay = world.mirror().cloud().instances.len();
    assert_eq!(stay, 0, "tombstones stay for more than an hour");
    world.pass(Duration::from_secs(24 * 3600));
    world.settle();
    check_empty(&mut world);
    let mut counts = world.all_counts();
    counts.add("runs");
    Outcome { counts, dump: rows }
}

/// A world of random make.
fn options(dice: &mut Dice) -> WorldOptions {
    let mode = if dice.chance(250) { Mode::Settled } else { Mode::Protocol };
    let rate = |dice: &mut Dice, most: u64| if dice.chance(400) { 0 } else { dice.between(1, most) };
    let faults = Faults {
        log: rate(dice, 60) as u32,
        lost: rate(dice, 200),
        twice: rate(dice, 200),
        machine: rate(dice, 100) as u32,
    };
    let some = |dice: &mut Dice, most_ms: u64| if dice.chance(500) { Duration::ZERO } else { dice.span(1, most_ms) };
    let latencies = Latencies {
        message_ms: rate(dice, 800),
        start: some(dice, 4000),
        stop: if dice.chance(100) { None } else { Some(some(dice, 8000)) },
        answer: some(dice, 5000),
    };
    let mut options = WorldOptions {
        mode,
        hosts: dice.between(1, 5) as usize,
        memory_mib: 1 << dice.between(12, 16),
        accounts: dice.between(1, 2) as usize,
        regions: vec![Region::DEFAULT],
        faults,
        latencies,
        ..WorldOptions::default()
    };
    if dice.chance(300) {
        options.regions.extend(Region::all().find(|region| *region != Region::DEFAULT));
    }
    if dice.chance(200) {
        // So small a pool that it runs out.
        if let Ok(pool) = "198.18.0.0/28".parse::<Ipv4Cidr>() {
            options.settings.public_pool = pool;
        }
    }
    options
}

/// The seed that is asked for by `LANDFALL_SEED`.
pub fn seed_from_env() -> Option<u64> {
    std::env::var("LANDFALL_SEED").ok()?.parse().ok()
}

/// How many runs are asked for by `LANDFALL_RUNS`.
pub fn runs_from_env(otherwise: u64) -> u64 {
    std::env::var("LANDFALL_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
