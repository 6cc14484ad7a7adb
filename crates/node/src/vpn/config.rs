//! What strongSwan is told of a VPN: a pure function of its piece of the plan.
//!
//! Each tunnel is a connection of its own, known by our address outside, so that the other side may be behind a translator
//! and show any name. Options that say nothing have AWS's defaults: everything that AWS offers is taken. Where the other
//! side asks for a part of the blocks, it gets that part. Source: AWS's "Tunnel options for your Site-to-Site VPN
//! connection", strongSwan's `swanctl.conf` and `strongswan.conf`.
//!
//! Packets are encrypted by the daemon itself, in UDP: many kernels have no IPsec, and one that has couldn't tell tunnels
//! of the same blocks apart by its policies alone. The daemon sends by the tunnel that was made last, and by another as
//! soon as that one is gone; what comes by either is taken.

use std::path::Path;

use landfall_model::TunnelOptions;
use landfall_model::agent::Secret;
use landfall_model::plan::{TunnelPlan, VpnPlan};

use super::section::Section;
use super::user;
use crate::network::vpn::ENCRYPT;

/// What the daemon loads, in this order.
const PLUGINS: &str = "random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm aesni kernel-libipsec \
                       kernel-netlink socket-default vici";
/// The daemon's own routing table.
const ROUTING_TABLE: u32 = 220;
/// AWS's defaults, in seconds or per cent.
const PHASE1_LIFETIME_S: u32 = 28_800;
const PHASE2_LIFETIME_S: u32 = 3_600;
const REKEY_MARGIN_S: u32 = 270;
const REKEY_FUZZ_PERCENT: u32 = 100;
const REPLAY_WINDOW: u32 = 1_024;
const DPD_TIMEOUT_S: u32 = 30;
/// How often a silent other side is asked whether it lives, in seconds.
const DPD_INTERVAL_S: u32 = 10;
/// How often a question is repeated before its answer is given up.
const REPEATS: u32 = 3;

/// The names of groups, by AWS's numbers. Here and below the first that both sides know is taken.
const GROUPS: [(u32, &str); 13] = [
    (19, "ecp256"),
    (20, "ecp384"),
    (21, "ecp521"),
    (14, "modp2048"),
    (15, "modp3072"),
    (16, "modp4096"),
    (17, "modp6144"),
    (18, "modp8192"),
    (24, "modp2048s256"),
    (23, "modp2048s224"),
    (22, "modp1024s160"),
    (5, "modp1536"),
    (2, "modp1024"),
];
/// The names of hashes, by AWS's.
const HASHES: [(&str, &str); 4] =
    [("SHA2-256", "sha256"), ("SHA2-384", "sha384"), ("SHA2-512", "sha512"), ("SHA1", "sha1")];
/// The names of ciphers that need a hash beside them, by AWS's.
const CIPHERS: [(&str, &str); 2] = [("AES256", "aes256"), ("AES128", "aes128")];
/// The names of ciphers that need none.
const SEALING_CIPHERS: [(&str, &str); 2] = [("AES256-GCM-16", "aes256gcm16"), ("AES128-GCM-16", "aes128gcm16")];

/// The daemon's own settings, for a folder of its own.
pub fn daemon(vpn: &VpnPlan, folder: &Path) -> Section {
    let timeouts = vpn.tunnels.iter().map(|tunnel| tunnel.options.dpd_timeout_s.unwrap_or(DPD_TIMEOUT_S));
    // An answer is given up after all repeats: with the interval of asking, after the time-out that was asked for.
    let patience = timeouts.min().unwrap_or(DPD_TIMEOUT_S).saturating_sub(DPD_INTERVAL_S);
    let log = Section::default()
        .value("path", folder.join(super::LOG).display())
        .value("append", "yes")
        .value("flush_line", "yes")
        .value("ike_name", "yes")
        .value("default", 0)
        .value("ike", 1);
    let plugins = Section::default()
        .section("vici", Section::default().value("socket", format!("unix://{}", folder.join(super::SOCKET).display())))
        .section("kernel-netlink", Section::default().value("fwmark", format!("{ENCRYPT:#x}")));
    Section::default().section(
        "charon-systemd",
        Section::default()
            .value("load", PLUGINS)
            // Who it is once it has opened what it needs: a user that has no file of the machine's. Of root's rights it
            // keeps the one over its network namespace, for the ways that it makes.
            .value("user", user::NAME)
            .value("group", user::NAME)
            .value("routing_table", ROUTING_TABLE)
            .value("routing_table_prio", ROUTING_TABLE)
            .value("retransmit_tries", REPEATS)
            .value("retransmit_base", 1)
            .value("retransmit_timeout", format!("{:.1}", f64::from(patience) / f64::from(REPEATS + 1)))
            .section("plugins", plugins)
            .section("filelog", Section::default().section("log", log))
            .section("journal", Section::default().value("default", -1)),
    )
}

/// The name of a tunnel's connection, by its place.
pub fn name(place: usize) -> String {
    format!("tunnel-{}", place + 1)
}

