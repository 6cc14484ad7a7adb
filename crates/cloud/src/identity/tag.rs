//! Tags of IAM's resources. Users and roles have each key once, however its letters are written; the last spelling stays.
//! Other kinds tell `Team` from `team`. Source: the IAM User Guide, "Tags for AWS Identity and Access Management resources".

use std::ops::RangeInclusive;

use landfall_model::TagSet;

use super::fault::IdentityFault;
use super::naming::{check_length, violation};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::Tags;

/// Letters of a key and of a value. Source: the IAM API Reference on Tag.
const KEY_CHARS: RangeInclusive<usize> = 1..=128;
const VALUE_CHARS: RangeInclusive<usize> = 0..=256;
const KEY_PATTERN: &str = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
const VALUE_PATTERN: &str = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";

/// What AWS says of a key that is there twice.
pub const DUPLICATE: &str = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
/// What AWS says of a key that is its own.
pub const RESERVED: &str = "Tag keys that begin with 'aws:' are reserved for internal use.";

/// The kinds of resources that IAM's tags are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// A user.
    User,
    /// A role.
    Role,
    /// A managed policy.
    Policy,
    /// An instance profile.
    InstanceProfile,
    /// An identity provider.
    OidcProvider,
    /// A virtual device that shows second factors.
    Mfa,
}

impl Tagged {
    /// What its rows of tags are called.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Policy => "policy",
            Self::InstanceProfile => "instance-profile",
            Self::OidcProvider => "oidc-provider",
            Self::Mfa => "mfa",
        }
    }

    const fn quota(self) -> &'static str {
        match self {
            Self::User => "TagsPerUser",
            Self::Role => "TagsPerRole",
            Self::Policy => "TagsPerPolicy",
            Self::InstanceProfile => "TagsPerInstanceProfile",
            Self::OidcProvider => "TagsPerOpenIDConnectProvider",
            Self::Mfa => "TagsPerMFADevice",
        }
    }

    /// Whether two keys are one.
    fn is_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::User | Self::Role => one.eq_ignore_ascii_case(other),
            _ => one == other,
        }
    }
}

/// Checks the tags of a request: all of them, or none is put.
pub fn check(kind: Tagged, tags: &[(&str, &str)]) -> Result<(), IdentityFault> {
    check_form(tags)?;
    for (at, (key, _)) in tags.iter().enumerate() {
        if tags[..at].iter().any(|(before, _)| kind.is_same(before, key)) {
            return Err(IdentityFault::Input(DUPLICATE.into()));
        }
        if is_reserved(key) {
            return Err(IdentityFault::Input(RESERVED.into()));
        }
    }
    Ok(())
}

/// Checks what tags are made of, those of sessions, too: how many there are, their lengths, their letters.
pub fn check_form(tags: &[(&str, &str)]) -> Result<(), IdentityFault> {
    check_count("tags", tags.len())?;
    for (at, (key, value)) in tags.iter().enumerate() {
        let member = |name: &str| format!("tags.{}.member.{name}", at + 1);
        check_text(&member("key"), key, KEY_CHARS, KEY_PATTERN)?;
        check_text(&member("value"), value, VALUE_CHARS, VALUE_PATTERN)?;
    }
    Ok(())
}

/// Whether a key is the cloud's own.
pub fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Adds tags to what has that id, or changes those that it has.
pub fn put(tx: &mut Tx<'_, '_>, kind: Tagged, id: &str, tags: &[(&str, &str)]) -> Result<(), Fault> {
    check(kind, tags)?;
    if tags.is_empty() {
        return Ok(());
    }
    let mut all = tx.view().tags(id).cloned().unwrap_or_default();
    for (key, value) in tags {
        all.retain(|had, _| !kind.is_same(had, key));
        all.insert((*key).to_owned(), (*value).to_owned());
    }
    if all.len() > tag::LIMIT {
        return Err(IdentityFault::Limit { quota: kind.quota(), limit: tag::LIMIT }.into());
    }
    let scope = tx.scope();
    tx.put::<Tags>(TagSet { scope, resource: id.into(), kind: kind.noun().into(), tags: all });
    Ok(())
}

