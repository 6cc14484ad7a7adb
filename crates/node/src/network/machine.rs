//! The machine's side: one table, one link to each network with public addresses, and the routes to those.
//!
//! A network's namespace is a stranger to the machine that it runs on. Of what comes out of it, only what has one of its
//! own public addresses as its source is let in at all; what is meant for the machine itself, for its links' own networks
//! or for what the provider has barred is dropped before any other program's translation could turn it around; and only
//! replies to what the machine asked reach the machine. Outwards it goes by the machine's own routes, translated to the
//! machine's address where the pool isn't known outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::IpAddr;

use landfall_model::{Cidr, Ipv4Cidr, Ipv6Cidr};

use super::allowance::{self, Allowance, MACHINE_POLICIES};
use super::family::Family;
use super::overlay::Underlay;
use super::ruleset::write_elements;
use super::span::{Span, union, without};
use super::target::{NEVER, NEVER_V6};

/// What the machine's table depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine<'a> {
    /// The table's name.
    pub table: &'a str,
    /// What the names of our links begin with, dash included.
    pub links: &'a str,
    /// The pool of public addresses that are translated to the machine's outwards; `None` where the outside knows them.
    pub masquerade: Option<Ipv4Cidr>,
    /// The pool of public addresses.
    pub pool: Option<Ipv4Cidr>,
    /// How this host reaches others.
    pub underlay: Option<Underlay>,
    /// Public addresses and blocks of IPv6, by the machine's link to their network.
    pub public: &'a BTreeMap<String, BTreeSet<Cidr>>,
    /// Where networks may not go: what is configured, and the networks that the machine itself is on.
    pub blocked: &'a [Cidr],
    /// The link by which the machine reaches the internet, if forwarding on it was switched on by Landfall alone: then
    /// nothing but Landfall's traffic may be forwarded from it.
    pub guarded: Option<&'a str>,
    /// Whether the machine forwards IPv6 only because Landfall wants it to: then nothing else may be forwarded.
    pub guarded_ipv6: bool,
    /// What each network may have of the machine's table of connections.
    pub allowance: Allowance,
}

/// The machine's packet filter as text for `nft -f -`: replaces our table, touches no other.
pub fn ruleset(machine: &Machine<'_>) -> String {
    let Machine { table, links, .. } = machine;
    // What is there is emptied and filled again rather than deleted: taking hooks away costs the kernel ten milliseconds.
    let mut text = String::new();
    // Writing to a string doesn't fail.
    let _ = write_empty(&mut text, table);
    let guard = match machine.guarded {
        Some(uplink) => format!("\t\tiifname \"{uplink}\" oifname != \"{links}*\" drop\n"),
        None => String::new(),
    };
    let guard_ipv6 = if machine.guarded_ipv6 {
        format!("\t\tmeta nfproto ipv6 iifname != \"{links}*\" oifname != \"{links}*\" drop\n")
    } else {
        String::new()
    };
    let masquerade = match machine.masquerade {
        Some(pool) => format!(
            "\t\tip saddr {pool} iifname \"{links}*\" oifname != \"{links}*\" masquerade
\t\tmeta nfproto ipv6 iifname \"{links}*\" oifname != \"{links}*\" masquerade\n"
        ),
        None => String::new(),
    };
    // What a guest sends leaves as the machine: other hosts would take it for this one's.
    let spoken = match machine.underlay {
        Some(Underlay { port, .. }) => format!("\t\tudp dport {port} drop\n"),
        None => String::new(),
    };
    // A guest's packets are smaller where VXLAN needs room, and whoever it speaks to outside must know.
    let clamp = match machine.underlay {
        Some(_) => format!(
            "\t\tiifname \"{links}*\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n\
             \t\toifname \"{links}*\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"
        ),
        None => String::new(),
    };
    // What came in at another host is answered from here: this machine has only seen the answer.
    let answers = match (machine.underlay, machine.masquerade) {
        (Some(_), None) => {
            "\t\tmeta nfproto ipv6 ct state invalid fib daddr type unicast ip6 daddr != @blocked_ip6 accept\n"
        }
        _ => "",
    };
    let counted = allowance::on_machine(machine.allowance, links);
    let forged = not_from_outside(machine);
    let _ = write_sets(&mut text, machine);
    let _ = write!(
        text,
        "\tchain from_network {{
{spoken}\t\tmeta nfproto ipv4 iifname . ip saddr != @owned drop
\t\tmeta nfproto ipv6 iifname . ip6 saddr != @owned_ip6 drop
\t\tct state established,related accept
{answers}\t\tct state != {{ new, untracked }} drop
\t\tfib daddr type != unicast drop
\t\tip daddr @blocked drop
\t\tip6 daddr @blocked_ip6 drop
\t}}
\tchain untracked {{
\t\ttype filter hook prerouting priority raw; policy accept;
\t\tiifname \"{links}*\" ip6 daddr @inside_ip6 notrack
\t}}
\tchain prerouting {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tiifname \"{links}*\" jump from_network
{forged}\t}}
\tchain input {{
\t\ttype filter hook input priority filter - 10; policy accept;
\t\tiifname \"{links}*\" ct state != {{ established, related }} drop
\t}}
\tchain forward {{
\t\ttype filter hook forward priority filter - 10; policy accept;
\t\tiifname \"{links}*\" oifname != \"{links}*\" ct state new ip daddr @blocked drop
\t\tiifname \"{links}*\" oifname != \"{links}*\" ct state new ip6 daddr @blocked_ip6 drop
{guard}{guard_ipv6}{clamp}\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy accept;
\t\toifname \"{links}*\" icmp type redirect drop
\t\toifname \"{links}*\" icmpv6 type nd-redirect drop
\t}}
\tchain postrouting {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
{masquerade}\t}}
{counted}}}
"
    );
    text
}

