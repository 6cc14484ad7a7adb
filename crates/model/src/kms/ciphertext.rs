//! Ciphertexts of symmetric keys: a form of our own that names the key and the version of its material.
//!
//! ```text
//! 4C 01 | account (8) | length of region (1) | region | key (16) | version (4) | salt (16) | sealed bytes and tag
//! ```
//!
//! All that stands before the sealed bytes is the header, which is authenticated with them, and so is the encryption
//! context in its canonical form. Each ciphertext has a key of its own, derived from the version of the material and the
//! salt: so no nonce can be used twice, however much one key encrypts. Strangers send these: reading one never panics.

use std::collections::BTreeMap;

use super::KmsKeyId;
use crate::region::Region;
use crate::scope::{AccountId, Scope};

/// Bytes of salt.
pub const SALT_BYTES: usize = 16;
const MAGIC: [u8; 2] = [0x4c, 0x01];
/// Bytes of the tag of AES-256-GCM, which a ciphertext has at least.
const TAG_BYTES: usize = 16;

/// A ciphertext that was read or is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext {
    /// Whose key and where.
    pub scope: Scope,
    /// The key.
    pub key: KmsKeyId,
    /// The version of its material.
    pub version: u32,
    /// What the ciphertext's own key is derived with.
    pub salt: [u8; SALT_BYTES],
    /// The sealed bytes, with the tag at their end.
    pub sealed: Vec<u8>,
}

/// Bytes that are no ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext")]
pub struct MalformedCiphertext;

impl Ciphertext {
    /// Reads one.
    ///
    /// # Errors
    /// When the bytes aren't one of a version that is known.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedCiphertext> {
        let mut rest = bytes;
        let magic: [u8; 2] = take(&mut rest)?;
        if magic != MAGIC {
            return Err(MalformedCiphertext);
        }
        let account = AccountId::new(u64::from_be_bytes(take(&mut rest)?)).ok_or(MalformedCiphertext)?;
        let [length] = take(&mut rest)?;
        let (region, after) = rest.split_at_checked(usize::from(length)).ok_or(MalformedCiphertext)?;
        rest = after;
        let region = std::str::from_utf8(region).map_err(|_| MalformedCiphertext)?;
        let region: Region = region.parse().map_err(|_| MalformedCiphertext)?;
        let key = KmsKeyId::from_bytes(take(&mut rest)?);
        let version = u32::from_be_bytes(take(&mut rest)?);
        let salt = take(&mut rest)?;
        if rest.len() < TAG_BYTES {
            return Err(MalformedCiphertext);
        }
        Ok(Self { scope: Scope { account, region }, key, version, salt, sealed: rest.to_vec() })
    }

    /// What stands before the sealed bytes.
    pub fn header(&self) -> Vec<u8> {
        let region = self.scope.region.name().as_bytes();
        let mut out = Vec::with_capacity(64 + self.sealed.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.scope.account.number().to_be_bytes());
        // Names of regions are short.
        out.push(u8::try_from(region.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(region);
        out.extend_from_slice(&self.key.to_bytes());
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.salt);
        out
    }

    /// All of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        out.extend_from_slice(&self.sealed);
        out
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MalformedCiphertext> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(MalformedCiphertext)?;
    *rest = after;
    Ok(*taken)
}

/// An encryption context in the one form that stands for it: pairs in the order of their keys, each text after its
/// length, so that no two contexts look alike.
pub fn canonical_context(context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::new();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        // Requests are far below 4 GiB.
        out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Ciphertext {
        Ciphertext {
            scope: Scope { account: AccountId::new(111_122_223_333).unwrap(), region: Region::DEFAULT },
            key: KmsKeyId::from_random(7),
            version: 3,
            salt: [9; SALT_BYTES],
            sealed: vec![5; 20],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = one().to_bytes();
        assert_eq!(Ciphertext::parse(&bytes), Ok(one()));
        assert!(bytes.starts_with(&one().header()));
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_refused() {
        let bytes = one().to_bytes();
        for length in 0..bytes.len() - 4 {
            assert_eq!(Ciphertext::parse(&bytes[..length]), Err(MalformedCiphertext), "{length}");
        }
        assert_eq!(Ciphertext::parse(&[&[0x4c, 0x02], &bytes[2..]].concat()), Err(MalformedCiphertext));
    }

    #[test]
    fn no_two_contexts_look_alike() {
        let of = |pairs: &[(&str, &str)]| {
            canonical_context(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(of(&[("b", "2"), ("a", "1")]), of(&[("a", "1"), ("b", "2")]));
        assert_ne!(of(&[("ab", "c")]), of(&[("a", "bc")]));
        assert_ne!(of(&[("a", "1"), ("b", "2")]), of(&[("a", "1b2")]));
    }
}
