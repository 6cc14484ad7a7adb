//! REST-JSON: the method and the path name the operation. Members of its input stand in the path, in the query and in a
//! body of JSON; an answer is JSON, or the bytes of one member with the others in headers.
//!
//! Which paths there are is for a service to say, in a table of [`Route`]s.

use serde::ser::{self, Serialize, Serializer};

use crate::encode_json::key_text;
use crate::envelope::EncodeError;
use crate::json::object;
use crate::limits::MAX_VALUE_BYTES;
use crate::protocol::RequestParts;
use crate::query::{decode_component, plain_parameters};
use crate::tree::{DecodeError, Request, Tree};

/// Where an operation is called.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The operation.
    pub action: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, whose segments in braces are members: `/snapshots/{snapshotId}/blocks`.
    pub path: &'static str,
    /// Whether its input is read. One that isn't there is only told by its name, whatever stands in its body.
    pub is_read: bool,
    /// Members in the query that are lists: each of their elements stands there by itself.
    pub lists: &'static [&'static str],
}

impl Route {
    /// The members in a path, if it is this one's.
    fn members(&self, parts: &RequestParts<'_>) -> Option<Vec<(&'static str, String)>> {
        if parts.method != self.method {
            return None;
        }
        let mut segments = parts.path.split('/');
        let mut members = Vec::new();
        for wanted in self.path.split('/') {
            let segment = segments.next()?;
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                // A plus sign is a space in a query alone.
                Some(name) if !segment.is_empty() => members.push((name, segment.replace('+', "%2B"))),
                None if segment == wanted => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(members)
    }
}

/// Decodes a request. Members that stand in the path or the query are text; those of the body keep their types.
///
/// # Errors
/// When no route is meant, a member comes twice, or anything of it isn't within [`crate::limits`].
pub fn decode_rest_json(parts: &RequestParts<'_>, body: &[u8], routes: &[Route]) -> Result<Request, DecodeError> {
    let found = routes.iter().find_map(|route| Some((route, route.members(parts)?)));
    let (route, in_path) = found.ok_or(DecodeError::MissingAction)?;
    let action = route.action.to_owned();
    if !route.is_read {
        return Ok(Request { action, version: None, input: Tree::empty() });
    }
    let mut members: Vec<(Box<str>, Tree)> = Vec::new();
    for (name, encoded) in in_path {
        members.push((name.into(), Tree::Text(decode_component(encoded.as_bytes(), MAX_VALUE_BYTES)?)));
    }
    for (name, value) in plain_parameters(parts.query)? {
        if !route.lists.contains(&name.as_str()) {
            members.push((name.into_boxed_str(), Tree::Text(value)));
            continue;
        }
        match members.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, Tree::List(list))) => list.push(Tree::Text(value)),
            _ => members.push((name.into_boxed_str(), Tree::List(vec![Tree::Text(value)]))),
        }
    }
    if !body.is_empty()
        && let Tree::Map(in_body) = object(body)?
    {
        members.extend(in_body);
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(DecodeError::Duplicate(pair[0].to_owned()));
    }
    Ok(Request { action, version: None, input: Tree::Map(members) })
}

/// The place of an answer's members where its body is the bytes of one of them.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// The member whose bytes the body is.
    pub member: &'static str,
    /// All others, with the headers that they stand in, in lower case.
    pub headers: &'static [(&'static str, &'static str)],
}

/// An answer that isn't only a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The status, if it isn't 200.
    pub status: Option<u16>,
    /// The body.
    pub body: Vec<u8>,
    /// Its type, if it isn't that of the protocol.
    pub content_type: Option<&'static str>,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

impl From<Vec<u8>> for Written {
    fn from(body: Vec<u8>) -> Self {
        Self { body, ..Self::default() }
    }
}

/// Bytes that are an answer's body: they are written as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// Writes an answer whose body is the bytes of one member.
///
/// # Errors
/// When `output` isn't a structure of that member and those of the headers.
pub fn encode_payload<T: Serialize + ?Sized>(payload: &Payload, output: &T) -> Result<Written, EncodeError> {
    let mut written = Written { content_type: Some("application/octet-stream"), ..Written::default() };
    output.serialize(Writer { written: &mut written, payload, at: At::Answer })?;
    Ok(written)
}

/// What is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Answer,
    Body,
}

/// The serializer of an answer, and of the bytes in it. Anything else is refused.
struct Writer<'a> {
    written: &'a mut Written,
    payload: &'a Payload,
    at: At,
}

const NO_BYTES: EncodeError = EncodeError::Unsupported("a body that is no bytes");

