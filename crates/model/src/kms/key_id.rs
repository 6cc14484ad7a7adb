//! Ids of KMS keys, which are UUIDs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a key, such as `1234abcd-12ab-34cd-56ef-1234567890ab`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KmsKeyId(u128);

/// A text that is no such id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's id is a UUID")]
pub struct MalformedKmsKeyId;

impl KmsKeyId {
    /// The smallest, from which a range starts.
    pub const MIN: Self = Self(0);

    /// An id made of random bits, as RFC 9562's version 4 has them.
    pub const fn from_random(bits: u128) -> Self {
        Self(bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The id of those bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for KmsKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        let (a, b, c, d, e) =
            (bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xffff, bits >> 48 & 0xffff, bits & 0xffff_ffff_ffff);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

impl FromStr for KmsKeyId {
    type Err = MalformedKmsKeyId;
    fn from_str(text: &str) -> Result<Self, MalformedKmsKeyId> {
        let lengths = [8, 4, 4, 4, 12];
        let mut groups = text.split('-');
        let mut bits: u128 = 0;
        for length in lengths {
            let group = groups.next().filter(|group| group.len() == length).ok_or(MalformedKmsKeyId)?;
            if !group.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
                return Err(MalformedKmsKeyId);
            }
            let number = u128::from_str_radix(group, 16).map_err(|_| MalformedKmsKeyId)?;
            bits = bits << (4 * length) | number;
        }
        if groups.next().is_some() { Err(MalformedKmsKeyId) } else { Ok(Self(bits)) }
    }
}

impl Serialize for KmsKeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KmsKeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_written() {
        let id = KmsKeyId::from_random(u128::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(KmsKeyId::from_bytes(id.to_bytes()), id);
        for bad in ["", "ffffffff-ffff-4fff-bfff-fffffffffff", "FFFFFFFF-ffff-4fff-bfff-ffffffffffff", "alias/x"] {
            assert_eq!(bad.parse::<KmsKeyId>(), Err(MalformedKmsKeyId), "{bad}");
        }
    }
}
