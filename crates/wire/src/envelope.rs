//! What stands around an answer and around an error, in each protocol.

use serde::Serialize;

use crate::encode_json::{write_json_string, write_value};
use crate::encode_xml::{QUERY_ELEMENT, close, open, write_element, write_members, write_text};
use crate::protocol::Protocol;

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The name space that AWS's front doors give the errors of query services.
const FAULT_NAME_SPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// An answer whose type can't be written in the protocol: a fault of ours, never the client's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The answer, or an answer's part that has no name, is a leaf or a list.
    #[error("an answer must be a structure")]
    NotAStructure,
    /// A value that no AWS protocol has.
    #[error("{0} can't be written in this protocol")]
    Unsupported(&'static str),
    /// What a type's own `Serialize` says.
    #[error("{0}")]
    Custom(String),
}

impl serde::ser::Error for EncodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Writes an answer of EC2's: `<ActionResponse xmlns="…"><requestId>…</requestId>…</ActionResponse>`, with the
/// members of `extra` (a page token) after those of `output`.
///
/// # Errors
/// When `output` isn't a structure of what XML can carry.
pub fn encode_ec2<T: Serialize + ?Sized>(
    action: &str,
    request_id: &str,
    xmlns: &str,
    output: &T,
    extra: &[(&str, &str)],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin_document(action, "Response", xmlns);
    write_element(&mut out, "requestId", request_id);
    write_members(&mut out, "item", output)?;
    write_extra(&mut out, extra);
    end_tag(&mut out, action, "Response");
    Ok(out)
}

/// Writes an answer of the query protocol: the output inside `<ActionResult>`, the request's id behind it.
///
/// # Errors
/// As [`encode_ec2`].
pub fn encode_query<T: Serialize + ?Sized>(
    action: &str,
    request_id: &str,
    xmlns: &str,
    output: &T,
    extra: &[(&str, &str)],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin_document(action, "Response", xmlns);
    let before = out.len();
    begin_tag(&mut out, action, "Result");
    let begun = out.len();
    write_members(&mut out, QUERY_ELEMENT, output)?;
    write_extra(&mut out, extra);
    if out.len() == begun {
        // Operations that say nothing have no result at all.
        out.truncate(before);
    } else {
        end_tag(&mut out, action, "Result");
    }
    open(&mut out, "ResponseMetadata");
    write_element(&mut out, "RequestId", request_id);
    close(&mut out, "ResponseMetadata");
    end_tag(&mut out, action, "Response");
    Ok(out)
}

/// Writes an answer in JSON, with further members of text and flags. The request's id is a header there
/// (`x-amzn-RequestId`).
///
/// # Errors
/// When `output` isn't a structure of what JSON can carry.
pub fn encode_json<T: Serialize + ?Sized>(
    output: &T,
    extra: &[(&str, &str)],
    flags: &[(&str, bool)],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(512);
    write_value(&mut out, output)?;
    if out.first() != Some(&b'{') || out.pop() != Some(b'}') {
        return Err(EncodeError::NotAStructure);
    }
    for (name, value) in extra {
        if out.len() > 1 {
            out.push(b',');
        }
        write_json_string(&mut out, name);
        out.push(b':');
        write_json_string(&mut out, value);
    }
    for (name, value) in flags {
        if out.len() > 1 {
            out.push(b',');
        }
        write_json_string(&mut out, name);
        out.extend_from_slice(if *value { b":true" } else { b":false" });
    }
    out.push(b'}');
    Ok(out)
}

/// Writes an answer of REST-XML: the output inside an element of that name. The request's id is a header there.
///
/// # Errors
/// As [`encode_ec2`].
pub fn encode_rest_xml<T: Serialize + ?Sized>(
    root: &str,
    xmlns: &str,
    output: &T,
    extra: &[(&str, &str)],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin_document(root, "", xmlns);
    write_members(&mut out, "item", output)?;
    write_extra(&mut out, extra);
    end_tag(&mut out, root, "");
    Ok(out)
}

fn begin_tag(out: &mut Vec<u8>, action: &str, suffix: &str) {
    out.push(b'<');
    write_text(out, action);
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'>');
}

