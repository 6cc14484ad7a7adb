//! What an operation's input is made of, found out by asking the very code that reads it: names and kinds of all members,
//! however deep. Tests compare it with AWS's models, so that no member of ours has a name that no client would send.
//!
//! A deserializer walks to one place of the input, writes down what is asked of it there, and stops with an error. No
//! value is ever made, so types that refuse most texts, such as ids, are no obstacle.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What stands at a place of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// Members of these names.
    Structure(Vec<&'static str>),
    /// One of these words.
    Enumeration(Vec<&'static str>),
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// Text, in whatever form.
    Text,
    /// Pairs, whose names are their sender's to choose.
    Map,
    /// Anything: it is refused or passed over as a whole.
    Any,
}

/// A place of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What is there, or in each element where it is a list.
    pub kind: MemberKind,
    /// Whether it is a list.
    pub is_list: bool,
}

/// All places of an input by their path; the input itself is at the empty one. Lists have no segment of their own.
pub type Members = BTreeMap<Vec<&'static str>, Member>;

/// Structures deeper than this are no inputs of AWS's.
const MAX_DEPTH: usize = 16;

/// The members of an operation's input.
pub fn members<O: DeserializeOwned>() -> Members {
    let mut found = Members::new();
    let mut paths = vec![Vec::new()];
    while let Some(path) = paths.pop() {
        let seen = RefCell::new(None);
        // It ends with an error by design: what matters was written down.
        let _ = O::deserialize(Probe { path: &path, seen: &seen, is_list: false });
        let Some(member) = seen.into_inner() else { continue };
        if let MemberKind::Structure(names) = &member.kind
            && path.len() < MAX_DEPTH
        {
            paths.extend(names.iter().map(|name| [path.as_slice(), &[*name]].concat()));
        }
        found.insert(path, member);
    }
    found
}

/// That the place was reached, which ends the walk.
#[derive(Debug)]
struct Reached;

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reached")
    }
}

impl std::error::Error for Reached {}

impl Error for Reached {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Reached
    }
}

#[derive(Clone, Copy)]
struct Probe<'p> {
    /// What is left of the way.
    path: &'p [&'static str],
    seen: &'p RefCell<Option<Member>>,
    is_list: bool,
}

impl Probe<'_> {
    fn note(self, kind: MemberKind) -> Reached {
        *self.seen.borrow_mut() = self.path.is_empty().then_some(Member { kind, is_list: self.is_list });
        Reached
    }
}

macro_rules! leaves {
    ($($kind:ident: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Reached> {
            Err(self.note(MemberKind::$kind))
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Reached;

    leaves! {
        Number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64;
        Bool: deserialize_bool;
        Text: deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
            deserialize_identifier;
        Map: deserialize_map;
        Any: deserialize_any deserialize_ignored_any deserialize_unit;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reached> {
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Reached> {
        Err(self.note(MemberKind::Any))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Reached> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reached> {
        visitor.visit_seq(One(Self { is_list: true, ..self }))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Reached> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Reached> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reached> {
        match self.path.split_first() {
            None => Err(self.note(MemberKind::Structure(fields.to_vec()))),
            Some((name, rest)) => visitor.visit_map(Field { name, probe: Self { path: rest, is_list: false, ..self } }),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Reached> {
        Err(self.note(MemberKind::Enumeration(variants.to_vec())))
    }
}

/// A list of one element.
struct One<'p>(Probe<'p>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Reached;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Reached> {
        seed.deserialize(self.0).map(Some)
    }
}

/// A structure of one member: the one that the way leads through.
struct Field<'p> {
    name: &'static str,
    probe: Probe<'p>,
}

impl<'de> MapAccess<'de> for Field<'_> {
    type Error = Reached;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Reached> {
        seed.deserialize(serde::de::value::StrDeserializer::new(self.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Reached> {
        seed.deserialize(self.probe)
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::VpcId;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Input {
        vpc_id: VpcId,
        count: Option<u32>,
        #[serde(default)]
        filter: Vec<Inner>,
        context: BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Inner {
        value: Vec<bool>,
    }

    #[test]
    fn every_place_is_found() {
        let found = members::<Input>();
        let at = |path: &[&'static str]| found[path].clone();
        assert_eq!(at(&[]).kind, MemberKind::Structure(vec!["VpcId", "Count", "Filter", "Context"]));
        assert_eq!(at(&["Context"]).kind, MemberKind::Map);
        assert_eq!(at(&["VpcId"]), Member { kind: MemberKind::Text, is_list: false });
        assert_eq!(at(&["Count"]), Member { kind: MemberKind::Number, is_list: false });
        assert!(at(&["Filter"]).is_list);
        assert_eq!(at(&["Filter", "Value"]), Member { kind: MemberKind::Bool, is_list: true });
        assert_eq!(found.len(), 6);
    }
}
