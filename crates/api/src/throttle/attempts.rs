//! How often somebody may fail to prove who he is.
//!
//! Failures count by where they come from, and there by access key; never by access key alone, or anybody could lock out its
//! owner from anywhere. Each request is verified first, and one that proves itself passes whatever failed before: many share
//! an address, and one bad client there must lock out nobody, not even under the same key. Where a source has failed too
//! often, its further failures are told to slow down instead of what was wrong with them. So nobody's guesses are bounded by
//! this, but by secrets of 40 letters; and what a failure costs is bounded by what its sender has to send. Only a proof that
//! fails counts. A request that is late, or isn't signed at all, is refused as ever.

use std::net::{IpAddr, Ipv6Addr};

use landfall_model::VpcId;

use super::bucket::{Buckets, Rate};

/// Failures of one source under one access key.
const OF_KEY: Rate = Rate::new(30, 1);
/// Failures of one source.
const OF_SOURCE: Rate = Rate::new(300, 5);
/// What is kept.
const MOST: usize = 1 << 14;
/// Where a request comes from: an address, in a network or outside. Of an IPv6 address what names its network (/64) counts,
/// since the rest is its owner's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source(Option<VpcId>, IpAddr);

impl Source {
    /// An address, in a network or outside.
    pub(crate) fn of(network: Option<VpcId>, address: IpAddr) -> Self {
        Self(
            network,
            match address.to_canonical() {
                IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
                v4 => v4,
            },
        )
    }
}

/// What failures are counted by.
type Key = (Source, Option<Box<str>>);

/// The failures of late.
pub(crate) struct Attempts {
    failed: Buckets<Key>,
}

impl Attempts {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { failed: Buckets::of(MOST) }
    }

    /// Counts a failure; whether there were too many before it.
    pub(crate) fn failed(&self, source: Source, access_key: &str, now_ms: i64) -> bool {
        let now_us = now_ms.saturating_mul(1_000);
        let of_key = self.failed.take(&(source, Some(access_key.into())), OF_KEY, 1, now_us);
        let of_source = self.failed.take(&(source, None), OF_SOURCE, 1, now_us);
        !(of_key && of_source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(None, text.parse().unwrap())
    }

    /// Fails until that is too often; how often it wasn't.
    fn fail(attempts: &Attempts, source: Source, key: impl Fn(usize) -> String) -> usize {
        (0..1_000).take_while(|tries| !attempts.failed(source, &key(*tries), 0)).count()
    }

    #[test]
    fn who_fails_too_often_is_told_so_for_a_while_and_nobody_elsewhere() {
        let (attempts, bad, good) = (Attempts::new(), source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(fail(&attempts, bad, |_| "AKIA".into()), 30);
        assert!(!attempts.failed(good, "AKIA", 0), "its owner elsewhere");
        assert!(!attempts.failed(bad, "OTHER", 0), "another key there");
        assert!(!attempts.failed(Source::of(Some(VpcId::from_random(1)), "192.0.2.1".parse().unwrap()), "AKIA", 0));
        assert!(attempts.failed(bad, "AKIA", 999) && !attempts.failed(bad, "AKIA", 1_000));
    }

    #[test]
    fn a_source_has_so_many_failures_under_all_its_keys() {
        let (attempts, here) = (Attempts::new(), source("192.0.2.1"));
        assert_eq!(fail(&attempts, here, |n| format!("K{n}")), 300);
        assert!(attempts.failed(here, "NEW", 0) && !attempts.failed(here, "NEW", 1_000));
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_what_is_kept_is_bounded() {
        let attempts = Attempts::new();
        let near = |n: usize| source(&format!("2001:db8::{n:x}"));
        assert_eq!(near(1), near(77));
        assert_ne!(near(1), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        for n in 0..100_000 {
            attempts.failed(Source::of(None, IpAddr::V4(std::net::Ipv4Addr::from_bits(n))), "AKIA", 0);
        }
        assert!(attempts.failed.count() <= MOST);
    }
}