/// A tunnel's connection.
pub fn connection(vpn: &VpnPlan, place: usize, tunnel: &TunnelPlan) -> Section {
    let options = &tunnel.options;
    let margin = options.rekey_margin_s.unwrap_or(REKEY_MARGIN_S);
    let random = margin * options.rekey_fuzz_percent.unwrap_or(REKEY_FUZZ_PERCENT) / 100;
    let [first, second] = [options.phase1_lifetime_s, options.phase2_lifetime_s];
    let (first, second) = (first.unwrap_or(PHASE1_LIFETIME_S), second.unwrap_or(PHASE2_LIFETIME_S));
    // What is renewed earlier by chance must not be renewed at once.
    let renewed = |life: u32| life.saturating_sub(margin).max(60);
    let random = |life: u32| random.min(renewed(life) / 2);
    let watches = options.dpd_action.as_deref() != Some("none");
    let starts = options.startup_action.as_deref() == Some("start");
    let child = Section::default()
        .list("local_ts", [vpn.local])
        .list("remote_ts", [vpn.remote])
        .list(
            "esp_proposals",
            proposals(&options.phase2_encryption, &options.phase2_integrity, &groups2(options), false),
        )
        // Tunnels of the same blocks are told apart by this number.
        .value("reqid", place + 1)
        .value("life_time", format!("{second}s"))
        .value("rekey_time", format!("{}s", renewed(second)))
        .value("rand_time", format!("{}s", random(second)))
        .value("replay_window", options.replay_window.unwrap_or(REPLAY_WINDOW))
        .value("dpd_action", if options.dpd_action.as_deref() == Some("restart") { "restart" } else { "clear" })
        .value("start_action", if starts { "start" } else { "none" })
        .value("close_action", if starts { "start" } else { "none" });
    Section::default()
        .value("version", version(&options.ike_versions))
        .list("local_addrs", [tunnel.outside])
        .list("remote_addrs", [vpn.peer])
        .list("proposals", proposals(&options.phase1_encryption, &options.phase1_integrity, &groups1(options), true))
        .value("encap", "yes")
        .value("mobike", "no")
        .value("unique", "replace")
        .value("keyingtries", if starts { 0 } else { 1 })
        .value("rekey_time", format!("{}s", renewed(first)))
        .value("rand_time", format!("{}s", random(first)))
        .value("over_time", format!("{margin}s"))
        .value("dpd_delay", format!("{}s", if watches { DPD_INTERVAL_S } else { 0 }))
        .value("dpd_timeout", format!("{}s", options.dpd_timeout_s.unwrap_or(DPD_TIMEOUT_S)))
        .section("local", Section::default().value("auth", "psk").value("id", tunnel.outside))
        .section("remote", Section::default().value("auth", "psk"))
        .section("children", Section::default().section(&name(place), child))
}

/// A tunnel's shared key. It is our address outside that tells which: the other side may be known by any name.
pub fn shared_key(place: usize, tunnel: &TunnelPlan, key: &Secret) -> Section {
    Section::default()
        .value("id", name(place))
        .value("type", "IKE")
        .value("data", &key.0)
        .list("owners", [tunnel.outside])
}

/// Everything that the daemon is told of a VPN but its keys, as a file would say it.
pub fn connections(vpn: &VpnPlan) -> Section {
    let tunnels = vpn.tunnels.iter().enumerate();
    let named = tunnels
        .fold(Section::default(), |all, (place, tunnel)| all.section(&name(place), connection(vpn, place, tunnel)));
    Section::default().section("connections", named)
}

fn version(versions: &[String]) -> u8 {
    match versions {
        [only] if only == "ikev1" => 1,
        [only] if only == "ikev2" => 2,
        _ => 0,
    }
}

fn groups1(options: &TunnelOptions) -> Vec<u32> {
    known_groups(&options.phase1_groups, |number| number != 5)
}

fn groups2(options: &TunnelOptions) -> Vec<u32> {
    known_groups(&options.phase2_groups, |_| true)
}

/// The groups that are asked for; those of the phase where none are.
fn known_groups(asked: &[u32], of_phase: impl Fn(u32) -> bool) -> Vec<u32> {
    let all = GROUPS.iter().map(|(number, _)| *number).filter(|number| of_phase(*number));
    all.filter(|number| asked.is_empty() || asked.contains(number)).collect()
}

/// What a phase proposes and takes: one proposal of the ciphers that need a hash, one of those that don't.
fn proposals(ciphers: &[String], hashes: &[String], groups: &[u32], has_function: bool) -> Vec<String> {
    let asked = |given: &[String], name: &str| given.is_empty() || given.iter().any(|each| each == name);
    let names = |known: &[(&str, &'static str)], given: &[String]| -> Vec<&'static str> {
        known.iter().filter(|(name, _)| asked(given, name)).map(|(_, own)| *own).collect()
    };
    let groups: Vec<_> = GROUPS.iter().filter(|(number, _)| groups.contains(number)).map(|(_, name)| *name).collect();
    let hashes = names(&HASHES, hashes);
    let functions: Vec<_> = hashes.iter().map(|hash| format!("prf{hash}")).collect();
    let mut proposals = Vec::new();
    let sealing = names(&SEALING_CIPHERS, ciphers);
    if !sealing.is_empty() {
        let mut words: Vec<String> = sealing.into_iter().map(str::to_owned).collect();
        words.extend(functions.into_iter().filter(|_| has_function));
        words.extend(groups.iter().map(|group| (*group).to_owned()));
        proposals.push(words.join("-"));
    }
    let others = names(&CIPHERS, ciphers);
    if !others.is_empty() {
        proposals.push(others.into_iter().chain(hashes).chain(groups).collect::<Vec<_>>().join("-"));
    }
    proposals
}
