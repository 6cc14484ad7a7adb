//! How many connections there may be at once: of one address, of one network, and of all networks together.
//!
//! Addresses within networks are their tenants' to choose, so the same one in two networks is two sources; and all that
//! guests have together is bounded apart from what comes from outside, so that they can't keep that out. Of an IPv6 address
//! what names its network counts (/64), since the rest is its owner's to choose. All from outside together leave room for
//! this machine's own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use landfall_model::VpcId;

/// Connections of one address outside.
const OUTSIDE: usize = 512;
/// Connections of all addresses outside together, but for this machine's own.
const OUTSIDES: usize = 8192;
/// Connections of one address within a network.
const GUEST: usize = 32;
/// Connections of one network.
const NETWORK: usize = 128;
/// Connections of all networks together.
const NETWORKS: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Count {
    Address(Option<VpcId>, IpAddr),
    Outsides,
    Network(VpcId),
    Networks,
}

/// The connections that there are.
pub struct Sources {
    counts: Mutex<HashMap<Count, usize>>,
    /// How many one address outside may have.
    outside: usize,
}

impl Default for Sources {
    fn default() -> Self {
        Self::of(OUTSIDE)
    }
}

/// A connection that counts until this is dropped.
pub struct Entry(Arc<Sources>, Vec<Count>);

impl Sources {
    /// None yet, and at most so many of each address outside.
    pub fn of(outside: usize) -> Self {
        Self { counts: Mutex::default(), outside }
    }

    /// Lets one more in, from an address within a network or outside, if there is room for it.
    pub fn enter(self: &Arc<Self>, network: Option<VpcId>, address: IpAddr) -> Option<Entry> {
        let address = source(network, address);
        let wanted = match network {
            None if address.is_loopback() => vec![(Count::Address(None, address), self.outside)],
            None => vec![(Count::Address(None, address), self.outside), (Count::Outsides, OUTSIDES)],
            Some(vpc) => vec![
                (Count::Address(Some(vpc), address), GUEST),
                (Count::Network(vpc), NETWORK),
                (Count::Networks, NETWORKS),
            ],
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.iter().any(|(count, limit)| counts.get(count).is_some_and(|have| have >= limit)) {
            return None;
        }
        let counted = wanted.into_iter().map(|(count, _)| count).collect::<Vec<_>>();
        counted.iter().for_each(|count| *counts.entry(*count).or_insert(0) += 1);
        Some(Entry(self.clone(), counted))
    }
}

/// What counts as one source.
fn source(network: Option<VpcId>, address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if network.is_none() && !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))
        }
        other => other,
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for count in &self.1 {
            if let Some(have) = counts.get_mut(count) {
                *have -= 1;
                if *have == 0 {
                    counts.remove(count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + n).into())
    }

    #[test]
    fn guests_keep_out_neither_each_other_nor_who_is_outside() {
        let sources = Arc::new(Sources::default());
        let vpc = |n: usize| Some(VpcId::from_random(n as u128));
        let take = |network, address, most: usize| {
            (0..=most).map_while(|_| sources.enter(network, address)).collect::<Vec<_>>()
        };
        let one = take(vpc(1), address(1), GUEST);
        assert_eq!(one.len(), GUEST, "one address");
        assert!(sources.enter(vpc(2), address(1)).is_some(), "the same address of another network");
        let mut held: Vec<_> = (2..9).flat_map(|n| take(vpc(1), address(n), GUEST)).collect();
        assert_eq!(one.len() + held.len(), NETWORK, "one network");
        held.extend((2..40).flat_map(|n| (1..9).flat_map(|a| take(vpc(n), address(a), GUEST)).collect::<Vec<_>>()));
        assert_eq!(one.len() + held.len(), NETWORKS, "all networks");
        assert_eq!(take(None, address(1), OUTSIDE).len(), OUTSIDE, "who is outside has places of his own");
        let far = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, n]);
        let near: Vec<_> = (0..).map_while(|n| sources.enter(None, far(n))).collect();
        assert_eq!(near.len(), OUTSIDE, "an IPv6 network is one source");
        drop(near);
        let many: Vec<_> = (0..).map_while(|n| sources.enter(None, address(1_000 + n))).collect();
        assert_eq!(many.len(), OUTSIDES, "all outside");
        assert!(sources.enter(None, [127, 0, 0, 1].into()).is_some(), "who is here comes in");
        drop(many);
        drop(one);
        assert!(sources.enter(vpc(77), address(1)).is_some());
        drop(held);
        assert!(sources.counts.lock().unwrap().is_empty(), "nothing is counted for ever");
    }
}
