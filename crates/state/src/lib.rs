//! The engine under the value: typed tables with declared indexes, transactions, a durable log, the feed.
//!
//! The whole state is one in-memory value of persistent tables, declared with [`value!`]. Transactions run one
//! after another on the head ([`Engine::commit`]); each is durable before anyone sees it or is answered.
//! Readers take immutable snapshots without a lock ([`Engine::read`]), consumers follow every commit
//! ([`Engine::feed`]). This crate knows no resource: what the tables hold, and which rules they obey, is said
//! where the value is declared.

mod appender;
mod change;
mod clock;
mod crash;
mod engine;
mod feed;
pub mod fixtures;
mod head;
pub mod log;
pub mod passphrase;
mod pending;
mod seal;
mod table;
mod value;
mod wrapping;

pub use change::{BeforeAfter, Body, Change, Commit, DecodeError};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "crash-points")]
pub use crash::on_crash_point;
pub use engine::{BulkRefused, Engine, Health, OpenError, Options, Snapshot};
pub use feed::{Feed, FeedError};
pub use head::{Head, Tx};
pub use log::memory::{MemoryLog, MemoryStore};
pub use log::sqlite::{SqliteLog, SqliteOptions};
pub use log::{BulkEntry, BulkRecord, Cursor, Line, Log, LogError, Retention, bulk_key, bulk_key_after};
pub use passphrase::Passphrase;
pub use pending::{Pending, Refused};
pub use seal::{RootKey, SealError, Sealed};
pub use table::{Index, Key, Moment, Row, Rows, Table};
pub use value::{Has, Value};
pub use wrapping::{WrappingError, WrappingKeys};

#[doc(hidden)]
pub use serde_json;
#[doc(hidden)]
pub use value::parse_version;
