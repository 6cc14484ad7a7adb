//! What a machine must have for virtual networks, found by trying it in a namespace that vanishes at once.

use std::io;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

use super::{filter, tap};

/// Something that a machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// What a person can do about it.
    pub remedy: String,
}

/// What is lacking on this machine; nothing, if virtual networks work.
pub fn requirements() -> Vec<Missing> {
    let missing = |what: &str, remedy: &str| Missing { what: what.into(), remedy: remedy.into() };
    let mut all = Vec::new();
    if let Err(error) = Command::new("nft").arg("--version").output() {
        all.push(missing(&format!("the program nft ({error})"), "apt-get install nftables"));
    }
    if !geteuid().is_root() {
        all.push(missing("the right to make networks", "start as root, for example with sudo"));
        return all;
    }
    let trial = std::thread::spawn(|| -> io::Result<Vec<Missing>> {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let mut all = Vec::new();
        if let Err(error) = tap::open("lftrial") {
            let what = format!("TAP devices by {} ({error})", tap::DEVICE);
            all.push(Missing { what, remedy: "modprobe tun".into() });
        }
        for (feature, module, text) in FEATURES {
            if let Err(error) = filter::load(text) {
                let what = format!("{feature} in the kernel's packet filter ({error})");
                all.push(Missing { what, remedy: format!("modprobe {module}, or a kernel that has it") });
            }
        }
        Ok(all)
    });
    match trial.join() {
        Ok(Ok(lacking)) if all.is_empty() => all.extend(lacking),
        // Without nft every trial of it fails; one remedy is enough.
        Ok(Ok(_)) => {}
        Ok(Err(error)) => all.push(missing(
            &format!("network namespaces ({error})"),
            "a kernel with CONFIG_NET_NS; in a container, run it with --privileged",
        )),
        Err(_) => all.push(missing("a trial of networks that ends well", "please report this")),
    }
    all
}

/// Features that are used, the kernel module that has each, and the smallest ruleset that needs it.
const FEATURES: [(&str, &str, &str); 5] = [
    (
        "sets of concatenated ranges",
        "nf_tables",
        "add table inet t
add set inet t s { type ipv4_addr . inet_proto . inet_service; flags interval; }
add element inet t s { 10.0.0.0/8 . tcp . 1-9 }
",
    ),
    (
        "filters where frames come in",
        "nf_tables",
        "add table netdev t
add chain netdev t c { type filter hook ingress device \"lo\" priority -500; policy drop; }
",
    ),
    (
        "filters of ARP",
        "nf_tables",
        "add table arp t
add set arp t s { type ifname; flags dynamic; size 9; }
add chain arp t c { type filter hook input priority 0; }
add rule arp t c iifname != @s add @s { iifname }
",
    ),
    (
        "connection tracking",
        "nf_conntrack",
        "add table inet t
add chain inet t f { type filter hook forward priority 0; }
add rule inet t f ct state established accept
",
    ),
    (
        "address translation",
        "nft_nat nft_masq nft_fib_inet",
        "add table inet t
add chain inet t n { type nat hook postrouting priority srcnat; }
add rule inet t n masquerade
add chain inet t p { type filter hook prerouting priority 0; }
add rule inet t p fib daddr type local drop
",
    ),
];
