//! What a name leads to inside a virtual network.
//!
//! After AWS's user guides: "DNS attributes for your VPC", "Amazon EC2 instance hostname types", "Domain names that
//! Resolver creates autodefined system rules for". A private name leads to every address of the network's blocks, whether
//! or not somebody has it, and each of them leads back. A public name leads to the private address inside the network that
//! has it, also over a peering that allows it, and to the public one elsewhere. The name after an instance's id exists
//! where it is asked for. Addresses that are nobody's on the internet aren't asked about there: their reverse names end
//! here, as RFC 6303 has it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::{InstanceId, Ipv4Cidr, Ipv6Cidr};

use super::super::plan::{NetworkService, ResourceName};
use super::{METADATA, dashed, private_name, public_name};

/// What a name that is ours leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Addresses.
    Addresses(Vec<Ipv4Addr>, Vec<Ipv6Addr>),
    /// Another name.
    Name(String),
    /// The name exists and has nothing of its own.
    Empty,
    /// There is no such name.
    Nothing,
}

impl Found {
    fn one(address: Ipv4Addr) -> Self {
        Found::Addresses(vec![address], vec![])
    }
}

/// What a name in lower case leads to, and the zone that says so; `None` if it isn't ours to say.
pub fn look_up(network: &NetworkService, name: &str) -> Option<(String, Found)> {
    if let Some(found) = private(network, name) {
        return Some(found);
    }
    if let Some(reversed) = name.strip_suffix(".in-addr.arpa") {
        return reverse(network, reversed);
    }
    if let Some(reversed) = name.strip_suffix(".ip6.arpa") {
        return reverse_ipv6(network, reversed);
    }
    if name == network.internal_domain {
        return Some((name.to_owned(), Found::Empty));
    }
    if let Some(label) = below(name, &network.internal_domain) {
        return Some((network.internal_domain.clone(), internal(network, label)));
    }
    let domain = network.public_domain.as_ref()?;
    let public = undashed("ec2", below(name, domain)?)?;
    let own = network.public.get(&public).filter(|_| network.dns_hostnames);
    let private = own.or_else(|| network.peered.public.get(&public)).copied();
    Some((domain.clone(), Found::one(private.unwrap_or(public))))
}

/// A name of a service that has an endpoint here. What is below such a name doesn't exist.
fn private(network: &NetworkService, name: &str) -> Option<(String, Found)> {
    let names = &network.private_names;
    if let Some(addresses) = names.get(name) {
        return Some((name.to_owned(), Found::Addresses(addresses.clone(), vec![])));
    }
    let mut rest = name;
    let mut depth = 0;
    while let Some((_, parent)) = rest.split_once('.') {
        depth += 1;
        if depth == 1
            && let Some(addresses) = names.get(&format!("*.{parent}"))
        {
            return Some((parent.to_owned(), Found::Addresses(addresses.clone(), vec![])));
        }
        if names.contains_key(parent) {
            return Some((parent.to_owned(), Found::Nothing));
        }
        rest = parent;
    }
    None
}

/// A label below the domain of private names.
fn internal(network: &NetworkService, label: &str) -> Found {
    if label == "instance-data" {
        return Found::one(METADATA);
    }
    if let Some(address) = undashed("ip", label) {
        return if is_within(network, address) { Found::one(address) } else { Found::Nothing };
    }
    let id = label.parse::<InstanceId>().ok().filter(|id| id.to_string() == label);
    let name = id.and_then(|id| network.resource_names.get(&id).or_else(|| network.peered.resource_names.get(&id)));
    match name {
        Some(ResourceName { a: None, aaaa: None }) | None => Found::Nothing,
        Some(name) => Found::Addresses(name.a.into_iter().collect(), name.aaaa.into_iter().collect()),
    }
}

/// Whether private names lead to that address: it is of the network's own blocks, or of those whose names it may ask for.
fn is_within(network: &NetworkService, address: Ipv4Addr) -> bool {
    network.cidrs.iter().chain(&network.peered.cidrs).any(|cidr| cidr.contains(address))
}

/// Blocks that are nobody's on the internet, with how many of an address's bytes name the zone of theirs.
const PRIVATE: [(Ipv4Addr, u8, usize); 4] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8, 1),
    (Ipv4Addr::new(172, 16, 0, 0), 12, 2),
    (Ipv4Addr::new(192, 168, 0, 0), 16, 2),
    (Ipv4Addr::new(169, 254, 0, 0), 16, 2),
];

