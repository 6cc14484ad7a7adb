//! Who shares chunks with whom: a domain is one account with one encryption key, and has secrets of its own.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Error, Name};

/// A domain's name: the folder that all its objects lie in. It is public; equal data in two domains have different names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// The name as it stands in keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if text.is_empty() || text.len() > 96 || !text.bytes().all(fits) {
            return Err(Error::Refused(format!("{text:?} can't name a domain of chunks")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A domain's secrets: what names its chunks, and where it is encrypted, what seals them.
///
/// Names are keyed so that nobody without the key can tell whether two tenants hold the same data, or ask the store
/// whether somebody holds a file that they know.
pub struct Keys {
    naming: Zeroizing<[u8; 32]>,
    sealing: Option<LessSafeKey>,
}

impl Keys {
    /// Of a domain whose chunks lie compressed and unsealed: the store itself is trusted with the contents, or the blocks
    /// are encrypted already, as a LUKS volume's are.
    pub fn open(secret: &[u8; 32]) -> Self {
        let naming = Zeroizing::new(blake3::derive_key("landfall-chunks 1 names of chunks", secret));
        Self { naming, sealing: None }
    }

    /// Of a domain whose chunks are sealed with AES-256-GCM-SIV under a key that comes from this secret.
    pub fn sealed(secret: &[u8; 32]) -> Self {
        let mut key = blake3::derive_key("landfall-chunks 1 contents of chunks", secret);
        let unbound = UnboundKey::new(&aead::AES_256_GCM_SIV, &key);
        key.zeroize();
        let sealing = LessSafeKey::new(unbound.expect("AES-256 keys have 32 bytes"));
        Self { sealing: Some(sealing), ..Self::open(secret) }
    }

    /// The name of these contents in this domain.
    pub fn name(&self, contents: &[u8]) -> Name {
        Name(*blake3::keyed_hash(&self.naming, contents).as_bytes())
    }

    /// Seals in place, where this domain is sealed; says whether it did.
    ///
    /// The nonce is a part of the name, so the same contents always give the same bytes, and a chunk that is written
    /// twice is the same chunk. That would be fatal with plain GCM once a newer zstd compresses the same contents
    /// otherwise: two texts under one nonce. With SIV (RFC 8452) it tells no more than that the two differ.
    pub(crate) fn seal(&self, name: &Name, about: &[u8], payload: &mut Vec<u8>) -> bool {
        let Some(key) = &self.sealing else { return false };
        let sealed = key.seal_in_place_append_tag(nonce(name), Aad::from(about), payload);
        sealed.expect("AES-GCM-SIV seals what is shorter than 64 GiB");
        true
    }

    /// Opens what [`Keys::seal`] sealed. Nothing where it isn't that.
    pub(crate) fn unseal<'a>(&self, name: &Name, about: &[u8], payload: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.sealing.as_ref()?.open_in_place(nonce(name), Aad::from(about), payload).ok()
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealing.is_some()
    }
}

fn nonce(name: &Name) -> Nonce {
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&name.0[..12]);
    Nonce::assume_unique_for_key(bytes)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sealed() { "Keys(sealed)" } else { "Keys(open)" })
    }
}
