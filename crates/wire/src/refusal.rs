//! What a client is told when a request is refused before an operation saw it.

use std::borrow::Cow;

/// An error in AWS's terms: its code, its HTTP status and its message, ready for [`crate::error_body`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's code, such as `MissingParameter`: clients match on it.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The sentence for people, in AWS's words where they are known.
    pub message: String,
}

impl Refusal {
    /// A refusal with a status of 400, which most have.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), status: 400, message: message.into() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}
