//! The AWS wire protocols, in both directions, and the proof of who sent a request.
//!
//! A request of any protocol decodes to one small [`Tree`] of values, from which operations deserialise their
//! input ([`from_tree`]): each input type is compiled once, not once a protocol, and an error knows the path of
//! the parameter it is about. Answers go the other way without a tree: a serializer of our own writes them
//! straight into the bytes of the protocol, since an answer with a thousand instances is the hot path.
//!
//! This crate knows no resource, no account and no operation. It does no I/O, has no clock, and never panics on
//! what others send: everything that is read before authentication is bounded by the constants in [`limits`],
//! and takes time in proportion to its size.
//!
//! Of REST-XML there is what S3 answers with; which operation a path names is for the service to say, by a table of
//! [`Route`]s where REST-JSON is spoken. Another protocol (RPC-v2-CBOR) is one more variant of [`Protocol`], one decoder
//! to a [`Tree`] and one serializer.

mod blob;
mod civil;
mod encode_json;
mod encode_query;
mod encode_xml;
mod envelope;
mod field;
mod form;
mod from_tree;
mod json;
pub mod limits;
mod list;
mod protocol;
mod query;
mod read_xml;
mod refusal;
mod rest_json;
pub mod sigv4;
mod time;
mod tree;

pub use blob::Blob;
pub use encode_json::{Record, write_json_string, write_record, write_record_name};
pub use encode_query::{to_query, to_query_as};
pub use envelope::{
    ElementText, EmptyResult, EncodeError, ErrorBody, encode_ec2, encode_json, encode_query, encode_rest_xml,
    error_body,
};
pub use field::{FieldError, FieldProblem, coded_error};
pub use form::Form;
pub use from_tree::{from_tree, from_typed_tree};
pub use json::decode_json;
pub use list::{Flat, ListName, Named};
pub use protocol::{DetectError, Protocol, RequestParts, detect};
pub use query::{decode_query, decode_query_string};
pub use read_xml::{ReadXmlError, read_xml};
pub use refusal::Refusal;
pub use rest_json::{Bytes, Payload, Route, Written, decode_rest_json, encode_payload};
pub use time::{Time, TimeError};
pub use tree::{DecodeError, Number, Request, Tree};
