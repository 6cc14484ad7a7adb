//! Sets of DHCP options: which options and values there are, which VPC has which set.
//!
//! Sources: the EC2 API Reference on CreateDhcpOptions; RFC 2132.

use std::net::{IpAddr, Ipv4Addr};

use landfall_model::{DhcpOptions, DhcpOptionsId, Usage, VpcId};

use crate::fault::Fault;
use crate::network::has_dependencies;
use crate::tag;
use crate::tx::Tx;
use crate::value::{DhcpOptionsTable, Usages, Vpcs};

/// The server that answers in every VPC, as a value of `domain-name-servers`.
pub const PROVIDED_DNS: &str = "AmazonProvidedDNS";
/// How many servers of a kind a set may name.
const MAX_SERVERS: usize = 4;
/// The bounds of `ipv6-address-preferred-lease-time`, in seconds.
const LEASE_TIMES: std::ops::RangeInclusive<u32> = 140..=2_147_483_647;
/// How long a domain's name may be. Source: RFC 1035.
const MAX_NAME: usize = 253;

/// Makes a set of options.
pub fn create(tx: &mut Tx<'_, '_>, options: Vec<(String, Vec<String>)>) -> Result<DhcpOptionsId, Fault> {
    if options.is_empty() {
        return Err(Fault::Missing("DhcpConfiguration"));
    }
    for (index, (key, values)) in options.iter().enumerate() {
        if options[..index].iter().any(|(other, _)| other == key) {
            return Err(invalid(key, "An option can be given once."));
        }
        check(key, values)?;
    }
    let (scope, id) = (tx.scope(), tx.new_id());
    tx.put::<DhcpOptionsTable>(DhcpOptions { scope, id, options, is_default: false });
    Ok(id)
}

/// Gives a VPC another set of options, or none.
pub fn associate(tx: &mut Tx<'_, '_>, vpc: VpcId, options: Option<DhcpOptionsId>) -> Result<(), Fault> {
    if let Some(id) = options {
        tx.view().need::<DhcpOptionsTable, _>(id)?;
    }
    let key = tx.view().need::<Vpcs, _>(vpc)?.key();
    tx.update::<Vpcs, _>(&key, |row| row.dhcp_options = options);
    Ok(())
}

/// Deletes a set that no VPC has.
pub fn delete(tx: &mut Tx<'_, '_>, id: DhcpOptionsId) -> Result<(), Fault> {
    let key = tx.view().need::<DhcpOptionsTable, _>(id)?.key();
    if tx.vpcs.by_dhcp_options.count(&id) > 0 {
        return Err(has_dependencies("dhcpOptions", id));
    }
    // Without any set, this row is what tells that the scope had its default network.
    let scope = tx.scope();
    if !tx.usage.contains(&scope.key(0)) {
        tx.put::<Usages>(Usage { scope, vcpus: 0 });
    }
    tx.delete::<DhcpOptionsTable>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// That an option is one of EC2's, with values that it takes.
fn check(key: &str, values: &[String]) -> Result<(), Fault> {
    let is_host = |address: IpAddr| {
        let nowhere = address.is_unspecified() || address.is_multicast() || address == Ipv4Addr::BROADCAST;
        !nowhere
    };
    let is_address = |value: &String| value.parse().is_ok_and(is_host);
    let is_name = |value: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._ ".contains(c);
        !value.is_empty() && value.len() <= MAX_NAME && value.chars().all(plain)
    };
    let one = values.len() == 1;
    let (fits, why) = match key {
        "domain-name-servers" => (
            values.iter().all(is_address) || (one && values[0] == PROVIDED_DNS),
            "It takes up to four addresses, or AmazonProvidedDNS.",
        ),
        "ntp-servers" => (values.iter().all(is_address), "It takes up to four addresses."),
        "netbios-name-servers" => (
            values.iter().all(|value| value.parse::<Ipv4Addr>().is_ok_and(|address| is_host(address.into()))),
            "It takes up to four IPv4 addresses.",
        ),
        "domain-name" => (one && values.iter().all(is_name), "It takes one domain name."),
        "netbios-node-type" => (one && matches!(values[0].as_str(), "1" | "2" | "4" | "8"), "It takes 1, 2, 4 or 8."),
        "ipv6-address-preferred-lease-time" => (
            one && values[0].parse().is_ok_and(|seconds| LEASE_TIMES.contains(&seconds)),
            "It takes a number of seconds from 140 to 2147483647.",
        ),
        other => return Err(invalid(other, "There is no such option.")),
    };
    if fits && !values.is_empty() && values.len() <= MAX_SERVERS {
        return Ok(());
    }
    Err(invalid(&format!("{key}={}", values.join(",")), why))
}

fn invalid(value: &str, why: &str) -> Fault {
    Fault::Invalid { name: "dhcpConfiguration", value: value.into(), why: why.into() }
}
