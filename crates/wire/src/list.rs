//! Lists and values that a protocol spells in its own way, as newtypes: serde sees no annotations beyond names.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The newtype name under which serializers recognise [`Flat`].
pub(crate) const FLAT: &str = "$wire:flat";
/// What the newtype names of [`Named`] begin with.
pub(crate) const NAMED_PREFIX: &str = "$wire:list:";

/// A list that is written flat: its elements follow one another under the member's own name, with no wrapper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat<T>(pub T);

impl<T: Serialize> Serialize for Flat<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(FLAT, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Flat<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// The name of a list's elements where it isn't the protocol's own (`item`, `member`).
pub trait ListName {
    /// `$wire:list:` and the element's name: `"$wire:list:DBInstance"`.
    const NEWTYPE: &'static str;
}

/// A list whose elements have a name of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T, N>(pub T, pub PhantomData<N>);

impl<T, N> Named<T, N> {
    /// That list.
    pub fn new(list: T) -> Self {
        Self(list, PhantomData)
    }
}

impl<T: Serialize, N: ListName> Serialize for Named<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(N::NEWTYPE, &self.0)
    }
}

impl<'de, T: Deserialize<'de>, N: ListName> Deserialize<'de> for Named<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T, N>(PhantomData<(T, N)>);
        impl<'de, T: Deserialize<'de>, N> serde::de::Visitor<'de> for Visitor<T, N> {
            type Value = Named<T, N>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
                T::deserialize(inner).map(Named::new)
            }
        }
        deserializer.deserialize_newtype_struct(N::NEWTYPE, Visitor(PhantomData))
    }
}