/// The rules that drop what comes from elsewhere and says that it is a guest's. What guests speak with is of this machine
/// alone where no other has guests, or none is known outside by its own addresses.
fn not_from_outside(machine: &Machine<'_>) -> String {
    if let (Some(_), None) = (machine.underlay, machine.masquerade) {
        return String::new();
    }
    let other = format!("\t\tiifname != \"lo\" iifname != \"{}*\"", machine.links);
    let pool = machine.pool.map(|pool| format!("{other} ip saddr {pool} drop\n")).unwrap_or_default();
    format!("{pool}{other} ip6 saddr @inside_ip6 drop\n")
}

/// What belongs to our links' networks, and where they may not go.
fn write_sets(text: &mut String, machine: &Machine<'_>) -> fmt::Result {
    let owned = |ipv6: bool| {
        let elements = machine.public.iter().flat_map(|(link, blocks)| blocks.iter().map(move |block| (link, block)));
        let elements = elements.filter(|(_, block)| block.is_ipv6() == ipv6);
        // An address of IPv4 stands alone; a block of IPv6 belongs to the network as a whole.
        elements
            .map(|(link, block)| match block.first() {
                IpAddr::V4(address) => format!("\"{link}\" . {address}"),
                IpAddr::V6(_) => format!("\"{link}\" . {block}"),
            })
            .collect::<Vec<_>>()
    };
    let blocked = |family: Family| {
        let named = machine.blocked.iter().filter_map(|block| family.span(*block));
        let never: Vec<_> = match family {
            Family::V4 => NEVER.iter().map(|&(first, last)| Span::new(first.into(), last.into())).collect(),
            Family::V6 => {
                let blocks = NEVER_V6.iter().filter_map(|&(first, prefix)| Ipv6Cidr::new(first, prefix));
                blocks.filter_map(|block| family.span(Cidr::V6(block))).collect()
            }
        };
        let blocked = union(named.chain(never).collect());
        // Public addresses may come from a range that is private elsewhere.
        let pool = machine.pool.and_then(|pool| family.span(Cidr::V4(pool)));
        without(blocked, pool).into_iter().map(|span| family.show(span)).collect::<Vec<_>>()
    };
    write_elements(text, "set owned", "type ifname . ipv4_addr", &owned(false))?;
    let interval = "type ifname . ipv6_addr\n\t\tflags interval";
    write_elements(text, "set owned_ip6", interval, &owned(true))?;
    // Between our networks the answer may come another way than the question went: they ask their own groups.
    let inside: BTreeSet<Cidr> = machine.public.values().flatten().copied().filter(|block| block.is_ipv6()).collect();
    let inside: Vec<_> = inside.iter().map(ToString::to_string).collect();
    write_elements(text, "set inside_ip6", "type ipv6_addr\n\t\tflags interval", &inside)?;
    for (family, name) in [(Family::V4, "set blocked"), (Family::V6, "set blocked_ip6")] {
        let kind = format!("type {}_addr\n\t\tflags interval", family.protocol());
        write_elements(text, name, &kind, &blocked(family))?;
    }
    Ok(())
}

/// Empties what is there of the table.
fn write_empty(text: &mut String, table: &str) -> fmt::Result {
    // What was counted stays.
    let counted = allowance::sets(["from", "to"]);
    write!(
        text,
        "table inet {table} {{
\tset owned {{
\t\ttype ifname . ipv4_addr
\t}}
\tset owned_ip6 {{
\t\ttype ifname . ipv6_addr
\t\tflags interval
\t}}
\tset inside_ip6 {{
\t\ttype ipv6_addr
\t\tflags interval
\t}}
\tset blocked {{
\t\ttype ipv4_addr
\t\tflags interval
\t}}
\tset blocked_ip6 {{
\t\ttype ipv6_addr
\t\tflags interval
\t}}
{counted}{MACHINE_POLICIES}}}
flush table inet {table}
flush set inet {table} owned
flush set inet {table} owned_ip6
flush set inet {table} inside_ip6
flush set inet {table} blocked
flush set inet {table} blocked_ip6
table inet {table} {{
"
    )
}
