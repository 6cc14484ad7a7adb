//! Sends real packets through random networks, and compares what arrives with the model's verdict: `matrix [RUNS [FIRST]]`.
//! As root, in namespaces of its own: `unshare -n -m target/release/examples/matrix 1000`.

use std::process::ExitCode;

use landfall_testkit::matrix::{Outcome, run};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (runs, first) = (arguments.next().unwrap_or(100), arguments.next().unwrap_or(0));
    let mut outcome = Outcome::default();
    let begun = std::time::Instant::now();
    let result = run(first..first + runs, &mut outcome);
    println!(
        "{} topologies in {:.1} s: {} probes, {} reached; stopped: {:?}",
        outcome.topologies,
        begun.elapsed().as_secs_f64(),
        outcome.probes,
        outcome.reached,
        outcome.stopped
    );
    if outcome.with_vpns > 0 {
        let each = outcome.waited_for_vpns.as_secs_f64() / outcome.with_vpns as f64;
        println!(
            "{} of them with VPNs, whose tunnels took {each:.1} s to be up: {} probes",
            outcome.with_vpns, outcome.by_vpns
        );
    }
    if outcome.without_strongswan > 0 {
        println!("{} skipped, which have VPNs: strongSwan isn't installed", outcome.without_strongswan);
    }
    for disagreement in outcome.disagreements.iter().take(20) {
        println!("{disagreement}");
    }
    println!("{} disagreements", outcome.disagreements.len());
    if let Err(error) = result {
        println!("FAILED: {error}");
        return ExitCode::FAILURE;
    }
    if outcome.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
