//! S3, of which there is one operation: the one by which people's tools ask who they are to it.
//!
//! Landfall keeps no objects yet. The canonical id of an account, which policies of buckets and grants name, is told all
//! the same; anything else is refused by the name of the operation that was meant.

mod list_buckets;
pub(crate) mod route;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[Operation::read::<list_buckets::ListBuckets>()];

/// The name space of its answers.
pub(crate) const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The outermost element of an operation's answer.
pub(crate) fn root(action: &'static str) -> &'static str {
    match action {
        "ListBuckets" => "ListAllMyBucketsResult",
        other => other,
    }
}