fn reverse(network: &NetworkService, reversed: &str) -> Option<(String, Found)> {
    let mut octets = [0; 4];
    let mut known = 0;
    let mut labels = reversed.rsplit('.').peekable();
    let octet = |label: &&str| label.parse::<u8>().ok().filter(|octet| octet.to_string() == **label);
    while let Some(next) = labels.peek().and_then(octet).filter(|_| known < 4) {
        octets[known] = next;
        known += 1;
        labels.next();
    }
    let (whole, more) = (known == 4, labels.peek().is_some());
    let address = Ipv4Addr::from(octets);
    let block = Ipv4Cidr::new(address, u8::try_from(known * 8).ok()?)?;
    let private = PRIVATE.iter().find_map(|(first, prefix, bytes)| {
        Ipv4Cidr::new(*first, *prefix).filter(|private| private.covers(block)).map(|_| *bytes)
    });
    let own = network.cidrs.iter().chain(&network.peered.cidrs).any(|cidr| cidr.covers(block));
    // The zone of a block that the tenant chose himself is named by two bytes.
    let zone = |bytes: usize| {
        let names: Vec<_> = octets[..bytes].iter().rev().map(u8::to_string).collect();
        format!("{}.in-addr.arpa", names.join("."))
    };
    let found = match (private, own) {
        (None, false) => return public_reverse(network, address).filter(|_| whole && !more),
        (_, true) if whole && !more => Found::Name(private_name(address, &network.internal_domain)),
        _ if whole || more => Found::Nothing,
        _ => Found::Empty,
    };
    Some((zone(private.unwrap_or(2).min(known)), found))
}

/// A public address that stands for one of this network or its peers.
fn public_reverse(network: &NetworkService, address: Ipv4Addr) -> Option<(String, Found)> {
    let domain = network.public_domain.as_ref()?;
    let named = network.dns_hostnames && network.public.contains_key(&address);
    let known = named || network.peered.public.contains_key(&address);
    let [a, b, ..] = address.octets();
    known.then(|| (format!("{b}.{a}.in-addr.arpa"), Found::Name(public_name(address, domain))))
}

const NIBBLES: usize = 32;

fn reverse_ipv6(network: &NetworkService, reversed: &str) -> Option<(String, Found)> {
    let mut bits = 0;
    let mut known = 0;
    let mut rest = false;
    for label in reversed.rsplit('.') {
        let digit = (label.len() == 1).then(|| u128::from_str_radix(label, 16).ok()).flatten();
        match digit.filter(|_| known < NIBBLES && !rest) {
            Some(digit) => {
                bits |= digit << (4 * (NIBBLES - 1 - known));
                known += 1;
            }
            None => rest = true,
        }
    }
    let address = Ipv6Addr::from(bits);
    let block = Ipv6Cidr::new(address, u8::try_from(known * 4).ok()?)?;
    let own = network.ipv6.iter().find(|cidr| cidr.covers(block)).map(|cidr| usize::from(cidr.prefix() / 4));
    let unique_local = || Ipv6Cidr::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 8).filter(|all| all.covers(block));
    let zone = own.or_else(|| unique_local().map(|_| 2))?;
    let names = || [&network.resource_names, &network.peered.resource_names].into_iter().flat_map(BTreeMap::iter);
    let name = names().find(|(_, name)| known == NIBBLES && !rest && name.aaaa == Some(address));
    let found = match name {
        Some((id, _)) => Found::Name(format!("{id}.{}", network.internal_domain)),
        None if known == NIBBLES || rest => Found::Nothing,
        None => Found::Empty,
    };
    let zone: Vec<_> = (0..zone).rev().map(|at| format!("{:x}", bits >> (4 * (NIBBLES - 1 - at)) & 15)).collect();
    Some((format!("{}.ip6.arpa", zone.join(".")), found))
}

fn below<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    name.strip_suffix(domain)?.strip_suffix('.')
}

fn undashed(prefix: &str, label: &str) -> Option<Ipv4Addr> {
    let address = label.strip_prefix(prefix)?.strip_prefix('-')?.replace('-', ".").parse().ok()?;
    // Only the form that we write: `ip-010-0-0-4` is no name.
    (dashed(prefix, address) == label).then_some(address)
}
