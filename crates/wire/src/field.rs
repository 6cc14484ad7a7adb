//! What is wrong with one parameter, and AWS's words for it.

use std::fmt;

use crate::{Protocol, Refusal, Tree};

/// The mark around the code in the message of a coded error. No message of ours contains it otherwise.
const CODE_MARK: char = '\u{1}';

/// What the message about a word begins with that isn't one of an enumeration.
const VARIANTS: &str = "Valid values are: ";

/// An error about one parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where, in the protocol's own spelling: `Filter.1.Name`.
    pub path: String,
    /// What.
    pub kind: FieldProblem,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    /// It is required and absent.
    Missing,
    /// The operation has no such parameter.
    Unknown,
    /// Its value can't be read as what it should be.
    Malformed {
        /// The value as it was sent, empty for a structure or list.
        value: String,
        /// Why, for people.
        message: String,
        /// The code that the value's own type gave with [`coded_error`], such as `InvalidVpcID.Malformed`.
        code: Option<String>,
    },
}

/// The message for `serde::de::Error::custom` with which a type passes its own error code through.
///
/// ```
/// # use serde::de::Error;
/// let error = serde::de::value::Error::custom(landfall_wire::coded_error("InvalidVpcID.Malformed", "Invalid id"));
/// ```
pub fn coded_error(code: &str, message: &str) -> String {
    format!("{CODE_MARK}{code}{CODE_MARK}{message}")
}

impl FieldError {
    /// A value that can't be read, at a path that the callers will complete.
    pub(crate) fn malformed(value: impl Into<String>, message: impl Into<String>) -> Self {
        let kind = FieldProblem::Malformed { value: value.into(), message: message.into(), code: None };
        Self { path: String::new(), kind }
    }

    /// The same error seen from the structure or list that holds it under `segment`.
    pub(crate) fn under(mut self, segment: &str) -> Self {
        if self.path.is_empty() {
            self.path.push_str(segment);
        } else {
            self.path.insert(0, '.');
            self.path.insert_str(0, segment);
        }
        self
    }

    /// The same error, with the leaf that it is about where its type refused that without naming it.
    pub(crate) fn of(mut self, leaf: &Tree) -> Self {
        if let FieldProblem::Malformed { value, .. } = &mut self.kind
            && self.path.is_empty()
            && value.is_empty()
        {
            match leaf {
                Tree::Text(text) => text.clone_into(value),
                Tree::Bool(flag) => *value = flag.to_string(),
                Tree::Number(number) => *value = number.to_string(),
                Tree::Null | Tree::List(_) | Tree::Map(_) => {}
            }
        }
        self
    }

    /// What the client is told, in the code and words of its protocol.
    pub fn refusal(&self, protocol: Protocol) -> Refusal {
        match protocol {
            Protocol::Ec2Query | Protocol::RestXml => self.ec2_refusal(),
            Protocol::Query => self.query_refusal(),
            Protocol::Json10 | Protocol::Json11 => self.json_refusal(),
            Protocol::RestJson => self.rest_json_refusal(),
        }
    }

    fn ec2_refusal(&self) -> Refusal {
        let path = &self.path;
        match &self.kind {
            FieldProblem::Missing => {
                Refusal::new("MissingParameter", format!("The request must contain the parameter {path}"))
            }
            FieldProblem::Unknown => {
                Refusal::new("UnknownParameter", format!("The parameter {path} is not recognized"))
            }
            FieldProblem::Malformed { message, code: Some(code), .. } => Refusal::new(code.clone(), message.clone()),
            FieldProblem::Malformed { value, message, code: None } => Refusal::new(
                "InvalidParameterValue",
                format!("Value ({value}) for parameter {path} is invalid. {}", sentence(message)),
            ),
        }
    }

    fn query_refusal(&self) -> Refusal {
        match &self.kind {
            FieldProblem::Missing => Refusal::new("ValidationError", self.null_message()),
            FieldProblem::Unknown | FieldProblem::Malformed { .. } => self.ec2_refusal(),
        }
    }

    fn json_refusal(&self) -> Refusal {
        match &self.kind {
            FieldProblem::Missing => Refusal::new("ValidationException", self.null_message()),
            FieldProblem::Unknown => {
                Refusal::new("ValidationException", format!("The parameter {} is not recognized", self.path))
            }
            FieldProblem::Malformed { message, code: Some(code), .. } => Refusal::new(code.clone(), message.clone()),
            FieldProblem::Malformed { value, message, code: None } if message.starts_with(VARIANTS) => {
                let words = message.strip_prefix(VARIANTS).unwrap_or_default();
                Refusal::new(
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must satisfy enum value set: [{words}]",
                        self.small_path()
                    ),
                )
            }
            FieldProblem::Malformed { message, code: None, .. } => {
                let path = if self.path.is_empty() { "the request" } else { &self.path };
                Refusal::new("SerializationException", format!("{path}: {message}"))
            }
        }
    }

    /// What can't be read stands in a path or a query: it is as invalid as any other value.
    fn rest_json_refusal(&self) -> Refusal {
        match &self.kind {
            FieldProblem::Malformed { message, code: None, .. } => {
                Refusal::new("ValidationException", format!("{}: {}", self.path, sentence(message)))
            }
            _ => self.json_refusal(),
        }
    }

    /// AWS's sentence for a required member that is absent. It writes names with a small first letter there.
    fn null_message(&self) -> String {
        format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
            self.small_path()
        )
    }

    /// The path as AWS's validation writes it.
    fn small_path(&self) -> String {
        let mut path = self.path.clone();
        if let Some(first) = path.get_mut(0..1) {
            first.make_ascii_lowercase();
        }
        path
    }
}

/// A message as a sentence of its own: upper case first, full stop last.
fn sentence(message: &str) -> String {
    let mut text = message.to_owned();
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FieldProblem::Missing => write!(f, "{}: missing", self.path),
            FieldProblem::Unknown => write!(f, "{}: not recognized", self.path),
            FieldProblem::Malformed { value, message, .. } => write!(f, "{}: {value:?}: {message}", self.path),
        }
    }
}

impl std::error::Error for FieldError {}

impl serde::de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        let coded = text.strip_prefix(CODE_MARK).and_then(|rest| rest.split_once(CODE_MARK));
        match coded {
            Some((code, message)) => {
                let kind = FieldProblem::Malformed {
                    value: String::new(),
                    message: message.to_owned(),
                    code: Some(code.to_owned()),
                };
                Self { path: String::new(), kind }
            }
            None => Self::malformed("", text),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: field.to_owned(), kind: FieldProblem::Missing }
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self { path: field.to_owned(), kind: FieldProblem::Unknown }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::malformed(variant, format!("{VARIANTS}{}", expected.join(", ")))
    }
}
