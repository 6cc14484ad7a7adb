//! The one small tree of values that every protocol decodes to.

use std::fmt;

use crate::{Protocol, Refusal};

/// A decoded value. In the query protocols all leaves are [`Tree::Text`].
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// JSON's null: reads as if the member had not been sent.
    Null,
    /// A typed boolean.
    Bool(bool),
    /// A typed number.
    Number(Number),
    /// A string, or any leaf of a query protocol.
    Text(String),
    /// A list in the order of its indexes, without holes.
    List(Vec<Tree>),
    /// Members by name. No name comes twice.
    Map(Vec<(Box<str>, Tree)>),
}

/// A JSON number, as exactly as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer that fits `i64`.
    Integer(i64),
    /// A larger one.
    Unsigned(u64),
    /// Anything with a fraction or exponent.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

impl Tree {
    /// An input without any member.
    pub fn empty() -> Self {
        Self::Map(Vec::new())
    }

    /// The member of that name, if this is a map that has it.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Takes the member of that name out, so that what is left can refuse unknown ones.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Map(members) => {
                let at = members.iter().position(|(key, _)| &**key == name)?;
                Some(members.remove(at).1)
            }
            _ => None,
        }
    }

    /// The text of a text leaf.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A request whose operation is known, and what is left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The operation, such as `RunInstances`.
    pub action: String,
    /// The `Version` of a query request; of a JSON request what stands before the operation in its target
    /// (`TrentService`, `DynamoDB_20120810`), which is what tells versions there.
    pub version: Option<String>,
    /// All other parameters: always a [`Tree::Map`].
    pub input: Tree,
}

/// A body that is not a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A query request without `Action`, or a JSON target without an operation.
    #[error("the request names no action")]
    MissingAction,
    /// A percent sign that no two hexadecimal digits follow.
    #[error("a percent-escape is incomplete")]
    BadEscape,
    /// Decoded bytes that are not UTF-8.
    #[error("the request is not valid UTF-8")]
    NotUtf8,
    /// A character that XML can't carry, so that no answer could give it back.
    #[error("the parameter {0} contains a character that is not allowed")]
    BadCharacter(String),
    /// A name with an empty segment, such as `Filter..Name`.
    #[error("the parameter name {0} is malformed")]
    BadName(String),
    /// The same parameter twice.
    #[error("the parameter {0} is given more than once")]
    Duplicate(String),
    /// A parameter that has both a value and members: `A=1&A.B=2`.
    #[error("the parameter {0} is given both as a value and as a structure")]
    Conflict(String),
    /// Nested deeper than [`crate::limits::MAX_DEPTH`].
    #[error("the request is nested too deeply")]
    TooDeep,
    /// A list index over [`crate::limits::MAX_LIST_INDEX`].
    #[error("the list index in {0} is too large")]
    IndexTooLarge(String),
    /// More parameters or values than the limits allow.
    #[error("the request has too many parameters")]
    TooMany,
    /// A name or value longer than the limits allow.
    #[error("a parameter is too long")]
    TooLong,
    /// Not JSON, or not a JSON object.
    #[error("the body is not a JSON object: {0}")]
    BadJson(String),
}

impl DecodeError {
    /// What the client is told.
    pub fn refusal(&self, protocol: Protocol) -> Refusal {
        if protocol.is_json() {
            return match self {
                Self::MissingAction if protocol == Protocol::RestJson => {
                    let message = "There is no operation at this path with this method.";
                    Refusal::new("UnknownOperationException", message).with_status(404)
                }
                Self::MissingAction => Refusal::new("UnknownOperationException", self.to_string()),
                _ if protocol == Protocol::RestJson => Refusal::new("ValidationException", self.to_string()),
                _ => Refusal::new("SerializationException", self.to_string()),
            };
        }
        match self {
            Self::BadCharacter(_) => Refusal::new("InvalidCharacter", self.to_string()),
            Self::MissingAction => Refusal::new("MissingAction", "The request must contain the parameter Action"),
            Self::Duplicate(_) | Self::Conflict(_) => Refusal::new("InvalidParameterCombination", self.to_string()),
            Self::IndexTooLarge(_) | Self::TooMany | Self::TooDeep | Self::TooLong => {
                Refusal::new("InvalidParameterValue", self.to_string())
            }
            _ => Refusal::new("MalformedQueryString", self.to_string()),
        }
    }
}
