//! Shapes that several operations of KMS share.

pub mod demand;
pub mod grant_token;
pub mod key;
pub mod metadata;
pub mod tag;

use landfall_model::Timestamp;
use landfall_wire::Time;

/// A time as KMS writes it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}
