//! Writing requests of the query protocols: what clients do. Tests, the test kit and the command line call
//! operations with it, with the same types that the server reads.

use serde::ser::{self, Serialize, Serializer};

use crate::encode_json::key_text;
use crate::encode_xml::write_display;
use crate::envelope::EncodeError;
use crate::list::{FLAT, NAMED_PREFIX};
use crate::protocol::Protocol;

/// Writes the body of a request in EC2's form, with flat lists: `Action=…&Version=…&InstanceId.1=…`.
///
/// # Errors
/// When `input` isn't a structure of what the protocol can carry.
pub fn to_query<T: Serialize + ?Sized>(action: &str, version: &str, input: &T) -> Result<String, EncodeError> {
    to_query_as(Protocol::Ec2Query, action, version, input)
}

/// The same in the form of `protocol`: the query protocol of other services says `.member.` in its lists.
///
/// # Errors
/// As [`to_query`]; also when `protocol` is none of query.
pub fn to_query_as<T: Serialize + ?Sized>(
    protocol: Protocol,
    action: &str,
    version: &str,
    input: &T,
) -> Result<String, EncodeError> {
    let wrapper = match protocol {
        Protocol::Ec2Query => None,
        Protocol::Query => Some("member"),
        Protocol::Json10 | Protocol::Json11 | Protocol::RestXml | Protocol::RestJson => {
            return Err(EncodeError::Unsupported("a query"));
        }
    };
    let mut output = Output { body: Vec::with_capacity(256), path: String::new() };
    output.write("Action", action);
    output.write("Version", version);
    input.serialize(Writer { output: &mut output, wrapper, named: None, flat: false })?;
    String::from_utf8(output.body).map_err(|error| EncodeError::Custom(error.to_string()))
}

/// The body so far, and the name of the parameter that is being written.
struct Output {
    body: Vec<u8>,
    path: String,
}

impl Output {
    fn write(&mut self, name: &str, value: &str) {
        if !self.body.is_empty() {
            self.body.push(b'&');
        }
        percent_encode(&mut self.body, name.as_bytes());
        self.body.push(b'=');
        percent_encode(&mut self.body, value.as_bytes());
    }

    /// Writes what is inside one more segment of the path.
    fn inside<R>(&mut self, segment: &str, write: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(segment);
        let result = write(self);
        self.path.truncate(length);
        result
    }
}

/// Appends bytes with all but RFC 3986's unreserved characters percent-encoded.
pub(crate) fn percent_encode(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// The serializer of one value at the output's path.
struct Writer<'a> {
    output: &'a mut Output,
    wrapper: Option<&'static str>,
    named: Option<&'static str>,
    flat: bool,
}

impl Writer<'_> {
    fn leaf(self, text: &str) -> Result<(), EncodeError> {
        if self.output.path.is_empty() {
            return Err(EncodeError::NotAStructure);
        }
        let path = std::mem::take(&mut self.output.path);
        self.output.write(&path, text);
        self.output.path = path;
        Ok(())
    }

    fn number(self, value: impl std::fmt::Display) -> Result<(), EncodeError> {
        let mut text = Vec::new();
        write_display(&mut text, value);
        self.leaf(&String::from_utf8_lossy(&text))
    }
}

/// Members or elements that are being written.
struct Compound<'a> {
    output: &'a mut Output,
    /// What the protocol writes between a list's name and its indexes.
    wrapper: Option<&'static str>,
    /// What this list writes there.
    own_wrapper: Option<&'static str>,
    count: usize,
    key: String,
}

impl<'a> Writer<'a> {
    fn compound(self) -> Compound<'a> {
        let own_wrapper = if self.flat { None } else { self.named.or(self.wrapper) };
        Compound { output: self.output, wrapper: self.wrapper, own_wrapper, count: 0, key: String::new() }
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            self.number(value)
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = ser::Impossible<(), EncodeError>;

    numbers! {
        serialize_bool bool serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
        serialize_f32 f32 serialize_f64 f64 serialize_char char
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.leaf(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.leaf(&crate::Blob(value.to_vec()).to_base64())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.leaf(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        let writer = match name.strip_prefix(NAMED_PREFIX) {
            Some(element) => Self { named: Some(element), ..self },
            None => Self { flat: self.flat || name == FLAT, ..self },
        };
        value.serialize(writer)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.compound().member(variant, value)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        if self.output.path.is_empty() {
            return Err(EncodeError::NotAStructure);
        }
        Ok(self.compound())
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'a>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Compound<'a>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(EncodeError::Unsupported(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        Ok(self.compound())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Compound<'a>, EncodeError> {
        Ok(self.compound())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        Err(EncodeError::Unsupported(variant))
    }
}

impl Compound<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        let wrapper = self.wrapper;
        self.output.inside(name, |output| value.serialize(Writer { output, wrapper, named: None, flat: false }))
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.count += 1;
        let index = self.count.to_string();
        match self.own_wrapper {
            Some(own) => self.member(&format!("{own}.{index}"), value),
            None => self.member(&index, value),
        }
    }
}

impl ser::SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key = key_text(key)?;
        Ok(())
    }

    /// A map is a list of entries; the input itself its members.
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = std::mem::take(&mut self.key);
        if self.output.path.is_empty() {
            return self.member(&key, value);
        }
        self.count += 1;
        let entry = format!("entry.{}", self.count);
        self.member(&format!("{entry}.key"), &key)?;
        self.member(&format!("{entry}.value"), value)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                Ok(())
            }
        }
    )*};
}

lists! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field }
