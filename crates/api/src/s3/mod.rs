//! S3, as much of it as people need to read what is delivered to them, and their tools to ask who they are to it.
//!
//! The provider's configuration maps names of buckets to folders, which trails and flow logs are delivered to. Whoever owns
//! one lists and reads it; nobody writes here. Anything else is refused by the name of the operation that was meant.

pub(crate) mod bucket;
mod folders;
mod get_bucket_location;
mod get_object;
mod list_buckets;
mod list_objects;
pub(crate) mod route;

use landfall_model::AccountId;

pub use folders::{Folders, METADATA};

use crate::operation::Operation;
use crate::outside::Outside;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::read::<get_bucket_location::GetBucketLocation>(),
    Operation::fetch::<get_object::GetObject>(),
    Operation::read::<list_buckets::ListBuckets>(),
    Operation::inquire::<list_objects::ListObjects>(),
];

/// The name space of its answers.
pub(crate) const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The outermost element of an operation's answer.
pub(crate) fn root(action: &'static str) -> &'static str {
    match action {
        "GetBucketLocation" => "LocationConstraint",
        "ListBuckets" => "ListAllMyBucketsResult",
        "ListObjects" => "ListBucketResult",
        other => other,
    }
}

/// An account's canonical id: 64 hexadecimal digits, always the same, from which nobody learns the account's number.
fn canonical_id(outside: &Outside, account: AccountId) -> String {
    let key = outside.vault.derive(&format!("canonical user id of {account}"));
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}
