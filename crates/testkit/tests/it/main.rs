//! The whole system, simulated.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod checks;
mod connections;
mod gateways;
mod plan;
mod torture;
