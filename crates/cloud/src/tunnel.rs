//! What may be asked of a VPN's tunnels: the ranges of their options, the blocks of their links, the form of their keys.
//! Source of all of these: the EC2 API Reference on VpnTunnelOptionsSpecification.

use std::net::Ipv4Addr;

use landfall_model::{Ipv4Cidr, TunnelOptions};

use crate::fault::Fault;
use crate::tx::Tx;

/// What a tunnel's phases last and how much earlier they are renewed, unless said otherwise, in seconds.
pub const PHASE1_LIFETIME_S: u32 = 28_800;
/// As [`PHASE1_LIFETIME_S`].
pub const PHASE2_LIFETIME_S: u32 = 3_600;
/// The shortest and the longest key.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 8..=64;
/// How many leading bits the block of a link fixes.
const LINK_PREFIX: u8 = 30;

/// Ciphers, hashes, groups and versions that a tunnel may use.
const CIPHERS: &[&str] = &["AES128", "AES256", "AES128-GCM-16", "AES256-GCM-16"];
const HASHES: &[&str] = &["SHA1", "SHA2-256", "SHA2-384", "SHA2-512"];
const PHASE1_GROUPS: &[u32] = &[2, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
const PHASE2_GROUPS: &[u32] = &[2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
const VERSIONS: &[&str] = &["ikev1", "ikev2"];

/// What is asked of a tunnel.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The block of its link.
    pub inside: Option<Ipv4Cidr>,
    /// Its key, sealed.
    pub key: Option<String>,
    /// Its options.
    pub options: TunnelOptions,
}

/// That options are within their ranges, each by itself and together.
pub fn check(options: &TunnelOptions) -> Result<(), Fault> {
    let phase2 = options.phase2_lifetime_s.unwrap_or(PHASE2_LIFETIME_S);
    range("Phase1LifetimeSeconds", options.phase1_lifetime_s, 900, 28_800)?;
    range("Phase2LifetimeSeconds", options.phase2_lifetime_s, 900, 3_600)?;
    if phase2 >= options.phase1_lifetime_s.unwrap_or(PHASE1_LIFETIME_S) {
        let why = "It must be less than Phase1LifetimeSeconds.".into();
        return Err(Fault::Invalid { name: "Phase2LifetimeSeconds", value: phase2.to_string(), why });
    }
    range("RekeyMarginTimeSeconds", options.rekey_margin_s, 60, phase2 / 2)?;
    range("RekeyFuzzPercentage", options.rekey_fuzz_percent, 0, 100)?;
    range("ReplayWindowSize", options.replay_window, 64, 2_048)?;
    range("DPDTimeoutSeconds", options.dpd_timeout_s, 30, u32::MAX)?;
    words("DPDTimeoutAction", options.dpd_action.as_slice(), &["clear", "none", "restart"])?;
    words("StartupAction", options.startup_action.as_slice(), &["add", "start"])?;
    words("Phase1EncryptionAlgorithm", &options.phase1_encryption, CIPHERS)?;
    words("Phase2EncryptionAlgorithm", &options.phase2_encryption, CIPHERS)?;
    words("Phase1IntegrityAlgorithm", &options.phase1_integrity, HASHES)?;
    words("Phase2IntegrityAlgorithm", &options.phase2_integrity, HASHES)?;
    words("Phase1DHGroupNumber", &options.phase1_groups, PHASE1_GROUPS)?;
    words("Phase2DHGroupNumber", &options.phase2_groups, PHASE2_GROUPS)?;
    words("IKEVersion", &options.ike_versions, VERSIONS)
}

fn range(name: &'static str, value: Option<u32>, least: u32, most: u32) -> Result<(), Fault> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            let why = format!("It must be between {least} and {most}.");
            Err(Fault::Invalid { name, value: value.to_string(), why })
        }
        _ => Ok(()),
    }
}

