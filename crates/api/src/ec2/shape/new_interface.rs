//! The addresses of a network interface that is yet to be made, as CreateNetworkInterface and RunInstances name them.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

use crate::error::ApiError;

/// `PrivateIpAddresses.N`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PrivateAddressIn {
    private_ip_address: Ipv4Addr,
    #[serde(default)]
    primary: bool,
}

/// `Ipv6Addresses.N`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Ipv6AddressIn {
    ipv6_address: Ipv6Addr,
    #[serde(default)]
    is_primary_ipv6: bool,
}

/// IPv4 addresses that are asked for: the primary one, if it is named, and the others.
pub type Private = (Option<Ipv4Addr>, Vec<Ipv4Addr>);

/// Reads IPv4 addresses, of which one is primary: named by itself, or marked in the list.
pub fn private(alone: Option<Ipv4Addr>, list: &[PrivateAddressIn], count: u32) -> Result<Private, ApiError> {
    if list.len() > 1 && count > 0 {
        return Err(ApiError::combination(
            "Only one of multiple private IP addresses and a secondary private IP address count may be specified",
        ));
    }
    let mut primaries = list.iter().filter(|each| each.primary).map(|each| each.private_ip_address).chain(alone);
    match (primaries.next(), primaries.next()) {
        (_, Some(_)) => Err(ApiError::combination("A network interface has one primary private IP address")),
        (primary, None) => {
            let others = list.iter().filter(|each| !each.primary).map(|each| each.private_ip_address);
            Ok((primary, others.collect()))
        }
    }
}

/// IPv6 addresses that are asked for, and whether the first of them is the interface's primary one.
#[derive(Clone, Debug, Default)]
pub struct Ipv6 {
    pub addresses: Vec<Ipv6Addr>,
    pub count: Option<u32>,
    pub primary: bool,
}

/// Reads IPv6 addresses: a list of them, or how many.
pub fn ipv6(list: &[Ipv6AddressIn], count: Option<u32>, primary: bool) -> Result<Ipv6, ApiError> {
    if !list.is_empty() && count.is_some() {
        return Err(ApiError::combination("Only one of Ipv6Addresses and Ipv6AddressCount may be specified"));
    }
    let mut sorted: Vec<_> = list.iter().collect();
    sorted.sort_by_key(|each| !each.is_primary_ipv6);
    let marked = list.iter().filter(|each| each.is_primary_ipv6).count();
    if marked > 1 {
        return Err(ApiError::combination("A network interface has one primary IPv6 address"));
    }
    let addresses = sorted.iter().map(|each| each.ipv6_address).collect();
    Ok(Ipv6 { addresses, count, primary: primary || marked == 1 })
}
