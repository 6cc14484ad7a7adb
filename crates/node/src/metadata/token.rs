//! Session tokens of IMDSv2: stateless, so that they outlive a restart and cost no memory.
//!
//! A token is its expiry and an HMAC over the expiry, the instance and the machine's boot. So it is worth nothing to
//! another instance, after its time, or after the clock that it is measured by began anew. The clock is the machine's
//! time since boot: nobody who sets the wall clock lengthens a session.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use landfall_model::InstanceId;

use super::store;

/// The longest time that a token may be asked for: six hours.
pub const MAX_TTL_SECONDS: u32 = 21_600;

const MAC_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

/// Milliseconds since the machine booted, sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SinceBoot(pub u64);

impl SinceBoot {
    /// Now.
    pub fn now() -> Self {
        // The clock exists on every Linux that this runs on; a failure would end sessions early, never lengthen them.
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map(Duration::from);
        Self(time.map_or(u64::MAX, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Makes tokens and recognises its own.
pub struct TokenKey {
    key: hmac::Key,
    boot: Vec<u8>,
}

impl TokenKey {
    /// A key from its bytes, for that boot of the machine.
    pub fn new(key: &[u8], boot: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), boot: boot.to_vec() }
    }

    /// The key kept in that folder, made at the first use and readable by root alone.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join("token.key");
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id")?;
        match std::fs::read(&path) {
            Ok(key) if key.len() == KEY_BYTES => return Ok(Self::new(&key, &boot)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut key = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| std::io::Error::other("no randomness"))?;
        store::write_private(&path, &key)?;
        Ok(Self::new(&key, &boot))
    }

    fn mac(&self, instance: InstanceId, expiry: [u8; 8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&expiry);
        context.update(&instance.bits().to_be_bytes());
        context.update(&self.boot);
        context.sign()
    }

    /// A token for that instance that is good for so long.
    pub fn issue(&self, instance: InstanceId, now: SinceBoot, ttl_seconds: u32) -> String {
        let expiry = now.0.saturating_add(u64::from(ttl_seconds) * 1000).to_be_bytes();
        let mac = self.mac(instance, expiry);
        URL_SAFE.encode([&expiry, mac.as_ref()].concat())
    }

    /// How many seconds a token is still good for, if it is.
    pub fn remaining_seconds(&self, instance: InstanceId, now: SinceBoot, token: &str) -> Option<u64> {
        let bytes = URL_SAFE.decode(token).ok().filter(|bytes| bytes.len() == 8 + MAC_BYTES)?;
        let (expiry, mac) = bytes.split_first_chunk::<8>()?;
        // The comparison takes the same time wherever the difference is.
        let expected = self.mac(instance, *expiry);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), mac).ok()?;
        let left = u64::from_be_bytes(*expiry).checked_sub(now.0).filter(|left| *left > 0)?;
        Some(left.div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_instance_its_time_and_its_boot() {
        let key = TokenKey::new(b"key", b"boot");
        let (mine, other) = (InstanceId::from_random(1), InstanceId::from_random(2));
        let token = key.issue(mine, SinceBoot(5_000), 60);
        assert_eq!(token.len(), 56, "as long as AWS's");
        assert_eq!(key.remaining_seconds(mine, SinceBoot(5_000), &token), Some(60));
        assert_eq!(key.remaining_seconds(mine, SinceBoot(64_999), &token), Some(1));
        assert_eq!(key.remaining_seconds(mine, SinceBoot(65_000), &token), None);
        assert_eq!(key.remaining_seconds(other, SinceBoot(5_000), &token), None);
        assert_eq!(TokenKey::new(b"key", b"later").remaining_seconds(mine, SinceBoot(5_000), &token), None);
        assert_eq!(TokenKey::new(b"yek", b"boot").remaining_seconds(mine, SinceBoot(5_000), &token), None);
    }

    #[test]
    fn no_changed_byte_is_accepted() {
        let key = TokenKey::new(b"key", b"boot");
        let id = InstanceId::from_random(1);
        let good = URL_SAFE.decode(key.issue(id, SinceBoot(0), 60)).unwrap();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert_eq!(key.remaining_seconds(id, SinceBoot(0), &URL_SAFE.encode(bad)), None, "byte {place}");
        }
        for bad in ["", "=", "AAAA", &"A".repeat(10_000)] {
            assert_eq!(key.remaining_seconds(id, SinceBoot(0), bad), None);
        }
    }

    #[test]
    fn the_key_on_disk_is_found_again() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let id = InstanceId::from_random(1);
        let token = TokenKey::open(folder.path()).unwrap().issue(id, SinceBoot(0), 60);
        assert!(TokenKey::open(folder.path()).unwrap().remaining_seconds(id, SinceBoot(1), &token).is_some());
        let mode = std::fs::metadata(folder.path().join("token.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
