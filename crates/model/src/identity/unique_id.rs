//! The ids that last: a principal that is made anew under an old name is another one, and its id says so.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::scope::AccountId;

/// The id that a principal, group, policy or profile keeps whatever it is called, such as `AIDACKCEVSQ6C2EXAMPLE`. Root's
/// is its account's number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UniqueId(String);

/// What an id is of. Source: the IAM User Guide, "IAM identifiers".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// A managed policy.
    Policy,
    /// An instance profile.
    InstanceProfile,
    /// A public key of a user. It is shorter than the others.
    PublicKey,
    /// An access key of a user or of root. It is shorter than the others.
    AccessKey,
    /// An access key of a session. It is shorter than the others.
    SessionKey,
}

impl UniqueKind {
    /// The four letters that it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
            Self::Policy => "ANPA",
            Self::InstanceProfile => "AIPA",
            Self::PublicKey => "APKA",
            Self::AccessKey => "AKIA",
            Self::SessionKey => "ASIA",
        }
    }

    /// How many characters follow the prefix.
    const fn length(self) -> usize {
        match self {
            Self::AccessKey | Self::SessionKey | Self::PublicKey => 16,
            _ => 17,
        }
    }
}

/// The characters of ids: those of base 32 (RFC 4648).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// How many bits an account's number has.
const ACCOUNT_BITS: usize = 40;

impl UniqueId {
    /// The id of that kind that random bits give.
    pub fn from_random(kind: UniqueKind, bits: u128) -> Self {
        let letter = |place: usize| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
        Self(kind.prefix().chars().chain((0..kind.length()).map(letter)).collect())
    }

    /// The id of a key that random bits give, of which the last 40 say whose it is.
    pub fn of_account(kind: UniqueKind, account: AccountId, bits: u128) -> Self {
        let random = bits << ACCOUNT_BITS;
        Self::from_random(kind, random | u128::from(account.number()))
    }

    /// The account of a key that was made so. Whether there is one of that number is another question.
    pub fn account(&self) -> Option<AccountId> {
        let letters = ["AKIA", "ASIA"].iter().find_map(|prefix| self.0.strip_prefix(prefix))?;
        if letters.len() != UniqueKind::AccessKey.length() {
            return None;
        }
        let place = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte);
        let places = letters.bytes().take(ACCOUNT_BITS / 5).map(place).collect::<Option<Vec<_>>>()?;
        let number = places.iter().rev().fold(0, |number, place| number << 5 | *place as u64);
        AccountId::new(number)
    }

    /// The id of an account's root.
    pub fn root(account: AccountId) -> Self {
        Self(account.to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UniqueId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no unique id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no unique id: {0:?}")]
pub struct MalformedUniqueId(String);

impl FromStr for UniqueId {
    type Err = MalformedUniqueId;
    fn from_str(text: &str) -> Result<Self, MalformedUniqueId> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.into())) } else { Err(MalformedUniqueId(text.chars().take(64).collect())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_as_those_of_aws() {
        let id = UniqueId::from_random(UniqueKind::User, u128::MAX);
        assert_eq!(id.as_str(), "AIDA77777777777777777");
        assert_eq!(UniqueId::from_random(UniqueKind::AccessKey, 0).as_str(), "AKIAAAAAAAAAAAAAAAAA");
        assert_eq!(id.to_string().parse(), Ok(id));
        let account = "999999999999".parse().unwrap();
        let key = UniqueId::of_account(UniqueKind::SessionKey, account, u128::MAX);
        assert_eq!((key.account(), key.as_str().len()), (Some(account), 20));
        assert_eq!(UniqueId::from_random(UniqueKind::User, 0).account(), None);
        for bad in ["", "AIDA-1", "AIDA/1", &"A".repeat(129)] {
            assert!(bad.parse::<UniqueId>().is_err(), "{bad}");
        }
    }
}
