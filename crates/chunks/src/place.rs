//! Names and places: which object, and where it lies.

use std::fmt;
use std::str::FromStr;

use crate::{Domain, Error};

/// One writer's run, by a number that the caller's authority gives once and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// What an object holds, as a hash. Of a chunk, BLAKE3 keyed by its domain; of the index, BLAKE3 for the purpose, since
/// an index consists of keyed names, which nobody can guess, and must be checked by whoever has no keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 32]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if text.len() != 64 || !text.bytes().all(lower) {
            return Err(());
        }
        let mut name = [0; 32];
        for (byte, pair) in name.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |c: u8| if c <= b'9' { c - b'0' } else { c - b'a' + 10 };
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
        Ok(Self(name))
    }
}

/// An object's place: the session that wrote it, and one of that session's folders, so that none grows without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Who wrote it.
    pub session: Session,
    /// In which of the session's folders.
    pub shard: u32,
}

/// A whole snapshot: the name and place of its manifest. What the caller's authority records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root {
    /// The manifest's name.
    pub name: Name,
    /// Where it lies.
    pub place: Place,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{:06x}.{}", self.place.session.0, self.place.shard, self.name)
    }
}

impl FromStr for Root {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().unwrap_or_default();
        let root = address(next(), next(), next()).map(|(place, name)| Self { name, place });
        root.ok_or_else(|| Error::Refused(format!("{text:?} is no root of a snapshot")))
    }
}

fn address(session: &str, shard: &str, name: &str) -> Option<(Place, Name)> {
    let session = Session(number(session, 16)?);
    let shard = u32::try_from(number(shard, 6)?).ok()?;
    Some((Place { session, shard }, name.parse().ok()?))
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let lower = text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    (text.len() == digits && lower).then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// The folder of all that a session wrote.
pub(crate) fn folder(domain: &Domain, session: Session) -> String {
    format!("{domain}/{:016x}", session.0)
}

/// The key of an object.
pub(crate) fn key(domain: &Domain, place: Place, name: &Name) -> String {
    format!("{domain}/{:016x}/{:06x}/{name}", place.session.0, place.shard)
}

/// What stands at a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// One of our objects.
    Object(Place, Name),
    /// What a write left that never ended.
    Unfinished(Session),
    /// Nothing that this crate writes.
    Foreign,
}

/// Reads a key of a domain.
pub(crate) fn parse(domain: &Domain, key: &str) -> Found {
    let below = key.strip_prefix(domain.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let Some(below) = below else { return Found::Foreign };
    let mut parts = below.splitn(3, '/');
    let mut next = || parts.next().unwrap_or_default();
    let (session, shard, file) = (next(), next(), next());
    if let Some((place, name)) = address(session, shard, file) {
        return Found::Object(place, name);
    }
    match (number(session, 16), number(shard, 6)) {
        // A folder of ours that is empty.
        (Some(session), _) if below.len() == 17 && below.ends_with('/') => Found::Unfinished(Session(session)),
        (Some(session), Some(_)) if file.is_empty() && below.ends_with('/') => Found::Unfinished(Session(session)),
        (Some(session), Some(_)) if file.starts_with(UNFINISHED) && !file.contains('/') => {
            Found::Unfinished(Session(session))
        }
        _ => Found::Foreign,
    }
}

/// How the name of a file begins that is still being written.
pub(crate) const UNFINISHED: &str = ".new-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_roots_are_read_as_they_were_written() {
        let domain: Domain = "a-1".parse().unwrap();
        let place = Place { session: Session(0xfeed), shard: 77 };
        let name = Name(std::array::from_fn(|n| (n * 7) as u8));
        assert_eq!(parse(&domain, &key(&domain, place, &name)), Found::Object(place, name));
        let root = Root { name, place };
        assert_eq!(root.to_string().parse::<Root>().unwrap(), root);
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        let domain: Domain = "a-1".parse().unwrap();
        let good = key(&domain, Place { session: Session(1), shard: 2 }, &Name([3; 32]));
        for bad in
            ["x".into(), format!("{good}x"), good.replace("a-1", "a-2"), good.to_uppercase(), good.replace("03", "+3")]
        {
            assert_eq!(parse(&domain, &bad), Found::Foreign, "{bad}");
            assert!(bad.parse::<Root>().is_err());
        }
        let unfinished = "a-1/0000000000000001/000002/.new-77-1";
        assert_eq!(parse(&domain, unfinished), Found::Unfinished(Session(1)));
        for empty in ["a-1/0000000000000001/", "a-1/0000000000000001/000002/"] {
            assert_eq!(parse(&domain, empty), Found::Unfinished(Session(1)));
        }
        for other in ["a-1/", "a-1/0000000000000001", "a-1/0000000000000001/000002", "a-1/0000000000000001//"] {
            assert_eq!(parse(&domain, other), Found::Foreign, "{other}");
        }
        for domain in ["", "A", "a/b", "..", "a b"] {
            assert!(domain.parse::<Domain>().is_err(), "{domain:?}");
        }
    }
}
