//! Writing JSON answers: as serde_json does, but for three things. A member whose value is absent is left out,
//! a [`crate::Time`] is seconds since the epoch, and numbers that JSON can't carry are an error.
//!
//! The same writer shows answers in records of the audit, in another spelling: see [`Record`].

use serde::ser::{self, Serialize, Serializer};

use crate::encode_xml::write_display;
use crate::envelope::EncodeError;
use crate::time::{TIME, Time};

/// How an answer is spelt in a record of the audit, as CloudTrail spells them: names begin with a small letter.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    /// As EC2's: lists are structures of their `items`, moments are milliseconds. Otherwise moments are words.
    pub is_ec2: bool,
    /// What stands for a member that mustn't be seen, by its name.
    pub mask: &'r dyn Fn(&str) -> Option<&'static str>,
}

/// Writes an answer as a record of the audit shows it, and whether it has any member.
///
/// # Errors
/// When `output` isn't a structure of what JSON can carry.
pub fn write_record<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    form: Record<'_>,
    output: &T,
) -> Result<bool, EncodeError> {
    let start = out.len();
    output.serialize(Writer { out, record: Some(&form) })?;
    if out.get(start) != Some(&b'{') {
        return Err(EncodeError::NotAStructure);
    }
    Ok(out.len() > start + 2)
}

/// Writes a name with its quotation marks, beginning with a small letter; an abbreviation is small as a whole: `arn`.
pub fn write_record_name(out: &mut Vec<u8>, name: &str) {
    // Names are plain, and this one is a word of Java's.
    if name == "return" {
        return write_json_string(out, "_return");
    }
    let at = out.len() + 1;
    write_json_string(out, name);
    let is_abbreviation = name.bytes().all(|byte| byte.is_ascii_uppercase());
    let small = if is_abbreviation { name.len() } else { 1 };
    out[at..at + small].make_ascii_lowercase();
}

/// Writes one value.
pub(crate) fn write_value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    value.serialize(Writer { out, record: None })
}

/// Writes a string with its quotation marks, as JSON has it.
pub fn write_json_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        written = at + 1;
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// The text of a map's key: a string, an integer, or a newtype of either.
pub(crate) fn key_text<T: Serialize + ?Sized>(key: &T) -> Result<String, EncodeError> {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        Ok(serde_json::Value::Number(number)) => Ok(number.to_string()),
        _ => Err(EncodeError::Unsupported("a map whose keys are no strings")),
    }
}

/// The serializer of one value.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The record that it is written for, if it is for one.
    record: Option<&'a Record<'a>>,
}

/// Members or elements that are being written.
struct Compound<'a> {
    out: &'a mut Vec<u8>,
    record: Option<&'a Record<'a>>,
    first: bool,
    end: &'static [u8],
}

impl Compound<'_> {
    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        let mark = self.out.len();
        self.separate();
        match self.record {
            None => write_json_string(self.out, name),
            Some(_) => write_record_name(self.out, name),
        }
        self.out.push(b':');
        let start = self.out.len();
        self.value(value)?;
        // Only an absent value is written as a bare `null`.
        if &self.out[start..] == b"null" {
            self.out.truncate(mark);
            return Ok(());
        }
        self.first = false;
        if let Some(mask) = self.record.and_then(|record| (record.mask)(name)) {
            self.out.truncate(start);
            write_json_string(self.out, mask);
        }
        Ok(())
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.separate();
        self.first = false;
        self.value(value)
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(Writer { out: self.out, record: self.record })
    }
}

impl<'a> Writer<'a> {
    fn begin(self, start: &[u8], end: &'static [u8]) -> Compound<'a> {
        self.out.extend_from_slice(start);
        Compound { out: self.out, record: self.record, first: true, end }
    }

    fn literal(self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }
}

/// Writes a moment as seconds, with milliseconds where it has any.
fn write_epoch(out: &mut Vec<u8>, Time(ms): Time) {
    let (seconds, fraction) = (ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000);
    if ms < 0 {
        out.push(b'-');
    }
    write_display(out, seconds);
    if fraction != 0 {
        write_display(out, format_args!(".{fraction:03}"));
    }
}

macro_rules! integers {
    ($($method:ident $type:ty)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            write_display(self.out, value);
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = ser::Impossible<(), EncodeError>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.literal(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        if !value.is_finite() {
            return Err(EncodeError::Unsupported("a number that isn't finite"));
        }
        write_display(self.out, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        if !value.is_finite() {
            return Err(EncodeError::Unsupported("a number that isn't finite"));
        }
        write_display(self.out, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        write_json_string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.serialize_str(&crate::Blob(value.to_vec()).to_base64())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.literal(b"null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    /// An answer without members is an empty object.
    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.literal(b"{}");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if name != TIME {
            return value.serialize(self);
        }
        let iso = key_text(value)?;
        let time = Time::parse(&iso).map_err(|_| EncodeError::Unsupported("a time that isn't one"))?;
        match self.record {
            None => write_epoch(self.out, time),
            Some(record) if record.is_ec2 => write_display(self.out, time.0),
            Some(_) => write_json_string(self.out, &time.in_words()),
        }
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let mut members = self.begin(b"{", b"}");
        members.member(variant, value)?;
        members.out.extend_from_slice(members.end);
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Members<'a>, EncodeError> {
        let is_ec2 = self.record.is_some_and(|record| record.is_ec2);
        let compound = if is_ec2 { self.begin(br#"{"items":["#, b"]}") } else { self.begin(b"[", b"]") };
        Ok(Members { compound, key: String::new() })
    }

    fn serialize_tuple(self, len: usize) -> Result<Members<'a>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Members<'a>, EncodeError> {
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

    fn serialize_map(self, _len: Option<usize>) -> Result<Members<'a>, EncodeError> {
        Ok(Members { compound: self.begin(b"{", b"}"), key: String::new() })
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Members<'a>, EncodeError> {
        self.serialize_map(None)
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

/// What stands between brackets, with the key of the map's entry whose value comes next.
pub(crate) struct Members<'a> {
    compound: Compound<'a>,
    key: String,
}

impl Members<'_> {
    fn finish(self) {
        self.compound.out.extend_from_slice(self.compound.end);
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.compound.member(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key = key_text(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = std::mem::take(&mut self.key);
        self.compound.member(&key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish();
        Ok(())
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for Members<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.compound.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

lists! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field }