/// Removes the tags of those keys.
pub fn remove(tx: &mut Tx<'_, '_>, kind: Tagged, id: &str, keys: &[String]) -> Result<(), Fault> {
    check_keys(keys)?;
    let had = tx.view().tags(id).into_iter().flat_map(|tags| tags.keys());
    let which: Vec<_> =
        had.filter(|had| keys.iter().any(|key| kind.is_same(had, key))).map(|had| (had.clone(), None)).collect();
    if !which.is_empty() {
        tag::remove(tx, id, &which);
    }
    Ok(())
}

/// Checks the keys of a request that names no values. Of a list of texts AWS shows the list, and all rules of its members.
fn check_keys(keys: &[String]) -> Result<(), IdentityFault> {
    check_count("tagKeys", keys.len())?;
    if keys.iter().all(|key| check_text("tagKeys", key, KEY_CHARS, KEY_PATTERN).is_ok()) {
        return Ok(());
    }
    let (least, most) = KEY_CHARS.into_inner();
    let rules = format!(
        "Member must satisfy constraint: [Member must have length less than or equal to {most}, Member must have length greater than or equal to {least}, Member must satisfy regular expression pattern: {KEY_PATTERN}]"
    );
    Err(violation("tagKeys", &format!("[{}]", keys.join(", ")), &rules))
}

fn check_count(member: &str, count: usize) -> Result<(), IdentityFault> {
    if count <= tag::LIMIT {
        return Ok(());
    }
    Err(IdentityFault::Validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {}",
        tag::LIMIT
    )))
}

fn check_text(member: &str, text: &str, chars: RangeInclusive<usize>, pattern: &str) -> Result<(), IdentityFault> {
    check_length(member, text, chars)?;
    // Letters, numbers and separators, as Unicode has them; a tab or a line's end is a control there.
    let is_separator = |letter: char| letter.is_whitespace() && !letter.is_control();
    let fits = |letter: char| letter.is_alphanumeric() || is_separator(letter) || "_.:/=+-@".contains(letter);
    if !text.chars().all(fits) {
        return Err(violation(member, text, &format!("Member must satisfy regular expression pattern: {pattern}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_their_letters_and_their_lengths() {
        let (key, value) = ("k".repeat(128), "v".repeat(256));
        for good in [("Cost Center", "a b"), (&*key, &*value), ("_.:/=+-@", ""), ("Ключ", "値")] {
            assert_eq!(check(Tagged::User, &[good]), Ok(()), "{good:?}");
        }
        let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
        for bad in [("", "v"), (&*long_key, ""), ("k", &*long_value), ("a#b", ""), ("k", "a\tb"), ("k", "a\nb")] {
            assert!(matches!(check(Tagged::User, &[bad]), Err(IdentityFault::Validation(_))), "{bad:?}");
        }
        assert!(matches!(check(Tagged::User, &[("AWS:x", "")]), Err(IdentityFault::Input(_))));
        assert!(matches!(check(Tagged::User, &[("k", ""); 51]), Err(IdentityFault::Validation(_))));
    }

    #[test]
    fn users_and_roles_have_a_key_once_however_it_is_spelt() {
        let twice = [("Team", "a"), ("team", "b")];
        for kind in [Tagged::User, Tagged::Role] {
            assert!(matches!(check(kind, &twice), Err(IdentityFault::Input(_))));
        }
        for kind in [Tagged::Policy, Tagged::InstanceProfile, Tagged::OidcProvider, Tagged::Mfa] {
            assert_eq!(check(kind, &twice), Ok(()));
            assert!(matches!(check(kind, &[("a", ""), ("a", "")]), Err(IdentityFault::Input(_))));
        }
    }
}