fn words<T: ToString, U: ToString + PartialEq<T>>(name: &'static str, given: &[T], known: &[U]) -> Result<(), Fault> {
    for word in given {
        if !known.iter().any(|each| each == word) {
            let known: Vec<_> = known.iter().map(ToString::to_string).collect();
            let why = format!("Valid values: {}.", known.join(" | "));
            return Err(Fault::Invalid { name, value: word.to_string(), why });
        }
    }
    Ok(())
}

/// That a key has the form that AWS takes.
pub fn check_key(key: &str) -> Result<(), Fault> {
    let is_plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
    if KEY_CHARS.contains(&key.len()) && is_plain && !key.starts_with('0') {
        return Ok(());
    }
    let why = "It has 8 to 64 characters, which are alphanumeric, periods and underscores, and cannot start with zero.";
    // The key itself is not repeated where logs and screens would show it.
    Err(Fault::Invalid { name: "PreSharedKey", value: "…".into(), why: why.into() })
}

/// That a block can be a tunnel's link: four link-local addresses that nobody else needs.
pub fn check_inside(block: Ipv4Cidr) -> Result<(), Fault> {
    let invalid = |why: &str| Fault::Invalid { name: "TunnelInsideCidr", value: block.to_string(), why: why.into() };
    if block.prefix() != LINK_PREFIX || !block.first().is_link_local() {
        return Err(invalid("It must be a size /30 CIDR block from the 169.254.0.0/16 range."));
    }
    if is_reserved(block) { Err(invalid("It is reserved.")) } else { Ok(()) }
}

/// The blocks that AWS keeps, and those of the services that a VPC's guests reach at link-local addresses.
fn is_reserved(block: Ipv4Cidr) -> bool {
    let [_, _, third, fourth] = block.first().octets();
    third == 169 || (third <= 5 && fourth == 0)
}

/// A block for a link that none of those others has.
pub(crate) fn free_inside(tx: &mut Tx<'_, '_>, taken: &[Ipv4Cidr]) -> Ipv4Cidr {
    const LINKS: u64 = 1 << (LINK_PREFIX - 16);
    loop {
        let [high, low] = ((tx.entropy().below(LINKS) as u16) << 2).to_be_bytes();
        let block = Ipv4Cidr::new(Ipv4Addr::new(169, 254, high, low), LINK_PREFIX).unwrap_or(Ipv4Cidr::ALL);
        // A gateway has at most some dozens of connections, so that this ends soon.
        if !is_reserved(block) && !taken.contains(&block) {
            return block;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_ranges() {
        let fits = |change: fn(&mut TunnelOptions)| {
            let mut options = TunnelOptions::default();
            change(&mut options);
            check(&options).is_ok()
        };
        assert!(fits(|_| ()));
        assert!(fits(|o| o.phase1_lifetime_s = Some(28_800)));
        assert!(!fits(|o| o.phase1_lifetime_s = Some(899)));
        assert!(!fits(|o| o.phase1_lifetime_s = Some(3_600)), "the second phase lasts as long");
        assert!(!fits(|o| o.rekey_margin_s = Some(1_801)), "more than half of the second phase");
        assert!(!fits(|o| o.dpd_timeout_s = Some(29)));
        assert!(!fits(|o| o.phase1_groups = vec![5]));
        assert!(fits(|o| o.phase2_groups = vec![5, 24]));
        assert!(!fits(|o| o.ike_versions = vec!["ikev3".into()]));
    }

    #[test]
    fn links_and_keys_have_forms() {
        for (block, is_good) in [
            ("169.254.10.0/30", true),
            ("169.254.5.0/30", false),
            ("169.254.5.4/30", true),
            ("169.254.169.252/30", false),
            ("169.254.10.0/29", false),
            ("10.0.0.0/30", false),
        ] {
            assert_eq!(check_inside(block.parse().unwrap()).is_ok(), is_good, "{block}");
        }
        for (key, is_good) in [("a1234567", true), ("01234567", false), ("a123456", false), ("a b45678", false)] {
            assert_eq!(check_key(key).is_ok(), is_good, "{key}");
        }
    }
}
