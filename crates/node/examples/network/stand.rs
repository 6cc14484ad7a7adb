//! The machine that is measured on: its driver, and namespaces that stand for guests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use landfall_node::network::{HostNetwork, NetworkConfig, namespace};

use crate::Outcome;

/// A driver that knows nothing yet.
pub fn driver() -> HostNetwork {
    HostNetwork::new(NetworkConfig::new(PathBuf::from("/run/landfall")))
}

/// Runs a program and wants it to succeed.
pub fn run(program: &str, arguments: &str) -> Outcome<()> {
    let status = Command::new(program).args(arguments.split_whitespace()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {arguments}: {status}").into()) }
}

/// A guest of that address behind a link of a namespace: a pair of links, so that nothing but the kernel is on the way.
pub fn guest(name: &str, address: &str, mac: &str, at: &str, link: &str) -> Outcome<()> {
    namespace::ensure(name)?;
    run("ip", &format!("-n {at} link add {link} type veth peer name eth0 netns {name}"))?;
    for step in
        ["link set lo up".into(), format!("link set eth0 address {mac} up"), format!("addr add {address}/24 dev eth0")]
    {
        run("ip", &format!("-n {name} {step}"))?;
    }
    Ok(())
}

/// A router as people make one by hand: two links, forwarding, no rule at all.
pub fn plain_router(name: &str, guests: [&str; 2]) -> Outcome<()> {
    namespace::ensure(name)?;
    run("ip", &format!("netns exec {name} sysctl -qw net.ipv4.ip_forward=1"))?;
    for (number, guest) in guests.into_iter().enumerate() {
        namespace::ensure(guest)?;
        run("ip", &format!("-n {name} link add p{number} type veth peer name eth0 netns {guest}"))?;
        run("ip", &format!("-n {name} addr add 10.{number}.0.1/24 dev p{number}"))?;
        run("ip", &format!("-n {name} link set p{number} up"))?;
        for step in [
            "link set lo up".into(),
            "link set eth0 up".into(),
            format!("addr add 10.{number}.0.2/24 dev eth0"),
            format!("route add default via 10.{number}.0.1"),
        ] {
            run("ip", &format!("-n {guest} {step}"))?;
        }
    }
    Ok(())
}
