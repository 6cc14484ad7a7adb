//! Bytes, which all protocols of text carry in base64.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The newtype name under which a serializer that has real bytes (CBOR) can recognise a [`Blob`].
pub(crate) const BLOB: &str = "$wire:blob";

/// Encodes with padding, decodes with or without: clients differ in that.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes: base64 on the wire, plain here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Blob(pub Vec<u8>);

impl Blob {
    /// Reads base64, line breaks and blanks between its characters included, as tools wrap it.
    ///
    /// # Errors
    /// When it isn't base64.
    pub fn parse(text: &str) -> Result<Self, base64::DecodeError> {
        if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
            let joined: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            return BASE64.decode(joined).map(Self);
        }
        BASE64.decode(text).map(Self)
    }

    /// The base64 of these bytes, with padding.
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(BLOB, &self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
                Blob::parse(text).map_err(|_| E::custom("It must be encoded in base64"))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Blob, D::Error> {
                inner.deserialize_str(self)
            }
        }
        deserializer.deserialize_newtype_struct(BLOB, Visitor)
    }
}
