//! The engine's tests, in one binary. `town` is the value that they share.

#![expect(clippy::unwrap_used, reason = "tests: what fails, fails the test")]

mod crash;
mod engine;
mod faults;
mod feed;
mod logs;
#[path = "../../../../tests/skipped.rs"]
mod skipping;
mod space;
mod tables;
mod town;
