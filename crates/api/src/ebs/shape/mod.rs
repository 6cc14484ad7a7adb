//! What EBS's operations have in common.

mod blocks;
mod page;
mod snapshot;
mod token;

pub(super) use blocks::{Blocks, Change};
pub(super) use page::PageAsked;
pub(super) use snapshot::{demand, readable};
pub(super) use token::{LIFE, Tokens};

/// What is wrong with a request, with the word for it.
pub(super) fn invalid(reason: &'static str, message: impl Into<String>) -> crate::ApiError {
    crate::ApiError::new("ValidationException", message).with_reason(reason)
}
