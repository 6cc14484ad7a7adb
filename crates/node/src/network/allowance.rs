//! How much of a table of connections one interface may take.
//!
//! A namespace's table holds as many connections as the kernel allows each (`nf_conntrack_max`), and once it is full nobody
//! in it opens another. So what an interface opens, and what is opened towards it from elsewhere, is bounded by shares of
//! that number, in two ways that only hold together: how many connections live, which the kernel counts ([`Allowance::live`]),
//! and how many are opened in a second, because those that have ended aren't counted and yet stay for a moment
//! ([`Allowance::opened`] times [`CLOSED_S`]). Beyond it the first packet of a connection is dropped; AWS's instances have
//! such an allowance too.
//!
//! The kernel's count goes through a list of what it counted whenever something is added, and takes only a few ended ones
//! off at a time. One list for each interface would let a guest keep a core busy with it, and refuse those who open
//! thousands in a second; so connections are spread over many short lists by their hash, each with its part of the shares.
//!
//! Many interfaces of one network together could still fill its table. So all that is opened is counted once more, whoever
//! opened it; beyond three quarters of the table the network is crowded, and each interface opens only a few more
//! ([`Allowance::when_crowded`]), so that the last quarter is left for those who have not taken their share.
//!
//! What was counted outlives a reload of the other rules: it is in a table of its own, which isn't replaced but said again.

use std::fmt::Write;

use super::ruleset::TABLE;
use super::sysctl;
use crate::metadata::names::PORT_PREFIX;

/// The lists that an interface's connections are spread over.
const LISTS: u32 = 256;
/// How long a connection that has ended stays in the table, in seconds.
pub const CLOSED_S: u32 = 5;
/// How many connections a namespace's table holds where the kernel doesn't say.
const USUAL: u32 = 262_144;

/// Settings of a network's namespace: how long connections are remembered, in seconds. What has ended stays only as long as
/// its last packets may be under way; the rest is what AWS documents where the kernel has it otherwise.
/// Source: AWS's "Amazon EC2 security group connection tracking".
const TIMEOUTS: [(&str, u32); 4] = [
    ("tcp_timeout_time_wait", CLOSED_S),
    ("tcp_timeout_close", CLOSED_S),
    ("tcp_timeout_syn_sent", 30),
    ("udp_timeout_stream", 180),
];

/// Rules that let through what opens no connection. One that nobody answers stays new, also when the table has it already.
const NOT_OPENING: [&str; 2] = ["ct state != new accept", "ct status confirmed accept"];

/// What one interface may have of a table of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Connections that live.
    pub live: u32,
    /// Connections opened in a second, for as long as one likes; four times as many at once.
    pub opened: u32,
}

impl Allowance {
    /// The share of a table that holds so many: an eighth may live, and half as many again may have ended just now.
    pub fn of(table: u32) -> Self {
        Self { live: table / 8, opened: table / 64 }
    }

    /// The share of what this machine's kernel allows.
    pub fn of_machine() -> Self {
        let allowed = sysctl::read("netfilter/nf_conntrack_max").ok().and_then(|text| text.parse().ok());
        Self::of(allowed.unwrap_or(USUAL))
    }

    /// Connections of all interfaces together beyond which a table counts as crowded.
    fn crowded(self) -> u32 {
        self.live.saturating_mul(6)
    }

    /// How many more one interface opens then.
    fn when_crowded(self) -> u32 {
        self.live / 16
    }

    /// The rules that count a packet which opens a connection as one of what `key` names, with the name of the sets.
    pub fn rules(self, key: &str, way: &str) -> [String; 5] {
        let (crowded, few) = ((self.crowded() / LISTS).max(1), (self.when_crowded() / LISTS).max(1));
        let live = (self.live / LISTS).max(1);
        let opened = (self.opened / LISTS).max(1);
        let burst = opened * 4;
        let refused = "counter name refused drop";
        [
            // A packet's priority is a place to keep a number of the length that a key wants; nobody else asks for it.
            format!("meta priority set symhash mod {LISTS}"),
            format!(
                "update @opened_{way} {{ {key} . meta priority \
                 limit rate over {opened}/second burst {burst} packets }} {refused}"
            ),
            format!("add @live_{way} {{ {key} . meta priority ct count over {live} }} {refused}"),
            format!(
                "add @live {{ meta priority ct count over {crowded} }} \
                 add @crowding_{way} {{ {key} . meta priority ct count over {few} }} {refused}"
            ),
            "meta priority set 0".into(),
        ]
    }
}

