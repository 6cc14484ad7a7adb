//! Whose a row is and where: the account and the region, which together scope every look at the value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::region::Region;

/// A twelve-digit account id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

/// A text that is no account id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account id has twelve digits, not {0:?}")]
pub struct MalformedAccount(String);

impl AccountId {
    /// The account that provider-owned things such as its images belong to.
    pub const PROVIDER: AccountId = AccountId(0);

    /// An account id from its number, below a million millions.
    pub const fn new(number: u64) -> Option<Self> {
        if number < 1_000_000_000_000 { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl FromStr for AccountId {
    type Err = MalformedAccount;
    fn from_str(text: &str) -> Result<Self, MalformedAccount> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().map(AccountId).map_err(|_| MalformedAccount(text.into()))
        } else {
            Err(MalformedAccount(text.chars().take(64).collect()))
        }
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [b'0'; 12];
        let mut number = self.0;
        for place in text.iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An account in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Scope {
    /// An id within this scope: the key of its row.
    pub const fn key<I>(self, id: I) -> Scoped<I> {
        Scoped { scope: self, id }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// The key of a row that belongs to an account in a region. Ordered by scope first, so that a scope's rows are a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scoped<I> {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: I,
}

impl<I: fmt::Display> fmt::Display for Scoped<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.id)
    }
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key: {0:?}")]
pub struct MalformedKey(pub String);

impl<I: FromStr> FromStr for Scoped<I> {
    type Err = MalformedKey;
    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let malformed = || MalformedKey(text.into());
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or_else(malformed);
        let account = next()?.parse().map_err(|_| malformed())?;
        let region = next()?.parse().map_err(|_| malformed())?;
        let id = next()?.parse().map_err(|_| malformed())?;
        Ok(Scoped { scope: Scope { account, region }, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstanceId;

    #[test]
    fn keys_read_back_as_written() {
        let text = "012345678901/eu-central-1/i-0123456789abcdef0";
        assert_eq!(text.parse::<Scoped<InstanceId>>().unwrap().to_string(), text);
        for bad in [
            "",
            "012345678901/eu-central-1",
            "1/eu-central-1/i-0123456789abcdef0",
            "012345678901/mars/i-0123456789abcdef0",
        ] {
            assert!(bad.parse::<Scoped<InstanceId>>().is_err(), "{bad}");
        }
    }
}
