//! The whole system, simulated.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod checks;
mod connections;
mod gateways;
mod lifecycle;
mod matrix;
mod plan;
mod presence;
mod relocation;
mod remains;
#[path = "../../../../tests/skipped.rs"]
mod skipped;
mod standing;
mod torture;

use skipped::skipped;