/// The sets that those rules count in, and the counter of what was refused.
pub fn sets(ways: [&str; 2]) -> String {
    let mut text = String::from("\tcounter refused { }\n");
    text.push_str("\tset live {\n\t\ttype classid\n\t\tsize 1024\n\t\tflags dynamic\n\t}\n");
    for way in ways {
        for (name, flags) in
            [("opened", "dynamic,timeout\n\t\ttimeout 10s"), ("live", "dynamic"), ("crowding", "dynamic")]
        {
            // Writing to a string doesn't fail.
            let _ = writeln!(
                text,
                "\tset {name}_{way} {{\n\t\ttype ifname . classid\n\t\tsize 1048576\n\t\tflags {flags}\n\t}}"
            );
        }
    }
    text
}

/// The table that counts in a network's namespace: by the sender's interface where that is a port, otherwise by the
/// receiver's. So a guest that is called by its neighbour loses nothing of its own.
pub fn table(allowance: Allowance) -> String {
    let table = format!("inet {TABLE}_allowance");
    let hook = |hook: &str| {
        format!("\tchain {hook} {{\n\t\ttype filter hook {hook} priority filter + 10; policy accept;\n\t}}\n")
    };
    let mut text = format!("table {table} {{\n{}", sets(["from", "to"]));
    text.push_str("\tchain from {\n\t}\n\tchain to {\n\t}\n");
    text.push_str(&hook("forward"));
    text.push_str(&hook("input"));
    text.push_str("}\n");
    let from = allowance.rules("iifname", "from");
    let to = allowance.rules("oifname", "to");
    let by_sender = format!("iifname \"{PORT_PREFIX}*\" goto from");
    let [old, known] = NOT_OPENING.map(str::to_owned);
    let forward = [old.clone(), known.clone(), by_sender.clone(), format!("oifname \"{PORT_PREFIX}*\" goto to")];
    for (chain, rules) in
        [("from", &from[..]), ("to", &to[..]), ("forward", &forward[..]), ("input", &[old, known, by_sender][..])]
    {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "flush chain {table} {chain}");
        for rule in rules {
            let _ = writeln!(text, "add rule {table} {chain} {rule}");
        }
    }
    text
}

/// How long what guests open is remembered on the machine, whose own settings are the provider's affair.
pub const MACHINE_POLICIES: &str = "\tct timeout guests {
\t\tprotocol tcp
\t\tl3proto ip
\t\tpolicy = { syn_sent : 30, time_wait : 5, close : 5 }
\t}
\tct timeout guests_ip6 {
\t\tprotocol tcp
\t\tl3proto ip6
\t\tpolicy = { syn_sent : 30, time_wait : 5, close : 5 }
\t}
";

/// The rules at the end of the machine's own forward chain, which count by the link to a network: what it opens, and what
/// is opened towards it from outside.
pub fn on_machine(allowance: Allowance, links: &str) -> String {
    let mut rules: String = NOT_OPENING.iter().map(|rule| format!("\t\t{rule}\n")).collect();
    for (family, policy) in [("ipv4", "guests"), ("ipv6", "guests_ip6")] {
        for way in ["iifname", "oifname"] {
            // Writing to a string doesn't fail.
            let _ = writeln!(
                rules,
                "\t\tmeta nfproto {family} meta l4proto tcp {way} \"{links}*\" ct timeout set \"{policy}\""
            );
        }
    }
    for (way, chain) in [("iifname", "from"), ("oifname", "to")] {
        let _ = writeln!(rules, "\t\t{way} \"{links}*\" goto {chain}");
    }
    let chain = |name: &str, rules: [String; 5]| {
        let rules: String = rules.iter().map(|rule| format!("\t\t{rule}\n")).collect();
        format!("\tchain {name} {{\n{rules}\t}}\n")
    };
    let [from, to] = [("from", "iifname"), ("to", "oifname")].map(|(way, key)| chain(way, allowance.rules(key, way)));
    format!(
        "{from}{to}\tchain allowance {{\n\t\ttype filter hook forward priority filter + 10; policy accept;\n{rules}\t}}\n"
    )
}

/// Makes the calling thread's namespace forget connections in time. Does nothing where the kernel doesn't track any yet.
pub fn ensure_timeouts() -> std::io::Result<()> {
    for (name, seconds) in TIMEOUTS {
        match sysctl::ensure(&format!("netfilter/nf_conntrack_{name}"), &seconds.to_string()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
