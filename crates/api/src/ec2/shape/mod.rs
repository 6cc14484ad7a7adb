//! Shapes that several operations share: what comes in (tag specifications) and what goes out (tags, states, rows).

pub mod tag;

use landfall_model::Timestamp;
use landfall_wire::Time;

pub use tag::{Tag, TagSpecifications, tag_set};

/// A time as EC2 writes it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// The answer of operations that say only that they did it: `<return>true</return>`.
#[derive(serde::Serialize)]
pub struct Done {
    r#return: bool,
}

impl Done {
    /// That it was done.
    pub const OK: Done = Done { r#return: true };
}