fn end_tag(out: &mut Vec<u8>, action: &str, suffix: &str) {
    out.extend_from_slice(b"</");
    write_text(out, action);
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'>');
}

fn begin_document(action: &str, suffix: &str, xmlns: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    out.extend_from_slice(DECLARATION);
    out.push(b'<');
    write_text(&mut out, action);
    out.extend_from_slice(suffix.as_bytes());
    out.extend_from_slice(b" xmlns=\"");
    write_text(&mut out, xmlns);
    out.extend_from_slice(b"\">");
    out
}

fn write_extra(out: &mut Vec<u8>, extra: &[(&str, &str)]) {
    for (name, value) in extra {
        write_element(out, name, value);
    }
}

/// The newtype name under which the serializer of XML recognises an [`EmptyResult`].
pub(crate) const EMPTY: &str = "$wire:empty";

/// The answer of the few operations of query services whose result is there and has no members. Those that have no result
/// at all answer with a structure of none.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResult;

impl Serialize for EmptyResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(EMPTY, &())
    }
}

/// The newtype name under which the serializer of XML recognises an [`ElementText`].
pub(crate) const TEXT: &str = "$wire:text";

/// The answer of the one operation of S3 whose outermost element holds nothing but text.
#[derive(Clone, Copy, Debug, Default)]
pub struct ElementText(pub &'static str);

impl Serialize for ElementText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TEXT, self.0)
    }
}

/// An error as it goes to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorBody {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

/// Writes an error. `sender_fault` tells whether it is the client's (4xx) or ours (5xx). Its further members are those that
/// some services of REST-JSON have beside the code.
pub fn error_body(
    protocol: Protocol,
    code: &str,
    message: &str,
    members: &[(&str, &str)],
    sender_fault: bool,
    request_id: &str,
) -> ErrorBody {
    let mut headers = vec![("x-amzn-requestid", request_id.to_owned())];
    let body = match protocol {
        Protocol::Ec2Query => ec2_error(code, message, request_id),
        Protocol::Query => query_error(code, message, sender_fault, request_id),
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
            headers.push(("x-amzn-errortype", code.chars().filter(char::is_ascii_graphic).collect()));
            json_error(if protocol == Protocol::RestJson { "Message" } else { "message" }, code, message, members)
        }
        Protocol::RestXml => s3_error(code, message, request_id),
    };
    ErrorBody { content_type: protocol.content_type(), body, headers }
}

fn ec2_error(code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(DECLARATION);
    out.extend_from_slice(b"<Response><Errors><Error>");
    write_element(&mut out, "Code", code);
    write_element(&mut out, "Message", message);
    out.extend_from_slice(b"</Error></Errors>");
    write_element(&mut out, "RequestID", request_id);
    out.extend_from_slice(b"</Response>");
    out
}

fn query_error(code: &str, message: &str, sender_fault: bool, request_id: &str) -> Vec<u8> {
    let mut out = begin_document("Error", "Response", FAULT_NAME_SPACE);
    open(&mut out, "Error");
    write_element(&mut out, "Type", if sender_fault { "Sender" } else { "Receiver" });
    write_element(&mut out, "Code", code);
    write_element(&mut out, "Message", message);
    close(&mut out, "Error");
    write_element(&mut out, "RequestId", request_id);
    close(&mut out, "ErrorResponse");
    out
}

/// S3's errors have nothing around them.
fn s3_error(code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(DECLARATION);
    out.extend_from_slice(b"<Error>");
    write_element(&mut out, "Code", code);
    write_element(&mut out, "Message", message);
    write_element(&mut out, "RequestId", request_id);
    out.extend_from_slice(b"</Error>");
    out
}

fn json_error(name: &str, code: &str, message: &str, members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = b"{\"__type\":".to_vec();
    write_json_string(&mut out, code);
    for (name, text) in [(name, message)].iter().chain(members) {
        out.push(b',');
        write_json_string(&mut out, name);
        out.push(b':');
        write_json_string(&mut out, text);
    }
    out.push(b'}');
    out
}
