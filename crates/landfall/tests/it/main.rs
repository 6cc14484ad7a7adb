//! The binary on real networks: machines are namespaces, a control plane and agents are processes that can be killed.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod api;
mod guest;
mod hosts;
mod machine;

#[path = "../../../../tests/skipped.rs"]
mod skipped;
use skipped::skipped;
