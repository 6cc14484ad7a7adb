//! The machine's side: one table, one link to each network with public addresses, and the routes to those.
//!
//! A network's namespace is a stranger to the machine that it runs on. Of what comes out of it, only what has one of its
//! own public addresses as its source is let in at all; what is meant for the machine itself, for its links' own networks
//! or for what the provider has barred is dropped before any other program's translation could turn it around; and only
//! replies to what the machine asked reach the machine. Outwards it goes by the machine's own routes, translated to the
//! machine's address where the pool isn't known outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

use landfall_model::{Cidr, Ipv4Cidr};

use super::group::Show;
use super::route::NEVER;
use super::ruleset::write_elements;
use super::span::{Span, union};

/// What the machine's table depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine<'a> {
    /// The table's name.
    pub table: &'a str,
    /// What the names of our links begin with, dash included.
    pub links: &'a str,
    /// The pool of public addresses that are translated to the machine's outwards; `None` where the outside knows them.
    pub masquerade: Option<Ipv4Cidr>,
    /// Public addresses, by the machine's link to their network.
    pub public: &'a BTreeMap<String, BTreeSet<Ipv4Addr>>,
    /// Where networks may not go: what is configured, and the networks that the machine itself is on.
    pub blocked: &'a [Cidr],
    /// The link by which the machine reaches the internet, if forwarding on it was switched on by Landfall alone: then
    /// nothing but Landfall's traffic may be forwarded from it.
    pub guarded: Option<&'a str>,
}

/// The machine's packet filter as text for `nft -f -`: replaces our table, touches no other.
pub fn ruleset(machine: &Machine<'_>) -> String {
    let Machine { table, links, .. } = machine;
    // What is there is emptied and filled again rather than deleted: taking hooks away costs the kernel ten milliseconds.
    let mut text = format!(
        "table inet {table} {{
\tset owned {{
\t\ttype ifname . ipv4_addr
\t}}
\tset blocked {{
\t\ttype ipv4_addr
\t\tflags interval
\t}}
}}
flush table inet {table}
flush set inet {table} owned
flush set inet {table} blocked
table inet {table} {{
"
    );
    let owned: Vec<_> = machine
        .public
        .iter()
        .flat_map(|(link, addresses)| addresses.iter().map(move |address| format!("\"{link}\" . {address}")))
        .collect();
    let blocked = machine.blocked.iter().filter_map(|cidr| match cidr {
        Cidr::V4(block) => Some(Span::new(u32::from(block.first()), u32::from(block.last()))),
        Cidr::V6(_) => None,
    });
    let never = NEVER.iter().map(|&(first, last)| Span::new(first, last));
    let blocked: Vec<_> = union(blocked.chain(never).collect())
        .into_iter()
        .map(|span| Show(Span::new(Ipv4Addr::from(span.first), Ipv4Addr::from(span.last))).to_string())
        .collect();
    let guard = match machine.guarded {
        Some(uplink) => format!("\t\tiifname \"{uplink}\" oifname != \"{links}*\" drop\n"),
        None => String::new(),
    };
    let masquerade = match machine.masquerade {
        Some(pool) => format!("\t\tip saddr {pool} iifname \"{links}*\" oifname != \"{links}*\" masquerade\n"),
        None => String::new(),
    };
    // Writing to a string doesn't fail.
    let _ = write_elements(&mut text, "set owned", "type ifname . ipv4_addr", &owned);
    let _ = write_elements(&mut text, "set blocked", "type ipv4_addr\n\t\tflags interval", &blocked);
    let _ = write!(
        text,
        "\tchain from_network {{
\t\tmeta nfproto != ipv4 drop
\t\tiifname . ip saddr != @owned drop
\t\tct state established,related accept
\t\tct state != new drop
\t\tfib daddr type != unicast drop
\t\tip daddr @blocked drop
\t}}
\tchain prerouting {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tiifname \"{links}*\" jump from_network
\t}}
\tchain input {{
\t\ttype filter hook input priority filter - 10; policy accept;
\t\tiifname \"{links}*\" ct state != {{ established, related }} drop
\t}}
\tchain forward {{
\t\ttype filter hook forward priority filter - 10; policy accept;
\t\tiifname \"{links}*\" oifname != \"{links}*\" ct state new ip daddr @blocked drop
{guard}\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy accept;
\t\toifname \"{links}*\" icmp type redirect drop
\t}}
\tchain postrouting {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
{masquerade}\t}}
}}
"
    );
    text
}
