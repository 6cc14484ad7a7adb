//! Writing XML answers: a serializer straight into the bytes, since an answer with a thousand instances is hot.
//!
//! Each value is written between the tags of the member that holds it, so the serializer of a value knows its
//! tag. An absent value writes nothing at all.

use std::fmt::Write as _;

use serde::ser::{self, Serialize, Serializer};

use crate::envelope::{EMPTY, EncodeError, TEXT};
use crate::list::{FLAT, NAMED_PREFIX};
use crate::time::TIME;

/// What the elements of lists are called in the query protocol.
pub(crate) const QUERY_ELEMENT: &str = "member";

/// Writes the members of `value`, a structure, without any tag around them. `element` is what the elements of
/// lists are called.
pub(crate) fn write_members<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    element: &'static str,
    value: &T,
) -> Result<(), EncodeError> {
    value.serialize(Writer { out, tag: None, element, named: None, flat: false })
}

/// Writes `<tag>text</tag>`.
pub(crate) fn write_element(out: &mut Vec<u8>, tag: &str, text: &str) {
    open(out, tag);
    write_text(out, text);
    close(out, tag);
}

pub(crate) fn open(out: &mut Vec<u8>, tag: &str) {
    out.push(b'<');
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

pub(crate) fn close(out: &mut Vec<u8>, tag: &str) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

/// The bytes of UTF-8 at which [`write_text`] may have to write something else. Nearly no text has any.
const NEEDS_A_LOOK: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = true;
        at += 1;
    }
    table[b'&' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'"' as usize] = true;
    table[0xEF] = true;
    table
};

/// Writes text, escaped. What XML 1.0 can't carry in any spelling (control characters, two non-characters)
/// becomes U+FFFD; a carriage return is spelt out, since a parser would make a line feed of it.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|&byte| NEEDS_A_LOOK[usize::from(byte)]) {
        out.extend_from_slice(bytes);
        return;
    }
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let (escape, width): (&[u8], usize) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'"' => (b"&quot;", 1),
            b'\r' => (b"&#xD;", 1),
            b'\t' | b'\n' => continue,
            0..0x20 => ("\u{FFFD}".as_bytes(), 1),
            0xEF if matches!(bytes.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])) => ("\u{FFFD}".as_bytes(), 3),
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        out.extend_from_slice(escape);
        written = at + width;
    }
    out.extend_from_slice(&bytes[written..]);
}

/// Formats without a `String` between.
struct Sink<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends the digits of an integer or the shortest spelling of a float.
pub(crate) fn write_display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // A `Sink` never fails, and no `Display` of a number does.
    let _infallible = write!(Sink(out), "{value}");
}

/// Appends a float in the spelling of XML Schema.
fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        write_display(out, value);
    }
}

/// The serializer of one value.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The member that holds the value; `None` for the structure that is the answer itself.
    tag: Option<&'a str>,
    /// What the protocol calls the elements of a list.
    element: &'static str,
    /// What this list calls its own.
    named: Option<&'static str>,
    /// Whether a list is written without a tag around it.
    flat: bool,
}

impl<'a> Writer<'a> {
    /// Writes a moment as the services of the query protocol do: without the fraction of its second.
    fn whole_seconds<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        let Self { out, tag, element, named, flat } = self;
        let start = out.len();
        value.serialize(Writer { out: &mut *out, tag, element, named, flat })?;
        if let Some(dot) = out[start..].iter().position(|byte| *byte == b'.').map(|at| start + at) {
            out.drain(dot..dot + ".000".len());
        }
        Ok(())
    }

    fn leaf(self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), EncodeError> {
        match self.tag {
            // The element is there already.
            Some("") => write(self.out),
            Some(tag) => {
                open(self.out, tag);
                write(self.out);
                close(self.out, tag);
            }
            None => return Err(EncodeError::NotAStructure),
        }
        Ok(())
    }

    fn structure(self) -> Structure<'a> {
        if let Some(tag) = self.tag {
            open(self.out, tag);
        }
        Structure { out: self.out, tag: self.tag, element: self.element, key: String::new() }
    }
}

