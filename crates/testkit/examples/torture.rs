//! Runs seeds on all processors and says what happened: `torture [RUNS [FIRST_SEED]]`. Fails if a run does, or if a kind
//! of trouble was never met in a run long enough to meet all.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_testkit::{Counts, run_seed, trouble};

/// Runs from which on every kind of trouble is to be met.
const ENOUGH: u64 = 1000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let runs = arguments.next().unwrap_or_else(|| landfall_testkit::runs_from_env(200));
    let first = arguments.next().unwrap_or(0);
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let counts = Mutex::new(Counts::default());
    let begun = std::time::Instant::now();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + runs {
                        return;
                    }
                    match std::panic::catch_unwind(|| run_seed(seed)) {
                        Ok(outcome) => lock(&counts).merge(&outcome.counts),
                        Err(_) => lock(&failed).push(seed),
                    }
                }
            });
        }
    });
    let (counts, failed) = (lock(&counts), lock(&failed));
    println!(
        "{} runs in {:.1} s: {} requests done; {}",
        runs,
        begun.elapsed().as_secs_f64(),
        counts.sum("ok."),
        *counts
    );
    let unmet: Vec<_> = trouble::kinds().into_iter().filter(|kind| counts.of(kind) == 0).collect();
    if !unmet.is_empty() {
        println!("never met: {unmet:?}");
    }
    if !failed.is_empty() {
        println!("FAILED seeds: {:?}", *failed);
        return ExitCode::FAILURE;
    }
    if runs >= ENOUGH && !unmet.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
