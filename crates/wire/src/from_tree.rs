//! Reading a type out of a tree: serde's Deserializer, with errors that know their path.
//!
//! Leaves of query protocols are text and are read as whatever the type asks for. Leaves of typed protocols keep
//! their types. A null member reads as if it had not been sent.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::field::FieldError;
use crate::list::NAMED_PREFIX;
use crate::tree::{Number, Tree};

/// Reads a `T` out of the input of a query request, or of any protocol leniently: text becomes integers,
/// booleans and so on as `T` asks.
///
/// # Errors
/// The first parameter that is missing, unknown or malformed.
pub fn from_tree<'de, T: Deserialize<'de>>(tree: &'de Tree) -> Result<T, FieldError> {
    T::deserialize(Reader::of(tree, true))
}

/// The same for typed protocols (JSON), where `"1"` is no number.
///
/// # Errors
/// As [`from_tree`].
pub fn from_typed_tree<'de, T: Deserialize<'de>>(tree: &'de Tree) -> Result<T, FieldError> {
    T::deserialize(Reader::of(tree, false))
}

#[derive(Clone, Copy)]
struct Reader<'de> {
    tree: &'de Tree,
    /// Whether text is read as other types.
    coerces: bool,
    /// What may stand between a list's name and its indexes.
    wrapper: &'static str,
}

impl<'de> Reader<'de> {
    fn of(tree: &'de Tree, coerces: bool) -> Self {
        Self { tree, coerces, wrapper: "member" }
    }
}

impl<'de> Reader<'de> {
    fn at(self, tree: &'de Tree) -> Self {
        Self::of(tree, self.coerces)
    }

