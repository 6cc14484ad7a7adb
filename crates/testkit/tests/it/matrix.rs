//! A sample of what `make torture` does at length: real packets through random networks, against the model's verdict.

use std::process::Command;

use landfall_testkit::matrix::{Outcome, run};
use landfall_testkit::topology::Topology;
use landfall_testkit::{runs_from_env, seed_from_env};

/// Set for the process that does it, in namespaces of its own.
const OWN: &str = "LANDFALL_OWN_MACHINE";

/// Those that convicted packets or verdict, each by something that few networks have: what an office says in the name of a
/// network's own that leads on by a peering, an answer to a transit gateway that would have to hand it back, and a router
/// without an IPv6 address.
const CONVICTED: [u64; 3] = [234, 840, 967];

/// The first seed whose network is so, and has no VPNs, which take their time.
fn first(is_so: fn(&Topology) -> bool) -> u64 {
    let found = (0..1000).find(|seed| {
        let topology = Topology::random(*seed);
        topology.offices.is_empty() && is_so(&topology)
    });
    found.unwrap()
}

#[test]
fn packets_go_where_the_model_says() {
    if std::env::var_os(OWN).is_some() {
        let mut seeds: Vec<u64> = seed_from_env().map_or(0..runs_from_env(12), |seed| seed..seed + 1).collect();
        if seed_from_env().is_none() {
            // What has convicted rules before is among them, however few there are.
            seeds.extend([first(Topology::has_namesakes), first(Topology::has_wide_nat)]);
            seeds.extend(CONVICTED);
        }
        let mut outcome = Outcome::default();
        run(seeds.into_iter(), &mut outcome).unwrap();
        println!("{} probes, {} reached, {} by VPNs", outcome.probes, outcome.reached, outcome.by_vpns);
        if outcome.without_strongswan > 0 {
            println!("{} topologies skipped: strongSwan isn't installed", outcome.without_strongswan);
        }
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
