//! A sample of what `make torture` does at length: real packets through random networks, against the model's verdict.

use std::process::Command;

use landfall_testkit::matrix::{Outcome, run};
use landfall_testkit::topology::Topology;
use landfall_testkit::{runs_from_env, seed_from_env};

/// Set for the process that does it, in namespaces of its own.
const OWN: &str = "LANDFALL_OWN_MACHINE";

#[test]
fn packets_go_where_the_model_says() {
    if std::env::var_os(OWN).is_some() {
        let seeds = seed_from_env().map_or(0..runs_from_env(12), |seed| seed..seed + 1);
        let mut outcome = Outcome::default();
        run(seeds, &mut outcome).unwrap();
        println!("{} probes, {} reached, {} by VPNs", outcome.probes, outcome.reached, outcome.by_vpns);
        if outcome.without_strongswan > 0 {
            println!("{} topologies skipped: strongSwan isn't installed", outcome.without_strongswan);
        }
        // What these twelve are to have among them, each of which has convicted rules before.
        let runs = if seed_from_env().is_none() { runs_from_env(12) } else { 0 };
        let all: Vec<Topology> = (0..runs).map(Topology::random).collect();
        assert!(all.is_empty() || all.iter().any(Topology::has_namesakes), "no network has two peers with one block");
        assert!(all.is_empty() || all.iter().any(Topology::has_wide_nat), "no NAT gateway has two addresses");
        assert!(outcome.with_vpns == 0 || outcome.by_vpns > 0, "VPNs without a probe");
        assert!(outcome.disagreements.is_empty(), "{}", outcome.disagreements.join("\n"));
        assert!(outcome.reached > 0 && outcome.stopped.len() > 3, "{outcome:?}");
        return;
    }
    let can = Command::new("unshare").args(["-n", "-m", "nft", "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) || !std::path::Path::new("/dev/net/tun").exists() {
        return crate::skipped(
            "matrix::packets_go_where_the_model_says",
            "it needs root, unshare, nft and /dev/net/tun",
        );
    }
    let output = Command::new("unshare")
        .args(["-n", "-m", "--propagation", "private"])
        .arg(format!("/proc/{}/exe", std::process::id()))
        .args(["matrix::packets_go_where_the_model_says", "--exact", "--nocapture", "--test-threads=1"])
        .env(OWN, "1")
        .output()
        .unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && words.contains("1 passed"), "{words}");
}
