//! Keys of encrypted volumes. They come from the control plane when they are needed, and are in memory alone, for as long as that
//! lasts.

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::hmac;
use landfall_model::VolumeId;
use zeroize::Zeroizing;

use crate::driver::{DriverError, DriverResult, FetchDiskKeys};

/// The name by which QEMU's tools know the passphrase of the disk that they open.
pub const SECRET: &str = "key";

/// A volume's key.
#[derive(Clone)]
pub struct DiskKey(Zeroizing<[u8; 32]>);

impl DiskKey {
    /// That key.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What opens the volume's LUKS header, which wants text.
    pub fn passphrase(&self) -> Zeroizing<String> {
        let key = self.derive("landfall volume disk");
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in key.iter() {
            // Writing to a string doesn't fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The secret of the chunks that are made of the volume.
    pub fn chunk_secret(&self) -> Zeroizing<[u8; 32]> {
        self.derive("landfall volume chunks")
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()), purpose.as_bytes());
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }
}

impl fmt::Debug for DiskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskKey(…)")
    }
}

/// Where keys come from, once that is known.
#[derive(Clone, Default)]
pub(super) struct KeySource(Arc<OnceLock<Arc<FetchDiskKeys>>>);

impl KeySource {
    /// Says how keys are fetched. The first word counts.
    pub(super) fn learn(&self, fetch: Arc<FetchDiskKeys>) {
        let _ = self.0.set(fetch);
    }

    /// The keys of a volume.
    pub(super) fn fetch(&self, volume: VolumeId) -> DriverResult<DiskKeys> {
        let fetch = self.0.get().ok_or_else(|| DriverError::Later("the agent isn't started yet".into()))?;
        fetch(volume)
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource")
    }
}

/// The keys of a volume: its own, and that of the snapshot that it is made of, where there is one.
#[derive(Clone, Debug)]
pub struct DiskKeys {
    /// Its own.
    pub own: DiskKey,
    /// That of what it is made of.
    pub source: Option<DiskKey>,
}