    /// The text that is to be read as another type, if it may be.
    fn coercible(self) -> Option<&'de str> {
        if self.coerces { self.tree.as_text() } else { None }
    }

    /// Reads text as a `T` before it is visited.
    fn parsed<T: std::str::FromStr>(self, what: &str) -> Result<Option<T>, FieldError> {
        let Some(text) = self.coercible() else { return Ok(None) };
        match text.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(FieldError::malformed(text, format!("It must be {what}"))),
        }
    }

    /// Hands the leaf to the visitor as what it is.
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.tree {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(Number::Integer(value)) => visitor.visit_i64(*value),
            Tree::Number(Number::Unsigned(value)) => visitor.visit_u64(*value),
            Tree::Number(Number::Float(value)) => visitor.visit_f64(*value),
            Tree::Text(text) => visitor.visit_borrowed_str(text),
            Tree::List(list) => visitor.visit_seq(Elements { reader: self, list, next: 0, wrapper: None }),
            Tree::Map(members) => visitor.visit_map(Members { reader: self, members, value: None }),
        }
    }

    /// The list that stands alone in a structure under the name of a wrapper, as in `Name.member.1`.
    fn wrapped_list(self, wrapper: &str) -> Option<&'de [Tree]> {
        match self.tree {
            Tree::Map(members) if self.coerces => match &members[..] {
                [(name, Tree::List(list))] if **name == *wrapper => Some(list),
                _ => None,
            },
            _ => None,
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
            match self.parsed::<$type>($what)? {
                Some(value) => visitor.$visit(value),
                None => self.visit(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        self.visit(visitor)
    }

    numbers! {
        deserialize_i8 visit_i8 i8, "an integer";
        deserialize_i16 visit_i16 i16, "an integer";
        deserialize_i32 visit_i32 i32, "an integer";
        deserialize_i64 visit_i64 i64, "an integer";
        deserialize_i128 visit_i128 i128, "an integer";
        deserialize_u8 visit_u8 u8, "an integer that is not negative";
        deserialize_u16 visit_u16 u16, "an integer that is not negative";
        deserialize_u32 visit_u32 u32, "an integer that is not negative";
        deserialize_u64 visit_u64 u64, "an integer that is not negative";
        deserialize_u128 visit_u128 u128, "an integer that is not negative";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.coercible() {
            Some(text) if text.eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            Some(text) if text.eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            Some(text) => Err(FieldError::malformed(text, "It must be true or false")),
            None => self.visit(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.tree {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        if let Some(list) = self.wrapped_list(self.wrapper) {
            return visitor.visit_seq(Elements { reader: self, list, next: 0, wrapper: Some(self.wrapper) });
        }
        match self.tree {
            Tree::List(list) => visitor.visit_seq(Elements { reader: self, list, next: 0, wrapper: None }),
            Tree::Null => visitor.visit_seq(Elements { reader: self, list: &[], next: 0, wrapper: None }),
            // An empty list of the query protocol is `Name=` with no value.
            Tree::Text(text) if self.coerces && text.is_empty() => {
                visitor.visit_seq(Elements { reader: self, list: &[], next: 0, wrapper: None })
            }
            Tree::Text(text) => Err(FieldError::malformed(text.as_str(), "It must be a list")),
            _ => Err(FieldError::malformed("", "It must be a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match (self.wrapped_list("entry"), self.tree) {
            (Some(list), _) => visitor.visit_map(Entries { reader: self, list, next: 0 }),
            (_, Tree::Map(members)) => visitor.visit_map(Members { reader: self, members, value: None }),
            (_, Tree::Text(text)) if self.coerces && text.is_empty() => {
                visitor.visit_map(Members { reader: self, members: &[], value: None })
            }
            (_, Tree::Text(text)) => Err(FieldError::malformed(text.as_str(), "It must be a structure")),
            _ => Err(FieldError::malformed("", "It must be a structure")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.tree {
            Tree::Map(members) => visitor.visit_map(Members { reader: self, members, value: None }),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let wrapper = name.strip_prefix(NAMED_PREFIX).unwrap_or(self.wrapper);
        visitor.visit_newtype_struct(Self { wrapper, ..self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.tree {
            Tree::Text(text) => visitor.visit_enum(Variant { name: text, content: None }),
            Tree::Map(members) => match &members[..] {
                [(name, content)] => visitor.visit_enum(Variant { name, content: Some(self.at(content)) }),
                _ => Err(FieldError::malformed("", "It must have exactly one member")),
            },
            _ => Err(FieldError::malformed("", "It must be a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The elements of a list; they are counted from one in paths, as the query protocols do.
struct Elements<'de> {
    reader: Reader<'de>,
    list: &'de [Tree],
    next: usize,
    /// The name between the list's own and its indexes.
    wrapper: Option<&'static str>,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = FieldError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, FieldError> {
        let Some(element) = self.list.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(self.reader.at(element)).map(Some).map_err(|error| {
            let error = error.of(element).under(&self.next.to_string());
            match self.wrapper {
                Some(wrapper) => error.under(wrapper),
                None => error,
            }
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.list.len() - self.next)
    }
}

/// The members of a structure, without those that are null.
struct Members<'de> {
    reader: Reader<'de>,
    members: &'de [(Box<str>, Tree)],
    value: Option<&'de (Box<str>, Tree)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = FieldError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FieldError> {
        while let [first, rest @ ..] = self.members {
            self.members = rest;
            if first.1 != Tree::Null {
                self.value = Some(first);
                return seed.deserialize(Name(&first.0)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, FieldError> {
        let (name, value) = self.value.ok_or_else(|| FieldError::custom("a value was asked for before its name"))?;
        seed.deserialize(self.reader.at(value)).map_err(|error| error.of(value).under(name))
    }
}

/// The entries of a query map: `X.entry.1.key=…&X.entry.1.value=…`.
struct Entries<'de> {
    reader: Reader<'de>,
    list: &'de [Tree],
    next: usize,
}

impl Entries<'_> {
    fn under(error: FieldError, next: usize) -> FieldError {
        error.under(&next.to_string()).under("entry")
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = FieldError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FieldError> {
        let Some(entry) = self.list.get(self.next) else { return Ok(None) };
        self.next += 1;
        let key = entry.field("key").ok_or_else(|| Self::under(FieldError::missing_field("key"), self.next))?;
        let read = seed.deserialize(self.reader.at(key));
        read.map(Some).map_err(|error| Self::under(error.of(key).under("key"), self.next))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, FieldError> {
        let entry = self.next.checked_sub(1).and_then(|at| self.list.get(at));
        let value = entry
            .and_then(|entry| entry.field("value"))
            .ok_or_else(|| Self::under(FieldError::missing_field("value"), self.next))?;
        seed.deserialize(self.reader.at(value)).map_err(|error| Self::under(error.of(value).under("value"), self.next))
    }
}

/// The name of a member or variant.
struct Name<'de>(&'de str);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_enum(Variant { name: self.0, content: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant by its name, with its content where the tree has a structure of one member.
struct Variant<'de> {
    name: &'de str,
    content: Option<Reader<'de>>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = FieldError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), FieldError> {
        Ok((seed.deserialize(Name(self.name))?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<Reader<'de>, FieldError> {
        self.content.ok_or_else(|| FieldError::malformed(self.name, "It must be a structure"))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = FieldError;

    fn unit_variant(self) -> Result<(), FieldError> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(FieldError::malformed("", "It must be a string")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, FieldError> {
        seed.deserialize(self.content()?).map_err(|error| error.under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, FieldError> {
        self.content()?.deserialize_seq(visitor).map_err(|error| error.under(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        self.content()?.deserialize_struct("", fields, visitor).map_err(|error| error.under(self.name))
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}