macro_rules! refuse {
    ($($method:ident($($argument:ty),*);)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<(), EncodeError> {
            Err(NO_BYTES)
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = ser::Impossible<(), EncodeError>;
    type SerializeTuple = ser::Impossible<(), EncodeError>;
    type SerializeTupleStruct = ser::Impossible<(), EncodeError>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = ser::Impossible<(), EncodeError>;
    type SerializeStruct = Self;
    type SerializeStructVariant = ser::Impossible<(), EncodeError>;

    refuse! {
        serialize_bool(bool); serialize_char(char); serialize_str(&str);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64);
        serialize_f32(f32); serialize_f64(f64);
        serialize_none(); serialize_unit(); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        if self.at != At::Body {
            return Err(EncodeError::NotAStructure);
        }
        self.written.body.extend_from_slice(value);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, EncodeError> {
        Err(NO_BYTES)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, EncodeError> {
        if self.at == At::Answer { Ok(self) } else { Err(NO_BYTES) }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        Err(NO_BYTES)
    }
}

impl ser::SerializeStruct for Writer<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if name == self.payload.member {
            return value.serialize(Writer { written: self.written, payload: self.payload, at: At::Body });
        }
        let header = self.payload.headers.iter().find(|(member, _)| *member == name);
        let (_, header) =
            header.ok_or(EncodeError::Unsupported("a member that has no place beside a body of bytes"))?;
        self.written.headers.push((*header, key_text(value)?));
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const ROUTES: &[Route] = &[
        Route {
            action: "List",
            method: "GET",
            path: "/things/{thingId}/parts",
            is_read: true,
            lists: &["kinds", "tag"],
        },
        Route { action: "Read", method: "GET", path: "/things/{thingId}/parts/{part}", is_read: true, lists: &[] },
        Route { action: "Make", method: "POST", path: "/things", is_read: true, lists: &[] },
        Route { action: "Fill", method: "PUT", path: "/things/{thingId}/parts/{part}", is_read: false, lists: &[] },
    ];

    fn decoded(method: &str, path: &str, query: &str, body: &[u8]) -> Result<Request, DecodeError> {
        let headers = HeaderMap::new();
        decode_rest_json(&RequestParts { method, path, query, headers: &headers }, body, ROUTES)
    }

    #[test]
    fn the_method_and_the_path_name_the_operation() {
        let read = decoded("GET", "/things/a%2Fb+c/parts/7", "token=x%2By%3D&X-Amz-Date=z", b"").unwrap();
        let text = |text: &str| Tree::Text(text.to_owned());
        assert_eq!(read.action, "Read");
        assert_eq!(read.input.field("thingId"), Some(&text("a/b+c")));
        assert_eq!(read.input.field("part"), Some(&text("7")));
        assert_eq!(read.input.field("token"), Some(&text("x+y=")));
        assert_eq!(read.input.field("X-Amz-Date"), None, "it is the signature's");
        assert_eq!(decoded("GET", "/things/a/parts", "", b"").unwrap().action, "List");
        let made = decoded("POST", "/things", "", br#"{"size":3}"#).unwrap();
        assert_eq!(made.input.field("size"), Some(&Tree::Number(crate::Number::Integer(3))));
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/things"),
            ("GET", "/things//parts"),
            ("GET", "/things/a/parts/"),
            ("GET", "/things/a/parts/7/8"),
            ("get", "/things/a/parts"),
            ("DELETE", "/things/a/parts"),
            ("GET", "things/a/parts"),
        ] {
            assert_eq!(decoded(method, path, "", b""), Err(DecodeError::MissingAction), "{method} {path}");
        }
    }

    #[test]
    fn a_list_of_the_query_has_an_element_for_each_time_that_it_is_named() {
        let listed = decoded("GET", "/things/a/parts", "tag=x&n=1&tag=y", b"").unwrap();
        let text = |text: &str| Tree::Text(text.to_owned());
        assert_eq!(listed.input.field("tag"), Some(&Tree::List(vec![text("x"), text("y")])));
        assert_eq!(decoded("GET", "/things/a/parts", "", b"").unwrap().input.field("tag"), None);
    }

    #[test]
    fn a_member_comes_once_and_what_is_not_there_is_not_read() {
        let twice = |name: &str| Err(DecodeError::Duplicate(name.to_owned()));
        assert_eq!(decoded("GET", "/things/a/parts", "thingId=b", b""), twice("thingId"));
        assert_eq!(decoded("GET", "/things/a/parts", "n=1&n=2", b""), twice("n"));
        assert_eq!(decoded("GET", "/things/a/parts", "n=1", br#"{"n":1}"#), twice("n"));
        assert_eq!(decoded("GET", "/things/a/parts", "kinds=1", br#"{"kinds":[]}"#), twice("kinds"));
        let listed = decoded("GET", "/things/a/parts", "kinds=x&n=1&kinds=y%26", b"").unwrap().input;
        let text = |text: &str| Tree::Text(text.to_owned());
        assert_eq!(listed.field("kinds"), Some(&Tree::List(vec![text("x"), text("y&")])));
        assert_eq!(decoded("GET", "/things/%zz/parts", "", b""), Err(DecodeError::BadEscape));
        assert!(matches!(decoded("POST", "/things", "", b"[1]"), Err(DecodeError::BadJson(_))));
        let fill = decoded("PUT", "/things/a/parts/1", "", &[0xff; 9]).unwrap();
        assert_eq!((fill.action.as_str(), fill.input), ("Fill", Tree::empty()));
    }

    #[derive(serde::Serialize)]
    struct Part<B> {
        length: usize,
        sum: &'static str,
        data: B,
    }

    #[test]
    fn an_answer_is_the_bytes_of_a_member_with_the_others_in_headers() {
        let payload = Payload { member: "data", headers: &[("length", "x-length"), ("sum", "x-sum")] };
        let part = Part { length: 2, sum: "a=", data: Bytes(vec![0, 255]) };
        let written = encode_payload(&payload, &part).unwrap();
        assert_eq!(written.body, [0, 255]);
        assert_eq!(written.headers, [("x-length", "2".to_owned()), ("x-sum", "a=".to_owned())]);
        assert_eq!(written.content_type, Some("application/octet-stream"));
        let text = Part { length: 1, sum: "", data: "a" };
        assert!(encode_payload(&payload, &text).is_err(), "text is no bytes");
        let fewer = Payload { member: "data", headers: &[("length", "x-length")] };
        assert!(encode_payload(&fewer, &part).is_err(), "a member without a place");
        assert!(encode_payload(&payload, &Bytes(vec![1])).is_err());
    }
}
