//! How often somebody may fail to prove who he is.
//!
//! Failures count by where they come from, and there by access key; never by access key alone, or anybody could lock out its
//! owner from anywhere. Where a source has failed too often, its requests are refused before any signature is computed,
//! except under keys that proved themselves there since the failures began: one bad client behind an address doesn't lock
//! out the good ones. Only a proof that fails counts. A request that is late, or isn't signed at all, is refused as ever.

use std::net::{IpAddr, Ipv6Addr};

use landfall_model::VpcId;

use super::bucket::{Buckets, Rate};

/// Failures of one source under one access key.
const OF_KEY: Rate = Rate::new(30, 1);
/// Failures of one source.
const OF_SOURCE: Rate = Rate::new(300, 5);
/// What is kept.
const MOST: usize = 1 << 14;
/// For how long a proof counts.
const PROVEN_US: i64 = 15 * 60 * 1_000_000;
/// Proofs that are kept.
const MOST_PROVEN: usize = 4_096;

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
    /// The keys that are proven at their sources, as far as that matters: as long as their buckets aren't full.
    proven: Buckets<Key>,
}

impl Attempts {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { failed: Buckets::of(MOST), proven: Buckets::of(MOST_PROVEN) }
    }

    /// Whether somebody may try.
    pub(crate) fn may_try(&self, source: Source, access_key: &str, now_ms: i64) -> bool {
        if self.failed.count() == 0 {
            return true;
        }
        let now_us = now_ms.saturating_mul(1_000);
        let key = (source, Some(access_key.into()));
        self.failed.has(&key, OF_KEY, now_us)
            && (self.failed.has(&(source, None), OF_SOURCE, now_us) || self.proven.is_used(&key, now_us))
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, source: Source, access_key: &str, now_ms: i64) {
        let now_us = now_ms.saturating_mul(1_000);
        self.failed.take(&(source, Some(access_key.into())), OF_KEY, 1, now_us);
        self.failed.take(&(source, None), OF_SOURCE, 1, now_us);
    }

    /// Remembers a proof, where others fail.
    pub(crate) fn proven(&self, source: Source, access_key: &str, now_ms: i64) {
        let now_us = now_ms.saturating_mul(1_000);
        if self.failed.count() == 0 || !self.failed.is_used(&(source, None), now_us) {
            return;
        }
        let key = (source, Some(access_key.into()));
        self.proven.fill_at(&key, now_us.saturating_add(PROVEN_US), now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(None, text.parse().unwrap())
    }

    /// Fails until it is refused; how often that was.
    fn fail(attempts: &Attempts, source: Source, key: impl Fn(usize) -> String, most: usize) -> usize {
        let mut tries = 0;
        while tries < most && attempts.may_try(source, &key(tries), 0) {
            attempts.failed(source, &key(tries), 0);
            tries += 1;
        }
        tries
    }

    #[test]
    fn who_fails_is_refused_for_a_while_and_nobody_elsewhere() {
        let (attempts, bad, good) = (Attempts::new(), source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(fail(&attempts, bad, |_| "AKIA".into(), 1_000), 30);
        assert!(attempts.may_try(good, "AKIA", 0), "its owner elsewhere");
        assert!(attempts.may_try(bad, "OTHER", 0), "another key there");
        assert!(attempts.may_try(Source::of(Some(VpcId::from_random(1)), "192.0.2.1".parse().unwrap()), "AKIA", 0));
        assert!(!attempts.may_try(bad, "AKIA", 999) && attempts.may_try(bad, "AKIA", 1_000));
    }

    #[test]
    fn who_proved_himself_isnt_kept_out_by_others_at_his_address() {
        let (attempts, here) = (Attempts::new(), source("192.0.2.1"));
        attempts.failed(here, "STALE", 0);
        attempts.proven(here, "GOOD", 0);
        assert_eq!(fail(&attempts, here, |n| format!("K{n}"), 1_000), 299);
        assert!(attempts.may_try(here, "GOOD", 0) && !attempts.may_try(here, "NEW", 0));
        assert!(attempts.may_try(here, "NEW", 1_000));
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_what_is_kept_is_bounded() {
        let attempts = Attempts::new();
        let near = |n: usize| source(&format!("2001:db8::{n:x}"));
        assert_eq!(near(1), near(77));
        assert_ne!(near(1), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        for n in 0..100_000 {
            let v4 = Source::of(None, IpAddr::V4(std::net::Ipv4Addr::from_bits(n)));
            attempts.failed(v4, "AKIA", 0);
            attempts.proven(v4, "AKIA", 0);
        }
        assert!(attempts.failed.count() <= MOST && attempts.proven.count() <= MOST_PROVEN);
    }
}