/// The members of a structure that is being written.
pub(crate) struct Structure<'a> {
    out: &'a mut Vec<u8>,
    tag: Option<&'a str>,
    element: &'static str,
    /// The key of the map's entry whose value comes next.
    key: String,
}

/// The elements of a list that is being written. Its own tag is written with the first element, since an empty
/// list is an empty element.
pub(crate) struct List<'a> {
    out: &'a mut Vec<u8>,
    tag: &'a str,
    element: &'static str,
    named: &'static str,
    flat: bool,
    began: bool,
}

macro_rules! integers {
    ($($method:ident $type:ty)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            self.leaf(|out| write_display(out, value))
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = Structure<'a>;
    type SerializeStruct = Structure<'a>;
    type SerializeStructVariant = ser::Impossible<(), EncodeError>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.leaf(|out| out.extend_from_slice(if value { b"true" } else { b"false" }))
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        if value.is_finite() { self.leaf(|out| write_display(out, value)) } else { self.serialize_f64(value.into()) }
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.leaf(|out| write_float(out, value))
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.leaf(|out| write_text(out, value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.serialize_str(&crate::Blob(value.to_vec()).to_base64())
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
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if name == EMPTY {
            // Something must stand in it, or it would be taken for a result that isn't there.
            self.out.push(b'\n');
            return Ok(());
        }
        if name == TEXT {
            return value.serialize(Self { tag: Some(""), ..self });
        }
        if name == TIME && self.element == QUERY_ELEMENT {
            return self.whole_seconds(value);
        }
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
        let mut structure = self.structure();
        ser::SerializeStruct::serialize_field(&mut structure, variant, value)?;
        ser::SerializeStruct::end(structure)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'a>, EncodeError> {
        let tag = self.tag.ok_or(EncodeError::NotAStructure)?;
        let named = self.named.unwrap_or(self.element);
        Ok(List { out: self.out, tag, element: self.element, named, flat: self.flat, began: false })
    }

    fn serialize_tuple(self, len: usize) -> Result<List<'a>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<List<'a>, EncodeError> {
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

    fn serialize_map(self, _len: Option<usize>) -> Result<Structure<'a>, EncodeError> {
        Ok(self.structure())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Structure<'a>, EncodeError> {
        Ok(self.structure())
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

impl Structure<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, tag: &str, value: &T) -> Result<(), EncodeError> {
        value.serialize(Writer { out: self.out, tag: Some(tag), named: None, element: self.element, flat: false })
    }

    fn finish(self) {
        if let Some(tag) = self.tag {
            close(self.out, tag);
        }
    }
}

impl ser::SerializeStruct for Structure<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish();
        Ok(())
    }
}

/// A map is a list of entries; that of the answer itself (a flattened structure) its members, and so is each of EC2's,
/// whose protocol has no maps: there it is a structure whose members are known when it is written.
impl ser::SerializeMap for Structure<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key = crate::encode_json::key_text(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = std::mem::take(&mut self.key);
        if self.tag.is_none() || self.element != QUERY_ELEMENT {
            return self.member(&key, value);
        }
        open(self.out, "entry");
        write_element(self.out, "key", &key);
        self.member("value", value)?;
        close(self.out, "entry");
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish();
        Ok(())
    }
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if !self.began && !self.flat {
            open(self.out, self.tag);
        }
        self.began = true;
        let tag = if self.flat { self.tag } else { self.named };
        value.serialize(Writer { out: self.out, tag: Some(tag), element: self.element, named: None, flat: false })
    }

    fn finish(self) {
        match (self.flat, self.began) {
            (true, _) => {}
            (false, true) => close(self.out, self.tag),
            (false, false) => {
                self.out.push(b'<');
                self.out.extend_from_slice(self.tag.as_bytes());
                self.out.extend_from_slice(b"/>");
            }
        }
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

lists! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field }
