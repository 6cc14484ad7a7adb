//! Random runs: a small sample by default, `LANDFALL_RUNS` of them where asked for, the one of `LANDFALL_SEED` to repeat
//! one.

use landfall_testkit::{run_seed, runs_from_env, seed_from_env};

#[test]
fn torture() {
    if let Some(seed) = seed_from_env() {
        println!("seed {seed}: {}", run_seed(seed).counts);
        return;
    }
    for seed in 0..runs_from_env(16) {
        run_seed(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_value() {
    for seed in [1_000_001, 1_000_002, 1_000_003] {
        let (one, other) = (run_seed(seed), run_seed(seed));
        let difference = landfall_testkit::dump::difference(&one.dump, &other.dump);
        assert!(difference.is_empty(), "seed {seed} gave two values:\n{difference}");
        assert_eq!(one.counts, other.counts, "seed {seed} went two ways");
    }
}
