//! Shapes that several operations of KMS share.

pub mod data_key;
pub mod demand;
pub mod grant;
pub mod grant_token;
pub mod import_token;
pub mod key;
pub mod key_pair;
pub mod metadata;
pub mod policy_name;
pub mod signing;
pub mod tag;

use landfall_model::Timestamp;
use landfall_wire::Time;
use serde::Serialize;

/// A time as KMS writes it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// The answer of operations that say nothing.
#[derive(Serialize)]
pub struct Nothing {}

/// The answer of operations that name their key.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyNamed {
    /// The key's ARN.
    pub key_id: landfall_model::Arn,
}
